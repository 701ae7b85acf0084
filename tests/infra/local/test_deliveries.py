"""Topics reach HTTP subscribers of this machine, filtered, in SNS' envelope, with retries."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.local.deliveries import is_loopback_url
from tests.infra.local.functions_under_test import a_cloud, a_machine, kept_failures
from wedsync.cloud import Cloud, Message
from wedsync.cloud.endpoints import is_loopback_name
from wedsync.resources import Resource


class Subscriber(HTTPServer):
    """Answers with the given statuses in turn, then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.bodies: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?x=1"

    def messages(self) -> list[object]:
        return [body["Message"] for body in self.bodies]


class _Handler(BaseHTTPRequestHandler):
    server: Subscriber

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(json.loads(body))
        self.server.headers.append(dict(self.headers.items()))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with Subscriber() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def publish(cloud: Cloud, body: str, topic: Resource = Resource.TIER_0, tier: int = 0) -> None:
    cloud.topic(topic).publish(
        Message(subject="a page", body=body, attributes={"kind": "page", "tier": tier})
    )


def test_a_message_comes_in_the_envelope_of_sns(subscriber: Subscriber) -> None:
    cloud, _ = a_cloud()
    machine = a_machine(cloud)
    publish(cloud, "before the subscription")
    machine.deliveries.subscribe(Resource.TIER_0, subscriber.url, None)
    publish(cloud, "hello")
    machine.run_due()
    (body,) = subscriber.bodies
    assert body["Type"] == "Notification"
    assert body["Message"] == "hello"
    assert body["Subject"] == "a page"
    assert body["Timestamp"] == "2026-06-20T14:00:30.000Z"
    assert body["TopicArn"] == "arn:aws:sns:us-east-1:000000000000:wedsync-pages-tier-0"
    assert body["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "page"},
        "tier": {"Type": "Number", "Value": "0"},
    }
    headers = {name.lower(): value for name, value in subscriber.headers[0].items()}
    assert headers["x-amz-sns-message-type"] == "Notification"


def test_topic_and_policy_select(subscriber: Subscriber) -> None:
    cloud, _ = a_cloud()
    machine = a_machine(cloud)
    policy = {"tier": [{"numeric": [">=", 1]}]}
    machine.deliveries.subscribe(Resource.TIER_1, subscriber.url, policy)
    publish(cloud, "other topic", Resource.TIER_0, tier=1)
    publish(cloud, "other tier", Resource.TIER_1, tier=0)
    publish(cloud, "wanted", Resource.TIER_1, tier=1)
    machine.run_due()
    assert subscriber.messages() == ["wanted"]


def test_a_failing_subscriber_is_tried_three_times_more(subscriber: Subscriber) -> None:
    cloud, _ = a_cloud()
    machine = a_machine(cloud)
    machine.deliveries.subscribe(Resource.TIER_0, subscriber.url, None)
    subscriber.statuses = [500, 429]
    publish(cloud, "first")
    machine.advance(0)
    publish(cloud, "second")
    machine.advance(0)
    assert subscriber.messages() == ["first", "second"]
    subscriber.statuses = []
    machine.advance(20)
    assert subscriber.messages() == ["first", "second", "first", "second"]
    subscriber.statuses = [503] * 9
    publish(cloud, "third")
    machine.advance(3600)
    assert subscriber.messages().count("third") == 4
    assert [failure["reason"] for failure in kept_failures(cloud)] == ["answered 503"]
    assert machine.next_due() is None


def test_a_refusal_is_final(subscriber: Subscriber) -> None:
    cloud, _ = a_cloud()
    machine = a_machine(cloud)
    machine.deliveries.subscribe(Resource.TIER_0, subscriber.url, None)
    subscriber.statuses = [404]
    publish(cloud, "first")
    machine.advance(3600)
    assert subscriber.messages() == ["first"]
    assert [failure["reason"] for failure in kept_failures(cloud)] == ["answered 404"]


def test_a_restart_goes_on_where_deliveries_stopped(subscriber: Subscriber, tmp_path: Path) -> None:
    cloud, _ = a_cloud(tmp_path / "db")
    machine = a_machine(cloud)
    machine.deliveries.subscribe(Resource.TIER_0, subscriber.url, {"kind": ["page"]})
    subscriber.statuses = [500]
    publish(cloud, "again")
    machine.run_due()
    publish(cloud, "new")
    cloud.close()
    later, _ = a_cloud(tmp_path / "db")
    a_machine(later).advance(20)
    assert subscriber.messages() == ["again", "new", "again"]
    later.close()


def test_subscribing_again_changes_the_policy_and_nothing_else(subscriber: Subscriber) -> None:
    cloud, _ = a_cloud()
    machine = a_machine(cloud)
    first = machine.deliveries.subscribe(Resource.TIER_0, subscriber.url, {"kind": ["notice"]})
    again = machine.deliveries.subscribe(Resource.TIER_0, subscriber.url, None)
    assert first.subscription_id == again.subscription_id
    publish(cloud, "hello")
    machine.run_due()
    assert subscriber.messages() == ["hello"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104 - refused
        ("10.0.0.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, *, expected: bool) -> None:
    assert is_loopback_name(host) is expected


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "ftp://127.0.0.1",
        "http://169.254.169.254/",
        "http:",
        "http://[::1",
        "",
    ],
)
def test_a_subscriber_elsewhere_is_refused(url: str) -> None:
    assert not is_loopback_url(url)
    cloud, _ = a_cloud()
    with pytest.raises(ValueError, match="this machine"):
        a_machine(cloud).deliveries.subscribe(Resource.TIER_0, url, None)

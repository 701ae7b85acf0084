"""What every implementation of the other resources keeps to, local and AWS alike."""

import pytest

from infra.local.engine import LocalCloud
from wedsync.aws.cloud import AwsCloud
from wedsync.cloud import Cloud, Delayed, Message, Record, Subscriber
from wedsync.resources import Resource


def a_message(subject: str = "s", body: str = "b", **attributes: str | int) -> Message:
    return Message(subject=subject, body=body, attributes=attributes)


def test_a_bucket_keeps_objects_by_name(cloud: Cloud) -> None:
    bucket = cloud.bucket(Resource.QUARANTINE)
    assert bucket.get("2026/06/13/é") is None
    bucket.put("2026/06/13/é", b"\x00\xff")
    bucket.put("empty", b"")
    assert bucket.get("2026/06/13/é") == b"\x00\xff"
    assert bucket.get("empty") == b""
    bucket.put("empty", b"no more")
    assert bucket.get("empty") == b"no more"
    with pytest.raises(ValueError, match="name"):
        bucket.put("", b"")
    with pytest.raises(ValueError, match="name"):
        bucket.get("x" * 1025)


def test_a_secret_stays_the_same(cloud: Cloud) -> None:
    value = cloud.secret(Resource.SIGNING).value()
    assert len(value) > 0
    assert cloud.secret(Resource.SIGNING).value() == value


def test_a_stream_takes_500_records_and_names_those_that_it_did_not_take(cloud: Cloud) -> None:
    stream = cloud.stream(Resource.METRICS_STREAM)
    assert list(stream.put([])) == []
    assert list(stream.put([Record(f"k{n}", b"") for n in range(500)])) == []


@pytest.mark.parametrize(
    "records",
    [
        [Record("k", b"")] * 501,
        [Record("", b"")],
        [Record("k" * 257, b"")],
        [Record("k", bytes(1024 * 1024))],
        [Record("k", bytes(600 * 1024))] * 9,
    ],
    ids=["too many", "no key", "long key", "long record", "long batch"],
)
def test_a_stream_refuses_what_kinesis_refuses(cloud: Cloud, records: list[Record]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        cloud.stream(Resource.METRICS_STREAM).put(records)


@pytest.mark.parametrize(
    "message",
    [
        a_message(subject=""),
        a_message(subject="two\nlines"),
        a_message(subject="x" * 100),
        a_message(body=""),
        a_message(body="é" * 128 * 1025),
        a_message(kind=""),
        a_message(**{"a b": "c"}),
        a_message(**{"AWS.kind": "c"}),
        a_message(**{"a..b": "c"}),
    ],
)
def test_a_topic_refuses_what_sns_refuses(cloud: Cloud, message: Message) -> None:
    with pytest.raises(ValueError, match=r"subject|body|attribute|bytes"):
        cloud.topic(Resource.TIER_0).publish(message)


def test_a_topic_takes_an_address_once_and_for_one_purpose(cloud: Cloud) -> None:
    topic = cloud.topic(Resource.TIER_0)
    mia = Subscriber(protocol="email", address="mia@example.com", only={"address": ("a1",)})
    topic.subscribe(mia)
    topic.subscribe(mia)
    topic.subscribe(Subscriber(protocol="sms", address="+34600123456", only={"address": ("a2",)}))


@pytest.mark.parametrize(
    ("protocol", "address", "only"),
    [
        ("email", "mia", {"a": ("1",)}),
        ("email", "mia@example", {"a": ("1",)}),
        ("email", "mia@example.com\nbcc: x@example.com", {"a": ("1",)}),
        ("email", "<mia@example.com>", {"a": ("1",)}),
        ("email", "x" * 250 + "@example.com", {"a": ("1",)}),
        ("sms", "600123456", {"a": ("1",)}),
        ("sms", "+0600123456", {"a": ("1",)}),
        ("sms", "+34 600 123 456", {"a": ("1",)}),
        ("https", "https://example.com", {"a": ("1",)}),
        ("email", "mia@example.com", {}),
        ("email", "mia@example.com", {"a": ()}),
    ],
)
def test_a_topic_refuses_what_is_no_address(
    cloud: Cloud, protocol: str, address: str, only: dict[str, tuple[str, ...]]
) -> None:
    with pytest.raises(ValueError, match=r"address|wants"):
        cloud.topic(Resource.TIER_0).subscribe(
            Subscriber(protocol=protocol, address=address, only=only)
        )


@pytest.mark.parametrize(
    "message", [Delayed("x", -1), Delayed("x", 901), Delayed("", 0), Delayed("é" * 128 * 1025, 0)]
)
def test_a_queue_refuses_what_sqs_refuses(cloud: Cloud, message: Delayed) -> None:
    with pytest.raises(ValueError, match=r"delay|bytes"):
        cloud.queue(Resource.WAKE).send(message)


def test_a_resource_opens_as_what_it_is(cloud: Cloud) -> None:
    for opened in (cloud.stream, cloud.topic, cloud.queue, cloud.bucket, cloud.secret):
        with pytest.raises(ValueError, match="ALERTS is a table"):
            opened(Resource.ALERTS)
    with pytest.raises(ValueError, match="WAKE is a queue"):
        cloud.table(Resource.WAKE)


def test_both_are_the_seam_to_a_type_checker(local: LocalCloud, aws: AwsCloud) -> None:
    both: tuple[Cloud, Cloud] = (local, aws)
    assert len(both) == 2


def test_the_clock_and_the_ids_are_those_that_were_given(cloud: Cloud) -> None:
    assert cloud.clock.now().tzinfo is not None
    assert cloud.ids.new_id("wed").startswith("wed_")

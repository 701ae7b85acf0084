"""Under a manual clock nothing runs between clock calls, and all of it runs in them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.local.processes import Server, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("data"), "manual") as running:
        yield running


def advance(server: Server, seconds: float) -> dict[str, object]:
    return server.document("POST", "/_local/clock", {"advanceSeconds": seconds})


def test_a_story_runs_at_its_exact_times(server: Server) -> None:
    server.kinesis().put_record(StreamName="wedsync-metrics", Data=b"page-1", PartitionKey="w")
    assert not server.has_seen("page-1")
    assert server.document("GET", "/_local/clock") == {
        "now": "2026-06-20T14:00:30Z",
        "mode": "manual",
        "ran": {},
    }
    assert advance(server, 0) == {
        "now": "2026-06-20T14:00:30Z",
        "mode": "manual",
        "ran": {"streams-consumer": 1},
    }
    assert server.has_seen("page-1")
    page = {
        "seq": 1,
        "at": "2026-06-20T14:00:30.000Z",
        "topic": "pages-tier-0",
        "attributes": {"tier": 0},
        "subject": "a page",
        "message": "page-1",
    }
    assert server.document("GET", "/_local/notifications") == {"items": [page], "next": 1}
    assert server.document("GET", "/_local/notifications?since=1") == {"items": [], "next": 1}
    assert advance(server, 299)["ran"] == {"schedules-tick": 5}
    assert not server.has_seen("woken-page-1")
    assert advance(server, 1)["ran"] == {"streams-wake": 1}
    assert server.document("GET", "/_local/clock") == {
        "now": "2026-06-20T14:05:30Z",
        "mode": "manual",
        "ran": {"streams-consumer": 1, "schedules-tick": 5, "streams-wake": 1},
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "/advanceSeconds"),
        (b"no", ""),
        (b"[]", ""),
        (b"{}", "/advanceSeconds"),
        (b'{"advanceSeconds": "1"}', "/advanceSeconds"),
        (b'{"advanceSeconds": true}', "/advanceSeconds"),
        (b'{"advanceSeconds": null}', "/advanceSeconds"),
        (b'{"advanceSeconds": -1}', "/advanceSeconds"),
        (b'{"advanceSeconds": 1e12}', "/advanceSeconds"),
        (b'{"advanceSeconds": 1e999}', "/advanceSeconds"),
        (b'{"advanceSeconds": NaN}', "/advanceSeconds"),
        (b'{"advanceSecond": 1}', "/advanceSecond"),
    ],
)
def test_a_step_that_cannot_be_taken_is_refused(server: Server, body: bytes, pointer: str) -> None:
    status, headers, answer = server.ask("POST", "/_local/clock", body)
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert [each["pointer"] for each in json.loads(answer)["errors"]] == [pointer]


def test_subscribers_are_kept(server: Server) -> None:
    wanted = {"topic": "TIER_0", "url": "http://127.0.0.1:9/", "filterPolicy": {"tier": [0]}}
    status, _, _ = server.ask("POST", "/_local/subscriptions", wanted)
    assert status == 201
    kept = {**wanted, "topic": "pages-tier-0", "subscriptionId": 1}
    assert server.document("GET", "/_local/subscriptions") == {"items": [kept]}


def test_a_restart_goes_on_at_the_instant_that_was_reached(tmp_path: Path) -> None:
    with served(tmp_path, "manual") as server:
        advance(server, 3600)
        tokens = server.line["tokens"]
        server.kill()
    with served(tmp_path, "manual") as server:
        assert server.document("GET", "/_local/clock")["now"] == "2026-06-20T15:00:30Z"
        assert server.line["tokens"] == tokens

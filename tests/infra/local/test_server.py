"""One process serves the gateway, Kinesis and its own routes, by a clock that runs."""

import contextlib
import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from botocore.exceptions import ClientError

from tests.infra.local.processes import Server, eventually, served

STREAM = "wedsync-metrics"
TOKEN = {"authorization": "Bearer t"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("data")) as running:
        yield running


def refused(server: Server, **call: object) -> tuple[str, int]:
    action = str(call.pop("action"))
    with pytest.raises(ClientError) as refusal:
        getattr(server.kinesis(), action)(**call)
    response = refusal.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_record_reaches_its_consumer_within_50_ms(server: Server) -> None:
    kinesis = server.kinesis()
    took = []
    for number in range(5):
        name = f"quick-{number}"
        kinesis.put_record(StreamName=STREAM, Data=name.encode(), PartitionKey="w")
        took.append(eventually(partial(server.has_seen, name)))
    assert min(took) < 0.05


def test_answers_on_a_kept_connection_wait_for_no_acknowledgement(server: Server) -> None:
    took = []
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    with contextlib.closing(connection):
        for _ in range(10):
            began = time.perf_counter()
            connection.request("GET", "/_local/clock")
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
    assert sorted(took)[5] < 0.03


def test_an_ordinary_kinesis_client_puts_records(server: Server) -> None:
    kinesis = server.kinesis()
    one = kinesis.put_record(StreamName=STREAM, Data=b"one", PartitionKey="w1")
    assert one["ShardId"].startswith("shardId-")
    many = kinesis.put_records(
        StreamARN=f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}",
        Records=[
            {"Data": b"two", "PartitionKey": "w1"},
            {"Data": b"three", "PartitionKey": "w1", "ExplicitHashKey": "0"},
        ],
    )
    assert many["FailedRecordCount"] == 0
    assert many["Records"][0]["SequenceNumber"] > one["SequenceNumber"]
    assert many["Records"][1]["ShardId"] == "shardId-000000000000"
    eventually(lambda: all(server.has_seen(name) for name in ("one", "two", "three")))


def test_the_stream_describes_itself(server: Server) -> None:
    kinesis = server.kinesis()
    summary = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    assert (summary["StreamStatus"], summary["OpenShardCount"]) == ("ACTIVE", 1)
    shards = kinesis.list_shards(StreamName=STREAM)["Shards"]
    assert shards[0]["HashKeyRange"]["StartingHashKey"] == "0"
    assert shards[-1]["HashKeyRange"]["EndingHashKey"] == str(2**128 - 1)
    described = kinesis.describe_stream(StreamName=STREAM)["StreamDescription"]
    assert len(described["Shards"]) == 1
    assert kinesis.list_streams()["StreamNames"] == [STREAM]


def test_shards_are_split_and_merged_by_an_ordinary_client(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with served(tmp_path_factory.mktemp("resharded")) as running:
        kinesis = running.kinesis()
        first = "shardId-000000000000"
        kinesis.split_shard(StreamName=STREAM, ShardToSplit=first, NewStartingHashKey=str(2**127))
        parent, lower, upper = kinesis.list_shards(StreamName=STREAM)["Shards"]
        assert "EndingSequenceNumber" in parent["SequenceNumberRange"]
        assert (lower["ParentShardId"], upper["ParentShardId"]) == (first, first)
        kinesis.merge_shards(
            StreamName=STREAM,
            ShardToMerge=lower["ShardId"],
            AdjacentShardToMerge=upper["ShardId"],
        )
        merged = kinesis.list_shards(StreamName=STREAM)["Shards"][-1]
        assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (
            lower["ShardId"],
            upper["ShardId"],
        )
        summary = kinesis.describe_stream_summary(StreamName=STREAM)
        assert summary["StreamDescriptionSummary"]["OpenShardCount"] == 1
        kinesis.put_record(StreamName=STREAM, Data=b"resharded", PartitionKey="w1")
        eventually(lambda: running.has_seen("resharded"))


RECORD = {"Data": b"x", "PartitionKey": "w"}


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ({"action": "put_record", "StreamName": "other", **RECORD}, "ResourceNotFoundException"),
        ({"action": "describe_stream", "StreamName": "no"}, "ResourceNotFoundException"),
        ({"action": "list_shards"}, "InvalidArgumentException"),
        (
            {
                "action": "put_record",
                "StreamName": STREAM,
                "Data": b"x" * 2**20,
                "PartitionKey": "w",
            },
            "ValidationException",
        ),
        (
            {"action": "put_record", "StreamName": STREAM, "Data": b"x", "PartitionKey": "w" * 257},
            "ValidationException",
        ),
        (
            {
                "action": "put_record",
                "StreamName": STREAM,
                **RECORD,
                "ExplicitHashKey": str(2**128),
            },
            "InvalidArgumentException",
        ),
        (
            {"action": "put_records", "StreamName": STREAM, "Records": [RECORD] * 501},
            "ValidationException",
        ),
        (
            {
                "action": "put_records",
                "StreamName": STREAM,
                "Records": [{"Data": b"x" * 1_000_000, "PartitionKey": "w"}] * 6,
            },
            "InvalidArgumentException",
        ),
        ({"action": "delete_stream", "StreamName": STREAM}, "UnknownOperationException"),
        (
            {
                "action": "split_shard",
                "StreamName": STREAM,
                "ShardToSplit": "shardId-000000000000",
                "NewStartingHashKey": "0",
            },
            "InvalidArgumentException",
        ),
        (
            {
                "action": "merge_shards",
                "StreamName": STREAM,
                "ShardToMerge": "shardId-000000000000",
                "AdjacentShardToMerge": "shardId-000000000009",
            },
            "InvalidArgumentException",
        ),
    ],
)
def test_kinesis_refuses_in_its_own_words(
    server: Server, call: dict[str, object], kind: str
) -> None:
    assert refused(server, **call) == (kind, 400)


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"Records": [1]}', b'{"Data": "%"}'])
def test_what_is_no_kinesis_call_is_refused(server: Server, body: bytes) -> None:
    target = {"x-amz-target": "Kinesis_20131202.PutRecords"}
    status, _, answer = server.ask("POST", "/", body, target)
    assert status == 400
    assert json.loads(answer)["__type"].endswith("Exception")


def test_http_puts_reach_the_consumer(server: Server) -> None:
    status, headers, _ = server.ask("POST", "/api/records", b"h1 h2", TOKEN)
    assert (status, headers["content-type"]) == (202, "application/json")
    eventually(lambda: server.has_seen("h1") and server.has_seen("h2"))
    assert server.ask("POST", "/api/records", b"h1 h2")[0] == 401


def test_answers_are_compressed_when_asked(server: Server) -> None:
    _, headers, body = server.ask("GET", "/api/seen/x", headers={"accept-encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(body))["seen"] is False


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("POST", "/api/records", b"x" * (10 * 2**20 + 1), 413),
        ("GET", "/_local/nothing", b"", 404),
        ("PUT", "/_local/clock", b"", 405),
        ("POST", "/_local/clock", b'{"advanceSeconds": 1}', 409),
        ("GET", "/_local/notifications?since=-1", b"", 400),
        ("POST", "/_local/subscriptions", b'{"topic": "x", "url": "http://localhost/"}', 400),
        (
            "POST",
            "/_local/subscriptions",
            b'{"topic": "pages-tier-0", "url": "http://example.com/"}',
            400,
        ),
        ("POST", "/_local/subscriptions", b'{"topic": "pages-tier-0"}', 400),
    ],
)
def test_every_refusal_is_a_problem(
    server: Server, method: str, target: str, body: bytes, status: int
) -> None:
    answered, headers, answer = server.ask(method, target, body, TOKEN)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(answer)["requestId"] == headers["x-request-id"]
    assert headers.get("allow") == ("GET, POST" if status == 405 else None)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "example.com"},
        {"host": "127.0.0.1.example.com:80"},
        {"host": ""},
        {"origin": "https://example.com"},
        {"origin": "null"},
    ],
)
def test_own_routes_answer_under_a_name_of_this_machine_only(
    server: Server, headers: dict[str, str]
) -> None:
    assert server.ask("GET", "/_local/clock", headers=headers)[0] == 403


def test_a_running_clock_says_so(server: Server) -> None:
    clock = server.document("GET", "/_local/clock")
    assert clock["mode"] == "real"
    assert str(clock["now"]).endswith("Z")
    assert isinstance(clock["ran"], dict)


def test_what_is_no_http_is_told_so_as_a_problem(server: Server) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(b"NO SUCH THING\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400


def test_the_ready_line_names_all_that_a_client_needs(server: Server) -> None:
    line = server.line
    tokens = cast("dict[str, str]", line["tokens"])
    assert set(tokens) == {"admin", "operator", "viewer", "vendor", "device"}
    assert (line["stream"], line["tenantId"], line["kinesisEndpoint"]) == (
        STREAM,
        "demo",
        line["url"],
    )
    device = cast("dict[str, str]", line["device"])
    assert len(device["signingSecret"]) == 64
    assert tokens["device"].startswith(f"wsk_{device['keyId']}_")


def test_a_signal_ends_it_in_order_and_stdout_holds_one_line(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.ask("POST", "/api/records", b"last", TOKEN)
        assert server.end() == (0, b"")
        print(f"ready after {server.ready_after_seconds:.1f} s")  # noqa: T201 - a figure to see
        assert (tmp_path / "wedsync.sqlite").stat().st_mode & 0o077 == 0
        assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0

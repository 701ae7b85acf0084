"""The history's stores: each keeps the greatest version of a point, and none loses one in silence.

What moto does not check of Timestream, a strict stand-in does: it refuses what the service
refuses. InfluxDB's stand-in is a server that reads line protocol as the service does.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.cloud.conftest import SATURDAY
from tests.cloud.fake_aws import timestream
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.aws.faults import Caller
from wedsync.aws.influx import InfluxSeries
from wedsync.aws.time_series import TimestreamSeries
from wedsync.cloud import Cloud, Measured, Refusal, Span, TimeSeries
from wedsync.errors import OutcomeUnknown, Throttled
from wedsync.resources import Resource

NOW_MS = round(SATURDAY.timestamp() * 1000)
DIMENSIONS = {"tenant": "demo", "metric": "photo.upload", "dims": '{"outcome": "it\'s, \\\\ = é"}'}

Json: TypeAlias = dict[str, Any]
Named: TypeAlias = tuple[int, tuple[tuple[str, str], ...]]
"""A point's time in ms and its dimensions, in order."""


def a_point(
    *, version: int = 1, at_ms: int = NOW_MS, count: int = 3, **dimensions: str
) -> Measured:
    return Measured(
        dimensions={**DIMENSIONS, **dimensions},
        at_ms=at_ms,
        version=version,
        numbers={"count": count, "sum": 2.5},
    )


def everything(**dimensions: str) -> Span:
    named = {"tenant": "demo", **dimensions}
    return Span(dimensions=named, start_ms=NOW_MS - 10**6, end_ms=NOW_MS + 10**6)


class StrictTimestream:
    """Both clients of Timestream, as the documentation has them refuse and answer."""

    def __init__(self, *, memory_hours: int = 24, magnetic: bool = True) -> None:
        self.records: dict[Named, tuple[int, dict[str, tuple[str, str]]]] = {}
        self.calls: list[tuple[Json, list[Json]]] = []
        self._oldest_ms = 0 if magnetic else NOW_MS - memory_hours * 3_600_000

    def write_records(
        self,
        *,
        DatabaseName: str,  # noqa: N803 - as boto3 names them
        TableName: str,  # noqa: N803
        CommonAttributes: Json,  # noqa: N803
        Records: list[Json],  # noqa: N803
    ) -> Json:
        assert (DatabaseName, TableName) == ("base", "points")
        common = CommonAttributes
        self.calls.append((common, Records))
        if not 1 <= len(Records) <= 100:
            raise refused("ValidationException")
        rejected = []
        for index, record in enumerate(Records):
            dimensions = [*common["Dimensions"], *record.get("Dimensions", [])]
            names = [each["Name"] for each in dimensions]
            assert len(set(names)) == len(names)
            assert all(each["Value"] for each in dimensions)
            assert (common["MeasureValueType"], common["TimeUnit"]) == ("MULTI", "MILLISECONDS")
            named = sorted((each["Name"], each["Value"]) for each in dimensions)
            key = (int(record["Time"]), tuple(named))
            values = {
                each["Name"]: (each["Type"], each["Value"]) for each in record["MeasureValues"]
            }
            standing = self.records.get(key)
            if key[0] < self._oldest_ms:
                reason = "The record timestamp is outside the time range of the memory store."
                rejected.append({"RecordIndex": index, "Reason": reason})
            elif standing is not None and record["Version"] <= standing[0]:
                rejected.append(
                    {
                        "RecordIndex": index,
                        "Reason": "A higher version exists.",
                        "ExistingVersion": standing[0],
                    }
                )
            else:
                self.records[key] = (record["Version"], values)
        if rejected:
            raise ClientError(
                {
                    "Error": {"Code": "RejectedRecordsException", "Message": "some"},
                    "ResponseMetadata": cast("Any", {"HTTPStatusCode": 419}),
                    "RejectedRecords": rejected,
                },  # type: ignore[typeddict-unknown-key] # as botocore parses it
                "WriteRecords",
            )
        return {}

    def query(self, *, QueryString: str, NextToken: str | None = None) -> dict[str, object]:  # noqa: N803
        wanted = dict(re.findall(r'"(\w+)" = \'((?:[^\']|\'\')*)\'', QueryString))
        first, end = map(int, re.findall(r"from_milliseconds\((\d+)\)", QueryString))
        found = []
        for (time, dimensions), (_, values) in sorted(self.records.items()):
            held = dict(dimensions)
            same = all(held.get(name) == v.replace("''", "'") for name, v in wanted.items())
            if same and first <= time < end:
                found.append((time, held, values))
        at = int(NextToken or 0)
        more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        if not found:
            return {"ColumnInfo": [], "Rows": []}
        ms, held, values = found[at]  # one row a page, so that pages are turned
        kinds = {
            **dict.fromkeys((*held, "measure_name"), "VARCHAR"),
            "time": "TIMESTAMP",
            **{name: kind for name, (kind, _) in values.items()},
            "lost": "DOUBLE",
        }
        columns = [{"Name": name, "Type": {"ScalarType": kind}} for name, kind in kinds.items()]
        second, rest = divmod(ms, 1000)
        text = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}.{rest:03d}000000"
        told = [*held.values(), "rollup", text, *(value for _, value in values.values())]
        data: list[Json] = [*({"ScalarValue": value} for value in told), {"NullValue": True}]
        return {"ColumnInfo": columns, "Rows": [{"Data": data}], **more}


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": cast("Any", {"HTTPStatusCode": status}),
        },
        "WriteRecords",
    )


class FailingTimestream:
    """Both clients, while the service fails in one way."""

    def __init__(self, code: str, status: int) -> None:
        self._error = refused(code, status)

    def write_records(self, **_: object) -> Json:
        raise self._error

    def query(self, **_: object) -> Json:
        raise self._error


def on(service: object) -> TimestreamSeries:
    caller = Caller(SeededIds(1), sleep=lambda _: None)
    return TimestreamSeries(
        cast("Any", service), cast("Any", service), name="base/points", caller=caller
    )


class Token:
    def value(self) -> bytes:
        return b"a-planted-token\n"


class FakeInflux(BaseHTTPRequestHandler):
    """The two routes of InfluxDB 3 that are used."""

    points: dict[Named, Json]
    answers: list[int]

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["authorization"] == "Bearer a-planted-token"
        if self.answers:
            self._answer(self.answers.pop(0), {"error": "as it was told"})
            return
        url = urlsplit(self.path)
        if url.path == "/api/v3/write_lp":
            query = parse_qs(url.query)
            assert query["db"] == ["wedsync"]
            assert query["precision"] == ["millisecond"]
            self._write(body.decode().splitlines())
        else:
            self._query(json.loads(body))

    def _write(self, lines: list[str]) -> None:
        wrong = []
        for number, line in enumerate(lines, start=1):
            match = re.fullmatch(r"(\w+),([^ ]+) ([^ ]+) (\d+)", line)
            assert match is not None, line
            tags = dict(each.split("=") for each in match[2].split(","))
            fields = {
                name: int(value[:-1]) if value.endswith("i") else float(value)
                for name, value in (each.split("=") for each in match[3].split(","))
            }
            if fields["count"] == 13:
                wrong.append(
                    {"line_number": number, "original_line": line, "error_message": "unlucky"}
                )
                continue
            assert match[1] == "rollup"
            key = (int(match[4]), tuple(sorted(tags.items())))
            self.points[key] = {**tags, **fields}
        if wrong:
            self._answer(400, {"error": "partial write of line protocol occurred", "data": wrong})
        else:
            self._answer(204, None)

    def _query(self, question: Json) -> None:
        assert question["format"] == "json"
        bounds = re.findall(r"time >=? ?'([^']+)'|time < '([^']+)'", question["q"])
        first, end = (datetime.fromisoformat(a or b).timestamp() * 1000 for a, b in bounds)
        rows = []
        wanted = question["params"]
        for (ms, _), held in sorted(self.points.items(), key=lambda each: each[0]):
            if first <= ms < end and all(held.get(name) == v for name, v in wanted.items()):
                at = datetime.fromtimestamp(ms / 1000, UTC)
                rows.append({**held, "time": f"{at:%Y-%m-%dT%H:%M:%S.%f}000", "lost": None})
        self._answer(200, rows)

    def _answer(self, status: int, document: object) -> None:
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def influx() -> Iterator[tuple[InfluxSeries, type[FakeInflux]]]:
    handler = type("Handler", (FakeInflux,), {"points": {}, "answers": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/wedsync"
            yield InfluxSeries(url, token=Token()), handler
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(params=["local", "timestream", "influx"])
def store(request: pytest.FixtureRequest) -> Iterator[TimeSeries]:
    match request.param:
        case "local":
            with LocalCloud(None, clock=ManualClock(SATURDAY), ids=SeededIds(1)) as cloud:
                yield cloud.time_series(Resource.HISTORY)
        case "timestream":
            yield on(StrictTimestream())
        case _:
            with influx() as (series, _):
                yield series


def test_what_is_written_is_read_by_dimensions_and_time(store: TimeSeries) -> None:
    points = [a_point(at_ms=NOW_MS + n, scope=f"wedding#{n % 2}", count=n + 1) for n in range(5)]
    assert list(store.write(points)) == []
    assert store.read(everything()) == tuple(points)
    assert store.read(everything(scope="wedding#1")) == (points[1], points[3])
    assert store.read(everything(dims=DIMENSIONS["dims"])) == tuple(points)
    assert store.read(everything(dims="' OR '1'='1")) == ()
    named = {"tenant": "demo"}
    assert store.read(Span(dimensions=named, start_ms=NOW_MS + 1, end_ms=NOW_MS + 3)) == (
        points[1],
        points[2],
    )
    assert list(store.write([])) == []


def test_a_greater_version_replaces_a_point_and_the_same_again_changes_nothing(
    store: TimeSeries,
) -> None:
    for point in (a_point(version=2, count=2), a_point(version=2, count=2), a_point(version=3)):
        assert list(store.write([point])) == []
    assert store.read(everything()) == (a_point(version=3),)


@pytest.mark.parametrize(
    "points",
    [
        [a_point(at_ms=NOW_MS + n) for n in range(101)],
        [a_point(), a_point(version=2)],
        [a_point(version=0)],
        [a_point(version=2**63)],
        [a_point(metric="")],
        [a_point(metric="x" * 2049)],
        [a_point(time="now")],
        [Measured(dimensions={}, at_ms=0, version=1, numbers={"count": 1})],
        [Measured(dimensions={"a b": "c"}, at_ms=0, version=1, numbers={"count": 1})],
        [Measured(dimensions={"a": "c"}, at_ms=0, version=1, numbers={})],
        [Measured(dimensions={"a": "c"}, at_ms=0, version=1, numbers={"sum": float("nan")})],
    ],
    ids=[
        "101 points",
        "a point twice",
        "no version",
        "too great a version",
        "an empty dimension",
        "a long dimension",
        "a dimension called time",
        "no dimension",
        "a name with a space",
        "no number",
        "not a number",
    ],
)
def test_what_no_store_could_take_is_refused_before_it_is_sent(
    store: TimeSeries, points: list[Measured]
) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        store.write(points)
    assert store.read(everything()) == ()


@pytest.mark.parametrize("start", [NOW_MS, NOW_MS + 1])
def test_an_empty_span_cannot_be_asked_for(store: TimeSeries, start: int) -> None:
    with pytest.raises(ValueError, match="ends after its start"):
        store.read(Span(dimensions={"tenant": "demo"}, start_ms=start, end_ms=NOW_MS))


@pytest.mark.parametrize("kind", ["local", "timestream"])
def test_an_older_version_never_replaces_a_newer_one(kind: str) -> None:
    """InfluxDB cannot promise it."""
    with LocalCloud(None, clock=ManualClock(SATURDAY), ids=SeededIds(1)) as cloud:
        local = kind == "local"
        store = cloud.time_series(Resource.HISTORY) if local else on(StrictTimestream())
        store.write([a_point(version=5, count=5)])
        assert list(store.write([a_point(version=4, count=4)])) == []
        assert store.read(everything()) == (a_point(version=5, count=5),)


def test_timestream_names_what_it_will_never_take_and_has_the_rest() -> None:
    store = on(StrictTimestream(magnetic=False))
    old = a_point(at_ms=NOW_MS - 25 * 3_600_000)
    store.write([a_point(at_ms=NOW_MS + 1, version=9)])
    points = [a_point(), old, a_point(at_ms=NOW_MS + 1, version=8), a_point(at_ms=NOW_MS + 2)]
    (refusal,) = store.write(points)
    assert refusal.index == 1
    assert "memory store" in refusal.reason
    assert [each.at_ms for each in store.read(everything())] == [NOW_MS, NOW_MS + 1, NOW_MS + 2]


def test_timestream_is_sent_shared_dimensions_once() -> None:
    service = StrictTimestream()
    on(service).write([a_point(scope=scope) for scope in ("a", "b")])
    ((common, records),) = service.calls
    assert {each["Name"] for each in common["Dimensions"]} == set(DIMENSIONS)
    assert [each["Dimensions"] for each in records] == [
        [{"Name": "scope", "Value": scope}] for scope in ("a", "b")
    ]


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("ThrottlingException", 429, Throttled),
        ("InternalServerException", 500, OutcomeUnknown),
        ("ValidationException", 400, ValueError),
        ("AccessDeniedException", 400, ClientError),
    ],
)
def test_a_failing_timestream_is_told_apart_from_a_refusing_one(
    code: str, status: int, raised: type[Exception]
) -> None:
    store = on(FailingTimestream(code, status))
    with pytest.raises(raised):
        store.write([a_point()])
    with pytest.raises(raised):
        store.read(everything())


def test_a_timestream_that_cannot_be_reached_takes_nothing() -> None:
    clients = Clients(region="eu-west-1", endpoint_url="http://127.0.0.1:9")
    names = {Resource.HISTORY: "base/points"}
    cloud = AwsCloud(names, clients=clients, clock=ManualClock(SATURDAY), ids=SeededIds(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        with pytest.raises(Throttled):
            cloud.time_series(Resource.HISTORY).write([a_point()])


def test_moto_takes_what_is_written(aws: Cloud) -> None:
    series = aws.time_series(Resource.HISTORY)
    assert list(series.write([a_point(), a_point(at_ms=NOW_MS + 1, scope="x")])) == []
    table = timestream().describe_table(DatabaseName="test-history", TableName="points")
    assert table["Table"]["TableStatus"] == "ACTIVE"


def test_influxdb_names_the_lines_that_it_cannot_read() -> None:
    with influx() as (store, _):
        points = [a_point(at_ms=NOW_MS + n, count=12 + n) for n in range(3)]
        assert list(store.write(points)) == [Refusal(1, "unlucky")]
        assert [each.at_ms for each in store.read(everything())] == [NOW_MS, NOW_MS + 2]


@pytest.mark.parametrize(
    ("status", "raised"),
    [(401, Throttled), (404, Throttled), (429, Throttled), (503, Throttled), (500, OutcomeUnknown)],
)
def test_a_failing_influxdb_keeps_nothing_quiet(status: int, raised: type[Exception]) -> None:
    with influx() as (store, handler):
        handler.answers[:] = [status, status]
        with pytest.raises(raised):
            store.write([a_point()])
        with pytest.raises(raised):
            store.read(everything())
        handler.answers[:] = [400, 400]
        assert list(store.write([a_point()])) == [Refusal(0, "as it was told")]
        with pytest.raises(ValueError, match="refused a query"):
            store.read(everything())


def test_an_influxdb_that_cannot_be_reached_takes_nothing() -> None:
    store = InfluxSeries("http://127.0.0.1:9/wedsync", token=Token())
    with pytest.raises(Throttled):
        store.write([a_point()])


def test_a_url_leads_to_influxdb_and_a_name_to_timestream() -> None:
    clients = Clients(region="eu-west-1")
    for name, kind in (("https://x:8181/wedsync", InfluxSeries), ("a/b", TimestreamSeries)):
        names = {Resource.HISTORY: name, Resource.HISTORY_TOKEN: "token"}
        cloud = AwsCloud(names, clients=clients, clock=ManualClock(SATURDAY), ids=SeededIds(1))
        assert isinstance(cloud.time_series(Resource.HISTORY), kind)

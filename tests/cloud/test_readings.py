"""The bundle's own readings, against moto and a stand-in as strict as CloudWatch is documented."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.local.clock import ManualClock, SeededIds
from infra.registry import registry
from tests.builders import utc
from tests.cloud.fake_aws import READINGS_NAME, REGION, cloudwatch
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.aws.faults import ATTEMPTS, Caller
from wedsync.aws.measures import BY_THEMSELVES
from wedsync.aws.readings import QUERIES_A_CALL, CloudWatchReadings
from wedsync.cloud import Reading
from wedsync.errors import Throttled
from wedsync.metrics.catalog import BY_NAME
from wedsync.metrics.point import Kind
from wedsync.resources import Resource, ResourceKind
from wedsync.runtime.declarations import AuthorizerTrigger, HttpTrigger
from wedsync.runtime.log import NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NOON = utc("2026-06-20T12:00")
MINUTE = int(NOON.timestamp()) // 60
LATENCY = {"p50": 20.0, "p90": 60.0, "p95": 80.0, "p99": 200.0, "Maximum": 900.0}
Dimensions = tuple[tuple[str, str], ...]
Series = tuple[str, str, Dimensions, str]


def series(namespace: str, metric: str, stat: str, **dimensions: str) -> Series:
    return namespace, metric, tuple(sorted(dimensions.items())), stat


@dataclass
class StrictCloudWatch:
    """Answers in pages of a few datapoints, and refuses what the documentation says is refused.

    ``broken`` are statistics that end with another status than Complete; ``failures`` are raised,
    each once, by the next calls.
    """

    values: dict[Series, dict[int, float]] = field(default_factory=dict)
    page_size: int = 1000
    broken: dict[Series, str] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    asked: set[Series] = field(default_factory=set)
    listings: int = 0

    def put(self, known: Series, minute: int, value: float) -> None:
        self.values.setdefault(known, {})[minute] = value

    def get_metric_data(
        self,
        *,
        MetricDataQueries: Sequence[Mapping[str, object]],  # noqa: N803 - boto3's names
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        ScanBy: str,  # noqa: N803
        NextToken: str | None = None,  # noqa: N803
    ) -> dict[str, object]:
        if self.failures:
            raise self.failures.pop(0)
        assert 1 <= len(MetricDataQueries) <= QUERIES_A_CALL
        assert StartTime < EndTime
        assert StartTime.tzinfo is UTC
        assert ScanBy == "TimestampAscending"
        ids = [cast("str", query["Id"]) for query in MetricDataQueries]
        assert len(set(ids)) == len(ids)
        assert all(name[0].islower() for name in ids)
        if NextToken is None:
            self.queries.append(len(ids))
        found = []
        for query in MetricDataQueries:
            asked = _asked(query)
            self.asked.add(asked)
            first, end = int(StartTime.timestamp()) // 60, int(EndTime.timestamp()) // 60
            for minute, value in sorted(self.values.get(asked, {}).items()):
                if first <= minute < end:
                    found.append((cast("str", query["Id"]), minute, value))
        begin = int(NextToken or 0)
        page = found[begin : begin + self.page_size]
        rest = {name for name, _, _ in found[begin + self.page_size :]}
        results = [
            {
                "Id": name,
                "Label": name,
                "Timestamps": [
                    datetime.fromtimestamp(minute * 60, UTC) for of, minute, _ in page if of == name
                ],
                "Values": [value for of, _, value in page if of == name],
                "StatusCode": "PartialData"
                if name in rest
                else self.broken.get(_asked(query), "Complete"),
            }
            for name, query in zip(ids, MetricDataQueries, strict=True)
        ]
        answer: dict[str, object] = {"MetricDataResults": results}
        if rest:
            answer["NextToken"] = str(begin + self.page_size)
        return answer

    def list_metrics(
        self,
        *,
        Namespace: str,  # noqa: N803
        MetricName: str,  # noqa: N803
        Dimensions: Sequence[Mapping[str, str]],  # noqa: N803
        RecentlyActive: str,  # noqa: N803
        NextToken: str | None = None,  # noqa: N803
    ) -> dict[str, object]:
        assert RecentlyActive == "PT3H"
        self.listings += NextToken is None
        wanted = {(each["Name"], each["Value"]) for each in Dimensions}
        found = sorted(
            {
                dimensions
                for namespace, metric, dimensions, _ in self.values
                if (namespace, metric) == (Namespace, MetricName) and wanted <= set(dimensions)
            }
        )
        at = int(NextToken or 0)
        metrics = [
            {
                "Namespace": Namespace,
                "MetricName": MetricName,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
            }
            for dimensions in found[at : at + 1]
        ]
        more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"Metrics": metrics, **more}


def _asked(query: Mapping[str, object]) -> Series:
    stat = cast("Mapping[str, object]", query["MetricStat"])
    assert stat["Period"] == 60
    metric = cast("Mapping[str, object]", stat["Metric"])
    dimensions = cast("Sequence[Mapping[str, str]]", metric["Dimensions"])
    at = {each["Name"]: each["Value"] for each in dimensions}
    return series(str(metric["Namespace"]), str(metric["MetricName"]), str(stat["Stat"]), **at)


def opened(
    strict: StrictCloudWatch,
    resource: Resource = Resource.VITALS,
    *,
    name: str = READINGS_NAME,
    clock: ManualClock | None = None,
) -> CloudWatchReadings:
    return CloudWatchReadings(
        cast("CloudWatchClient", strict),
        resource,
        name=name,
        clock=clock or ManualClock(NOON),
        caller=Caller(SeededIds(1), sleep=lambda _: None),
    )


def put_requests(
    strict: StrictCloudWatch, minute: int, total: int, *, refused: int = 0, failed: int = 0
) -> None:
    at = {
        "ApiId": "api-1",
        "Stage": "$default",
        "Method": "GET",
        "Resource": "/api/weddings/{wedding_id}",
    }
    for metric, value in (("Count", total), ("4xx", refused), ("5xx", failed)):
        strict.put(series("AWS/ApiGateway", metric, "Sum", **at), minute, float(value))
    for stat, ms in LATENCY.items():
        strict.put(series("AWS/ApiGateway", "Latency", stat, **at), minute, ms)


def put_runs(strict: StrictCloudWatch, name: str, minute: int, runs: int, errors: int) -> None:
    for metric, value in (("Invocations", runs), ("Errors", errors)):
        strict.put(series("AWS/Lambda", metric, "Sum", FunctionName=name), minute, float(value))


def told(readings: Sequence[Reading], name: str, **dims: str) -> list[Reading]:
    return [each for each in readings if each.name == name and dims.items() <= each.dims.items()]


def count(readings: Sequence[Reading]) -> int:
    return sum(many for each in readings for _, many in each.values)


def test_requests_are_told_by_route_and_by_the_class_of_their_status() -> None:
    strict = StrictCloudWatch()
    put_requests(strict, MINUTE, 1000, refused=100, failed=30)
    readout = opened(strict).read(MINUTE - 5, MINUTE)
    assert readout.missing == ()
    requests = told(readout.readings, "api.request", service="wedsync")
    assert {each.dims["route"] for each in requests} == {"GET /api/weddings/{wedding_id}"}
    assert {each.dims["status"]: count([each]) for each in requests} == {
        "200": 870,
        "400": 100,
        "500": 30,
    }
    assert {each.at_ms for each in requests} == {MINUTE * 60_000}


@pytest.mark.parametrize("total", [1, 2, 3, 19, 20, 21, 99, 100, 1000, 12_345])
def test_times_are_those_of_the_percentiles_and_never_too_short(total: int) -> None:
    strict = StrictCloudWatch()
    put_requests(strict, MINUTE, total, refused=total // 7, failed=total // 5)
    requests = told(opened(strict).read(MINUTE, MINUTE).readings, "api.request")
    times = sorted(ms for each in requests for ms, many in each.values for _ in range(many))
    assert len(times) == total
    for percent, stat in ((50, "p50"), (90, "p90"), (95, "p95"), (99, "p99"), (100, "Maximum")):
        rank = math.ceil(total * percent / 100)
        assert times[rank - 1] == LATENCY[stat if rank < total else "Maximum"]


def test_a_minute_whose_times_are_not_there_yet_is_told_when_they_are() -> None:
    strict = StrictCloudWatch()
    put_requests(strict, MINUTE, 10)
    p99 = next(each for each in strict.values if each[3] == "p99")
    later = strict.values.pop(p99)
    readings = opened(strict)
    assert count(told(readings.read(MINUTE, MINUTE).readings, "api.request")) == 0
    strict.values[p99] = later
    assert count(told(readings.read(MINUTE, MINUTE).readings, "api.request")) == 10


def test_without_figures_by_route_those_of_the_api_are_told() -> None:
    strict = StrictCloudWatch()
    put_requests(strict, MINUTE, 7)
    for metric, value in (("Count", 9.0), ("4xx", 0.0), ("5xx", 0.0)):
        strict.put(series("AWS/ApiGateway", metric, "Sum", ApiId="api-1"), MINUTE, value)
    for stat, ms in LATENCY.items():
        strict.put(series("AWS/ApiGateway", "Latency", stat, ApiId="api-1"), MINUTE, ms)
    of_api = opened(strict, name="test/api-1/api").read(MINUTE, MINUTE).readings
    of_routes = opened(strict).read(MINUTE, MINUTE).readings
    assert count(told(of_api, "api.request")) == 9
    assert not [each for each in told(of_api, "api.request") if "route" in each.dims]
    assert count(told(of_routes, "api.request")) == 7


def test_other_installations_and_versions_of_functions_are_left_out() -> None:
    strict = StrictCloudWatch()
    for name in ("test-schedules-minute", "other-schedules-minute", "test-alerts-read"):
        put_runs(strict, name, MINUTE, 5, 2)
    versioned = {"FunctionName": "test-schedules-minute", "Resource": "test-schedules-minute:2"}
    strict.put(series("AWS/Lambda", "Invocations", "Sum", **versioned), MINUTE, 5.0)
    readings = opened(strict).read(MINUTE, MINUTE).readings
    assert {each.dims["component"] for each in told(readings, "health.check")} == {
        "schedules-minute"
    }
    usage = opened(strict, Resource.USAGE)
    usage.read(MINUTE, MINUTE)
    assert {
        dict(at)["FunctionName"] for space, _, at, _ in strict.asked if space == "AWS/Lambda"
    } == {
        "test-schedules-minute",
        "test-alerts-read",
    }


@pytest.mark.parametrize(("errors", "points"), [(0, []), (1, [1]), (2, [1, 1]), (9, [1, 8])])
def test_failed_runs_are_failed_checks_of_which_two_stand_for_themselves(
    errors: int, points: list[int]
) -> None:
    strict = StrictCloudWatch()
    put_runs(strict, "test-streams-metrics", MINUTE, 10, errors)
    readings = opened(strict).read(MINUTE, MINUTE).readings
    (failed,) = told(readings, "health.check", outcome="failed")
    (well,) = told(readings, "health.check", outcome="ok")
    assert [many for _, many in failed.values if many] == points
    assert count([well]) == 10 - errors
    # The check can first be made in the third minute after, and is told at its end.
    assert failed.at_ms == (MINUTE + 4) * 60_000 - 1000


def test_functions_that_nobody_calls_are_told_from_the_others_by_their_folders() -> None:
    for function in registry():
        declaration = function.declaration
        asked = isinstance(declaration.trigger, HttpTrigger | AuthorizerTrigger)
        assert declaration.name.startswith(BY_THEMSELVES) != asked, declaration.name


def test_a_stream_that_is_behind_and_a_queue_where_nothing_should_lie_are_not_well() -> None:
    strict = StrictCloudWatch()
    age = series(
        "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "Maximum", StreamName="test-metrics"
    )
    strict.put(age, MINUTE, 1500.0)
    strict.put(age, MINUTE + 1, 90_000.0)
    for queue, waiting in (("wake", 12.0), ("wake-dead", 0.0), ("missed", 1.0)):
        at = {"QueueName": f"test-{queue}"}
        metric = "ApproximateNumberOfMessagesVisible"
        strict.put(series("AWS/SQS", metric, "Maximum", **at), MINUTE, waiting)
        metric = "ApproximateAgeOfOldestMessage"
        strict.put(series("AWS/SQS", metric, "Maximum", **at), MINUTE, 3.0)
    readings = opened(strict).read(MINUTE, MINUTE + 1).readings
    lag = {each.minute: each.values for each in told(readings, "stream.lag", stream="metrics")}
    assert lag == {MINUTE: ((1500.0, 1),), MINUTE + 1: ((90_000.0, 1),)}
    by_queue = {each.dims["queue"]: each.values[0][0] for each in told(readings, "queue.waiting")}
    assert by_queue == {"wake": 12, "wake-dead": 0, "missed": 1}
    assert {each.values[0][0] for each in told(readings, "queue.lag")} == {3000.0}
    failing = {
        (each.dims["component"], each.minute): count([each])
        for each in told(readings, "health.check", outcome="failed")
        if count([each])
    }
    assert failing == {("metrics-stream", MINUTE + 1): 2, ("missed", MINUTE): 2}


def test_what_was_used_and_held_back_is_told_where_it_is_more_than_nothing() -> None:
    strict = StrictCloudWatch()
    put_runs(strict, "test-alerts-read", MINUTE, 40, 1)
    at = {"FunctionName": "test-alerts-read"}
    strict.put(series("AWS/Lambda", "Throttles", "Sum", **at), MINUTE, 3.0)
    strict.put(series("AWS/Lambda", "ConcurrentExecutions", "Maximum", **at), MINUTE, 4.0)
    for stat, ms in LATENCY.items():
        strict.put(series("AWS/Lambda", "Duration", stat, **at), MINUTE, ms)
    table = {"TableName": "test-alerts"}
    for metric, value in (
        ("ConsumedReadCapacityUnits", 120.5),
        ("ConsumedWriteCapacityUnits", 0.0),
        ("WriteThrottleEvents", 2.0),
    ):
        strict.put(series("AWS/DynamoDB", metric, "Sum", **table), MINUTE, value)
    stream = {"StreamName": "test-metrics"}
    metric = "WriteProvisionedThroughputExceeded"
    strict.put(series("AWS/Kinesis", metric, "Sum", **stream), MINUTE, 5.0)
    readings = opened(strict, Resource.USAGE).read(MINUTE, MINUTE).readings
    assert {each.dims["outcome"]: count([each]) for each in told(readings, "function.run")} == {
        "failed": 1,
        "ok": 39,
    }
    others = {
        (each.name, *sorted(each.dims.values())): each.values[0][0]
        for each in readings
        if each.name != "function.run"
    }
    assert others == {
        ("function.throttled", "alerts-read"): 3.0,
        ("function.concurrency", "alerts-read"): 4.0,
        ("table.units", "alerts", "read"): 120.5,
        ("table.throttled", "alerts", "write"): 2.0,
        ("stream.throttled", "metrics", "write"): 5.0,
    }


@pytest.mark.parametrize("resource", [Resource.VITALS, Resource.USAGE], ids=str)
def test_everything_is_told_by_names_of_the_catalogue(resource: Resource) -> None:
    strict = StrictCloudWatch()
    put_requests(strict, MINUTE, 10)
    put_runs(strict, "test-schedules-minute", MINUTE, 5, 1)
    asking = opened(strict, resource)
    asking.read(MINUTE, MINUTE)
    for each in strict.asked:
        strict.put(each, MINUTE, 7.0)
    readings = asking.read(MINUTE, MINUTE).readings
    assert readings
    for reading in readings:
        known = BY_NAME[reading.name]
        assert known.kind is reading.kind
        assert reading.dims.keys() <= {*known.dims}
        if reading.kind is Kind.GAUGE:
            assert len(reading.values) == 1


@pytest.mark.parametrize("resource", [Resource.VITALS, Resource.USAGE], ids=str)
def test_what_functions_log_as_metrics_is_not_collected_again(resource: Resource) -> None:
    strict = StrictCloudWatch()
    put_runs(strict, "test-streams-metrics", MINUTE, 5, 1)
    opened(strict, resource).read(MINUTE, MINUTE)
    spaces = {namespace for namespace, _, _, _ in strict.asked}
    assert NAMESPACE not in spaces
    assert all(each.startswith("AWS/") for each in spaces)


def test_pages_are_one_answer() -> None:
    whole, paged = StrictCloudWatch(), StrictCloudWatch(page_size=3)
    for strict in (whole, paged):
        for minute in range(MINUTE - 4, MINUTE + 1):
            put_requests(strict, minute, 10, failed=1)
            put_runs(strict, "test-streams-metrics", minute, 5, 1)
    read = opened(paged).read(MINUTE - 4, MINUTE)
    assert read == opened(whole).read(MINUTE - 4, MINUTE)
    assert read.missing == ()
    assert len({each.minute for each in read.readings}) == 5


def test_five_hundred_figures_are_asked_for_at_once() -> None:
    strict = StrictCloudWatch()
    for number in range(150):
        put_runs(strict, f"test-alerts-{number:03}", MINUTE, 5, 1)
    opened(strict, Resource.USAGE).read(MINUTE, MINUTE)
    *full, rest = strict.queries
    assert set(full) == {QUERIES_A_CALL}
    tables = sum(each.kind is ResourceKind.TABLE for each in Resource)
    assert sum(full) + rest == 150 * 9 + tables * 4 + 2


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_a_subject_of_which_a_figure_is_missing_is_not_told_at_all(status: str) -> None:
    strict = StrictCloudWatch()
    put_requests(strict, MINUTE, 10, failed=5)
    put_runs(strict, "test-streams-metrics", MINUTE, 5, 1)
    failed = next(each for each in strict.values if each[1] == "5xx")
    strict.broken[failed] = status
    readings = opened(strict)
    readout = readings.read(MINUTE, MINUTE)
    assert readout.missing == ("requests of GET /api/weddings/{wedding_id}",)
    assert {each.name for each in readout.readings} == {"health.check"}
    strict.broken.clear()
    readout = readings.read(MINUTE, MINUTE)
    assert count(told(readout.readings, "api.request", status="500")) == 5
    assert readout.missing == ()


def test_a_throttled_call_is_tried_again_and_then_tells_so() -> None:
    refusal = ClientError({"Error": {"Code": "Throttling"}}, "GetMetricData")
    strict = StrictCloudWatch(failures=[refusal])
    put_runs(strict, "test-streams-metrics", MINUTE, 5, 1)
    assert opened(strict).read(MINUTE, MINUTE).readings
    strict.failures = [refusal] * ATTEMPTS
    with pytest.raises(Throttled):
        opened(strict).read(MINUTE, MINUTE)


def test_what_is_listed_is_remembered_for_some_minutes() -> None:
    strict, clock = StrictCloudWatch(), ManualClock(NOON)
    readings = opened(strict, Resource.USAGE, clock=clock)
    for minutes, listings in ((0, 1), (4, 1), (5, 2), (9, 2)):
        clock.set(NOON + timedelta(minutes=minutes))
        readings.read(MINUTE, MINUTE)
        assert strict.listings == listings


def test_on_moto_the_same_figures_are_read() -> None:
    with mock_aws():
        for name, metric, value in (
            ("test-schedules-minute", "Invocations", 3.0),
            ("test-schedules-minute", "Errors", 2.0),
            ("elsewhere-schedules-minute", "Invocations", 3.0),
        ):
            cloudwatch().put_metric_data(
                Namespace="AWS/Lambda",
                MetricData=[
                    {
                        "MetricName": metric,
                        "Dimensions": [{"Name": "FunctionName", "Value": name}],
                        "Timestamp": NOON,
                        "Value": value,
                    }
                ],
            )
        cloud = AwsCloud({Resource.VITALS: READINGS_NAME}, clients=Clients(region=REGION))
        readout = cloud.readings(Resource.VITALS).read(MINUTE - 5, MINUTE + 5)
    assert readout.missing == ()
    checks = told(readout.readings, "health.check", component="schedules-minute")
    assert {(each.dims["outcome"], each.minute): count([each]) for each in checks} == {
        ("failed", MINUTE): 2,
        ("ok", MINUTE): 1,
    }
    assert len(readout.readings) == 2

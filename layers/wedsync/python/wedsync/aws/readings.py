"""The bundle's own readings, from CloudWatch.

The minute's figures of streams, tables and queues are asked for by their names, those of functions
and routes by what CloudWatch lists: it lists what has had a datapoint in the last three hours, so
that what is idle is neither asked for nor paid for. What is new may be listed 15 minutes late.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from wedsync.aws.faults import Caller
from wedsync.aws.measures import (
    API,
    BY_THEMSELVES,
    FUNCTIONS,
    Query,
    Subject,
    health_of_function,
    requests,
    usage_of_resources,
    use_of_function,
    vitals_of_resources,
)
from wedsync.cloud import Clock, Reading, Readout
from wedsync.resources import Resource

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        DimensionFilterTypeDef,
        GetMetricDataOutputTypeDef,
        ListMetricsOutputTypeDef,
        MetricDataQueryTypeDef,
    )

QUERIES_A_CALL = 500
LISTED_FOR = timedelta(minutes=5)
"""So long what CloudWatch lists is remembered."""
_PERIOD_SECONDS = 60
_COMPLETE = "Complete"
_FIRST_PAGE = ""


class CloudWatchReadings:
    """A ``wedsync.cloud.Readings`` of one installation."""

    def __init__(
        self,
        client: "CloudWatchClient",
        resource: Resource,
        *,
        name: str,
        clock: Clock,
        caller: Caller,
    ) -> None:
        """``name`` is ``prefix/apiId/routes``, or ``prefix/apiId/api`` without figures by route."""
        self._client = client
        self._vital = resource is Resource.VITALS
        self._prefix, self._api_id, detail = name.split("/")
        self._by_route = detail == "routes"
        self._clock = clock
        self._call = caller
        self._listed: tuple[datetime, tuple[Subject, ...]] | None = None

    def read(self, first: int, last: int) -> Readout:
        """As few calls as there are five hundred figures; what a call says in several pages is one.

        A subject of which any figure could not be had is told of another time, as a whole.
        """
        subjects = self._subjects()
        queries = [
            (number, name, query)
            for number, subject in enumerate(subjects)
            for name, query in subject.queries.items()
        ]
        figures: dict[tuple[int, int], dict[str, float]] = {}
        missing: set[int] = set()
        for at in range(0, len(queries), QUERIES_A_CALL):
            asked = queries[at : at + QUERIES_A_CALL]
            values, complete = self._ask([query for _, _, query in asked], first, last)
            for place, (number, name, _) in enumerate(asked):
                if place not in complete:
                    missing.add(number)
                for minute, value in values.get(place, {}).items():
                    figures.setdefault((number, minute), {})[name] = value
        readings: list[Reading] = []
        for (number, minute), found in sorted(figures.items(), key=lambda each: each[0]):
            if number not in missing and first <= minute <= last:
                readings += subjects[number].told(found, minute)
        return Readout(tuple(readings), tuple(subjects[number].name for number in sorted(missing)))

    def _ask(
        self, queries: Sequence[Query], first: int, last: int
    ) -> tuple[dict[int, dict[int, float]], set[int]]:
        """The figures of each query by minute, and the queries that were answered to the end.

        What a page says of a query is the beginning of what the next one says.
        """
        asked = [_query(place, query) for place, query in enumerate(queries)]
        values: dict[int, dict[int, float]] = {}
        status: dict[int, str] = {}
        token: str | None = _FIRST_PAGE
        while token is not None:
            answer = self._call(partial(self._page, asked, first, last, token), repeatable=True)
            for result in answer["MetricDataResults"]:
                place = int(result["Id"].removeprefix("q"))
                status[place] = result.get("StatusCode", _COMPLETE)
                known = values.setdefault(place, {})
                for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                    known[int(at.timestamp()) // _PERIOD_SECONDS] = value
            token = answer.get("NextToken") or None
        return values, {place for place, said in status.items() if said == _COMPLETE}

    def _page(
        self, asked: "Sequence[MetricDataQueryTypeDef]", first: int, last: int, token: str
    ) -> "GetMetricDataOutputTypeDef":
        begin, end = _instant(first), _instant(last + 1)
        if token == _FIRST_PAGE:
            return self._client.get_metric_data(
                MetricDataQueries=asked,
                StartTime=begin,
                EndTime=end,
                ScanBy="TimestampAscending",
            )
        return self._client.get_metric_data(
            MetricDataQueries=asked,
            StartTime=begin,
            EndTime=end,
            ScanBy="TimestampAscending",
            NextToken=token,
        )

    def _subjects(self) -> tuple[Subject, ...]:
        now = self._clock.now()
        if self._listed is None or not self._listed[0] <= now < self._listed[0] + LISTED_FOR:
            found = self._vitals() if self._vital else self._usage()
            self._listed = now, tuple(found)
        return self._listed[1]

    def _vitals(self) -> Iterator[Subject]:
        yield from vitals_of_resources(self._prefix)
        starts = tuple(f"{self._prefix}-{each}" for each in BY_THEMSELVES)
        for name in self._functions(lambda name: name.startswith(starts)):
            yield health_of_function(self._prefix, name)
        if not self._by_route:
            yield requests(self._api_id)
            return
        at = {"ApiId": self._api_id, "Stage": "$default"}
        for each in self._list(API, "Count", at):
            if {"Method", "Resource"} <= each.keys():
                yield requests(self._api_id, method=each["Method"], resource=each["Resource"])

    def _usage(self) -> Iterator[Subject]:
        yield from usage_of_resources(self._prefix)
        for name in self._functions(lambda name: name.startswith(f"{self._prefix}-")):
            yield use_of_function(self._prefix, name)

    def _functions(self, wanted: Callable[[str], bool]) -> list[str]:
        """Functions by their names; a version or alias of one has more dimensions than that."""
        listed = self._list(FUNCTIONS, "Invocations", {})
        return sorted(
            each["FunctionName"]
            for each in listed
            if each.keys() == {"FunctionName"} and wanted(each["FunctionName"])
        )

    def _list(self, namespace: str, metric: str, at: Mapping[str, str]) -> list[dict[str, str]]:
        """The dimensions under which a metric has had datapoints of late."""
        filters: list[DimensionFilterTypeDef] = [
            {"Name": name, "Value": value} for name, value in at.items()
        ]
        found: list[dict[str, str]] = []
        token: str | None = _FIRST_PAGE
        while token is not None:
            answer = self._call(
                partial(self._listing, namespace, metric, filters, token), repeatable=True
            )
            found += [
                {each["Name"]: each["Value"] for each in metric_found.get("Dimensions", ())}
                for metric_found in answer["Metrics"]
            ]
            token = answer.get("NextToken") or None
        return found

    def _listing(
        self,
        namespace: str,
        metric: str,
        filters: "Sequence[DimensionFilterTypeDef]",
        token: str,
    ) -> "ListMetricsOutputTypeDef":
        if token == _FIRST_PAGE:
            return self._client.list_metrics(
                Namespace=namespace,
                MetricName=metric,
                Dimensions=filters,
                RecentlyActive="PT3H",
            )
        return self._client.list_metrics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=filters,
            RecentlyActive="PT3H",
            NextToken=token,
        )


def _query(place: int, query: Query) -> "MetricDataQueryTypeDef":
    return {
        "Id": f"q{place}",
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
            },
            "Period": _PERIOD_SECONDS,
            "Stat": query.stat,
        },
    }


def _instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * _PERIOD_SECONDS, UTC)

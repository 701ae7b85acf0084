"""What CloudWatch knows of the bundle's parts, and what that is called in the bundle's own terms.

Names, dimensions and statistics are those of the services' documentation (HTTP APIs of API
Gateway, Lambda, Kinesis Data Streams, DynamoDB, SQS). Every subject asks for a few figures of the
same minute, and tells what they amount to; nothing here asks anybody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wedsync.cloud import Reading
from wedsync.cloud.own import checks, counter, gauge, request, runs, standing
from wedsync.resources import Resource, ResourceKind

Figures: TypeAlias = Mapping[str, float]
Dimensions: TypeAlias = tuple[tuple[str, str], ...]

FUNCTIONS = "AWS/Lambda"
API = "AWS/ApiGateway"
_STREAMS = "AWS/Kinesis"
_TABLES = "AWS/DynamoDB"
_QUEUES = "AWS/SQS"

_RANKS = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "Maximum": 100}
"""Five statistics of one metric, in percent; CloudWatch charges up to five as one metric."""
BY_THEMSELVES = ("schedules-", "streams-")
"""Functions that nobody calls, by the folder in which they stand: nobody is told if one fails.

What fails of a function behind the API is a request with a status of 500.
"""
GIVEN_UP = "missed"
"""The queue of runs that were given up."""
LAG_MS = 60_000
"""From here on the consumer of a stream is behind: it is when requests begin to be refused."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statistic of one metric of CloudWatch, by the minute."""

    namespace: str
    metric: str
    dimensions: Dimensions
    stat: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One part of the bundle: what to ask of it, and what a minute's figures tell.

    ``told`` is given the figures that are there, by the names in ``queries``, and says nothing
    while those that it cannot do without are not there yet.
    """

    name: str
    queries: Mapping[str, Query]
    told: Callable[[Figures, int], Iterable[Reading]]


def requests(api_id: str, *, method: str | None = None, resource: str | None = None) -> Subject:
    """An API's requests, or those of one of its routes."""
    if method is None or resource is None:
        route, at = None, {"ApiId": api_id}
    else:
        route = resource if resource.startswith("$") else f"{method} {resource}"
        at = {"ApiId": api_id, "Stage": "$default", "Method": method, "Resource": resource}
    dimensions = tuple(at.items())

    def told(figures: Figures, minute: int) -> Iterable[Reading]:
        times = _bins(figures, figures.get("Count", 0))
        for status, metric in ((500, "5xx"), (400, "4xx")):
            part, times = _split(times, round(figures.get(metric, 0)))
            yield request(route, status, minute, part)
        yield request(route, 200, minute, times)

    return Subject(
        name=f"requests of {route or 'the API'}",
        queries={
            **{metric: Query(API, metric, dimensions, "Sum") for metric in ("Count", "4xx", "5xx")},
            **{stat: Query(API, "Latency", dimensions, stat) for stat in _RANKS},
        },
        told=told,
    )


def health_of_function(prefix: str, function: str) -> Subject:
    """Whether a function's runs failed."""
    component = function.removeprefix(f"{prefix}-")

    def told(figures: Figures, minute: int) -> Iterable[Reading]:
        if {"Invocations", "Errors"} <= figures.keys():
            failed = round(figures["Errors"])
            well = max(0, round(figures["Invocations"]) - failed)
            yield from checks(component, minute, well=well, failed=failed)

    return Subject(
        name=f"health of {component}",
        queries=_sums(FUNCTIONS, {"FunctionName": function}, "Invocations", "Errors"),
        told=told,
    )


def use_of_function(prefix: str, function: str) -> Subject:
    """How often and how long a function ran, how many of it at once, and what was held back."""
    name = function.removeprefix(f"{prefix}-")
    dimensions = (("FunctionName", function),)

    def told(figures: Figures, minute: int) -> Iterable[Reading]:
        if "Errors" in figures:
            times = _bins(figures, figures.get("Invocations", 0))
            part, times = _split(times, round(figures["Errors"]))
            yield runs(name, failed=True, minute=minute, times=part)
            yield runs(name, failed=False, minute=minute, times=times)
        if figures.get("Throttles"):
            yield counter("function.throttled", minute, figures["Throttles"], function=name)
        if "ConcurrentExecutions" in figures:
            at_once = figures["ConcurrentExecutions"]
            yield gauge("function.concurrency", minute, at_once, function=name)

    return Subject(
        name=f"use of {name}",
        queries={
            **_sums(FUNCTIONS, dict(dimensions), "Invocations", "Errors", "Throttles"),
            **{stat: Query(FUNCTIONS, "Duration", dimensions, stat) for stat in _RANKS},
            "ConcurrentExecutions": Query(FUNCTIONS, "ConcurrentExecutions", dimensions, "Maximum"),
        },
        told=told,
    )


def health_of_stream(prefix: str, stream: Resource) -> Subject:
    """How long what a stream holds has waited when it is read."""
    age = "GetRecords.IteratorAgeMilliseconds"

    def told(figures: Figures, minute: int) -> Iterable[Reading]:
        if age in figures:
            yield gauge("stream.lag", minute, figures[age], stream=stream.slug)
            component = f"{stream.slug}-stream"
            yield from standing(component, minute, well=figures[age] < LAG_MS)

    dimensions = (("StreamName", f"{prefix}-{stream.slug}"),)
    return Subject(
        name=f"health of the stream {stream.slug}",
        queries={age: Query(_STREAMS, age, dimensions, "Maximum")},
        told=told,
    )


def use_of_stream(prefix: str, stream: Resource) -> Subject:
    """What a stream held back because its shards were at their limit."""
    return _held_back(
        f"use of the stream {stream.slug}",
        _sums(
            _STREAMS,
            {"StreamName": f"{prefix}-{stream.slug}"},
            "ReadProvisionedThroughputExceeded",
            "WriteProvisionedThroughputExceeded",
        ),
        ("stream.throttled", "stream.throttled"),
        {"stream": stream.slug},
    )


def use_of_table(prefix: str, table: Resource) -> Subject:
    """The units that a table was asked for, and what it held back."""
    name = f"{prefix}-{table.slug}"
    return _held_back(
        f"use of the table {table.slug}",
        _sums(
            _TABLES,
            {"TableName": name},
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        ),
        ("table.units", "table.units", "table.throttled", "table.throttled"),
        {"table": table.slug},
    )


def health_of_queue(prefix: str, queue: str, *, end_of_the_road: bool) -> Subject:
    """What waits on a queue, and how long; where nothing should ever lie, that is a failure."""

    def told(figures: Figures, minute: int) -> Iterable[Reading]:
        waiting, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
        if waiting in figures:
            yield gauge("queue.waiting", minute, figures[waiting], queue=queue)
            if end_of_the_road:
                yield from standing(queue, minute, well=not figures[waiting])
        if age in figures:
            yield gauge("queue.lag", minute, figures[age] * 1000, queue=queue)

    dimensions = (("QueueName", f"{prefix}-{queue}"),)
    return Subject(
        name=f"health of the queue {queue}",
        queries={
            metric: Query(_QUEUES, metric, dimensions, "Maximum")
            for metric in ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
        },
        told=told,
    )


def vitals_of_resources(prefix: str) -> list[Subject]:
    """What rules judge of the streams and queues that stand in every installation."""
    queues = [each.slug for each in _all(ResourceKind.QUEUE)]
    return [
        *(health_of_stream(prefix, each) for each in _all(ResourceKind.STREAM)),
        *(health_of_queue(prefix, each, end_of_the_road=False) for each in queues),
        *(
            health_of_queue(prefix, each, end_of_the_road=True)
            for each in (*(f"{each}-dead" for each in queues), GIVEN_UP)
        ),
    ]


def usage_of_resources(prefix: str) -> list[Subject]:
    """What is used of the streams and tables that stand in every installation."""
    return [
        *(use_of_stream(prefix, each) for each in _all(ResourceKind.STREAM)),
        *(use_of_table(prefix, each) for each in _all(ResourceKind.TABLE)),
    ]


def _all(kind: ResourceKind) -> list[Resource]:
    return [each for each in Resource if each.kind is kind]


def _sums(namespace: str, dimensions: Mapping[str, str], *metrics: str) -> dict[str, Query]:
    at = tuple(dimensions.items())
    return {metric: Query(namespace, metric, at, "Sum") for metric in metrics}


def _held_back(
    name: str, queries: Mapping[str, Query], names: Sequence[str], dims: Mapping[str, str]
) -> Subject:
    """Sums that are told one by one, where they are more than nothing."""

    def told(figures: Figures, minute: int) -> Iterable[Reading]:
        for metric, called in zip(queries, names, strict=True):
            if figures.get(metric):
                operation = "write" if "Write" in metric else "read"
                yield counter(called, minute, figures[metric], **dims, operation=operation)

    return Subject(name=name, queries=queries, told=told)


def _bins(figures: Figures, total: float) -> tuple[tuple[float, int], ...]:
    """So many observations, each at the upper end of the ranks that it lies between.

    The last one is the largest. No percentile of these is smaller than that of the observations
    themselves, and those that were asked for are exact. Nothing while a rank is not there yet.
    """
    count = round(total)
    if any(stat not in figures for stat in _RANKS):
        return ()
    told, bins = 0, []
    for stat, percent in _RANKS.items():
        upto = count if percent == 100 else min(-(-count * percent // 100), max(0, count - 1))
        bins.append((figures[stat], upto - told))
        told = upto
    return tuple(bins)


def _split(
    bins: Sequence[tuple[float, int]], part: int
) -> tuple[tuple[tuple[float, int], ...], tuple[tuple[float, int], ...]]:
    """A part of the observations, and the rest, spread alike: which took how long nobody tells."""
    total = sum(count for _, count in bins)
    part = min(part, total)
    seen, taken = 0, []
    for _, count in bins:
        before = seen * part // total if total else 0
        seen += count
        taken.append((seen * part // total if total else 0) - before)
    pairs = list(zip(bins, taken, strict=True))
    return (
        tuple((value, took) for (value, _), took in pairs),
        tuple((value, count - took) for (value, count), took in pairs),
    )

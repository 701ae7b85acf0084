"""Exports of OpenTelemetry metrics, read into data points; one bad one costs itself alone.

Gauges stay gauges. A sum that only grows becomes a counter, one that may fall a gauge (its
running total) or a counter of its changes. Histograms and summaries become timers, in
milliseconds where their unit is one of time; the quantiles of a summary become gauges.
``service.name`` becomes the dimension ``service``; ``wedding.id``, ``vendor.id`` and ``guest.id``
say what a data point belongs to, wherever among its attributes or its resource's they stand.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wedsync.metrics.body import Poison
from wedsync.metrics.catalog import BY_NAME
from wedsync.metrics.decode import RejectedPoint
from wedsync.metrics.distribution import (
    HIGHEST_SCALE,
    LOWEST_SCALE,
    Amount,
    Distribution,
    Exponential,
    Reading,
)
from wedsync.metrics.envelope import read_point
from wedsync.metrics.exported import Exported, digest_of, digest_of_labels, kind_of_sum
from wedsync.metrics.otlp_wire import Document, read_document
from wedsync.metrics.point import Kind

MOST_DATA_POINTS = 5_000
MOST_BINS = 2_000
MOST_BINS_OF_EXPORT = 100_000
LONGEST_RAW_BYTES = 16 * 1024
_NO_RECORDED_VALUE = 1
_MS_PER_UNIT = {
    "ns": 1e-6,
    "us": 1e-3,
    "μs": 1e-3,
    "µs": 1e-3,
    "ms": 1.0,
    "s": 1e3,
    "min": 60e3,
    "h": 3600e3,
}
_LIFTED = {
    "wedding.id": "weddingId",
    "weddingId": "weddingId",
    "vendor.id": "vendorId",
    "vendorId": "vendorId",
    "guest.id": "guestId",
    "guestId": "guestId",
}
_OF_RESOURCE = {"service.name": "service", "host.name": "host"}
_DELTA = (1, "AGGREGATION_TEMPORALITY_DELTA")
_CUMULATIVE = (2, "AGGREGATION_TEMPORALITY_CUMULATIVE")

Labels: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Export:
    """The data points of an export, and those that could not be read."""

    points: tuple[Exported, ...]
    rejected: tuple[RejectedPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What is the same for all data points of a metric."""

    name: str
    unit: str
    form: str
    running: bool
    monotonic: bool
    resource: Labels
    exporter: str
    scope: str

    @property
    def to_ms(self) -> float:
        """What a value is multiplied by: times are told in milliseconds where timers are."""
        known = BY_NAME.get(self.name)
        timed = self.form in _DISTRIBUTIONS or (known is not None and known.unit == "ms")
        return _MS_PER_UNIT.get(self.unit, 1.0) if timed else 1.0


def read_export(body: bytes) -> Export:
    """Every data point that can be read, and every one that cannot.

    Raises:
        Poison: no export at all, or one of more than 5,000 data points.

    """
    points: list[Exported] = []
    rejected: list[RejectedPoint] = []
    bins = 0
    for index, (source, pointer, data_point) in enumerate(_data_points(read_document(body))):
        bins += _bins_of(data_point)
        if index >= MOST_DATA_POINTS or bins > MOST_BINS_OF_EXPORT:
            raise Poison(
                "too-many-points",
                f"an export has at most {MOST_DATA_POINTS} data points"
                f" and {MOST_BINS_OF_EXPORT} bins",
            )
        try:
            points.extend(_read(source, data_point, index))
        except Poison as poison:
            rejected.append(
                RejectedPoint(
                    index=index,
                    code=poison.reason,
                    detail=poison.detail,
                    pointer=pointer,
                    raw=_text(source, data_point),
                )
            )
    return Export(tuple(points), tuple(rejected))


def _bins_of(data_point: Document) -> int:
    """How many bins a data point has, whatever they hold."""
    told = [data_point.get("bucketCounts")]
    for name in ("positive", "negative"):
        buckets = data_point.get(name)
        told.append(buckets.get("bucketCounts") if isinstance(buckets, dict) else None)
    return sum(len(each) for each in told if isinstance(each, list))


def _text(source: _Source, data_point: Document) -> bytes:
    said = json.dumps({"name": source.name, **data_point}, default=repr)
    return said.encode()[:LONGEST_RAW_BYTES]


def _data_points(export: Document) -> Iterator[tuple[_Source, str, Document]]:
    walk = _Walk()
    for where, of_resource in walk.members(export, "resourceMetrics", ""):
        resource = _labels(_object(of_resource, "resource"))
        exporter = digest_of_labels(resource)
        for inner, of_scope in walk.members(of_resource, "scopeMetrics", where):
            scope = _object(of_scope, "scope")
            scoped = digest_of(str(scope.get("name")), str(scope.get("version")))
            for place, metric in walk.members(of_scope, "metrics", inner):
                yield from _of_metric(metric, place, resource, exporter, scoped)


def _of_metric(
    metric: Document, place: str, resource: Labels, exporter: str, scope: str
) -> Iterator[tuple[_Source, str, Document]]:
    form = next((form for form in _FORMS if metric.get(form) is not None), None)
    if form is None:
        return
    data = _object(metric, form)
    temporality = data.get("aggregationTemporality")
    told = form in ("gauge", "summary") or temporality in (*_DELTA, *_CUMULATIVE)
    source = _Source(
        name=str(metric.get("name") or ""),
        unit=str(metric.get("unit") or ""),
        form=form if told else _UNKNOWN,
        running=form == "summary" or temporality in _CUMULATIVE,
        monotonic=data.get("isMonotonic") is True,
        resource=resource,
        exporter=exporter,
        scope=scope,
    )
    for number, data_point in enumerate(_objects(data, "dataPoints")):
        yield source, f"{place}/{form}/dataPoints/{number}", data_point


class _Walk:
    """Goes through what holds the data points; how much that may be is bounded as they are."""

    def __init__(self) -> None:
        self._left = MOST_DATA_POINTS

    def members(self, of: Document, name: str, where: str) -> Iterator[tuple[str, Document]]:
        """The members of an array, each with its pointer."""
        each = _objects(of, name)
        self._left -= len(each)
        if self._left < 0:
            raise Poison(
                "too-many-points",
                f"an export has at most {MOST_DATA_POINTS} resources, scopes and metrics",
            )
        for place, member in enumerate(each):
            yield f"{where}/{name}/{place}", member


def _read(source: _Source, data_point: Document, index: int) -> Iterator[Exported]:
    if _whole(data_point, "flags", 0) & _NO_RECORDED_VALUE:
        return
    own = _labels(data_point)
    start_ns, at_ns = _whole(data_point, "startTimeUnixNano", 0), _whole(data_point, "timeUnixNano")
    if start_ns > at_ns:
        raise Poison("bad-start", "a data point's start lies after its time")
    for each in _FORMS[source.form](source, data_point):
        labels = {**own, **each.labels}
        series = digest_of(
            source.exporter,
            source.scope,
            source.name,
            source.unit,
            f"{source.form} {each.kind} {each.running}",
            digest_of_labels(labels),
        )
        yield Exported(
            index=index,
            point=read_point(
                {
                    **_belongings(source.resource, own),
                    "name": source.name,
                    "kind": each.kind.value,
                    "ts": at_ns // 1_000_000 or None,
                    "value": each.alone,
                    "eventId": f"x-{digest_of(series, str(start_ns), str(at_ns))}",
                    "dims": _dims(source.resource, labels),
                }
            ),
            exporter=source.exporter,
            series=series,
            since_ns=start_ns,
            at_ns=at_ns,
            running=each.running,
            reading=each.reading,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One thing that a data point tells; ``alone`` is the number that it would be as a point."""

    kind: Kind
    running: bool
    reading: Reading
    alone: float
    labels: Labels


def _gauge(source: _Source, data_point: Document) -> list[_Part]:
    value = _number(data_point)
    if source.to_ms != 1.0:
        value *= source.to_ms
    return [
        _Part(
            kind=Kind.GAUGE, running=False, reading=Amount(value), alone=_double(value), labels={}
        )
    ]


def _sum(source: _Source, data_point: Document) -> list[_Part]:
    if not source.monotonic and source.running:
        return _gauge(source, data_point)
    value = _number(data_point)
    if source.monotonic and value < 0:
        raise Poison("went-back", "a sum that only grows is below zero")
    kind = kind_of_sum(source.name) if source.monotonic else Kind.COUNTER
    # What adds up may pass what one point may hold: its growth is judged when it is known.
    alone = 0.0 if source.running else _double(value)
    return [_Part(kind=kind, running=source.running, reading=Amount(value), alone=alone, labels={})]


def _histogram(source: _Source, data_point: Document) -> list[_Part]:
    factor = source.to_ms
    bounds = tuple(factor * each for each in _reals(data_point, "explicitBounds"))
    counts = _wholes(data_point, "bucketCounts")
    count = _whole(data_point, "count")
    if not counts and not bounds:
        counts = (count,)
    if len(counts) != len(bounds) + 1 or len(counts) > MOST_BINS:
        raise Poison("bad-histogram", "a histogram has a count more than it has bounds")
    if any(a >= b for a, b in itertools.pairwise(bounds)):
        raise Poison("bad-histogram", "the bounds of a histogram rise")
    if sum(counts) != count:
        raise Poison("bad-histogram", "the counts of a histogram do not add up")
    total = _real(data_point, "sum")
    lowest, highest = _real(data_point, "min"), _real(data_point, "max")
    return [
        _timed(
            source,
            Distribution(
                bounds=bounds,
                counts=counts,
                total=None if total is None else factor * total,
                lowest=None if lowest is None else factor * lowest,
                highest=None if highest is None else factor * highest,
            ),
        )
    ]


def _exponential(source: _Source, data_point: Document) -> list[_Part]:
    scale = _whole(data_point, "scale", 0)
    if not LOWEST_SCALE <= scale <= HIGHEST_SCALE:
        raise Poison("bad-histogram", f"a scale lies in {LOWEST_SCALE} to {HIGHEST_SCALE}")
    zero = _whole(data_point, "zeroCount", 0)
    positive, negative = _bins(data_point, "positive"), _bins(data_point, "negative")
    if zero < 0 or zero + sum(positive.values()) + sum(negative.values()) != _whole(
        data_point, "count"
    ):
        raise Poison("bad-histogram", "the counts of a histogram do not add up")
    reading = Exponential(scale=scale, zero=zero, positive=positive, negative=negative)
    return [_timed(source, reading)]


def _summary(source: _Source, data_point: Document) -> list[_Part]:
    count, total = _whole(data_point, "count", 0), _real(data_point, "sum")
    if count < 0:
        raise Poison("bad-histogram", "a count is below zero")
    factor = source.to_ms
    whole = Distribution(
        bounds=(), counts=(count,), total=None if total is None else factor * total
    )
    parts = [_timed(source, whole)]
    for each in _objects(data_point, "quantileValues"):
        quantile, value = _real(each, "quantile"), _real(each, "value")
        if value is None:
            continue
        parts.append(
            _Part(
                kind=Kind.GAUGE,
                running=False,
                reading=Amount(factor * value),
                alone=factor * value,
                labels={"quantile": quantile or 0.0},
            )
        )
    return parts


def _unknown(_: _Source, __: Document) -> list[_Part]:
    raise Poison("unknown-temporality", "aggregationTemporality is delta (1) or cumulative (2)")


_UNKNOWN = "unknown"
_DISTRIBUTIONS = ("histogram", "exponentialHistogram", "summary")
_FORMS: Mapping[str, Callable[[_Source, Document], list[_Part]]] = {
    "gauge": _gauge,
    "sum": _sum,
    "histogram": _histogram,
    "exponentialHistogram": _exponential,
    "summary": _summary,
    _UNKNOWN: _unknown,
}


def _timed(source: _Source, reading: Reading) -> _Part:
    return _Part(kind=Kind.TIMER, running=source.running, reading=reading, alone=0.0, labels={})


def _bins(data_point: Document, name: str) -> dict[int, int]:
    buckets = _object(data_point, name)
    counts = _wholes(buckets, "bucketCounts")
    if len(counts) > MOST_BINS:
        raise Poison("bad-histogram", f"a histogram has at most {MOST_BINS} bins")
    offset = _whole(buckets, "offset", 0)
    return {offset + place: count for place, count in enumerate(counts) if count}


def _belongings(resource: Labels, own: Labels) -> Labels:
    return {
        member: labels[name]
        for labels in (resource, own)
        for name, member in _LIFTED.items()
        if name in labels
    }


def _dims(resource: Labels, own: Labels) -> Labels:
    around = {_OF_RESOURCE[name]: resource[name] for name in _OF_RESOURCE if name in resource}
    within = {name: value for name, value in own.items() if name not in _LIFTED}
    return {
        name: value
        for name, value in {**around, **within}.items()
        if isinstance(value, str | int | float)
    }


def _labels(of: Document) -> Labels:
    labels: Labels = {}
    for attribute in _objects(of, "attributes"):
        key, value = attribute.get("key"), _object(attribute, "value")
        if not isinstance(key, str):
            raise Poison("malformed-otlp", "an attribute has a key")
        for form, each in value.items():
            labels[key] = _scalar(form, each)
    return labels


def _scalar(form: str, value: object) -> object:
    """A value as it stands among dimensions; bytes mark what is none: arrays, maps, bytes."""
    match form, value:
        case ("intValue", str()):
            return _as_whole(value, form)
        case ("stringValue", str()) | ("boolValue", bool()) | ("intValue", int()):
            return value
        case ("doubleValue", _):
            number = _as_real(value, form)
            return number if math.isfinite(number) else str(number)
        case _:
            return repr(value).encode()


def _number(data_point: Document) -> int | float:
    if data_point.get("asInt") is not None:
        return _whole(data_point, "asInt")
    value = _real(data_point, "asDouble")
    if value is None:
        raise Poison("missing", "a data point has asInt or asDouble")
    return value


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Poison("value-out-of-range", "a value is at most 1e15 either way") from None


def _objects(of: Document, name: str) -> list[Document]:
    value = of.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Poison("malformed-otlp", f"{name} is an array of objects")
    return value


def _object(of: Document, name: str) -> Document:
    value = of.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Poison("malformed-otlp", f"{name} is an object")
    return value


def _whole(of: Document, name: str, absent: int | None = None) -> int:
    value = of.get(name)
    if value is None:
        if absent is None:
            raise Poison("missing", f"{name} is required")
        return absent
    return _as_whole(value, name)


def _as_whole(value: object, name: str) -> int:
    """Whole numbers are texts in the JSON of some clients, and numbers in that of others."""
    if isinstance(value, str) and len(value) <= 20 and value.removeprefix("-").isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**64:
        raise Poison("bad-number", f"{name} is a whole number of 64 bits")
    return value


def _real(of: Document, name: str) -> float | None:
    value = of.get(name)
    if value is None:
        return None
    number = _as_real(value, name)
    if not math.isfinite(number):
        raise Poison("not-finite", f"{name} is not finite")
    return number


def _as_real(value: object, name: str) -> float:
    if isinstance(value, str) and len(value) <= 400:
        try:
            return float(value)
        except ValueError:
            pass
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Poison("bad-number", f"{name} is a number")
    return _double(value)


def _wholes(of: Document, name: str) -> tuple[int, ...]:
    value = of.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Poison("malformed-otlp", f"{name} is an array")
    counts = tuple(_as_whole(each, name) for each in value)
    if counts and min(counts) < 0:
        raise Poison("bad-histogram", "a count is below zero")
    return counts


def _reals(of: Document, name: str) -> tuple[float, ...]:
    value = of.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Poison("malformed-otlp", f"{name} is an array")
    return tuple(number for each in value if (number := _real({name: each}, name)) is not None)

"""OTLP metrics on the wire: their protocol buffers as the objects that their JSON has.

Field numbers: https://github.com/open-telemetry/opentelemetry-proto, ``metrics/v1``, version 1.
Fields that are not read here are passed over. Nested attribute values stay bytes, so nothing
recurses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wedsync.metrics.body import Poison, parse_json
from wedsync.metrics.protobuf import (
    Field,
    Malformed,
    content,
    double,
    fields,
    packed_doubles,
    packed_varints,
    packed_words,
    signed,
    text,
    unsigned,
    written,
    zigzag,
)

Document: TypeAlias = Mapping[str, object]

MOST_MESSAGES = 250_000
"""Data points, labels and values: more than 5,000 data points of 16 labels need."""

_JSON_EXPORT = re.compile(rb'\s*\{\s*"resourceMetrics"\s*:')
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class _Known:
    """A field that is read: its JSON name, how (or as which message), and whether it repeats."""

    name: str
    read: "Callable[[Field], object] | _Message"
    many: bool = False


_Message: TypeAlias = Mapping[int, _Known]


def is_export(body: bytes) -> bool:
    """Whether a record's body is an export of metrics, as JSON or as protocol buffers.

    The latter begin with a line feed, the tag of their first field, and hold control
    characters, which no JSON does.
    """
    if body.startswith(b"\n") and is_protobuf(body):
        return True
    return _JSON_EXPORT.match(body) is not None


def is_protobuf(body: bytes) -> bool:
    """Whether an export is protocol buffers, not JSON; the empty export is."""
    return not body or _CONTROL.search(body) is not None


def read_document(body: bytes) -> Document:
    """The export as an object. Raises Poison for a body that is none."""
    if is_protobuf(body):
        try:
            return _Reader().document(_EXPORT, body)
        except Malformed as error:
            raise Poison("malformed-otlp", f"the export cannot be read: {error}") from error
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Poison("malformed-otlp", "an export is an object")
    return value


def partial_success(*, rejected: int, message: str) -> bytes:
    """The answer to an export of which some data points were refused, as protocol buffers."""
    return written(1, written(1, rejected) + written(2, message.encode()))


class _Reader:
    """Reads one export; how many messages that may take is bounded, for empty ones cost time."""

    def __init__(self) -> None:
        self._messages_left = MOST_MESSAGES

    def document(self, known: _Message, message: bytes) -> dict[str, object]:
        self._messages_left -= 1
        if self._messages_left < 0:
            raise Malformed(f"it has more than {MOST_MESSAGES} messages")
        single: dict[str, object] = {}
        repeated: dict[str, list[object]] = {}
        for field in fields(message):
            how = known.get(field[0])
            if how is None:
                continue
            value = self._value(how, field)
            if not how.many:
                single[how.name] = value
            elif isinstance(value, tuple):
                repeated.setdefault(how.name, []).extend(value)
            else:
                repeated.setdefault(how.name, []).append(value)
        return {**single, **repeated}

    def _value(self, how: _Known, field: Field) -> object:
        if isinstance(how.read, Mapping):
            return self.document(how.read, content(field))
        return how.read(field)


def _flag(field: Field) -> bool:
    return unsigned(field) != 0


_VALUE: _Message = {
    1: _Known("stringValue", text),
    2: _Known("boolValue", _flag),
    3: _Known("intValue", signed),
    4: _Known("doubleValue", double),
    5: _Known("arrayValue", content),
    6: _Known("kvlistValue", content),
    7: _Known("bytesValue", content),
}
_ATTRIBUTE: _Message = {1: _Known("key", text), 2: _Known("value", _VALUE)}
_attributes = _Known("attributes", _ATTRIBUTE, many=True)
_START, _TIME = _Known("startTimeUnixNano", unsigned), _Known("timeUnixNano", unsigned)
_COUNT, _SUM = _Known("count", unsigned), _Known("sum", double)
_NUMBER: _Message = {
    2: _START,
    3: _TIME,
    4: _Known("asDouble", double),
    6: _Known("asInt", signed),
    7: _attributes,
    8: _Known("flags", unsigned),
}
_HISTOGRAM: _Message = {
    2: _START,
    3: _TIME,
    4: _COUNT,
    5: _SUM,
    6: _Known("bucketCounts", packed_words, many=True),
    7: _Known("explicitBounds", packed_doubles, many=True),
    9: _attributes,
    10: _Known("flags", unsigned),
    11: _Known("min", double),
    12: _Known("max", double),
}
_BUCKETS: _Message = {
    1: _Known("offset", zigzag),
    2: _Known("bucketCounts", packed_varints, many=True),
}
_EXPONENTIAL: _Message = {
    1: _attributes,
    2: _START,
    3: _TIME,
    4: _COUNT,
    5: _SUM,
    6: _Known("scale", zigzag),
    7: _Known("zeroCount", unsigned),
    8: _Known("positive", _BUCKETS),
    9: _Known("negative", _BUCKETS),
    10: _Known("flags", unsigned),
}
_QUANTILE: _Message = {1: _Known("quantile", double), 2: _Known("value", double)}
_SUMMARY: _Message = {
    2: _START,
    3: _TIME,
    4: _COUNT,
    5: _SUM,
    6: _Known("quantileValues", _QUANTILE, many=True),
    7: _attributes,
    8: _Known("flags", unsigned),
}


def _points(known: _Message) -> _Message:
    return {
        1: _Known("dataPoints", known, many=True),
        2: _Known("aggregationTemporality", unsigned),
        3: _Known("isMonotonic", _flag),
    }


_METRIC: _Message = {
    1: _Known("name", text),
    3: _Known("unit", text),
    5: _Known("gauge", _points(_NUMBER)),
    7: _Known("sum", _points(_NUMBER)),
    9: _Known("histogram", _points(_HISTOGRAM)),
    10: _Known("exponentialHistogram", _points(_EXPONENTIAL)),
    11: _Known("summary", _points(_SUMMARY)),
}
_SCOPE: _Message = {1: _Known("name", text), 2: _Known("version", text), 3: _attributes}
_SCOPE_METRICS: _Message = {
    1: _Known("scope", _SCOPE),
    2: _Known("metrics", _METRIC, many=True),
}
_RESOURCE_METRICS: _Message = {
    1: _Known("resource", {1: _attributes}),
    2: _Known("scopeMetrics", _SCOPE_METRICS, many=True),
}
_EXPORT: _Message = {1: _Known("resourceMetrics", _RESOURCE_METRICS, many=True)}

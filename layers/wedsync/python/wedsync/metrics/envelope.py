"""The members of a point as they are sent, and what each of them may hold.

Limits: a name has 1 to 200 characters of ``A-Z a-z 0-9 _ . : / -``; at most 16 dimensions with
names of 64 and values of 256 characters; ids of 200. A value is finite and at most 1e15 either
way (the sums of a day stay exact enough in a double); nearer to zero than 1e-130, which the
tables cannot hold, it is zero. ``count`` is 1 to 1e9. No text holds a control character.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from wedsync.errors import member_pointer
from wedsync.metrics.body import Poison
from wedsync.metrics.point import LARGEST_VALUE, DataType, Kind, Point, Priority
from wedsync.metrics.series import DERIVED, Dims
from wedsync.metrics.times import unit_hint
from wedsync.metrics.updates import update_dims
from wedsync.spelling import misspelt, one_of

Members = dict[str, object]

SMALLEST_VALUE = 1e-130
MOST_DIMS = 16
MOST_COUNT = 1_000_000_000
LONGEST_ID = 200
LONGEST_DIM_VALUE = 256
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

_ALIASES = (
    ("timestamp", "ts"),
    ("sourceSystem", "source"),
    ("clientId", "source"),
    ("sourceId", "streamId"),
)
_LIFTED = ("weddingId", "vendorId", "guestId")
"""May stand among the dimensions, and are never kept there."""

_KINDS: dict[object, Kind] = {str(each): each for each in Kind}
_DATA_TYPES: dict[object, DataType] = {str(each): each for each in DataType}
_PRIORITIES: dict[object, Priority] = {str(each): each for each in Priority}
_PRIORITIES["urgent"] = Priority.CRITICAL

_KEBAB = {
    "kind": "kind",
    "dataType": "data-type",
    "priority": "priority",
    "weddingId": "wedding-id",
    "vendorId": "vendor-id",
    "guestId": "guest-id",
    "source": "source",
    "eventId": "event-id",
    "tenantId": "tenant-id",
    "streamId": "stream-id",
    "frameId": "frame-id",
}
_KNOWN_MEMBERS = frozenset(
    {
        *(name for pair in _ALIASES for name in pair),
        *_KEBAB,
        *("name", "ts", "value", "values", "count", "dims", "v", "data", "payload"),
        *("operation", "calculate"),
    }
)
_MEANT = {
    "wedding": "weddingId",
    "vendor": "vendorId",
    "guest": "guestId",
    "dimensions": "dims",
}
"""No slips of the pen, and yet what is meant is clear, and would be lost."""
_LOST = frozenset({"weddingId", "vendorId", "guestId", "eventId", "dims", "value", "values"})
"""What nobody would miss in a point, and what it says of whom and of what would be lost."""
_MOST_UNKNOWN = 64
_Member = TypeVar("_Member")

_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
_DIM_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def members_of(element: Mapping[str, object]) -> Members:
    """The members under their own names, whichever of the accepted spellings was used."""
    members = dict(element)
    for alias, name in _ALIASES:
        if alias in members and members.get(name) is None:
            members[name] = members[alias]
    return members


def inherit(outer: Members, inner: Members, position: int) -> Members:
    """A point of ``data`` with the members of the object around it.

    The inner member wins; dimensions are joined one by one. An inherited ``eventId`` gets the
    position appended: it would otherwise make all points of ``data`` one and the same.
    """
    own = {name: value for name, value in inner.items() if value is not None}
    members = {**outer, **own}
    if "value" in own or "values" in own:
        for name in ("value", "values"):
            members[name] = own.get(name)
    around, within = outer.get("dims"), own.get("dims")
    if isinstance(around, dict) and isinstance(within, dict):
        members["dims"] = {**around, **within}
    if "eventId" not in own and isinstance(outer.get("eventId"), str):
        members["eventId"] = f"{outer['eventId']}/{position}"
    return members


def read_point(members: Members) -> Point:
    """The point that these members describe.

    Raises:
        Poison: with the code and the pointer of the first member that is wrong.

    """
    if not members.keys() <= _KNOWN_MEMBERS:
        _require_meant(members)
    get = members.get
    if get("v", 1) not in (1, None):
        raise Poison("unknown-version", "the envelope's version is not known", pointer="/v")
    operation = get("operation")
    is_update = operation is not None
    kind = Kind.GAUGE if is_update else checked_kind(get("kind"))
    dims, lifted = checked_dims(get("dims"))
    if is_update:
        dims = _with_update(dims, operation, get("calculate"), values=get("values"))
    if lifted:
        get = {**lifted, **{name: each for name, each in members.items() if each is not None}}.get
    return Point(
        name=checked_name(get("name")),
        kind=kind,
        ts_ms=checked_ts_ms(get("ts")),
        values=(0.0,)
        if operation == "calculate" and get("value") is None
        else _values(get("value"), get("values"), kind),
        count=_count(get("count")),
        wedding_id=checked_id(get("weddingId"), "weddingId"),
        vendor_id=checked_id(get("vendorId"), "vendorId"),
        guest_id=checked_id(get("guestId"), "guestId"),
        source=checked_id(get("source"), "source"),
        dims=dims,
        event_id=checked_id(get("eventId"), "eventId"),
        data_type=_known(_DATA_TYPES, get("dataType"), "dataType", DataType.SYSTEM_METRIC),
        priority=_known(_PRIORITIES, get("priority"), "priority", Priority.NORMAL),
        tenant_id=checked_id(get("tenantId"), "tenantId"),
        stream_id=checked_id(get("streamId"), "streamId"),
    )


_WRAPPERS = ("points", "metrics", "events")


def _require_meant(members: Members) -> None:
    """Members that nobody knows are ignored, but not one in which a known one would be lost."""
    wrapper = next((each for each in _WRAPPERS if each in members), None)
    if wrapper is not None and "name" not in members:
        raise Poison(
            "unknown-member",
            f"there is no {wrapper} around points: a body is a point, an array of points, "
            "or lines of one point each",
            pointer=member_pointer(wrapper),
        )
    for name in sorted(members.keys() - _KNOWN_MEMBERS)[:_MOST_UNKNOWN]:
        meant = _MEANT.get(name) or misspelt(name, _KNOWN_MEMBERS)
        if meant in _LOST and meant not in members:
            raise Poison(
                "unknown-member",
                f"no member is called {name}; did you mean {meant}?",
                pointer=member_pointer(name),
            )


def _with_update(dims: Dims, operation: object, formula: object, *, values: object) -> Dims:
    if values is not None:
        raise Poison("ambiguous-value", "an update has one value", pointer="/values")
    try:
        told = update_dims(operation, formula)
    except ValueError as error:
        wrong = "calculate" if operation == "calculate" else "operation"
        raise Poison(f"bad-{wrong}", str(error), pointer=f"/{wrong}") from None
    if len(dims) + len(told) > MOST_DIMS:
        raise Poison("too-many-dims", f"at most {MOST_DIMS} dimensions", pointer="/dims")
    return tuple(sorted((*dims, *told)))


def _known(
    table: Mapping[object, _Member], value: object, name: str, absent: _Member | None = None
) -> _Member:
    if isinstance(value, str) and (member := table.get(value)) is not None:
        return member
    if value is None:
        if absent is None:
            raise _missing(name)
        return absent
    choices = one_of(value, [str(each) for each in table])
    raise Poison(f"unknown-{_KEBAB[name]}", f"{name} {choices}", pointer=f"/{name}")


def _missing(name: str) -> Poison:
    return Poison("missing", f"{name} is required", pointer=f"/{name}")


def checked_kind(value: object) -> Kind:
    """The kind that is named so. Raises Poison."""
    return _known(_KINDS, value, "kind")


def checked_labels(data_type: object, priority: object) -> Priority:
    """The priority; neither decides where a point is counted. Raises Poison for what is neither."""
    _known(_DATA_TYPES, data_type, "dataType", DataType.SYSTEM_METRIC)
    return _known(_PRIORITIES, priority, "priority", Priority.NORMAL)


def checked_name(value: object) -> str:
    """The name of a metric. Raises Poison."""
    if value is None:
        raise _missing("name")
    if not isinstance(value, str) or not _is_name(value):
        raise Poison(
            "bad-name", "a name has 1 to 200 characters of A-Z a-z 0-9 _ . : / -", pointer="/name"
        )
    if value.startswith(DERIVED):
        raise Poison(
            "reserved-name", f"names with {DERIVED} are those of pipelines", pointer="/name"
        )
    return value


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def checked_ts_ms(value: object) -> int:
    """Epoch milliseconds, from a number or RFC 3339. Raises Poison."""
    if value is None:
        raise _missing("ts")
    ms: object = _rfc_3339_ms(value) if isinstance(value, str) else value
    if isinstance(ms, float) and ms.is_integer():
        ms = int(ms)
    if not isinstance(ms, int) or isinstance(ms, bool) or not 0 <= ms <= LAST_MS:
        hint = unit_hint(ms) if isinstance(ms, int) and not isinstance(ms, bool) else ""
        detail = f"ts is epoch milliseconds, or RFC 3339 with its offset{hint}"
        raise Poison("bad-ts", detail, pointer="/ts")
    return ms


def _rfc_3339_ms(text: str) -> int | None:
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def _values(value: object, values: object, kind: Kind) -> tuple[float, ...]:
    if values is None:
        if value is None:
            if kind is Kind.EVENT:
                return (1.0,)
            raise _missing("value")
        return (_number(value, "/value"),)
    if value is not None:
        raise Poison("ambiguous-value", "a point has value or values, not both", pointer="/values")
    if not isinstance(values, list) or not values:
        raise Poison("bad-value", "values is an array of numbers", pointer="/values")
    return tuple(_number(each, "/values") for each in values)


def _number(value: object, pointer: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Poison("bad-value", "a value is a number", pointer=pointer)
    if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
        raise Poison("value-out-of-range", "a value is at most 1e15 either way", pointer=pointer)
    if -SMALLEST_VALUE < value < SMALLEST_VALUE:
        return 0.0
    return float(value)


def _count(value: object) -> int:
    if value is None:
        return 1
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_COUNT:
        raise Poison("bad-count", "count is a whole number from 1 to 1e9", pointer="/count")
    return value


def checked_id(value: object, name: str) -> str | None:
    """The id that the member ``name`` holds. Raises Poison."""
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_ID or not _is_text(value):
        raise Poison(
            f"bad-{_KEBAB[name]}", f"{name} has 1 to {LONGEST_ID} characters", pointer=f"/{name}"
        )
    return value


def _is_text(text: str) -> bool:
    return text.isprintable() or not _CONTROL.search(text)


def checked_dims(value: object) -> tuple[tuple[tuple[str, str], ...], dict[str, object]]:
    """The dimensions in the order of their names, and the ids that stood among them."""
    if not value and (value is None or isinstance(value, dict)):
        return (), {}
    if not isinstance(value, dict):
        raise Poison("bad-dims", "dims is an object", pointer="/dims")
    lifted = {name: value[name] for name in _LIFTED if name in value}
    try:
        pairs = [
            _dim(name, each)
            for name, each in value.items()
            if each is not None and name not in lifted
        ]
    except TypeError:  # a list or an object cannot be looked up
        raise Poison("bad-dims", "a dimension is a text", pointer="/dims") from None
    if len(pairs) > MOST_DIMS:
        raise Poison("too-many-dims", f"at most {MOST_DIMS} dimensions", pointer="/dims")
    pairs.sort()
    return tuple(pairs), lifted


@lru_cache(maxsize=16384, typed=True)
def _dim(name: str, value: object) -> tuple[str, str]:
    """One dimension; numbers and truth values are taken as their JSON text."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        whole = isinstance(value, int) or value.is_integer()
        value = str(int(value)) if whole else repr(value)
    if not _DIM_NAME.fullmatch(name):
        raise Poison("bad-dims", "a dimension's name has 1 to 64 plain characters", pointer="/dims")
    if not isinstance(value, str) or len(value) > LONGEST_DIM_VALUE or not _is_text(value):
        raise Poison(
            "bad-dims", f"a dimension has at most {LONGEST_DIM_VALUE} characters", pointer="/dims"
        )
    return name, value

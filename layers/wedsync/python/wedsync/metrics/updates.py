"""Values that are changed rather than observed: incremented, decremented, set, calculated.

A value is what its updates amount to in the order of (time, id), whatever order they come in and
however often: so updates from several shards lose none of each other, and a copy changes nothing.
Updates are told apart as long as anything may still come, or as there is room for them in an item.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import cast

import numpy as np

from wedsync.metrics.columns import ALONE, Columns
from wedsync.metrics.evaluation import evaluate
from wedsync.metrics.formula import Formula, read_formula, told
from wedsync.metrics.point import LARGEST_VALUE
from wedsync.metrics.series import UPDATE_FORMULA, UPDATE_OPERATION, Dims

CURRENT, VALUE = "current", "value"
"""What a calculated update may use: the value before it, and the number that it came with."""
KEPT_MS = 48 * 60 * 60 * 1000
"""Twice as long as anything may be late."""
MOST_BYTES = 250_000
_UPDATE_BYTES = 120
"""The most that an update takes in its item, without its formula."""
_LONGEST_FORMULA = 256


class Operation(StrEnum):
    """What an update does to the value."""

    INCREMENT = "increment"
    DECREMENT = "decrement"
    SET = "set"
    CALCULATE = "calculate"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Update:
    """One change. ``update_id`` tells it from others at the same time, and from copies of it."""

    ts_ms: int
    update_id: int
    operation: Operation
    value: float
    formula: str = ""

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the others."""
        return self.ts_ms, self.update_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueName:
    """What is updated."""

    metric: str
    wedding_id: str | None = None
    vendor_id: str | None = None
    source: str | None = None
    dims: Dims = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningValue:
    """A value. ``base`` is what everything up to ``since`` amounts to; ``updates`` are in order."""

    name: ValueName
    base: float = 0.0
    since: tuple[int, int] = (-1, 0)
    updates: tuple[Update, ...] = ()
    version: int = 0

    @property
    def value(self) -> float:
        """What it amounts to."""
        return _amount(self.base, self.updates)

    @property
    def updated_ms(self) -> int:
        """The time of the newest update."""
        return self.updates[-1].ts_ms if self.updates else self.since[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What became of some updates: how many were new, or known; and those that come too late."""

    running: RunningValue
    applied: int
    repeated: int
    too_late: tuple[Update, ...]


def updated(running: RunningValue, updates: Iterable[Update], *, now_ms: int) -> Updated:
    """The value with these updates, of which some may be copies, of each other too."""
    known = {each.place for each in running.updates}
    fresh: dict[tuple[int, int], Update] = {}
    too_late = []
    repeated = 0
    for each in updates:
        if each.place in known or each.place in fresh or each.place == running.since:
            repeated += 1
        elif each.place < running.since:
            too_late.append(each)
        else:
            fresh[each.place] = each
    every = sorted((*running.updates, *fresh.values()), key=lambda each: each.place)
    return Updated(
        running=_folded(replace(running, updates=tuple(every)), now_ms=now_ms),
        applied=len(fresh),
        repeated=repeated,
        too_late=tuple(too_late),
    )


def _folded(running: RunningValue, *, now_ms: int) -> RunningValue:
    """The same with what need not be told apart any more in its base."""
    updates = running.updates
    until = sum(1 for each in updates if each.ts_ms < now_ms - KEPT_MS)
    room = MOST_BYTES
    for at in range(len(updates) - 1, until - 1, -1):
        room -= _UPDATE_BYTES + len(updates[at].formula)
        if room < 0:
            until = at + 1
            break
    if not until:
        return running
    return replace(
        running,
        base=_amount(running.base, updates[:until]),
        since=updates[until - 1].place,
        updates=updates[until:],
    )


def _amount(base: float, updates: Sequence[Update]) -> float:
    amount = base
    for each in updates:
        match each.operation:
            case Operation.INCREMENT:
                amount += each.value
            case Operation.DECREMENT:
                amount -= each.value
            case Operation.SET:
                amount = each.value
            case Operation.CALCULATE:
                names = {CURRENT: np.array([amount]), VALUE: np.array([each.value])}
                found = float(evaluate(_formula(each.formula), names, length=1)[0])
                # What cannot be worked out, a division by zero say, changes nothing.
                amount = found if abs(found) <= LARGEST_VALUE else amount
    return amount


@lru_cache(maxsize=1024)
def _formula(text: str) -> Formula:
    return read_formula(json.loads(text), (CURRENT, VALUE))


def update_dims(operation: object, formula: object) -> Dims:
    """An update as dimensions of its point. Raises ValueError, which says what is wrong."""
    if operation not in list(Operation):
        raise ValueError(f"operation is one of {', '.join(Operation)}")
    name = ((UPDATE_OPERATION, str(operation)),)
    if operation != Operation.CALCULATE:
        return name
    text = json.dumps(told(read_formula(formula, (CURRENT, VALUE))), separators=(",", ":"))
    if len(text) > _LONGEST_FORMULA:
        raise ValueError(f"a formula has at most {_LONGEST_FORMULA} characters")
    return (UPDATE_FORMULA, text), *name


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldUpdate:
    """An update off a batch; ``record`` is the ordinal of what it came in."""

    tenant: str
    name: ValueName
    update: Update
    record: int


def take_updates(columns: Columns) -> tuple[list[ToldUpdate], Columns]:
    """The updates of a batch, and the rows that are observations.

    Raises nothing: an operation or a formula that is none, which a frame may hold, counts as an
    observation under the dimensions that it has.
    """
    is_update = columns.names.measure_update[columns.measure]
    if not is_update.any():
        return [], columns
    found: list[ToldUpdate] = []
    odd = np.zeros(len(columns), np.bool_)
    nth: dict[int, int] = {}
    for row in np.flatnonzero(is_update).tolist():
        metric, _, dims = columns.names.measure(int(columns.measure[row]))
        said = dict(dims)
        operation, formula = said.pop(UPDATE_OPERATION), said.pop(UPDATE_FORMULA, "")
        frame = int(columns.frame[row])
        nth[frame] = nth.get(frame, -1) + 1
        try:
            if operation == Operation.CALCULATE:
                _formula(formula)
            kind = Operation(operation)
        except (ValueError, RecursionError):
            odd[row] = True
            continue
        wedding, vendor, source = columns.names.place(int(columns.place[row]))
        count = 1 if columns.weight is None else int(columns.weight[row])
        times = count if kind in (Operation.INCREMENT, Operation.DECREMENT) else 1
        update = Update(
            ts_ms=int(columns.ts_ms[row]),
            update_id=_identity(columns, row, nth[frame]),
            operation=kind,
            value=float(columns.value[row]) * times,
            formula=formula,
        )
        found.append(
            ToldUpdate(
                tenant=columns.tenants[int(columns.frame_tenant[frame])],
                name=ValueName(
                    metric=metric,
                    wedding_id=wedding,
                    vendor_id=vendor,
                    source=source,
                    dims=tuple(said.items()),
                ),
                update=update,
                record=int(columns.frame_record[frame]),
            )
        )
    return found, columns.without(is_update & ~odd)


def _identity(columns: Columns, row: int, nth: int) -> int:
    """The same wherever its record or frame comes again: that of its frame, and its place in it."""
    frame = int(columns.frame[row])
    whole = int(columns.frame_id[frame])
    if columns.frame_kind[frame] == ALONE:
        return whole
    place = nth if columns.index is None else int(cast("int", columns.index[row]))
    return (whole + (place + 1) * 0x9E37_79B9_7F4A_7C15) & (1 << 64) - 1

"""The columns behind a wedding's facts: who was seen when, and what happened last.

Both tables keep their bounds while they merge (a maximum per key, the newest few, the smallest
hashes), so that they depend only on the points and not on the order in which those came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np

from wedsync.metrics.facts import MOST_ACTIVITY, MOST_FAILURES, MOST_GUESTS
from wedsync.metrics.histogram import Bools, Ints, Words, dense_ids, run_starts, stable_order
from wedsync.metrics.series import HEALTH_CHECK, TIMELINE_ITEM

_WORD = 1 << 62


class Role(IntEnum):
    """What a mark tells."""

    VENDOR_HEARTBEAT = 0
    VENDOR_SEEN = 1
    GUEST = 2
    BACKUP_OK = 3
    BACKUP_FAILED = 4
    HEALTH_OK = 5
    HEALTH_FAILED = 6
    ITEM_BEGAN = 7


def role_of(metric: str, dims: Mapping[str, str]) -> Role | None:
    """What a point of this series is the mark of, apart from who sent it; None: of nothing."""
    outcome = dims.get("outcome")
    if metric == "backup.run":
        return Role.BACKUP_OK if outcome == "success" else Role.BACKUP_FAILED
    if metric == HEALTH_CHECK:
        return Role.HEALTH_OK if outcome == "ok" else Role.HEALTH_FAILED
    return Role.ITEM_BEGAN if metric == TIMELINE_ITEM and "item" in dims else None


def subject_of(metric: str, dims: Mapping[str, str]) -> str | None:
    """What of: the component of a check, the item of the timeline that began."""
    if metric == HEALTH_CHECK:
        return dims.get("component")
    return dims.get("item") if metric == TIMELINE_ITEM else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """When something was last seen. ``id`` tells guests (their hash) and failures apart."""

    wedding: Ints
    role: Ints
    subject: Ints
    id: Words
    ts_ms: Ints

    def __len__(self) -> int:
        return len(self.wedding)

    def take(self, chosen: Bools | Ints | slice) -> "Marks":
        """The chosen marks."""
        return Marks(
            wedding=self.wedding[chosen],
            role=self.role[chosen],
            subject=self.subject[chosen],
            id=self.id[chosen],
            ts_ms=self.ts_ms[chosen],
        )

    def texts(self) -> tuple[Ints, ...]:
        """The columns that are numbers of strings."""
        return self.wedding, self.subject

    def renamed(self, new: Ints) -> "Marks":
        """The same marks over another table of strings."""
        return Marks(
            wedding=new[self.wedding],
            role=self.role,
            subject=new[self.subject],
            id=self.id,
            ts_ms=self.ts_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Happenings:
    """The newest things that happened at each wedding, oldest first."""

    wedding: Ints
    ts_ms: Ints
    id: Ints
    type: Ints
    vendor: Ints
    guest: Ints
    summary: Ints

    def __len__(self) -> int:
        return len(self.wedding)

    def take(self, chosen: Bools | Ints | slice) -> "Happenings":
        """The chosen ones."""
        return Happenings(
            wedding=self.wedding[chosen],
            ts_ms=self.ts_ms[chosen],
            id=self.id[chosen],
            type=self.type[chosen],
            vendor=self.vendor[chosen],
            guest=self.guest[chosen],
            summary=self.summary[chosen],
        )

    def texts(self) -> tuple[Ints, ...]:
        """The columns that are numbers of strings."""
        return self.wedding, self.type, self.vendor, self.guest, self.summary

    def renamed(self, new: Ints) -> "Happenings":
        """The same over another table of strings."""
        return Happenings(
            wedding=new[self.wedding],
            ts_ms=self.ts_ms,
            id=self.id,
            type=new[self.type],
            vendor=new[self.vendor],
            guest=new[self.guest],
            summary=new[self.summary],
        )


@cache
def no_marks() -> Marks:
    """Nothing seen."""
    none = np.empty(0, np.int64)
    return Marks(wedding=none, role=none, subject=none, id=np.empty(0, np.uint64), ts_ms=none)


@cache
def no_happenings() -> Happenings:
    """Nothing happened."""
    none = np.empty(0, np.int64)
    return Happenings(
        wedding=none, ts_ms=none, id=none, type=none, vendor=none, guest=none, summary=none
    )


def stack_marks(parts: Sequence[Marks]) -> Marks:
    """Marks one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Marks(
        wedding=np.concatenate([part.wedding for part in parts]),
        role=np.concatenate([part.role for part in parts]),
        subject=np.concatenate([part.subject for part in parts]),
        id=np.concatenate([part.id for part in parts]),
        ts_ms=np.concatenate([part.ts_ms for part in parts]),
    )


def stack_happenings(parts: Sequence[Happenings]) -> Happenings:
    """The same for happenings."""
    if len(parts) == 1:
        return parts[0]
    return Happenings(
        wedding=np.concatenate([part.wedding for part in parts]),
        ts_ms=np.concatenate([part.ts_ms for part in parts]),
        id=np.concatenate([part.id for part in parts]),
        type=np.concatenate([part.type for part in parts]),
        vendor=np.concatenate([part.vendor for part in parts]),
        guest=np.concatenate([part.guest for part in parts]),
        summary=np.concatenate([part.summary for part in parts]),
    )


def join_marks(parts: Sequence[tuple[Marks, Ints]]) -> tuple[Marks, Ints]:
    """Merge marks over one table of strings lane by lane; the lane of each mark of the whole.

    Each part comes with the lane of each of its marks.
    """
    parts = [(marks, lane) for marks, lane in parts if len(marks)]
    if not parts:
        return no_marks(), np.empty(0, np.int64)
    together = stack_marks([marks for marks, _ in parts])
    lane = np.concatenate([lane for _, lane in parts])
    kept = kept_marks(together, _group(lane, together.wedding))
    return together.take(kept), lane[kept]


def join_happenings(parts: Sequence[tuple[Happenings, Ints]]) -> tuple[Happenings, Ints]:
    """Merge happenings in the same way."""
    parts = [(happened, lane) for happened, lane in parts if len(happened)]
    if not parts:
        return no_happenings(), np.empty(0, np.int64)
    together = stack_happenings([happened for happened, _ in parts])
    lane = np.concatenate([lane for _, lane in parts])
    kept = kept_happenings(together, _group(lane, together.wedding))
    return together.take(kept), lane[kept]


def _group(lane: Ints, wedding: Ints) -> Ints:
    """The weddings of each lane, numbered in their order."""
    return lane * (int(wedding.max()) + 2) + wedding + 1


def kept_marks(marks: Marks, group: Ints) -> Ints:
    """The marks that stay, sorted by (group, role, subject, id): the newest of each.

    ``group`` is the wedding, or the wedding within a slot.
    """
    if not len(marks):
        return np.empty(0, np.int64)
    order = np.lexsort((marks.ts_ms, marks.id, marks.subject, marks.role, group))
    one = marks.take(order)
    starts = run_starts(group[order], one.role, one.subject, one.id)
    order = order[np.append(starts[1:], len(order)) - 1]  # the newest of each key
    one, group = marks.take(order), group[order]
    starts = run_starts(group, one.role, one.subject)
    from_start = np.arange(len(order)) - _spread(starts, starts, len(order))
    surplus = (one.role == Role.GUEST) & (from_start >= MOST_GUESTS)
    surplus |= (one.role == Role.HEALTH_FAILED) & _older_failures(one, group)
    kept: Ints = order[~surplus]
    return kept


def kept_happenings(happened: Happenings, group: Ints) -> Ints:
    """The newest 50 of each group, sorted by (group, time, id)."""
    if not len(happened):
        return np.empty(0, np.int64)
    width = int(happened.ts_ms.max()) - int(happened.ts_ms.min()) + 1
    number = group - int(group.min())
    if (int(number.max()) + 1) * width >= _WORD:
        number = dense_ids(group)[1]
    when = number * width + (happened.ts_ms - int(happened.ts_ms.min()))
    order = stable_order(when)
    same = when[order[1:]] == when[order[:-1]]
    if same.any():  # at one time: in the order of the rest
        tied = np.zeros(len(order), np.bool_)
        tied[1:] |= same
        tied[:-1] |= same
        rows = order[tied]
        rest = (happened.guest, happened.vendor, happened.summary, happened.type, happened.id)
        order[tied] = rows[np.lexsort((*(column[rows] for column in rest), when[rows]))]
    kept: Ints = order[_from_end(run_starts(group[order]), len(order)) < MOST_ACTIVITY]
    return kept


def _older_failures(marks: Marks, group: Ints) -> Bools:
    """Which are not among the newest two of their group, role and subject."""
    order = np.lexsort((marks.id, marks.ts_ms, marks.subject, marks.role, group))
    starts = run_starts(group[order], marks.role[order], marks.subject[order])
    older = np.empty(len(order), np.bool_)
    older[order] = _from_end(starts, len(order)) >= MOST_FAILURES
    return older


def _from_end(starts: Ints, length: int) -> Ints:
    """How far each place is from the end of its run."""
    ends = np.append(starts[1:], length)
    return _spread(ends, starts, length) - 1 - np.arange(length)


def _spread(values: Ints, starts: Ints, length: int) -> Ints:
    """One value per run, repeated over the run."""
    return np.repeat(values, np.diff(np.append(starts, length)))

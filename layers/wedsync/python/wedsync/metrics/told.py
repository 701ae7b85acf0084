"""What the rows of a batch tell rules, by column: never by point."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wedsync.metrics.columns import Columns
from wedsync.metrics.histogram import Bools, Ints, Words, dense_ids, distinct
from wedsync.metrics.series import Dims

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What rows tell of: a wedding, whatever was measured, or without one that which was."""

    tenant: str
    wedding_id: str | None
    metric: str
    dims: Dims


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """By row: a record told something of a subject in a minute, and whether that was trouble."""

    subjects: tuple[Subject, ...]
    subject: Ints
    record: Words
    minute: Ints
    trouble: Bools

    @property
    def through(self) -> int:
        """The newest minute that is told of."""
        return int(self.minute.max(initial=0))

    def earliest(self) -> list[int]:
        """The first minute that is told of each subject."""
        earliest = np.full(len(self.subjects), np.iinfo(np.int64).max)
        np.minimum.at(earliest, self.subject, self.minute)
        found: list[int] = earliest.tolist()
        return found

    def troubled(self, minutes: int) -> list[tuple[Subject, int]]:
        """The subjects in trouble, and in which stretches of so many minutes."""
        subject, stretch = self.subject[self.trouble], self.minute[self.trouble] // minutes
        first, _ = dense_ids(subject, stretch)
        return [
            (self.subjects[number], which)
            for number, which in zip(subject[first].tolist(), stretch[first].tolist(), strict=True)
        ]

    def by(self, records: Collection[int]) -> set[tuple[Subject, int, int]]:
        """What these records told of, with the minute and the record."""
        rows = np.flatnonzero(np.isin(self.record, np.array(list(records), np.uint64)))
        told = (each[rows].tolist() for each in (self.subject, self.minute, self.record))
        return {
            (self.subjects[at], minute, record) for at, minute, record in zip(*told, strict=True)
        }


def told_by(
    columns: Columns,
    tokens: Sequence[int],
    *,
    alone: Sequence[Words],
    bound: Callable[[str, Dims], float | None],
    owing_until: int,
) -> tuple[Told, Columns]:
    """What these rows tell as far as they came on time, and the rows with the debts they leave.

    ``tokens`` names the records by their ordinals; frames of the ids ``alone`` stand for
    themselves. A value beyond the ``bound`` of its metric and dimensions is trouble; where that is
    ``None``, nothing is told. Trouble leaves a debt, and so does all that was told of minutes up to
    ``owing_until``.
    """
    names = columns.names
    bounds = np.full(len(names.measure_kind), np.nan)
    for measure in distinct(columns.measure).tolist():
        metric, _, dims = names.measure(measure)
        found = bound(metric, dims)
        bounds[measure] = np.nan if found is None else found
    bound_of = bounds[columns.measure]
    rows = np.flatnonzero(~np.isnan(bound_of) & ~columns.late)
    record = np.array(tokens, np.uint64)[columns.frame_record]
    if alone:
        own = np.isin(columns.frame_id, np.concatenate(alone))
        record = np.where(own, columns.frame_id, record)
    record = record[columns.frame[rows]]
    minute = columns.ts_ms[rows] // _MINUTE_MS
    trouble = columns.value[rows] > bound_of[rows]
    subjects, subject = _subjects(columns, rows)
    told = Told(subjects=subjects, subject=subject, record=record, minute=minute, trouble=trouble)
    owing = trouble | (minute <= owing_until)
    if not owing.any():
        return told, columns
    debt = np.zeros(len(columns), np.uint64)
    debt[rows[owing]] = record[owing]
    return told, replace(columns, debt=debt)


def _subjects(columns: Columns, rows: Ints) -> tuple[tuple[Subject, ...], Ints]:
    """What these rows tell of, and the number of each row's."""
    names = columns.names
    tenant, measure = columns.tenant[rows], columns.measure[rows]
    wedding = names.place_wedding[columns.place[rows]]
    first, number = dense_ids(tenant, wedding, np.where(wedding < 0, measure, 0))
    subjects = []
    for at in first.tolist():
        metric, _, dims = names.measure(int(measure[at]))
        wedding_id = names.text(int(wedding[at]))
        subjects.append(
            Subject(
                tenant=columns.tenants[int(tenant[at])],
                wedding_id=wedding_id,
                metric=metric if wedding_id is None else "",
                dims=dims if wedding_id is None else (),
            )
        )
    return tuple(subjects), number

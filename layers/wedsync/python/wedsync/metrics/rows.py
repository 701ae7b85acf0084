"""What was read from records: rows of numbers, before it is known which of them count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wedsync.metrics.columns import ints, joined_flags, joined_ints
from wedsync.metrics.histogram import Bools, Floats, Ints, Words
from wedsync.metrics.lexicon import NONE, Lexicon, Names
from wedsync.metrics.point import Point, Priority, most_urgent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Observations of one or several records.

    ``record`` is a row's record in the batch, ``index`` the place of its point in the record;
    ``first`` marks the first row of each point (none: every row is one), ``weight`` how many
    observations it stands for (none: one). ``guest`` is a number of ``guests``, ``claim`` (the
    tenant that a point names) of ``claims``; -1 stands for none. ``guest_hash`` tells a guest by
    hash alone. ``event_ids`` are by row, as they were sent: texts (none: ``None``), or words
    (none: 0). ``priority`` is that of the most urgent of all these points.
    """

    record: Ints
    index: Ints
    place: Ints
    measure: Ints
    ts_ms: Ints
    value: Floats
    weight: Ints | None = None
    first: Bools | None = None
    guest: Ints | None = None
    guests: tuple[str, ...] = ()
    guest_hash: Words | None = None
    claim: Ints | None = None
    claims: tuple[str, ...] = ()
    event_texts: Sequence[str | None] | None = None
    event_words: Words | None = None
    priority: Priority = Priority.NORMAL

    def __len__(self) -> int:
        return len(self.ts_ms)

    def points(self, names: Names) -> tuple[tuple[int, Point], ...]:
        """The points of a record one by one, by their index in it."""
        found: list[tuple[int, Point]] = []
        for at, index in enumerate(self.index.tolist()):
            if self.first is not None and not self.first[at]:
                _, begun = found[-1]
                values = (*begun.values, float(self.value[at]))
                found[-1] = (index, replace(begun, values=values))
                continue
            wedding, vendor, source = names.place(int(self.place[at]))
            metric, kind, dims = names.measure(int(self.measure[at]))
            point = Point(
                name=metric,
                kind=kind,
                ts_ms=int(self.ts_ms[at]),
                values=(float(self.value[at]),),
                count=1 if self.weight is None else int(self.weight[at]),
                wedding_id=wedding,
                vendor_id=vendor,
                source=source,
                dims=dims,
                guest_id=_text(self.guest, self.guests, at),
                event_id=self._event(at),
                tenant_id=_text(self.claim, self.claims, at),
            )
            found.append((index, point))
        return tuple(found)

    def _event(self, at: int) -> str | None:
        if self.event_texts is not None:
            return self.event_texts[at]
        word = 0 if self.event_words is None else int(self.event_words[at])
        return f"{word:016x}" if word else None

    def take(self, chosen: Bools) -> "Rows":
        """The chosen rows."""
        events = self.event_texts
        return replace(
            self,
            record=self.record[chosen],
            index=self.index[chosen],
            place=self.place[chosen],
            measure=self.measure[chosen],
            ts_ms=self.ts_ms[chosen],
            value=self.value[chosen],
            weight=None if self.weight is None else self.weight[chosen],
            first=None if self.first is None else self.first[chosen],
            guest=None if self.guest is None else self.guest[chosen],
            guest_hash=None if self.guest_hash is None else self.guest_hash[chosen],
            claim=None if self.claim is None else self.claim[chosen],
            event_texts=None
            if events is None
            else [events[at] for at in np.flatnonzero(chosen).tolist()],
            event_words=None if self.event_words is None else self.event_words[chosen],
        )


def rows_of_points(record: int, points: Sequence[tuple[int, Point]], lexicon: Lexicon) -> Rows:
    """Points that were read one by one."""
    every = [point for _, point in points]
    lengths = np.array([len(point.values) for point in every], np.int64)
    row = np.repeat(np.arange(len(every)), lengths)
    first = np.zeros(len(row), np.bool_)
    first[np.cumsum(lengths) - lengths] = True
    guest, guests = numbered([point.guest_id for point in every])
    claim, claims = numbered([point.tenant_id for point in every])
    events = [point.event_id for point in every]
    place = ints([lexicon.place(p.wedding_id, p.vendor_id, p.source) for p in every])
    measure = ints([lexicon.measure(p.name, p.kind, p.dims) for p in every])
    counts = ints([point.count for point in every])
    return Rows(
        record=np.full(len(row), record, np.int64),
        index=ints([index for index, _ in points])[row],
        place=place[row],
        measure=measure[row],
        ts_ms=ints([point.ts_ms for point in every])[row],
        value=np.array([value for point in every for value in point.values], np.float64),
        weight=None if (counts == 1).all() else counts[row],
        first=None if first.all() else first,
        guest=guest[row] if guests else None,
        guests=guests,
        claim=claim[row] if claims else None,
        claims=claims,
        event_texts=[events[at] for at in row.tolist()] if any(events) else None,
        priority=most_urgent(point.priority for point in every),
    )


def numbered(texts: Sequence[str | None]) -> tuple[Ints, tuple[str, ...]]:
    """The number of each text, -1 for none, and the distinct texts."""
    numbers: dict[str | None, int] = {None: NONE}
    column = ints([numbers.setdefault(text, len(numbers) - 1) for text in texts])
    return column, tuple(text for text in numbers if text is not None)


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All of them, one after the other; their event ids are no longer told."""
    if len(parts) == 1:
        return replace(parts[0], event_texts=None, event_words=None)
    lengths = [len(part) for part in parts]
    guest, guests = _joined([(part.guest, part.guests) for part in parts], lengths)
    claim, claims = _joined([(part.claim, part.claims) for part in parts], lengths)
    return Rows(
        record=np.concatenate([part.record for part in parts]),
        index=np.concatenate([part.index for part in parts]),
        place=np.concatenate([part.place for part in parts]),
        measure=np.concatenate([part.measure for part in parts]),
        ts_ms=np.concatenate([part.ts_ms for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        weight=joined_ints([part.weight for part in parts], lengths, absent=1),
        first=joined_flags([part.first for part in parts], lengths),
        guest=guest,
        guests=guests,
        guest_hash=joined_words([part.guest_hash for part in parts], lengths),
        claim=claim,
        claims=claims,
        priority=most_urgent(part.priority for part in parts),
    )


def joined_words(
    columns: Sequence[Words | None], lengths: Sequence[int], *, absent: int = 0
) -> Words | None:
    """Columns of words, ``absent`` where there is none; ``None`` where there is none at all."""
    if all(column is None for column in columns):
        return None
    return np.concatenate(
        [
            np.full(length, absent, np.uint64) if column is None else column
            for column, length in zip(columns, lengths, strict=True)
        ]
    )


def _text(column: Ints | None, texts: Sequence[str], at: int) -> str | None:
    return None if column is None or column[at] < 0 else texts[int(column[at])]


def _joined(
    columns: Sequence[tuple[Ints | None, tuple[str, ...]]], lengths: Sequence[int]
) -> tuple[Ints | None, tuple[str, ...]]:
    """Columns of numbers of texts over one table."""
    numbers: dict[str, int] = {}
    renamed: list[Ints | None] = []
    for column, texts in columns:
        if column is None:
            renamed.append(None)
            continue
        new = [numbers.setdefault(text, len(numbers)) for text in texts]
        renamed.append(ints([*new, NONE])[column])
    return joined_ints(renamed, lengths, absent=NONE), tuple(numbers)

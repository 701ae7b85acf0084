"""Which rows of a batch count: whose they are, whether their sender may say so, how late they are.

Everything is judged by column. What is refused is named by record and index, with the reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wedsync.metrics.columns import (
    ALONE,
    MADE,
    NAMED,
    OWN_TIME,
    Columns,
    Guests,
    first_copy,
    ints,
)
from wedsync.metrics.histogram import Ints, Words, by_small, dense_ids, run_starts
from wedsync.metrics.identity import Origin
from wedsync.metrics.lateness import ACCEPTED_MS, AHEAD_MS, ON_TIME_MS
from wedsync.metrics.lexicon import NONE, Lexicon, Names, guest_hash
from wedsync.metrics.point import Point
from wedsync.metrics.reading import BodiesRead, Head
from wedsync.metrics.rows import Rows, join_rows, joined_words

Reason = tuple[str, str]

OTHER_TENANT = ("other-tenant", "the point names another tenant than its sender")
OTHER_VENDOR = ("other-vendor", "the point names another vendor than its sender")
OTHER_WEDDING = ("other-wedding", "this vendor does not work at the wedding")
NO_TENANT = ("no-tenant", "no tenant is named, or by an id that cannot be one")
TOO_LATE = ("too-late", "more than 24 h after its own time")
TOO_OLD = ("too-old", "what it would change is not kept any more: add it by a backfill")
FUTURE = ("in-the-future", "more than 5 min ahead of its arrival")
CREATED_AHEAD = ("created-ahead", "the frame was created more than 5 min after it arrived")
AHEAD_OF_FRAME = ("ahead-of-frame", "more than 5 min after its frame was created")
UNKNOWN_OUTCOME = ("unknown-outcome", "no figure is made of this outcome")
REASONS = (
    CREATED_AHEAD,
    OTHER_TENANT,
    OTHER_VENDOR,
    NO_TENANT,
    OTHER_WEDDING,
    UNKNOWN_OUTCOME,
    TOO_LATE,
    TOO_OLD,
    FUTURE,
    AHEAD_OF_FRAME,
)
"""In the order in which they are told where several hold."""
_KEPT = len(REASONS)
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
_ROW_BYTES = 224
"""The most that a row by itself can take in an item, without its texts."""
_GUEST_BYTES = 800
CUT_BYTES = 200_000
"""A frame that might take more than this in an item is cut, by itself, always in the same places:
so none is ever too large for an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What is proved of a record. Without a tenant, each point names its own (the platform's).

    ``event_ids_are_final``: the event words of its frames are identities already.
    """

    tenant: str | None
    device: str
    vendor_id: str | None
    batch_id: str | None
    stream: str
    shard: str
    sequence: str
    arrival_ms: int
    event_ids_are_final: bool = False

    def origin(self, tenant: str) -> Origin:
        """Where a point of this tenant came from."""
        return Origin(
            tenant=tenant,
            device=self.device,
            batch_id=self.batch_id,
            stream=self.stream,
            shard=self.shard,
            sequence=self.sequence,
        )

    def events(self, tenant: str, points: Sequence[Point], key: bytes) -> Words:
        """The frames that these points will be, all of which have event ids."""
        ids = [str(point.event_id) for point in points]
        return self.origin(tenant).event_ids(key, ids, ints([point.ts_ms for point in points]))


@dataclass(frozen=True, slots=True)
class Refused:
    """A point, or a whole record (``index`` None), that does not count, and whose it is."""

    record: int
    index: int | None
    reason: Reason
    tenant: str | None


class Intake:
    """A batch between reading and counting."""

    def __init__(
        self,
        read: BodiesRead,
        senders: Mapping[int, Sender],
        lexicon: Lexicon,
        *,
        valid_tenant: Callable[[str], bool],
    ) -> None:
        """``senders`` are by record; ``valid_tenant`` says whether a tenant may have this id."""
        self._heads = read.heads
        self._parts = [part for part in read.parts if len(part)]
        self._lexicon = lexicon
        self._records = sorted({int(each) for part in self._parts for each in _distinct(part)})
        self._senders = [senders[record] for record in self._records]
        self.rows = join_rows(self._parts) if self._parts else None
        if self.rows is None:
            return
        number = np.zeros(max(self._records) + 1, np.int64)
        number[self._records] = np.arange(len(self._records))
        self._record = number[self.rows.record]
        self._tenants, self._tenant = self._owners(self.rows, valid_tenant)
        self._place, self._other_vendor = self._places(self.rows)
        self._names = lexicon.names()

    def named_by_vendors(self) -> dict[tuple[str, str], frozenset[str]]:
        """The weddings that vendors' senders tell of, by tenant and vendor."""
        found: dict[tuple[str, str], set[str]] = {}
        if self.rows is None:
            return {}
        for tenant, vendor, place in self._by_vendor():
            wedding = self._names.text(int(self._names.place_wedding[place]))
            if wedding is not None:
                found.setdefault((tenant, vendor), set()).add(wedding)
        return {key: frozenset(weddings) for key, weddings in found.items()}

    def judged(
        self,
        foreign: Mapping[tuple[str, str], frozenset[str]],
        key: bytes,
        *,
        kept_since_ms: int,
    ) -> tuple[Columns | None, list[Refused]]:
        """The rows that count, and the points that do not.

        ``foreign`` are weddings of the vendors that do not list them; ``key`` is that of the
        points' identities. Of what lies before ``kept_since_ms`` (epoch ms) the windows are not
        kept any more: only what is handed out again long after it came is as old.
        """
        rows = self.rows
        if rows is None:
            return None, []
        arrival = ints([sender.arrival_ms for sender in self._senders])[self._record]
        behind = arrival - rows.ts_ms
        flaw = np.full(len(rows), _KEPT, np.int8)
        created = self._created_of_records()[self._record]
        for reason, holds in (
            (AHEAD_OF_FRAME, (created != OWN_TIME) & (rows.ts_ms - created > AHEAD_MS)),
            (FUTURE, behind < -AHEAD_MS),
            (TOO_OLD, rows.ts_ms < kept_since_ms),
            (TOO_LATE, behind > ACCEPTED_MS),
            (UNKNOWN_OUTCOME, self._unknown_outcome(rows)),
            (OTHER_WEDDING, self._foreign(foreign)),
            (NO_TENANT, self._tenant < 0),
            (OTHER_VENDOR, self._other_vendor),
            (OTHER_TENANT, self._other_tenant(rows)),
            (CREATED_AHEAD, created > arrival + AHEAD_MS),
        ):
            if holds is not None:
                flaw[holds] = REASONS.index(reason)
        good = flaw == _KEPT
        refused = [] if good.all() else self._refused(rows, flaw)
        kept = np.flatnonzero(good)
        if not len(kept):
            return None, refused
        columns = self._columns(rows, behind > ON_TIME_MS, key)
        return (columns if len(kept) == len(rows) else columns.take(kept)), refused

    def _owners(
        self, rows: Rows, valid_tenant: Callable[[str], bool]
    ) -> tuple[tuple[str, ...], Ints]:
        """The tenants, and that of every row: the sender's, else the one that the point names."""
        tenants: dict[str, int] = {}
        proved = ints(
            [
                NONE if sender.tenant is None else tenants.setdefault(sender.tenant, len(tenants))
                for sender in self._senders
            ]
        )
        tenant = proved[self._record]
        if rows.claim is not None and (tenant < 0).any():
            claimed = [
                tenants.setdefault(each, len(tenants)) if valid_tenant(each) else NONE
                for each in rows.claims
            ]
            tenant = np.where(tenant < 0, ints([*claimed, NONE])[rows.claim], tenant)
        return tuple(tenants), tenant

    def _unknown_outcome(self, rows: Rows) -> npt.NDArray[np.bool_] | None:
        unknown = self._names.measure_unknown_outcome
        if not unknown.any():
            return None
        found: npt.NDArray[np.bool_] = unknown[rows.measure]
        return found

    def _other_tenant(self, rows: Rows) -> npt.NDArray[np.bool_] | None:
        if rows.claim is None:
            return None
        number = {tenant: at for at, tenant in enumerate(self._tenants)}
        claimed = ints([*(number.get(each, len(number)) for each in rows.claims), NONE])[rows.claim]
        proved = ints([0 if sender.tenant is None else 1 for sender in self._senders])
        other: npt.NDArray[np.bool_] = (
            (proved[self._record] == 1) & (claimed >= 0) & (claimed != self._tenant)
        )
        return other

    def _places(self, rows: Rows) -> tuple[Ints, npt.NDArray[np.bool_] | None]:
        """Every row's place with the vendor of its sender, and where it names another one."""
        vendors = [sender.vendor_id for sender in self._senders]
        if not any(vendors):
            return rows.place, None
        names = self._lexicon.names()
        first, pair = dense_ids(self._record, rows.place)
        places, others = [], []
        for record, place in zip(
            self._record[first].tolist(), rows.place[first].tolist(), strict=True
        ):
            wedding, vendor, source = names.place(place)
            own = vendors[record]
            others.append(own is not None and vendor not in (None, own))
            filled = own is not None and vendor is None
            places.append(self._lexicon.place(wedding, own, source) if filled else place)
        other = np.array(others, np.bool_)[pair]
        return ints(places)[pair], other if other.any() else None

    def _by_vendor(self) -> list[tuple[str, str, int]]:
        """The distinct tenant, sending vendor and place of rows that vendors sent."""
        vendors = [sender.vendor_id for sender in self._senders]
        if not any(vendors):
            return []
        sent = np.array([vendor is not None for vendor in vendors])[self._record]
        chosen = np.flatnonzero(sent & (self._tenant >= 0))
        if not len(chosen):
            return []
        first, _ = dense_ids(self._record[chosen], self._tenant[chosen], self._place[chosen])
        at = chosen[first]
        members = (self._tenant[at].tolist(), self._record[at].tolist(), self._place[at].tolist())
        return [
            (self._tenants[tenant], vendors[record] or "", place)
            for tenant, record, place in zip(*members, strict=True)
        ]

    def _foreign(
        self, foreign: Mapping[tuple[str, str], frozenset[str]]
    ) -> npt.NDArray[np.bool_] | None:
        if not any(foreign.values()):
            return None
        vendors = [sender.vendor_id for sender in self._senders]
        first, each = dense_ids(self._record, self._tenant, self._place)
        wrong = []
        for record, tenant, place in zip(
            self._record[first].tolist(),
            self._tenant[first].tolist(),
            self._place[first].tolist(),
            strict=True,
        ):
            vendor = vendors[record]
            wedding = self._names.text(int(self._names.place_wedding[place]))
            named = foreign.get((self._tenants[tenant], vendor)) if vendor is not None else None
            wrong.append(bool(named) and wedding in (named or ()))
        return np.array(wrong, np.bool_)[each]

    def _created_of_records(self) -> Ints:
        """When each record says that it was created, ``OWN_TIME`` where it does not."""
        return ints([self._created(each) for each in range(len(self._records))])

    def _refused(self, rows: Rows, flaw: npt.NDArray[np.int8]) -> list[Refused]:
        wrong = flaw < _KEPT
        if rows.first is not None:
            wrong &= rows.first
        found = []
        whole: set[int] = set()
        for at in np.flatnonzero(wrong).tolist():
            tenant, record = int(self._tenant[at]), int(rows.record[at])
            reason = REASONS[int(flaw[at])]
            if record in whole:
                continue
            if reason is CREATED_AHEAD:
                whole.add(record)
            index = None if reason is CREATED_AHEAD else int(rows.index[at])
            owner = None if tenant < 0 else self._tenants[tenant]
            found.append(Refused(record, index, reason, owner))
        return found

    def _columns(self, rows: Rows, late: npt.NDArray[np.bool_], key: bytes) -> Columns:
        """All rows, each in its frame."""
        first, frame = dense_ids(self._record, self._tenant)
        record, tenant = self._record[first].tolist(), self._tenant[first].tolist()
        frame_id = np.array(
            [self._frame_id(*each, key) for each in zip(record, tenant, strict=True)], np.uint64
        )
        created = self._created_of_records()[record]
        columns = Columns(
            names=self._names,
            tenants=self._tenants,
            frame_id=frame_id,
            frame_tenant=ints(tenant),
            frame_copy=ints([first_copy(self._records[each]) for each in record]),
            frame_created_ms=created,
            frame_kind=ints([NAMED if self._named(each) else MADE for each in record]),
            frame_arrival_ms=ints([self._senders[each].arrival_ms for each in record]),
            frame=frame,
            place=self._place,
            measure=rows.measure,
            ts_ms=rows.ts_ms,
            value=rows.value,
            late=late,
            index=rows.index,
            weight=rows.weight,
            first=rows.first,
            guests=self._guests(rows),
        )
        events = self._event_ids(key)
        return cut_to_fit(columns if events is None else columns.with_own_frames(events))

    def _frame_id(self, record: int, tenant: int, key: bytes) -> int:
        if tenant < 0:
            return 0  # is not counted
        origin = self._senders[record].origin(self._tenants[tenant])
        head = self._heads.get(self._records[record])
        if head is None or head.frame_id is None:
            return origin.record_id(key)
        return origin.frame_id(key, head.frame_id)

    def _named(self, record: int) -> bool:
        head = self._heads.get(self._records[record])
        return head is not None and head.frame_id is not None

    def _created(self, record: int) -> int:
        head: Head | None = self._heads.get(self._records[record])
        return OWN_TIME if head is None or head.created_at_ms is None else head.created_at_ms

    def _event_ids(self, key: bytes) -> Words | None:
        """The identity of each row whose point carries an event id, 0 for the others."""
        if all(part.event_texts is None and part.event_words is None for part in self._parts):
            return None
        at = 0
        found: list[Words | None] = []
        for part in self._parts:
            tenant, record = self._tenant[at : at + len(part)], self._record[at : at + len(part)]
            at += len(part)
            if part.event_texts is None and part.event_words is None:
                found.append(None)
                continue
            ids = np.zeros(len(part), np.uint64)
            first, sender = dense_ids(record, tenant)
            for number, place in enumerate(first.tolist()):
                if tenant[place] < 0:
                    continue
                chosen = np.flatnonzero(sender == number)
                proved = self._senders[int(record[place])]
                origin = proved.origin(self._tenants[int(tenant[place])])
                final = proved.event_ids_are_final
                ids[chosen] = _ids_of(part, chosen, origin, key, final=final)
            found.append(ids)
        return joined_words(found, [len(part) for part in self._parts])

    def _guests(self, rows: Rows) -> Guests | None:
        if rows.guest is None and rows.guest_hash is None:
            return None
        number = np.full(len(rows), NONE, np.int64) if rows.guest is None else rows.guest
        hashes = np.zeros(len(rows), np.uint64)
        wedding = self._names.place_wedding[self._place]
        if rows.guest is not None:
            first, each = dense_ids(self._tenant, wedding, rows.guest)
            known = [self._guest_hash(self._names, rows, wedding, at) for at in first.tolist()]
            hashes = np.array(known, np.uint64)[each]
        if rows.guest_hash is not None:
            first, each = dense_ids(self._tenant, wedding)
            salts = np.array(
                [
                    guest_hash(
                        self._tenants[self._tenant[at]] if self._tenant[at] >= 0 else "",
                        self._names.text(int(wedding[at])),
                        "",
                    )
                    for at in first.tolist()
                ],
                np.uint64,
            )
            told = (rows.guest_hash != 0) & (hashes == 0)
            hashes = np.where(told, (rows.guest_hash ^ salts[each]) * _ODD, hashes)
        return Guests(texts=rows.guests, number=number, hash=hashes, sent=rows.guest_hash)

    def _guest_hash(self, names: Names, rows: Rows, wedding: Ints, at: int) -> int:
        if rows.guest is None or rows.guest[at] < 0 or self._tenant[at] < 0:
            return 0
        text = names.text(int(wedding[at]))
        return guest_hash(self._tenants[self._tenant[at]], text, rows.guests[rows.guest[at]])


def cut_to_fit(columns: Columns) -> Columns:
    """The same with every large frame as several, each of which fits an item whatever it holds.

    Where it is cut depends on the record alone, so that all of its copies are cut alike.
    """
    names, guests = columns.names, columns.guests
    most = _ROW_BYTES + names.longest_place + names.longest_measure
    most += 0 if guests is None else _GUEST_BYTES
    if int(np.bincount(columns.frame).max()) * most <= CUT_BYTES:
        return columns
    size = names.place_bytes[columns.place] + names.measure_bytes[columns.measure] + _ROW_BYTES
    if guests is not None:
        size += np.where(guests.number < 0, 0, _GUEST_BYTES)
    size[(columns.frame_kind == ALONE)[columns.frame]] = 0
    order = by_small(columns.frame, len(columns.frame_id))
    ends = np.cumsum(size[order])
    begins = ends - size[order]
    frame = columns.frame[order]
    starts = run_starts(frame)
    lengths = np.diff(starts, append=len(frame))
    part_in_order = (begins - np.repeat(begins[starts], lengths)) // CUT_BYTES
    # All values of a point stay together.
    row = np.arange(len(frame))
    part_in_order = part_in_order[
        np.maximum.accumulate(np.where(columns.is_first(order), row, starts.repeat(lengths)))
    ]
    if not part_in_order.any():
        return columns
    part = np.empty_like(part_in_order)
    part[order] = part_in_order
    return columns.cut(part)


def _distinct(part: Rows) -> Sequence[int]:
    record = part.record
    changes = np.flatnonzero(record[1:] != record[:-1]) + 1
    distinct: Sequence[int] = [int(record[0]), *record[changes].tolist()]
    return distinct


def _ids_of(part: Rows, chosen: Ints, origin: Origin, key: bytes, *, final: bool) -> Words:
    if part.event_words is not None:
        words = part.event_words[chosen]
        if final:
            return words
        return np.where(words == 0, words, origin.event_words(key, words, part.ts_ms[chosen]))
    texts = part.event_texts or ()
    of = [texts[at] for at in chosen.tolist()]
    ids = np.zeros(len(chosen), np.uint64)
    some = np.array([each is not None for each in of])
    carried = [each for each in of if each is not None]
    ids[some] = origin.event_ids(key, carried, part.ts_ms[chosen][some])
    return ids

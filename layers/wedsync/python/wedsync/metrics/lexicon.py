"""Numbers for what series are named by: met once, then known for the life of a warm process.

A series is a place (wedding, vendor and, without both, source) and a measure (metric, kind,
dimensions). Rows of a batch carry these two numbers; what is worked out about a place or a measure
(its pack, its total, what it tells of a wedding) is worked out once.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from threading import Lock

import numpy as np

from wedsync.metrics.catalog import has_unknown_outcome
from wedsync.metrics.facts import happening
from wedsync.metrics.grid import KINDS
from wedsync.metrics.histogram import Bools, Ints, Words, dense_ids
from wedsync.metrics.marks import role_of, subject_of
from wedsync.metrics.point import Kind
from wedsync.metrics.series import (
    UPDATE_OPERATION,
    Dims,
    Series,
    decode_dims,
    encode_dims,
    pack_hash,
    total_of,
)

NONE = -1
MOST_TEXTS = 200_000
"""A lexicon that holds more texts than this is given up for a new one between two batches."""

Place = tuple[str | None, str | None, str | None]
Measure = tuple[str, Kind, Dims]


@dataclass(frozen=True, eq=False)
class Names:
    """What the numbers of a batch stand for. Columns by place, by measure, or by text.

    Numbers of texts are -1 for none. ``*_bytes`` say how much the texts of each take.
    """

    texts: Sequence[str]
    text_order: Ints
    place_wedding: Ints
    place_vendor: Ints
    place_source: Ints
    place_hash: Words
    place_bytes: Ints
    measure_metric: Ints
    measure_kind: Ints
    measure_dims: Ints
    measure_total: Ints
    measure_role: Ints
    measure_subject: Ints
    measure_summary: Ints
    measure_bytes: Ints
    measure_heartbeat: Bools
    measure_guest: Bools
    measure_update: Bools
    measure_unknown_outcome: Bools

    @cached_property
    def text_rank(self) -> Ints:
        """The place of each text in the sorted order; its last element stands for none."""
        rank = np.empty(len(self.text_order) + 1, np.int64)
        rank[self.text_order] = np.arange(len(self.text_order))
        rank[-1] = NONE
        return rank

    @cached_property
    def longest_place(self) -> int:
        """The bytes of the longest texts of a place."""
        return int(self.place_bytes.max(initial=0))

    @cached_property
    def longest_measure(self) -> int:
        """The bytes of the longest texts of a measure."""
        return int(self.measure_bytes.max(initial=0))

    @cached_property
    def place_rank(self) -> Ints:
        """The order of places as a grid's rows: equal for equal wedding and vendor."""
        wedding, vendor = self.text_rank[self.place_wedding], self.text_rank[self.place_vendor]
        pair = (wedding + 1) * (len(self.texts) + 1) + vendor + 1
        return dense_ids(pair)[1]

    @cached_property
    def measure_rank(self) -> Ints:
        """The order of measures within a place of a grid."""
        order = np.lexsort(
            (
                self.text_rank[self.measure_dims],
                self.measure_kind,
                self.text_rank[self.measure_metric],
            )
        )
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank

    def text(self, number: int) -> str | None:
        """The text of this number."""
        return None if number < 0 else self.texts[number]

    def place(self, number: int) -> Place:
        """Wedding, vendor and source of this place."""
        return (
            self.text(int(self.place_wedding[number])),
            self.text(int(self.place_vendor[number])),
            self.text(int(self.place_source[number])),
        )

    def measure(self, number: int) -> Measure:
        """Metric, kind and dimensions of this measure."""
        return (
            self.texts[self.measure_metric[number]],
            KINDS[self.measure_kind[number]],
            decode_dims(self.text(int(self.measure_dims[number])) or ""),
        )


_PLACE_COLUMNS = ("place_wedding", "place_vendor", "place_source", "place_bytes")
_MEASURE_COLUMNS = (
    "measure_metric",
    "measure_kind",
    "measure_dims",
    "measure_total",
    "measure_role",
    "measure_subject",
    "measure_summary",
    "measure_bytes",
    "measure_heartbeat",
    "measure_guest",
    "measure_update",
    "measure_unknown_outcome",
)


class Lexicon:
    """Gives numbers. Several threads may ask at once; a number never changes its meaning."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: list[str] = []
        self._text_numbers: dict[str, int] = {}
        self._text_order: list[int] = []
        self._places: dict[Place, int] = {}
        self._measures: dict[Measure, int] = {}
        self._columns = {name: array("q") for name in (*_PLACE_COLUMNS, *_MEASURE_COLUMNS)}
        self._hashes = array("Q")
        self._names: Names | None = None

    @property
    def full(self) -> bool:
        """Whether it should be given up for a new one."""
        met = (self._texts, self._places, self._measures)
        return any(len(each) > MOST_TEXTS for each in met)

    def met_places(self, places: Sequence[Place]) -> list[int | None]:
        """The numbers of those of these places that have one."""
        return list(map(self._places.get, places))

    def place(self, wedding_id: str | None, vendor_id: str | None, source: str | None) -> int:
        """The number of a place. A source counts only where there is neither of the others."""
        key = (wedding_id, vendor_id, None if wedding_id or vendor_id else source)
        number = self._places.get(key)
        if number is None:
            with self._lock:
                number = self._add_place(key)
        return number

    def measure(self, metric: str, kind: Kind, dims: Dims) -> int:
        """The number of a measure; the dimensions are in the order of their names."""
        key = (metric, kind, dims)
        number = self._measures.get(key)
        if number is None:
            with self._lock:
                number = self._add_measure(key)
        return number

    def names(self) -> Names:
        """What all numbers given so far stand for."""
        with self._lock:
            names = self._names
            if (
                names is None
                or len(names.place_hash) < len(self._places)
                or len(names.measure_kind) < len(self._measures)
            ):
                names = self._names = self._made()
            return names

    def _made(self) -> Names:
        self._text_order.extend(range(len(self._text_order), len(self._texts)))
        self._text_order.sort(key=self._texts.__getitem__)  # a sorted run and a few more
        columns = {name: np.array(each, np.int64) for name, each in self._columns.items()}
        return Names(
            texts=tuple(self._texts),
            text_order=np.array(self._text_order, np.int64),
            place_wedding=columns["place_wedding"],
            place_vendor=columns["place_vendor"],
            place_source=columns["place_source"],
            place_hash=np.array(self._hashes, np.uint64),
            place_bytes=columns["place_bytes"],
            measure_metric=columns["measure_metric"],
            measure_kind=columns["measure_kind"],
            measure_dims=columns["measure_dims"],
            measure_total=columns["measure_total"],
            measure_role=columns["measure_role"],
            measure_subject=columns["measure_subject"],
            measure_summary=columns["measure_summary"],
            measure_bytes=columns["measure_bytes"],
            measure_heartbeat=columns["measure_heartbeat"].astype(np.bool_),
            measure_guest=columns["measure_guest"].astype(np.bool_),
            measure_update=columns["measure_update"].astype(np.bool_),
            measure_unknown_outcome=columns["measure_unknown_outcome"].astype(np.bool_),
        )

    def _text(self, text: str | None) -> int:
        if text is None:
            return NONE
        number = self._text_numbers.get(text)
        if number is None:
            number = self._text_numbers[text] = len(self._texts)
            self._texts.append(text)
        return number

    def _append(self, names: tuple[str, ...], values: tuple[int, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            self._columns[name].append(value)

    def _add_place(self, key: Place) -> int:
        if key in self._places:  # another thread was first
            return self._places[key]
        self._append(_PLACE_COLUMNS, (*map(self._text, key), sum(map(_bytes, key))))
        self._hashes.append(pack_hash(key[0] or key[1] or key[2] or ""))
        number = self._places[key] = len(self._places)
        return number

    def _add_measure(self, key: Measure) -> int:
        if key in self._measures:
            return self._measures[key]
        metric, kind, dims = key
        total = total_of(
            Series(wedding_id=None, vendor_id=None, metric=metric, kind=kind, dims=dims)
        )
        total_key = (metric, kind, total.dims)
        own = dict(dims)
        number = len(self._measures)
        of_total = number if total_key == key else self._measures.get(total_key)
        if of_total is None:
            of_total = self._add_measure(total_key)
            number = len(self._measures)
        text = encode_dims(dims) if dims else None
        role = role_of(metric, own)
        self._append(
            _MEASURE_COLUMNS,
            (
                self._text(metric),
                KINDS.index(kind),
                self._text(text),
                of_total,
                NONE if role is None else role,
                self._text(subject_of(metric, own)),
                self._text(happening(metric, own)),
                # Its own, its total's, and those that are told of it.
                _bytes(metric) + 4 * _bytes(text),
                metric == "vendor.heartbeat",
                metric == "guest.activity",
                UPDATE_OPERATION in own,
                has_unknown_outcome(metric, own.get("outcome")),
            ),
        )
        self._measures[key] = number
        return number


def _bytes(text: str | None) -> int:
    return 0 if text is None else len(text.encode()) + 1


def guest_hash(tenant: str, wedding_id: str | None, guest_id: str) -> int:
    """A hash of a guest, who is another one at another wedding or for another tenant."""
    text = "\x1f".join((tenant, wedding_id or "", guest_id))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"wsguest")
    return int.from_bytes(digest.digest(), "little")

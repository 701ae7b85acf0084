"""What pipelines derive of a batch while it is ingested.

What the points of a series have in common is worked out once a series, what their values say in
columns. Every frame has a derived one for each pipeline, whose id follows from both: so copies of a
point derive copies, which are counted once, whatever is delivered again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from wedsync.metrics.columns import Columns
from wedsync.metrics.condition import DIMS
from wedsync.metrics.evaluation import evaluate, holds
from wedsync.metrics.formula import Formula, fields_of
from wedsync.metrics.histogram import Bools, Floats, Ints, dense_ids, distinct
from wedsync.metrics.intake import cut_to_fit
from wedsync.metrics.lexicon import Lexicon, Place
from wedsync.metrics.pipelines import (
    Aggregate,
    Calculate,
    Filter,
    Join,
    Normalize,
    OutputSchema,
    Pipeline,
    Unmatched,
)
from wedsync.metrics.point import LARGEST_VALUE
from wedsync.metrics.series import Dims

_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)


@dataclass(frozen=True, slots=True)
class Violation:
    """A derived point that its schema refuses: by the row that it came of, and the wrong member."""

    row: int
    pipeline_id: str
    code: str
    pointer: str
    value: float


WeddingTexts = Mapping[str, Mapping[str, str]]
"""What weddings are joined with, by their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Derived:
    """What one pipeline derives: for each row that it is of, where it belongs, and its value."""

    mark: int
    rows: Ints
    place: Ints
    measure: Ints
    value: Floats


@dataclass(slots=True)
class _Lot:
    """The points of one series on their way: which rows, their values, and what names them."""

    rows: Ints
    value: Floats
    place: Place
    dims: dict[str, str]
    name: str

    def texts(self) -> dict[str, str]:
        """What the series is named by, by field."""
        wedding, vendor, source = self.place
        told = {"name": self.name, "weddingId": wedding, "vendorId": vendor, "source": source}
        found = {key: text for key, text in told.items() if text is not None}
        return found | {DIMS + key: text for key, text in self.dims.items()}

    def keep(self, chosen: Bools) -> None:
        """Only these go on."""
        self.rows, self.value = self.rows[chosen], self.value[chosen]


def derive(
    columns: Columns,
    pipelines: Mapping[str, Sequence[Pipeline]],
    weddings: Mapping[str, WeddingTexts],
    lexicon: Lexicon,
) -> tuple[Columns, list[Violation]]:
    """These rows with all that pipelines derive of them; pipelines and weddings are by tenant."""
    violations: list[Violation] = []
    parts: list[_Derived] = []
    for tenant_id, declared in pipelines.items():
        of_tenant = columns.tenant == columns.tenants.index(tenant_id)
        for each in declared:
            lots = []
            for lot in _lots(columns, of_tenant, each.names):
                _run(each, lot, weddings.get(tenant_id, {}), violations)
                if len(lot.rows):
                    lots.append(lot)
            if lots:
                parts.append(_rows(columns, each, lots, lexicon))
    return (_joined(columns, parts, lexicon) if parts else columns), violations


def _lots(columns: Columns, of_tenant: Bools, names: frozenset[str]) -> Iterator[_Lot]:
    """The rows of these metrics, by series."""
    known = columns.names
    measures = distinct(columns.measure)
    metrics = known.measure_metric[measures]
    wanted = np.array([known.texts[each] in names for each in metrics.tolist()], np.bool_)
    if not wanted.any():
        return
    rows = np.flatnonzero(of_tenant & np.isin(columns.measure, measures[wanted]))
    if not len(rows):
        return
    first, number = dense_ids(columns.place[rows], columns.measure[rows])
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=len(first)))
    for at, chosen in zip(first.tolist(), np.split(order, ends[:-1]), strict=True):
        metric, _, dims = known.measure(int(columns.measure[rows[at]]))
        yield _Lot(
            rows=rows[chosen],
            value=columns.value[rows[chosen]],
            place=known.place(int(columns.place[rows[at]])),
            dims=dict(dims),
            name=metric,
        )


def _run(pipeline: Pipeline, lot: _Lot, weddings: WeddingTexts, found: list[Violation]) -> None:
    """Hand a lot from transform to transform, and judge what comes out."""
    for transform in pipeline.transforms:
        if not len(lot.rows):
            return
        match transform:
            case Filter(where):
                lot.keep(holds(where, lot.texts(), lot.value))
            case Calculate(formula):
                lot.value = _calculated(formula, lot)
            case Normalize():
                lot.value = _normalized(transform, lot.value)
            case Join():
                _join(transform, lot, weddings)
            case Aggregate():
                if transform.where is not None:
                    lot.keep(holds(transform.where, lot.texts(), lot.value))
                _group(transform, lot)
    _judge(pipeline, lot, found)


def _calculated(formula: Formula, lot: _Lot) -> Floats:
    names = {name: np.full(len(lot.value), _number(lot.dims.get(name.removeprefix(DIMS))))
             for name in fields_of(formula)}  # fmt: skip
    names["value"] = lot.value
    return evaluate(formula, names, length=len(lot.value))


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _normalized(transform: Normalize, value: Floats) -> Floats:
    (low, high), (new_low, new_high) = transform.source, transform.target
    with np.errstate(all="ignore"):  # what is not a number is told of what comes out
        placed = new_low + (value - low) / (high - low) * (new_high - new_low)
    if not transform.clamp:
        return placed
    return np.clip(placed, min(new_low, new_high), max(new_low, new_high))


def _join(transform: Join, lot: _Lot, weddings: WeddingTexts) -> None:
    key = lot.texts().get(transform.on)
    added: Mapping[str, str] | None
    if transform.wedding_fields:
        known = weddings.get(key or "")
        added = None if known is None else {
            each: known[each] for each in transform.wedding_fields if each in known
        }  # fmt: skip
    else:
        added = transform.table.get(key or "")
    if added is not None:
        lot.dims |= added
    elif transform.unmatched is Unmatched.DROP:
        lot.keep(np.zeros(len(lot.rows), np.bool_))


def _group(transform: Aggregate, lot: _Lot) -> None:
    names = ("weddingId", "vendorId", "source")
    wedding, vendor, source = (
        text if name in transform.group_by else None
        for name, text in zip(names, lot.place, strict=True)
    )
    lot.place = (wedding, vendor, source)
    kept = {each.removeprefix(DIMS) for each in transform.group_by}
    lot.dims = {name: text for name, text in lot.dims.items() if name in kept}


def _judge(pipeline: Pipeline, lot: _Lot, found: list[Violation]) -> None:
    """Tell of what is no number, and of what the schema refuses; only the rest goes on."""
    schema = pipeline.schema
    flawed = _wrong_dimension(schema, lot.dims)
    is_number = np.abs(lot.value) <= LARGEST_VALUE
    fits = np.full(len(lot.rows), flawed is None)
    if schema.minimum is not None:
        fits &= lot.value >= schema.minimum
    if schema.maximum is not None:
        fits &= lot.value <= schema.maximum
    if flawed is not None:
        refused = [(~fits, "output-schema", f"/dims/{flawed}")]
    else:
        refused = [
            (~is_number, "output-not-a-number", "/value"),
            (is_number & ~fits, "output-schema", "/value"),
        ]
    for wrong, code, pointer in refused:
        for row, value in zip(lot.rows[wrong].tolist(), lot.value[wrong].tolist(), strict=True):
            found.append(Violation(row, pipeline.pipeline_id, code, pointer, value))
    lot.keep(is_number & fits)


def _wrong_dimension(schema: OutputSchema, dims: Mapping[str, str]) -> str | None:
    for name in schema.required:
        if name not in dims:
            return name
    for name, texts in schema.texts.items():
        if name in dims and dims[name] not in texts:
            return name
    return None


def _rows(columns: Columns, pipeline: Pipeline, lots: Sequence[_Lot], lexicon: Lexicon) -> _Derived:
    """What a pipeline's lots come to, marked as that pipeline's."""
    lengths = [len(lot.rows) for lot in lots]
    places = [lexicon.place(*lot.place) for lot in lots]
    measures = []
    for lot in lots:
        kind = columns.names.measure(int(columns.measure[lot.rows[0]]))[1]
        dims: Dims = tuple(sorted(lot.dims.items()))
        measures.append(lexicon.measure(pipeline.metric, kind, dims))
    digest = blake2b(pipeline.pipeline_id.encode(), digest_size=8).digest()
    return _Derived(
        mark=int.from_bytes(digest, "little"),
        rows=np.concatenate([lot.rows for lot in lots]),
        place=np.repeat(np.array(places, np.int64), lengths),
        measure=np.repeat(np.array(measures, np.int64), lengths),
        value=np.concatenate([lot.value for lot in lots]),
    )


def _joined(columns: Columns, parts: Sequence[_Derived], lexicon: Lexicon) -> Columns:
    """The rows and, behind them, the derived ones, each pipeline's in frames of their own."""
    names = lexicon.names()
    derived = [
        replace(
            columns.take(part.rows),
            names=names,
            place=part.place,
            measure=part.measure,
            value=part.value,
            # What somebody sent is counted as a point once.
            first=np.zeros(len(part.rows), np.bool_),
            frame_id=(columns.frame_id ^ np.uint64(part.mark)) * _MIX,
        )
        for part in parts
    ]
    return Columns.joined([replace(columns, names=names), *map(cut_to_fit, derived)])

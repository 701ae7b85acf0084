"""The client's batches as frames and as lines of JSON: bytes, and CPU at both ends."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.report import Differs, Section, Table, median, number
from benchmarks.traffic import DIMS, METRICS, SERIES_A_WEDDING, START_MS, Minute, a_minute
from wedsync.client import Batch
from wedsync.client.frames import fit_of
from wedsync.metrics.body import open_body
from wedsync.metrics.point import Point
from wedsync.metrics.reading import BodyReader

_POINTS = 20_000
_QUICK_POINTS = 5_000
_ROUNDS = 5
_WEDDINGS = 20
_LINES = "JSON lines, gzip, 500 a batch (the reference)"


@dataclass(slots=True)
class _Form:
    """One way to send the same points, and what it took, in CPU seconds by round."""

    said: str
    points: int
    framed: bool
    bytes_sent: int = 0
    kept: list[float] = field(default_factory=list)
    made: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)


def measure(*, quick: bool) -> Section:
    """The same points in every form, in turn."""
    total = _QUICK_POINTS if quick else _POINTS
    points = _points_of(a_minute(total, weddings=_WEDDINGS, events=1))
    forms = (
        _Form(_LINES, points=500, framed=False),
        _Form("frames of 500", points=500, framed=True),
        _Form("frames of 5,000", points=5_000, framed=True),
    )
    reader = BodyReader()
    expected: list[Point] | None = None
    for _ in range(_ROUNDS):
        for form in forms:
            told = _round(form, points, reader)
            expected = told if expected is None else expected
            if told != expected:
                raise Differs(f"{form.said} are read as other points")
    return _section(forms, total)


def _points_of(minute: Minute) -> list[dict[str, object]]:
    points: list[dict[str, object]] = []
    for series, ts_ms, value in zip(
        minute.series.tolist(), minute.ts_ms.tolist(), minute.value.tolist(), strict=True
    ):
        wedding, measure = divmod(series, SERIES_A_WEDDING)
        metric, dims = divmod(measure, len(DIMS))
        points.append(
            {
                "name": METRICS[metric],
                "kind": "timer",
                "value": value,
                "weddingId": minute.weddings[wedding],
                "dims": dict(DIMS[dims]),
                "ts": ts_ms,
            }
        )
    return points


def _round(form: _Form, points: Sequence[dict[str, object]], reader: BodyReader) -> list[Point]:
    """Keep, send and read all points once; what was read."""
    lines: list[bytes] = []

    def keep() -> None:
        for point in points:
            lines.append(json.dumps(point, separators=(",", ":")).encode() + b"\n")
            if form.framed and fit_of(point, START_MS) is None:
                raise Differs("a point of the workload does not fit a frame")

    form.kept.append(_cpu(keep))
    batches = [
        Batch(
            f"{at:012d}-{at + 1:016x}", b"".join(lines[at : at + form.points]), framed=form.framed
        )
        for at in range(0, len(lines), form.points)
    ]
    bodies: list[bytes] = []
    form.made.append(_cpu(lambda: bodies.extend(batch.body for batch in batches)))
    form.bytes_sent = sum(map(len, bodies))
    form.read.append(_cpu(lambda: reader.read(list(enumerate(map(open_body, bodies))))))
    read = reader.read(list(enumerate(map(open_body, bodies))))
    names = reader.lexicon.names()
    return [point for part in read.parts for _, point in part.points(names)]


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _section(forms: Sequence[_Form], total: int) -> Section:
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for form in forms:
        size = form.bytes_sent / total
        kept, made, read = (
            median(sorted(each)) / total * 1e6 for each in (form.kept, form.made, form.read)
        )
        rows.append((form.said, f"{size:.1f}", f"{kept:.1f}", f"{made:.1f}", f"{read:.2f}"))
        for name, figure in (("bytes", size), ("kept", kept), ("made", made), ("read", read)):
            figures[f"{form.said}: {name}"] = figure
    return Section(
        name="client",
        title="What the client sends",
        said=(
            f"{number(total)} points of {_WEDDINGS} weddings, {len(METRICS) * len(DIMS)} series "
            "each, values in hundredths. CPU in µs a point, the median of "
            f"{_ROUNDS} rounds: until a point can be written to disk, from the disk's lines to the "
            "body of a request or record, and from that body to columns on the platform."
        ),
        tables=(
            Table(
                columns=("", "bytes a point", "µs to keep", "µs to make", "µs to read"), rows=rows
            ),
        ),
        figures=figures,
    )

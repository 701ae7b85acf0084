"""From record text to the packed blobs of four windows: what each step costs, beside others."""

import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.agreement import check, check_seconds
from benchmarks.references import by_dictionary, by_polars, columns_for_polars
from benchmarks.report import Section, Table, median, number, times
from benchmarks.stages import STEPS, Run, events_of, fold_all, read_all
from infra.cost.workload import Workload, make, wedding_names
from wedsync.metrics.columns import Columns
from wedsync.metrics.histogram import RELATIVE_ERROR
from wedsync.metrics.reading import BodyReader

_WEDDINGS = 1_000
_POINTS_A_SECOND = 1_000_000 / 60
_MINUTE_END_MS = 1_781_964_060_000


def _cpu(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(*, quick: bool) -> Section:
    """Check, then time all contenders in turn."""
    points, rounds = (30_000, 3) if quick else (150_000, 5)
    span_ms = round(points / _POINTS_A_SECOND * 1000)
    # Half before and half after a minute's end, so that there are minutes to roll up.
    start_ms = _MINUTE_END_MS - span_ms // 2
    workload = make(points, weddings=wedding_names(_WEDDINGS), start_ms=start_ms, span_ms=span_ms)
    events = events_of(workload.records)
    frame = columns_for_polars(workload)
    reader = BodyReader()
    batches = read_all(events, Run(), reader)
    check(_folded(batches), workload, by_dictionary(workload.records))
    check_seconds(_folded(batches, every_second=True), workload)

    runs: list[Run] = []
    seconds_too: list[Run] = []
    others: dict[str, list[float]] = {"json": [], "dict": [], "polars": [], "polars seconds": []}
    for _ in range(rounds):
        gc.collect()
        runs.append(run := Run())
        fold_all(read_all(events, run, reader), run)
        others["dict"].append(_cpu(lambda: by_dictionary(workload.records)))
        others["polars"].append(_cpu(lambda: by_polars(frame, seconds_of="metric")))
        gc.collect()
        seconds_too.append(_folded(batches, every_second=True))
        others["polars seconds"].append(_cpu(lambda: by_polars(frame, seconds_of="series")))
        others["json"].append(_cpu(lambda: _parsed(workload.records)))
    return _section(workload, len(events), runs, seconds_too, others, rounds)


def _folded(batches: Sequence[Columns], *, every_second: bool = False) -> Run:
    run = Run()
    fold_all(batches, run, every_second=every_second)
    return run


def _parsed(records: Sequence[bytes]) -> None:
    for record in records:
        json.loads(record)


def _section(
    workload: Workload,
    events: int,
    runs: Sequence[Run],
    seconds_too: Sequence[Run],
    others: Mapping[str, Sequence[float]],
    rounds: int,
) -> Section:
    per_million = 1_000_000 / len(workload)
    own = {step: median([run.seconds[step] for run in runs]) * per_million for step in STEPS}
    whole = median([run.total_seconds for run in runs]) * per_million
    folded = median([run.from_columns_seconds for run in runs]) * per_million
    by_second = median([run.from_columns_seconds for run in seconds_too]) * per_million
    other = {name: median(found) * per_million for name, found in others.items()}
    rows = [
        ("text → rows", own["decode"], "json.loads of the same bytes", other["json"]),
        ("rows → identities, lateness, columns", own["identify"], "", 0.0),
        ("columns → cells", own["fold"], "", 0.0),
        ("cells → packed items", own["pack"], "", 0.0),
        ("items → 1 min, 5 min, 1 h blobs", own["roll up"], "", 0.0),
        ("**columns → four windows' blobs**", folded, "polars, four group-bys", other["polars"]),
        (
            "the same, every series by the second",
            by_second,
            "polars, 1 s by series too",
            other["polars seconds"],
        ),
        ("**text → four windows' blobs**", whole, "json + dict", other["dict"]),
        ("text → four windows' blobs", whole, "polars on decoded columns", other["polars"]),
    ]
    last = runs[-1]
    table = Table(
        columns=("step", "CPU s per 1M points", "reference", "its CPU s", "reference / ours"),
        rows=[
            (name, number(ours), said, number(theirs), times(theirs / ours))
            if said
            else (name, number(ours), "", "", "")
            for name, ours, said, theirs in rows
        ],
    )
    rate = 1_000_000 / whole
    said = (
        f"{len(workload):,} points at 1M a minute, {len(workload.keys):,} series of {_WEDDINGS:,} "
        f"weddings, log-normal, JSON arrays of 500 points, {events} Lambda events of at most "
        f"6 MB, one core; medians of {rounds}, in turns; counts equal to both references, sums "
        f"within 1e-9, p95 within {RELATIVE_ERROR:.2%} of the loop's. One second is kept for the "
        "tenant's totals, as deployed; every point carries an event id and is told apart by it. "
        "The references validate nothing and know no copies. "
        f"**{rate:,.0f} points a second and core** from text to blobs; "
        f"{last.puts * per_million:,.0f} puts and {last.write_units * per_million:,.0f} write "
        "units per 1M points."
    )
    figures = {
        **{f"{step} CPU s per 1M": value for step, value in own.items()},
        "columns to blobs CPU s per 1M": folded,
        "columns to blobs by the second CPU s per 1M": by_second,
        "text to blobs CPU s per 1M": whole,
        **{f"{name} CPU s per 1M": value for name, value in other.items()},
        "points per second": rate,
        "puts per 1M": last.puts * per_million,
        "write units per 1M": last.write_units * per_million,
    }
    return Section(
        name="kernel", title="Folding points", said=said, tables=(table,), figures=figures
    )

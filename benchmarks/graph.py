"""``python -m benchmarks.graph [FILE] [--quick]``: how many points a second, drawn.

By how many points there are, and by how many series they belong to: binary frames, from events'
text to the packed blobs of four windows, on one core, as the hot path's table has it.
"""

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import machine, median, number
from benchmarks.stages import Run, fold_all, judged, records_of
from benchmarks.traffic import PACKS, SERIES_A_WEDDING, Minute, a_minute
from wedsync.metrics.reading import BodyReader

_FILE = Path(__file__).parents[1] / "docs" / "throughput.png"
_MINUTE = 1_000_000
_SERIES_OF_POINTS = 20_000
_POINTS = (10_000, 30_000, 100_000, 300_000, _MINUTE)
_MINUTES = (3, 10)
_SERIES = (100, 1_000, 10_000, 50_000, 200_000)
_ROUNDS = 3
_POINTS_AN_EVENT = 200_000
_ASKED = _MINUTE / 60


@dataclass(frozen=True, slots=True)
class Dot:
    """So many points a CPU second, at this number of points or of series."""

    at: int
    points_a_second: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both, write the picture, and print what it shows."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.graph", description=(__doc__ or "").partition("\n")[2]
    )
    parser.add_argument("file", nargs="?", type=Path, default=_FILE, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="up to a tenth of everything")
    asked = parser.parse_args(arguments)
    least = 10 if asked.quick else 1
    began = time.perf_counter()
    by_points = _by_points(least)
    by_series = _by_series(least)
    _draw(by_points, by_series, most=_MINUTE // least, file=asked.file)
    for name, dots in (("points", by_points), ("series", by_series)):
        for dot in dots:
            print(f"{dot.at:>12,} {name}: {number(dot.points_a_second):>10} points a second")
    print(f"Wrote {asked.file}; took {time.perf_counter() - began:.0f} s.")
    return 0


def _by_points(least: int) -> list[Dot]:
    """From one minute of few points to ten minutes of a million, one after the other."""
    reader = BodyReader()
    minutes = [_minute(points // least, _SERIES_OF_POINTS // least) for points in _POINTS]
    _seconds(minutes[0], reader)  # warm
    dots = []
    for minute in minutes:
        rounds = [_seconds(minute, reader) for _ in range(_ROUNDS)]
        dots.append(Dot(len(minute), len(minute) / median(rounds)))
    for count in _MINUTES:
        seconds = sum(_seconds(minutes[-1], reader) for _ in range(count))
        dots.append(Dot(count * len(minutes[-1]), count * len(minutes[-1]) / seconds))
    return dots


def _by_series(least: int) -> list[Dot]:
    reader = BodyReader()
    dots = []
    for series in _SERIES:
        minute = _minute(_MINUTE // least, series)
        _seconds(minute, reader)  # what a warm process has seen before
        rounds = [_seconds(minute, reader) for _ in range(_ROUNDS)]
        dots.append(Dot(series, len(minute) / median(rounds)))
    return dots


def _minute(points: int, series: int) -> Minute:
    events = max(1, points // _POINTS_AN_EVENT)
    return a_minute(points, weddings=max(1, series // SERIES_A_WEDDING), events=events)


def _seconds(minute: Minute, reader: BodyReader) -> float:
    """CPU seconds from the events' text to the windows' blobs."""
    gc.collect()
    began = time.process_time()
    batches = (
        judged(records_of(event), reader, sequence=place * 1_000_000)
        for place, event in enumerate(minute.events)
    )
    fold_all(batches, Run(), packs=PACKS)
    return time.process_time() - began


def _draw(by_points: Sequence[Dot], by_series: Sequence[Dot], *, most: int, file: Path) -> None:
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _line(left, by_points, f"points (beyond {most:,}: minute after minute)")
    _line(right, by_series, f"series, of {most:,} points")
    left.set_ylabel("points per CPU second, one core")
    left.set_ylim(0, 1.1 * max(dot.points_a_second for dot in (*by_points, *by_series)))
    told = machine()
    figure.suptitle("Binary frames: events' text to the packed blobs of four windows")
    figure.supxlabel(
        f"{told['cores']} cores of {told['CPU']}, {told['system']}, Python {told['Python']}, "
        f"numpy {told['numpy']}; one core used; medians of {_ROUNDS}",
        fontsize=8,
        color="#555555",
    )
    figure.savefig(file, dpi=110, metadata={"Software": None})


def _line(axes: Axes, dots: Sequence[Dot], name: str) -> None:
    axes.set_xscale("log")
    axes.set_xlabel(name)
    axes.grid(visible=True, color="#dddddd", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1e6:.1f} M")
    at, value = [dot.at for dot in dots], [dot.points_a_second for dot in dots]
    axes.plot(at, value, color="#2b6cb0", marker="o", markersize=5, linewidth=1.8)
    for dot in dots:
        axes.annotate(
            f"{dot.points_a_second / 1e6:.2f}",
            (dot.at, dot.points_a_second),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
            fontsize=8,
        )
    axes.axhline(_ASKED, color="#c05621", linewidth=1.2, linestyle="--")
    axes.annotate(
        f"1M a minute: {_ASKED:,.0f} a second",
        (0.98, _ASKED),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        xytext=(0, 4),
        ha="right",
        fontsize=8,
        color="#c05621",
    )


if __name__ == "__main__":
    sys.exit(main())

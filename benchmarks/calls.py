"""What counting a million points costs in calls on tables: units, and what they are billed at."""

from collections.abc import Iterator

from benchmarks.report import Section, Table, number
from infra.cost.counted import Calls
from infra.cost.prices import LISTED
from infra.cost.sample import BEFORE_MINUTES, Sample, played
from wedsync.resources import Resource
from wedsync.settings import Settings

_MILLION = 1_000_000
_TABLES = (
    Resource.HOT_WINDOWS,
    Resource.WINDOWS,
    Resource.WEDDINGS,
    Resource.ALERTS,
    Resource.INCIDENTS,
    Resource.RULES,
    Resource.TENANT_SETTINGS,
    Resource.VIEWS,
)


def measure(*, quick: bool) -> Section:
    """One minute of points after five like it, each case in a cloud of its own."""
    weddings, points = (60, 3_000) if quick else (300, 12_000)
    figures: dict[str, float] = {}
    tables = []
    for title, days_ahead, failing in (
        ("months before the wedding, all is well", 120, 0),
        ("windows open, all is well", 0, 0),
        ("windows open, one request in 1000 fails", 0, 1000),
    ):
        sample = Sample(
            weddings=weddings,
            points=points,
            packs=Settings().packs,
            days_ahead=days_ahead,
            failing=failing,
        )
        with played(sample) as ready:
            counting = ready.count()
        rows = list(_rows(counting.calls, _MILLION / counting.points))
        tables.append(
            Table(
                columns=(title, "calls", "read units", "write units", "$"),
                rows=[(name, *map(number, told)) for name, *told in rows],
            )
        )
        *_, (_, all_calls, reads, writes, dollars) = rows
        figures |= {
            f"{title}, calls": all_calls,
            f"{title}, read units": reads,
            f"{title}, write units": writes,
            f"{title}, $": dollars,
        }
    said = (
        f"Per million points, measured over {points:,} points a minute of {weddings} weddings of "
        f"one tenant in {Settings().packs} packs, one batch a second, after {BEFORE_MINUTES} "
        f"minutes like it. On demand, ${LISTED.million_read_units} for a million read units and "
        f"${LISTED.million_write_units} for a million write units. Calls on tables alone; "
        "`wedsync cost` tells the rest."
    )
    return Section(
        name="calls",
        title="What a million points cost",
        said=said,
        tables=tuple(tables),
        figures=figures,
    )


def _rows(calls: Calls, scale: float) -> Iterator[tuple[str, float, float, float, float]]:
    for resource in (*_TABLES, None):
        of = _TABLES if resource is None else (resource,)
        called = sum(count for (each, _), count in calls.calls.items() if each in of) * scale
        reads = sum(calls.read_units[each] for each in of) * scale
        writes = sum(calls.write_units[each] for each in of) * scale
        dollars = reads * LISTED.million_read_units + writes * LISTED.million_write_units
        yield (resource.slug if resource else "all"), called, reads, writes, dollars / _MILLION

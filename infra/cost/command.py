"""The command that tells what running the bundle costs."""

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from wedsync.metrics.packs import MOST_PACKS

if TYPE_CHECKING:
    from infra.cost.estimate import Case, Line, Traffic
    from infra.cost.sample import Sample

_WRONG_USE = 2
_LEFT_OUT = (
    "what is stored, API requests and reads by people, pages and their deliveries, days, "
    "copies for a long-range store, second indexes, logs, data transfer, free tiers and discounts"
)


def cost(
    points: Annotated[int, typer.Option(min=60, help="Points a minute, of all weddings.")] = (
        1_000_000
    ),
    weddings: Annotated[int, typer.Option(min=1, help="Weddings that send them.")] = 10_000,
    tenants: Annotated[int, typer.Option(min=1, help="Tenants that they belong to.")] = 50,
    packs: Annotated[
        int, typer.Option(min=1, max=MOST_PACKS, help="Storage packs of each tenant.")
    ] = 4,
    batching: Annotated[
        int, typer.Option(min=1, max=10, help="Seconds that the stream function waits for more.")
    ] = 1,
    as_json: Annotated[  # noqa: FBT002 - an option of the command line
        bool, typer.Option("--json", help="One object instead of tables.")
    ] = False,
) -> None:
    """Tell requests and dollars per million points and month, from calls counted on a sample."""
    from infra.cost.estimate import MONTHS_BEFORE, OPEN, SMALL_TENANT, Traffic

    if tenants > weddings:
        typer.echo("wedsync: there are at least as many --weddings as --tenants", err=True)
        raise typer.Exit(_WRONG_USE)
    asked = Traffic(
        points=points, weddings=weddings, tenants=tenants, packs=packs, batching=batching
    )
    many = replace(asked, tenants=-(-weddings // SMALL_TENANT))
    wanted = [(asked, MONTHS_BEFORE), (asked, OPEN)]
    if many.tenants > tenants:
        wanted.append((many, MONTHS_BEFORE))
    told = []
    for number, (traffic, case) in enumerate(wanted, start=1):
        title = f"{case.title}, {traffic.tenants:,} tenants"
        _progress(f"{number} of {len(wanted)}: {title} …")
        told.append((title, traffic, *_measured(traffic, case)))
    if as_json:
        typer.echo(json.dumps(_document(asked, told), indent=2))
        return
    typer.echo(_said(asked))
    for title, traffic, sample, lines in told:
        typer.echo(f"\n{title}\n{_of_sample(sample, traffic)}\n")
        typer.echo("\n".join(_table(lines, points)))


def _measured(traffic: "Traffic", case: "Case") -> "tuple[Sample, tuple[Line, ...]]":
    from infra.cost.estimate import lines_of, slice_of
    from infra.cost.prices import LISTED
    from infra.cost.sample import bytes_a_point, played

    shards = traffic.shards(bytes_a_point())
    sample = slice_of(traffic, case, shards=shards)
    with played(sample) as ready:
        counting = ready.count()
        _progress(f"  {counting.points:,} points in {counting.batches:,} batches counted")
        jobs = ready.jobs()
    return sample, lines_of(traffic, sample, counting, jobs, shards=shards, prices=LISTED)


def _document(
    asked: "Traffic", told: "list[tuple[str, Traffic, Sample, tuple[Line, ...]]]"
) -> dict[str, object]:
    from dataclasses import asdict

    from infra.cost.prices import AS_OF, LISTED, REGION

    return {
        "pointsAMinute": asked.points,
        "weddings": asked.weddings,
        "tenants": asked.tenants,
        "packs": asked.packs,
        "batchingSeconds": asked.batching,
        "prices": {"region": REGION, "asOf": AS_OF, **asdict(LISTED)},
        "leftOut": _LEFT_OUT,
        "cases": [
            {
                "title": title,
                "tenants": traffic.tenants,
                "sample": asdict(sample),
                "lines": [
                    {
                        "what": line.what,
                        "callsPerMillion": round(line.calls, 1),
                        "readUnitsPerMillion": round(line.read_units, 1),
                        "writeUnitsPerMillion": round(line.write_units, 1),
                        "dollarsPerMillion": round(line.dollars, 6),
                        "dollarsAMonth": round(line.a_month(asked.points), 2),
                    }
                    for line in lines
                ],
            }
            for title, traffic, sample, lines in told
        ],
    }


def _said(asked: "Traffic") -> str:
    from infra.cost.prices import AS_OF, REGION

    return (
        f"{asked.points:,} points a minute of {asked.weddings:,} weddings, {asked.packs} packs a "
        f"tenant, if all of them were in one state for a month of 30 days.\n"
        f"List prices of {REGION}, {AS_OF}. Calls and units are counted on a sample and scaled "
        f"up; the function's time is this machine's CPU.\nLeft out: {_LEFT_OUT}."
    )


def _of_sample(sample: "Sample", traffic: "Traffic") -> str:
    whole = traffic.weddings_of_a_tenant
    part = f" (of {whole:,}: what it costs per tenant is overstated)"
    return (
        f"Sample: {sample.seconds} s of {sample.points:,} points a minute, {sample.tenants} "
        f"tenant(s) of {sample.weddings} weddings{part if sample.weddings < whole else ''} in "
        f"{sample.packs} packs, {sample.shards} batches every {sample.batching} s, and one run of "
        "each job."
    )


def _table(lines: "tuple[Line, ...]", points: int) -> list[str]:
    header = ("", "calls/M", "read units/M", "write units/M", "$/M", "$/month")
    rows = [
        (
            line.what,
            f"{line.calls:,.0f}",
            f"{line.read_units:,.0f}",
            f"{line.write_units:,.0f}",
            f"{line.dollars:,.4f}",
            f"{line.a_month(points):,.0f}",
        )
        for line in lines
    ]
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()

"""What a million points cost is what a sample of them was counted to take."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from infra.cost.counted import Calls
from infra.cost.estimate import (
    MONTHS_BEFORE,
    OPEN,
    Traffic,
    lines_of,
    slice_of,
)
from infra.cost.prices import GB_OF_ONE_CORE, LISTED
from infra.cost.sample import Counting, Job, Sample, played
from infra.local.cli import app
from wedsync.metrics.packs import MOST_PACKS
from wedsync.resources import Resource

SMALL = Sample(weddings=6, points=600, packs=2, shards=2, days_ahead=120, seconds=10)
WHOLE = Traffic(points=1_000_000, weddings=10_000, tenants=50, packs=4)


def calls(*, reads: int, writes: int, number: int = 1) -> Calls:
    made = Calls()
    made.calls[Resource.WINDOWS, "put"] = number
    made.read_units[Resource.WINDOWS] = reads
    made.write_units[Resource.WINDOWS] = writes
    return made


def test_units_shards_and_seconds_are_scaled_and_priced() -> None:
    counting = Counting(
        points=10_000, put_units=100, cpu_seconds=0.5, calls=calls(reads=30, writes=200, number=9)
    )
    job = Job(name="hours", a_minute=1 / 60, calls=calls(reads=600, writes=60, number=6))
    lines = lines_of(
        WHOLE,
        Sample(weddings=200, points=20_000),
        counting,
        [job],
        shards=3,
        prices=LISTED,
    )
    first = lines[0]
    assert (first.what, first.calls) == ("counting: windows", 900)
    assert (first.read_units, first.write_units) == (3_000, 20_000)
    assert first.dollars == pytest.approx(0.003 * 0.125 + 0.02 * 0.625)
    assert (lines[1].what, lines[1].read_units, lines[1].write_units) == ("hours", 500, 50)
    stream, function, every = lines[2:]
    assert stream.dollars == pytest.approx(3 * 0.015 / 60 + 0.01 * 0.014)
    gb_seconds = 50 * GB_OF_ONE_CORE
    assert function.dollars == pytest.approx(180 * 0.2 / 1e6 + gb_seconds * 0.0000166667)
    assert every.dollars == pytest.approx(sum(line.dollars for line in lines[:-1]))
    assert every.a_month(1_000_000) == pytest.approx(every.dollars * 43_200)


def test_the_slice_has_the_density_of_the_whole() -> None:
    sample = slice_of(WHOLE, OPEN, shards=3)
    assert (sample.weddings, sample.points, sample.packs, sample.shards) == (200, 20_000, 4, 3)
    larger = slice_of(Traffic(points=10_000, weddings=10_000, tenants=1, packs=50), OPEN, shards=1)
    assert (larger.weddings, larger.points, larger.packs) == (200, 200, 1)
    small = Traffic(points=1_000_000, weddings=10_000, tenants=2_500, packs=4)
    several = slice_of(small, MONTHS_BEFORE, shards=10)
    assert (several.tenants, several.weddings, several.points) == (5, 4, 2_000)


@pytest.mark.parametrize(
    ("points", "tenants", "shards"),
    [
        (60, 1, 1),
        (1_000_000, 50, 3),  # by bytes
        (1_000_000, 2_500, 10),  # by records: at most one a wedding and second
        (60_000, 10_000, 1),
    ],
)
def test_the_stream_has_shards_for_its_bytes_and_its_records(
    points: int, tenants: int, shards: int
) -> None:
    traffic = Traffic(points=points, weddings=10_000, tenants=tenants, packs=4)
    assert traffic.shards(180.0) == shards


def test_a_sample_is_counted_alike_every_time_and_each_point_once() -> None:
    told = []
    for _ in range(2):
        with played(SMALL) as ready:
            counting = ready.count()
            jobs = ready.jobs()
        told.append((counting.calls, [(job.name, job.a_minute, job.calls) for job in jobs]))
        assert counting.points == 100
        assert counting.batches == 20
        assert counting.put_units == 20
    assert told[0] == told[1]
    counted = told[0][0]
    assert counted.calls[Resource.HOT_WINDOWS, "put"] > 0
    assert counted.write_units[Resource.HOT_WINDOWS] > 0
    names = {name: made.write_units.total() for name, _, made in told[0][1]}
    assert set(names) == {"minutes closed", "runs of weddings", "weddings' hours", "hours"}
    assert names["hours"] >= 6


def test_what_goes_wrong_in_open_windows_is_read_and_run_more_often() -> None:
    reads = {}
    for days_ahead, failing in ((120, 0), (0, 10)):
        sample = Sample(
            weddings=6, points=600, packs=2, days_ahead=days_ahead, failing=failing, seconds=10
        )
        with played(sample) as ready:
            reads[failing] = ready.count().calls.read_units.total()
            runs = {job.name: job.a_minute for job in ready.jobs()}["runs of weddings"]
        assert runs == (6 if failing else 1 / 15)
    assert reads[10] > 2 * reads[0]


FEW = ("--points", "60", "--weddings", "3", "--tenants", "1", "--packs", "1")


def test_the_command_tells_how_far_it_is_and_answers_in_tables() -> None:
    plain = CliRunner().invoke(app, ["cost", *FEW])
    assert plain.exit_code == 0, plain.output
    assert "1 of 2: months before the weddings, all is well, 1 tenants" in plain.stderr
    assert "every window open, one request in 1000 fails, 1 tenants" in plain.stdout
    assert "us-east-1, late 2026" in plain.stdout
    assert sum(line.startswith("all ") for line in plain.stdout.splitlines()) == 2


def test_the_command_answers_in_json_with_the_prices_and_the_case_of_many_small_tenants() -> None:
    told = CliRunner().invoke(app, ["cost", *FEW[:2], "--weddings", "5", *FEW[4:], "--json"])
    document = json.loads(told.stdout)
    assert document["prices"]["million_write_units"] == LISTED.million_write_units
    assert [case["tenants"] for case in document["cases"]] == [1, 1, 2]
    for case in document["cases"]:
        *lines, every = case["lines"]
        parts = sum(line["dollarsPerMillion"] for line in lines)
        assert every["dollarsPerMillion"] == pytest.approx(parts, abs=1e-4)
        month = every["dollarsPerMillion"] * 60 * 43_200 / 1e6
        assert every["dollarsAMonth"] == pytest.approx(month, abs=0.01)


def test_more_tenants_than_weddings_are_refused() -> None:
    told = CliRunner().invoke(app, ["cost", "--weddings", "3", "--tenants", "4"])
    assert told.exit_code == 2
    assert "at least as many" in told.stderr


def test_more_packs_than_a_tenant_may_have_are_refused() -> None:
    told = CliRunner().invoke(app, ["cost", *FEW[:-1], str(MOST_PACKS + 1)])
    assert told.exit_code == 2
    assert "--packs" in told.stderr


def test_who_waits_for_more_writes_the_same_points_less_often() -> None:
    counted = []
    for batching in (1, 5):
        with played(replace(SMALL, batching=batching)) as ready:
            counted.append(ready.count())
    at_once, waited = counted
    assert at_once.points == waited.points > 0
    assert at_once.batches == 5 * waited.batches
    written = [each.calls.write_units[Resource.HOT_WINDOWS] for each in counted]
    assert written[0] > 3 * written[1]
    functions = [
        lines_of(replace(WHOLE, batching=batching), SMALL, each, [], shards=3, prices=LISTED)[-2]
        for batching, each in zip((1, 5), counted, strict=True)
    ]
    assert functions[0].calls > functions[1].calls

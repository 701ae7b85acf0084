"""A few seeds of the fault simulation; ``make sim`` plays hundreds."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from tests.simulation.exactness import measure
from tests.simulation.play import READ_ROUTES, Outcome, Play, play
from tests.simulation.summary import FEWEST, Summary


def test_whatever_goes_wrong_every_promise_holds() -> None:
    outcome = play(2)
    assert outcome.violations == (), "replay: make sim SEED=2"
    assert outcome.checks["I2"] or not outcome.did["records put"]


def test_a_seed_is_replayed_byte_for_byte_in_any_process() -> None:
    """Also where Python hashes text differently: no order of a set may leak into what is done."""
    there = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "1"],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # noqa: TID251 - handed on
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert f"{play(1).digest}\n" in there
    assert there.splitlines()[-1].startswith("seed 1: all invariants hold, ")


def test_every_read_of_a_tenant_asks_for_its_own_keys_alone() -> None:
    world = Play(3)
    for tenant in world.world.tenants:
        for path in READ_ROUTES:
            assert world.request("GET", path, key_of=None, admin=tenant).status == 200
    assert world.watch.found == []
    assert world.watch.checks["I14"] >= len(READ_ROUTES)


def test_points_delivered_badly_are_counted_exactly() -> None:
    said: list[str] = []
    assert measure(4_000, seed=1, say=said.append) == 0
    assert said[-1].endswith("error 0")


AN_OUTCOME = Outcome(
    seed=7,
    digest="",
    events=1,
    violations=(),
    faults=Counter({"crash before a call": 2}),
    checks=Counter({"I9": 3}),
    did=Counter(),
    lateness=(0.0,) * FEWEST,
    page_after=(),
)


@pytest.mark.parametrize(("late", "broken"), [(1, False), (2, True)])
def test_one_late_page_in_a_hundred_is_allowed_and_two_are_not(late: int, broken: bool) -> None:  # noqa: FBT001 - a table
    summary = Summary()
    summary.add(replace(AN_OUTCOME, lateness=(0.0,) * (FEWEST * 2 - late - 1) + (60.0,) * late))
    summary.add(replace(AN_OUTCOME, lateness=(60.0,)))
    assert bool(summary.violations()) is broken


def test_the_table_names_what_was_never_injected_too() -> None:
    summary = Summary()
    summary.add(replace(AN_OUTCOME, violations=(("I9", "paged twice"),)))
    lines = [" ".join(line.split()) for line in summary.table()]
    assert {"2 crash before a call", "0 shard split", "3 I9"} <= set(lines)
    assert lines[-1] == "1 seeds, 1 events, 1 failed: [7]"

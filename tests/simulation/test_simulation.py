"""A few seeds of the fault simulation; ``make sim`` plays hundreds."""

import os
import subprocess
import sys

import pytest

from tests.simulation.play import play


@pytest.mark.parametrize("seed", range(4))
def test_whatever_goes_wrong_every_promise_holds(seed: int) -> None:
    outcome = play(seed)
    assert outcome.violations == (), f"replay: make sim SEED={seed}"
    assert outcome.checks["I2"] or not outcome.did["records put"]


def test_the_same_seed_gives_the_same_history_in_any_process() -> None:
    """Also where Python hashes text differently: no order of a set may leak into what is done."""
    script = "from tests.simulation.play import play; print(play(4).digest)"
    there = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # noqa: TID251 - handed on
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert there == f"{play(4).digest}\n"

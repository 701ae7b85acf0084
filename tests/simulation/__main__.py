"""``python -m tests.simulation``: play many seeds, then every deed's moments, and say what held.

A deed's moments are those at which its function may die, or not hear that it did something. With
``--deeds`` they are played alone.
With ``--seed N`` one seed is played twice, its history is compared, and its last lines are shown.
With ``--points N`` so many points go through ingest alone, and are compared with a plain fold.
With ``--ladders N`` so many ladders are climbed under faults, and what went wrong is counted.
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.crashes import play_deeds
from tests.simulation.exactness import measure
from tests.simulation.ladders import measure as climb
from tests.simulation.play import Outcome, play
from tests.simulation.summary import Summary

SEEDS = 200
_EVERY_SECONDS = 5.0
_LAST_LINES = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds ({SEEDS})")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--seed", type=int, default=None, help="play this one, and show it")
    parser.add_argument("--jobs", type=int, default=_processors(), help="processes (all CPUs)")
    parser.add_argument("--trace", help="with --seed: write the whole history to this file")
    parser.add_argument("--points", type=int, default=None, help="how many points to ingest")
    parser.add_argument("--ladders", type=int, default=None, help="how many ladders to climb")
    parser.add_argument("--deeds", action="store_true", help="play every moment of every deed")
    given = parser.parse_args(arguments)
    if given.deeds:
        return 1 if play_deeds(jobs=given.jobs, say=_say) else 0
    if given.ladders is not None:
        failures = climb(given.ladders, first=given.first, jobs=given.jobs, say=_say)
        return 0 if failures == 0 else 1
    if given.points is not None:
        return 0 if measure(given.points, seed=given.first, say=_say) == 0 else 1
    if given.seed is not None:
        return _one(given.seed, given.trace)
    failed = _many(range(given.first, given.first + given.seeds), given.jobs)
    return 1 if play_deeds(jobs=given.jobs, say=_say) else failed


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _many(seeds: Sequence[int], jobs: int) -> int:
    summary = Summary()
    began = said = time.monotonic()
    for outcome in _played(seeds, jobs):
        summary.add(outcome)
        for line in _complaint(outcome):
            _say(line)
        now = time.monotonic()
        if now - said >= _EVERY_SECONDS or summary.seeds == len(seeds):
            said = now
            rate = summary.seeds / (now - began)
            left = (len(seeds) - summary.seeds) / rate
            _say(
                f"{summary.seeds} of {len(seeds)} seeds, {len(summary.failed)} failed, "
                f"{rate:.1f} a second, {left:.0f} s left"
            )
    for line in (*summary.table(), *summary.violations()):
        _say(line)
    return 1 if summary.failed or summary.violations() else 0


def _played(seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    if jobs <= 1:
        yield from map(play, seeds)
        return
    # What was imported lives to the end: nobody needs to look through it for garbage.
    with ProcessPoolExecutor(jobs, initializer=gc.freeze) as pool:
        yield from pool.map(play, seeds, chunksize=2)


def _one(seed: int, trace: str | None) -> int:
    first, second = play(seed, kept=True), play(seed)
    if trace is not None:
        with open(trace, "w", encoding="utf-8") as file:  # noqa: PTH123 - any path, also a device
            file.write("\n".join(first.lines))
    else:
        for line in first.lines[-_LAST_LINES:]:
            _say(line)
    for line in _complaint(first):
        _say(line)
    same = first.digest == second.digest
    _say(f"history of {first.events} events: {first.digest}")
    if not same:
        _say(f"I25 does not hold: played again it is {second.digest}")
    held = same and not first.violations
    if held:
        _say(f"seed {seed}: all invariants hold, {first.events} events")
    return 0 if held else 1


def _complaint(outcome: Outcome) -> list[str]:
    lines = [
        f"seed {outcome.seed}: {invariant} does not hold: {what}"
        for invariant, what in outcome.violations
    ]
    return [*lines, f"  replay: make sim SEED={outcome.seed}"] if lines else []


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.simulation --seeds 200``: play many seeds, and say what held.

With ``--seed N`` one seed is played twice, its history is compared, and its last lines are shown.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.play import Outcome, play

_EVERY = 25
_LAST_LINES = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where every seed held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--seed", type=int, default=None, help="play this one, and show it")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--trace", help="with --seed: write the whole history to this file")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _one(given.seed, given.trace)
    seeds = range(given.first, given.first + given.seeds)
    outcomes: list[Outcome] = []
    for outcome in _played(seeds, given.jobs):
        outcomes.append(outcome)
        for line in _complaint(outcome):
            _say(line)
        if len(outcomes) % _EVERY == 0:
            failed = sum(1 for each in outcomes if each.violations)
            _say(f"{len(outcomes)} of {given.seeds} seeds, {failed} failed")
    for line in _table(outcomes):
        _say(line)
    return 1 if any(each.violations for each in outcomes) else 0


def _played(seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    if jobs <= 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(play, seeds, chunksize=4)


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
        _say(f"I25: played again it is {second.digest}")
    return 0 if same and not first.violations else 1


def _complaint(outcome: Outcome) -> list[str]:
    lines = [
        f"seed {outcome.seed}: {invariant} does not hold: {what}"
        for invariant, what in outcome.violations
    ]
    return [*lines, f"  replay: make sim SEED={outcome.seed}"] if lines else []


def _table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    faults: Counter[str] = Counter()
    checks: Counter[str] = Counter()
    did: Counter[str] = Counter()
    for each in outcomes:
        faults += each.faults
        checks += each.checks
        did += each.did
    for title, counts in (("ran", did), ("faults injected", faults), ("checks", checks)):
        yield f"\n{title}"
        yield from (f"  {count:>9,}  {name}" for name, count in counts.most_common())
    yield "\ntiming, seconds (p50, p99, most), under all faults"
    yield _spread("tier after it was due", [late for each in outcomes for late in each.lateness])
    yield _spread(
        "page after failing uploads", [late for each in outcomes for late in each.page_after]
    )
    events = sum(each.events for each in outcomes)
    failed = [each.seed for each in outcomes if each.violations]
    yield f"\n{len(outcomes)} seeds, {events:,} events, {len(failed)} failed: {failed or 'none'}"


def _spread(name: str, values: list[float]) -> str:
    if not values:
        return f"  {name}: none"
    values.sort()
    p50, p99 = values[len(values) // 2], values[min(len(values) * 99 // 100, len(values) - 1)]
    return f"  {name}: {p50:.1f}, {p99:.1f}, {values[-1]:.1f} ({len(values):,} of them)"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

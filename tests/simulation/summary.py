"""What came of many seeds, as people read it; and the bounds that only many seeds can tell of."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.faults import Fault
from tests.simulation.play import Outcome

P99_SECONDS = 15.0
"""I10: how late one page in a hundred may be, under all faults."""
FEWEST = 100
"""Fewer values do not know a p99."""


@dataclass(slots=True)
class Summary:
    """The outcomes so far."""

    seeds: int = 0
    events: int = 0
    failed: list[int] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    lateness: list[float] = field(default_factory=list)
    page_after: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one seed in."""
        self.seeds += 1
        self.events += outcome.events
        if outcome.violations:
            self.failed.append(outcome.seed)
        self.faults += outcome.faults
        self.checks += outcome.checks
        self.did += outcome.did
        self.lateness += outcome.lateness
        self.page_after += outcome.page_after

    def violations(self) -> list[str]:
        """What no single seed breaks, and all of them together do."""
        if len(self.lateness) < FEWEST:
            return []
        p99 = percentile(self.lateness, 0.99)
        if p99 <= P99_SECONDS:
            return []
        return [f"I10 does not hold: p99 of lateness is {p99:.1f} s, should be {P99_SECONDS:.0f}"]

    def table(self) -> Iterator[str]:
        """Everything, line by line."""
        kinds = {str(fault): 0 for fault in Fault} | dict(self.faults)
        for title, counts in (
            ("ran", self.did),
            ("faults injected", Counter(kinds)),
            ("invariants checked", self.checks),
        ):
            yield f"\n{title}"
            yield from (f"  {count:>9,}  {name}" for name, count in counts.most_common())
        yield "\ntiming under all faults, seconds"
        yield f"  {'':32}{'p50':>8}{'p90':>8}{'p99':>8}{'most':>8}{'of':>9}"
        yield _spread("page after its tier was due", self.lateness)
        yield _spread("page after failing uploads came", self.page_after)
        failed = sorted(self.failed)
        yield f"\n{self.seeds} seeds, {self.events:,} events, {len(failed)} failed: {failed or '-'}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value of nearest rank."""
    ordered = sorted(values)
    return ordered[max(math.ceil(round(len(ordered) * share, 6)), 1) - 1]


def _spread(name: str, values: Sequence[float]) -> str:
    if not values:
        return f"  {name:32}{'none':>8}"
    shown = "".join(f"{percentile(values, share):8.1f}" for share in (0.5, 0.9, 0.99, 1.0))
    return f"  {name:32}{shown}{len(values):9,}"

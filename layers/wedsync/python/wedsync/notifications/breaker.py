"""A circuit breaker for each endpoint: one that is down is left alone for a while.

After so many failures in a row the circuit opens and nothing is posted; when the pause is over one
attempt may go through, and decides. Refusals that mean the caller (4xx) say nothing about the
endpoint's health.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wedsync.cloud.web import Answered, Outcome

FAILURES = 5
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
PROBE = timedelta(seconds=10)
"""How long others wait for the one attempt that goes through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Failures in a row, and until when nothing is posted; each opening doubles the pause."""

    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None
    version: int = 0

    def is_open(self, now: datetime) -> bool:
        """Whether nothing is to be posted now."""
        return self.open_until is not None and self.open_until > now

    def probing(self, now: datetime) -> "Circuit | None":
        """The circuit while one attempt goes through it; None where it is closed anyway."""
        if self.open_until is None or self.is_open(now):
            return None
        return replace(self, open_until=now + PROBE)

    def after(self, outcome: Outcome, *, now: datetime) -> "Circuit":
        """The circuit after this outcome."""
        answered = isinstance(outcome, Answered) and (outcome.taken or outcome.final)
        if answered:
            return replace(self, failures=0, openings=0, open_until=None)
        if not isinstance(outcome, Answered) and outcome.final:
            return self
        failures = self.failures + 1
        if failures < FAILURES and not self.openings:
            return replace(self, failures=failures)
        pause = min(FIRST_PAUSE * 2**self.openings, LONGEST_PAUSE)
        return replace(
            self, failures=failures, openings=min(self.openings + 1, 10), open_until=now + pause
        )

"""What a platform rule looks at beside the samples: whose scope it is, and what its day is."""

from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.finding import PENDING_SECONDS, AxisOutcome, Outcome
from wedsync.alerting.observation import Scope
from wedsync.alerting.severity import Severity, SeverityReason
from wedsync.alerting.thresholds import seen
from wedsync.weddings.model import Phase, Status, WeddingContext

EVIDENT_COUNT = 100
"""From this many uploads or requests on, a rate needs no further evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One scope at one instant."""

    scope: Scope
    context: WeddingContext | None
    guest_count: int | None
    any_wedding_today: bool
    now: datetime

    @property
    def on_the_day(self) -> bool:
        """The scope's own wedding has its day, or its window holds the sample."""
        context = self.context
        return context is not None and (context.status is Status.TODAY or context.in_window)

    @property
    def subject(self) -> str:
        """Whom a message is about."""
        if self.context is not None:
            return f"the wedding of {self.context.couple_name}"
        return "the tenant" if self.scope.service is None else f"service {self.scope.service}"

    def axis(
        self, name: str, inside: Outcome | None, *, sampled_at: datetime | None
    ) -> AxisOutcome:
        """Tell what one input says, given its outcome in the window (None: the window is empty).

        Once a wedding is no longer monitored there is no sample left to wait for: its inputs
        are clear, so that nothing stays open for ever.
        """
        outcome = seen(inside, sampled_at=sampled_at, now=self.now)
        over = self.context is not None and self.context.phase is Phase.CLOSED
        if over and outcome in {Outcome.SILENT, Outcome.NO_DATA}:
            outcome = Outcome.CLEAR
        return AxisOutcome(axis=name, outcome=outcome)

    def reason(self, rule: str, severity: Severity, text: str) -> SeverityReason:
        """Give a reason that carries the venue's wall time."""
        local = self.context.local if self.context is not None else None
        return SeverityReason(rule=rule, severity=severity, reason=text, local_time=local)

    def for_seconds(self, severity: Severity | None) -> int:
        """Let a critical breach on the wedding day wait for nothing.

        What has no wedding of its own goes by whether any wedding of the tenant is today.
        """
        today = self.on_the_day if self.context is not None else self.any_wedding_today
        return 0 if severity is Severity.CRITICAL and today else PENDING_SECONDS


def descending(*reasons: SeverityReason) -> tuple[SeverityReason, ...]:
    """Put the most severe first: the reason that decided leads."""
    return tuple(sorted(reasons, key=lambda reason: -reason.severity.rank))

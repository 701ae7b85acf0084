"""What a detector says about the last minutes, with the figures that made it say so."""

from dataclasses import dataclass

from wedsync.alerting.finding import Outcome
from wedsync.alerting.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One detector's outcome. ``text`` is the reason; ``value`` and ``threshold`` in its unit."""

    outcome: Outcome
    severity: Severity | None = None
    axis: str = ""
    text: str = ""
    value: float | None = None
    threshold: float | None = None


CLEAR = Verdict(outcome=Outcome.CLEAR)
HOLD = Verdict(outcome=Outcome.HOLD)


def breach(
    *, axis: str, text: str, value: float, threshold: float, severity: Severity = Severity.CRITICAL
) -> Verdict:
    """Make the verdict of a detector that has found something."""
    return Verdict(
        outcome=Outcome.BREACH,
        severity=severity,
        axis=axis,
        text=text,
        value=value,
        threshold=threshold,
    )

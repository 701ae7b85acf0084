"""Whether a critical breach of a service's five minutes lasts, or was one bad minute.

The window of the fixed thresholds holds a very bad minute for five. A service without a wedding
is therefore critical only while its newest minutes say so themselves: four bad ones (three, where
it is very bad), of which the newest is one. Until then each bad minute waits for the next to
speak. When none comes, the last value stands, and the breach is confirmed by silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from wedsync.alerting.finding import PENDING_SECONDS, Finding
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.minute import Minute

CRITICAL_FAILED = 0.10
CRITICAL_STALLED = 0.05
LASTING_MINUTES = 4
SEVERE_MINUTES = 3
SEVERE_FAILED = 0.50
SEVERE_STALLED = 0.80
LEAST_EVIDENCE = 5
EVIDENT_REQUESTS = 100
_ASKED = frozenset({"errors_thresholds", "response_thresholds"})
_NEXT_SPEAKS_SECONDS = 10
"""A minute's record may come up to this long after the minute's end."""


_REFUTED_TEXT = "; the newest minute is not critical by itself"


class Lasting(Enum):
    """What the single minutes say of a window that is in breach."""

    CONFIRMED = "confirmed"
    AWAITED = "awaited"
    REFUTED = "refuted"
    UNASKED = "unasked"
    """There were no requests to ask."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How far a breach has been confirmed, and how long it must be pending to fire."""

    lasting: Lasting
    bad_minutes: int
    for_seconds: int

    def applied(self, finding: Finding) -> Finding:
        """Let a critical breach wait, or be high as long as the newest minutes do not bear it out.

        Only what requests tell can be asked of them: where a health check or a gauge is critical,
        it is.
        """
        critical = {each.rule for each in finding.reasons if each.severity is Severity.CRITICAL}
        if self.lasting is Lasting.UNASKED or not critical <= _ASKED:
            return finding
        if self.lasting is Lasting.CONFIRMED:
            return replace(finding, for_seconds=self.for_seconds)
        if self.lasting is Lasting.AWAITED:
            return replace(finding, for_seconds=self.for_seconds, may_raise=False)
        reasons = tuple(
            replace(
                each,
                severity=min(each.severity, Severity.HIGH, key=lambda severity: severity.rank),
                reason=each.reason + (_REFUTED_TEXT if each.severity is Severity.CRITICAL else ""),
            )
            for each in finding.reasons
        )
        return replace(
            finding,
            severity=Severity.HIGH,
            reasons=reasons,
            auto_escalate=False,
            for_seconds=self.for_seconds,
        )


def confirmation(rows: Sequence[Minute]) -> Confirmation:
    """Ask the minutes of the window, oldest first, whether they are bad themselves."""
    answered = [row for row in rows if row.total]
    if not answered:
        return Confirmation(Lasting.UNASKED, 0, PENDING_SECONDS)
    bad = [row for row in answered if _is_critical(row)]
    if not bad or bad[-1] is not answered[-1] or not _is_evident(answered):
        return Confirmation(Lasting.REFUTED, len(bad), PENDING_SECONDS)
    severe = sum(1 for row in bad if _is_severe(row)) >= SEVERE_MINUTES
    if len(bad) >= LASTING_MINUTES or severe:
        return Confirmation(Lasting.CONFIRMED, len(bad), PENDING_SECONDS)
    waits = PENDING_SECONDS * len(bad) + _NEXT_SPEAKS_SECONDS
    return Confirmation(Lasting.AWAITED, len(bad), waits)


def _is_evident(answered: Sequence[Minute]) -> bool:
    failed = sum(row.failed for row in answered)
    stalled = sum(row.stalled for row in answered)
    total = sum(row.total for row in answered)
    return max(failed, stalled) >= LEAST_EVIDENCE or total >= EVIDENT_REQUESTS


def _is_critical(row: Minute) -> bool:
    return row.failed > row.total * CRITICAL_FAILED or row.stalled > row.total * CRITICAL_STALLED


def _is_severe(row: Minute) -> bool:
    return row.failed >= row.total * SEVERE_FAILED or row.stalled >= row.total * SEVERE_STALLED

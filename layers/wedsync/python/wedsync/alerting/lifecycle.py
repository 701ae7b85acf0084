"""How findings move an alert from pending to resolved, and what people may do to it.

**Opening.** A breach must hold for ``for_seconds`` on the clock; a pending alert whose window is
not in breach any more disappears, and nobody hears of it. The wait guards the opening only: a
rise of severity within an episode is taken at once.

**Ending.** A firing alert resolves when every evaluation over ``keep_firing_for_seconds`` said
*clear*. The streak begins at the first clear evaluation, hence never before the last breach, and
anything but clear breaks it. Being late is preferred to telling people too early that it is over.

**Missing data** moves nothing. While the last sample is younger than 300 s, what it said stands
and the clocks run on; after that the alert keeps its state, and a recovery must be shown anew.
An input that breached in the episode and vanished is missing data even while others are clear.

**Writes.** `advance` answers with the very same alert when there is nothing to store. A changed
value of a firing alert is stored at most every 30 s; it decides nothing.

**By hand.** The window still holds what somebody just resolved. For ``keep_firing_for_seconds``
after it a breach of no higher severity therefore opens no new episode; a clear evaluation shows
that the window holds it no longer, and ends the wait.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.transitions import (
    Effect,
    Step,
    opening,
    while_breaching,
    while_clear,
    while_held,
    while_pending,
    while_resolved,
    while_silent,
    without_data,
)
from wedsync.errors import AlertAlreadyResolved, Conflict
from wedsync.weddings.model import WeddingContext

__all__ = ["Effect", "Step", "acknowledge", "advance", "due_at", "resolve"]


def advance(
    alert: Alert | None,
    finding: Finding,
    *,
    tenant: str,
    context: WeddingContext | None,
    now: datetime,
) -> Step:
    """Take one finding. ``alert`` is the newest stored episode of its fingerprint, if any."""
    if alert is None or alert.state is AlertState.RESOLVED:
        if alert is not None and _outcome_for(alert, finding) is Outcome.CLEAR:
            return while_resolved(alert, now=now)
        return opening(alert, finding, tenant=tenant, context=context, now=now)
    outcome = _outcome_for(alert, finding)
    if alert.state is AlertState.PENDING:
        return while_pending(alert, finding, outcome, context=context, now=now)
    match outcome:
        case Outcome.BREACH:
            step = while_breaching(alert, finding, context=context, now=now)
        case Outcome.HOLD:
            step = while_held(alert, now=now)
        case Outcome.CLEAR:
            step = while_clear(alert, now=now)
        case Outcome.SILENT:
            step = while_silent(alert, now=now)
        case Outcome.NO_DATA:
            step = without_data(alert, now=now)
    return step


def acknowledge(alert: Alert, *, by: str, at: datetime) -> Alert:
    """Somebody takes it. A repetition changes nothing; the first to take it stays named."""
    match alert.state:
        case AlertState.RESOLVED:
            raise AlertAlreadyResolved
        case AlertState.ACKNOWLEDGED:
            return alert
        case AlertState.PENDING:
            raise Conflict("the alert is not firing yet")
        case AlertState.FIRING | AlertState.NO_DATA | AlertState.SUPPRESSED:
            # Of what was silenced nobody was told, and nobody is to be told any more.
            silenced = alert.state is AlertState.SUPPRESSED
            return replace(
                alert,
                state=AlertState.ACKNOWLEDGED,
                acknowledged_at=at,
                acknowledged_by=by,
                unsettled_since=None if silenced else alert.unsettled_since,
            )


def resolve(alert: Alert, *, by: str, at: datetime) -> Alert:
    """Somebody says that it is over. A repetition changes nothing.

    Where no data came for so long that the window is empty, the next breach is a new one.
    """
    if alert.state is AlertState.RESOLVED:
        return alert
    return replace(
        alert,
        state=AlertState.RESOLVED,
        resolved_at=at,
        resolved_by=by,
        clear_since=None if alert.no_data_since is None else at,
        no_data_since=None,
        pending_since=None,
    )


def due_at(alert: Alert) -> datetime | None:
    """When the clock alone may change it, if its window goes on saying what it says."""
    if alert.no_data_since is not None:
        return None
    if alert.state is AlertState.PENDING and alert.pending_since is not None:
        return alert.pending_since + timedelta(seconds=alert.for_seconds)
    if alert.is_active and alert.clear_since is not None and alert.auto_resolve:
        return alert.clear_since + timedelta(seconds=alert.keep_firing_for_seconds)
    return None


def _outcome_for(alert: Alert, finding: Finding) -> Outcome:
    """Trust a recovery only if the inputs that breached in this episode were seen."""
    if finding.outcome is not Outcome.CLEAR:
        return finding.outcome
    own = {each.outcome for each in finding.axes if each.axis in alert.axes}
    for missing in (Outcome.NO_DATA, Outcome.SILENT):
        if missing in own:
            return missing
    return Outcome.CLEAR

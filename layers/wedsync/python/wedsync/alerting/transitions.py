"""The single moves of an alert, each answering what became of it and why."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.model import Alert, AlertState, alert_id, fingerprint
from wedsync.alerting.payments import tags_of
from wedsync.alerting.severity import Severity
from wedsync.alerting.thresholds import NO_DATA_AFTER
from wedsync.weddings.model import WeddingContext

VALUE_REFRESH = timedelta(seconds=30)


class Effect(StrEnum):
    """What others must hear of."""

    FIRED = "fired"
    RAISED = "raised"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one evaluation made of an alert, and why.

    ``alert`` None: nothing to keep (a pending alert that was stored is to be deleted). The same
    object as before: nothing to write.
    """

    alert: Alert | None
    effects: tuple[Effect, ...] = ()
    reason: str


def opening(
    previous: Alert | None,
    finding: Finding,
    *,
    tenant: str,
    context: WeddingContext | None,
    now: datetime,
) -> Step:
    """Begin an episode on a breach; anything else opens nothing."""
    if finding.outcome is not Outcome.BREACH or finding.severity is None:
        return Step(alert=previous, reason="no breach: nothing to open")
    if previous is not None and _just_resolved_by_hand(previous, finding.severity, now=now):
        return Step(alert=previous, reason="the window still holds what was resolved by hand")
    of = fingerprint(
        tenant=tenant, rule_id=finding.rule_id, scope=finding.scope, group=finding.group
    )
    episode = previous.episode + 1 if previous is not None else 1
    pending = Alert(
        alert_id=alert_id(of, episode=episode),
        fingerprint=of,
        rule_id=finding.rule_id,
        type=finding.type,
        severity=finding.severity,
        severity_reasons=finding.reasons,
        state=AlertState.PENDING,
        wedding_id=finding.scope.wedding_id,
        service=finding.scope.service,
        message=finding.message,
        impact=finding.impact,
        auto_escalate=finding.auto_escalate,
        value=finding.value,
        threshold=finding.threshold,
        started_at=now,
        wedding_context=context,
        group=finding.group,
        episode=episode,
        axes=tuple(sorted(finding.breaching_axes)),
        auto_resolve=finding.auto_resolve,
        for_seconds=finding.for_seconds,
        keep_firing_for_seconds=finding.keep_firing_for_seconds,
        pending_since=now,
        last_breach_at=now,
        last_evaluated_at=now,
        shared_incident=finding.shared_incident,
        roles=finding.roles,
        policy=finding.policy,
        tags=tags_of(finding),
    )
    if finding.for_seconds <= 0:
        return _fire(pending, now=now, reason="a breach that waits for nothing")
    return Step(alert=pending, reason=f"a breach; it must hold for {finding.for_seconds} s")


def while_resolved(previous: Alert, *, now: datetime) -> Step:
    """Note that what was resolved by hand has left its window, once, where that matters."""
    if not _still_quiet(previous, now=now):
        return Step(alert=previous, reason="clear: nothing to open")
    clear = replace(previous, clear_since=now, last_evaluated_at=now)
    return Step(alert=clear, reason="clear after a resolve by hand: the next breach is a new one")


def _just_resolved_by_hand(previous: Alert, severity: Severity, *, now: datetime) -> bool:
    return severity <= previous.severity and _still_quiet(previous, now=now)


def _still_quiet(previous: Alert, *, now: datetime) -> bool:
    """Whether the window may still hold what somebody has resolved."""
    if previous.resolved_by is None or previous.resolved_at is None:
        return False
    mute = timedelta(seconds=previous.keep_firing_for_seconds)
    return previous.clear_since is None and now < previous.resolved_at + mute


def while_pending(
    alert: Alert,
    finding: Finding,
    outcome: Outcome,
    *,
    context: WeddingContext | None,
    now: datetime,
) -> Step:
    """Fire once the breach has held, or forget it."""
    if outcome in {Outcome.CLEAR, Outcome.HOLD}:
        return Step(alert=None, reason="the breach ended before anybody had to be told")
    since = alert.pending_since or alert.started_at
    if outcome is Outcome.BREACH and finding.severity is not None:
        for_seconds = finding.for_seconds
        current = _with_breach(alert, finding, context=context, now=now)
        current = replace(
            current,
            severity=finding.severity,
            impact=finding.impact,
            auto_escalate=finding.auto_escalate,
            for_seconds=for_seconds,
        )
    else:
        # The last value was a breach, and a value stands for 300 s after its sample.
        for_seconds = alert.for_seconds
        current = alert
        if outcome is Outcome.NO_DATA and for_seconds > NO_DATA_AFTER.total_seconds():
            return without_data(alert, now=now)
    if now - since >= timedelta(seconds=for_seconds):
        return _fire(current, now=now, reason=f"the breach held for {for_seconds} s")
    if current.severity is alert.severity and current.for_seconds == alert.for_seconds:
        return Step(alert=alert, reason="pending")
    return Step(alert=current, reason="pending, with another severity")


def _fire(alert: Alert, *, now: datetime, reason: str) -> Step:
    fired = replace(
        alert,
        state=AlertState.FIRING,
        fired_at=now,
        pending_since=None,
        no_data_since=None,
        notified_severity=alert.severity,
        last_evaluated_at=now,
    )
    return Step(alert=fired, effects=(Effect.FIRED,), reason=reason)


def while_breaching(
    alert: Alert, finding: Finding, *, context: WeddingContext | None, now: datetime
) -> Step:
    """Stay, or rise; a rise takes an acknowledgement back."""
    severity = finding.severity
    current = _with_breach(alert, finding, context=context, now=now)
    if severity is not None and severity > alert.severity and finding.may_raise:
        risen = replace(
            current,
            severity=severity,
            notified_severity=severity,
            state=AlertState.FIRING,
            acknowledged_at=None,
            acknowledged_by=None,
        )
        reason = f"rose from {alert.severity} to {severity}"
        if alert.state is AlertState.SUPPRESSED:
            quiet = replace(risen, state=alert.state, notified_severity=alert.notified_severity)
            return Step(alert=quiet, reason=f"{reason}, suppressed")
        return Step(alert=risen, effects=(Effect.RAISED,), reason=reason)
    if alert.clear_since is not None or alert.no_data_since is not None:
        return Step(alert=current, reason="in breach again")
    if current.axes != alert.axes:
        return Step(alert=current, reason="another input is in breach too")
    moved = current.value != alert.value or current.message != alert.message
    if moved and now - alert.last_evaluated_at >= VALUE_REFRESH:
        return Step(alert=current, reason="still in breach, by another value")
    return Step(alert=alert, reason="still in breach")


def _with_breach(
    alert: Alert, finding: Finding, *, context: WeddingContext | None, now: datetime
) -> Alert:
    """Take in what this breach shows; the reasons of a higher severity are kept."""
    milder = finding.severity is not None and finding.severity < alert.severity
    keeps_reasons = milder and alert.state is not AlertState.PENDING
    return replace(
        alert,
        severity_reasons=alert.severity_reasons if keeps_reasons else finding.reasons,
        auto_escalate=alert.auto_escalate or (finding.auto_escalate and finding.may_raise),
        impact=max(alert.impact, finding.impact, key=lambda impact: impact.rank),
        message=finding.message,
        value=finding.value,
        threshold=finding.threshold,
        axes=tuple(sorted({*alert.axes, *finding.breaching_axes})),
        shared_incident=alert.shared_incident or finding.shared_incident,
        roles=finding.roles,
        policy=finding.policy,
        tags=tags_of(finding),
        wedding_context=context,
        clear_since=None,
        no_data_since=None,
        last_breach_at=now,
        last_evaluated_at=now,
    )


def while_clear(alert: Alert, *, now: datetime) -> Step:
    """Count the clear streak, and end the episode when it has lasted."""
    since = alert.clear_since
    if since is None:
        begun = replace(alert, clear_since=now, no_data_since=None, last_evaluated_at=now)
        if alert.keep_firing_for_seconds > 0 or not alert.auto_resolve:
            return Step(alert=begun, reason="clear; it stays open until that has lasted")
        alert, since = begun, now
    if not alert.auto_resolve:
        return Step(alert=alert, reason="clear; only people resolve it")
    if now - since < timedelta(seconds=alert.keep_firing_for_seconds):
        return Step(alert=alert, reason="clear, not yet for long enough")
    over = replace(
        alert,
        state=AlertState.RESOLVED,
        resolved_at=now,
        resolved_by=None,
        clear_since=None,
        last_evaluated_at=now,
    )
    effects = () if alert.state is AlertState.SUPPRESSED else (Effect.RESOLVED,)
    return Step(
        alert=over,
        effects=effects,
        reason=f"clear for {alert.keep_firing_for_seconds} s: recovered by itself",
    )


def without_data(alert: Alert, *, now: datetime) -> Step:
    """Keep the state, and require a new streak once data is back."""
    if alert.no_data_since is not None:
        return Step(alert=alert, reason="still no data: missing data is not health")
    blind = replace(alert, no_data_since=now, clear_since=None, last_evaluated_at=now)
    return Step(alert=blind, reason="no data for 300 s: the last state is kept")


def while_held(alert: Alert, *, now: datetime) -> Step:
    """Break a clear streak: between recovery and threshold nothing has recovered."""
    if alert.clear_since is None and alert.no_data_since is None:
        return Step(alert=alert, reason="between recovery and threshold: unchanged")
    held = replace(alert, clear_since=None, no_data_since=None, last_evaluated_at=now)
    return Step(alert=held, reason="between recovery and threshold: not clear any more")


def while_silent(alert: Alert, *, now: datetime) -> Step:
    """Let the last value stand: a clear streak runs on, a breach stays one."""
    if alert.clear_since is not None:
        return while_clear(alert, now=now)
    return Step(alert=alert, reason="the window is empty: its last value stands")

"""What becomes of a step in an alert's life under a silence, and once the silence is over."""

from dataclasses import replace
from datetime import datetime

from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.silences import Silence
from wedsync.alerting.transitions import Effect, Step


def asks_for_silences(former: Alert | None, step: Step) -> bool:
    """Whether a silence, or the end of one, may make a difference to this step."""
    if step.alert is None:
        return False
    tells = Effect.FIRED in step.effects or Effect.RAISED in step.effects
    return tells or _held_back(former, step.alert)


def under(silence: Silence | None, former: Alert | None, step: Step, *, now: datetime) -> Step:
    """The step as it is taken under this silence (None: none hides the alert)."""
    alert = step.alert
    if alert is None:
        return step
    if silence is None:
        return _let_out(former, step, alert, now=now)
    if Effect.FIRED in step.effects:
        hidden = replace(
            alert,
            state=AlertState.SUPPRESSED,
            suppressed_by=silence.silence_id,
            notified_severity=None,
        )
        return Step(alert=hidden, reason=f"{step.reason}; silenced by {silence.silence_id}")
    if Effect.RAISED in step.effects and former is not None:
        # Who was told of it knows it by what they were told; they hear of the rise afterwards.
        quiet = replace(
            alert,
            state=former.state,
            notified_severity=former.notified_severity,
            acknowledged_at=former.acknowledged_at,
            acknowledged_by=former.acknowledged_by,
        )
        return Step(alert=quiet, reason=f"{step.reason}; silenced by {silence.silence_id}")
    return step


def _held_back(former: Alert | None, alert: Alert) -> bool:
    """Whether it is in breach, and somebody has yet to hear of it, or of how bad it is."""
    if former is None or former.alert_id != alert.alert_id or not alert.is_active:
        return False
    if alert.clear_since is not None or alert.no_data_since is not None:
        return False
    if alert.state is AlertState.SUPPRESSED:
        return True
    return alert.notified_severity is not None and alert.severity > alert.notified_severity


def _let_out(former: Alert | None, step: Step, alert: Alert, *, now: datetime) -> Step:
    if step.effects or not _held_back(former, alert):
        return step
    effect = Effect.FIRED if alert.state is AlertState.SUPPRESSED else Effect.RAISED
    told = replace(
        alert,
        state=AlertState.FIRING,
        fired_at=now if effect is Effect.FIRED else alert.fired_at,
        suppressed_by=None,
        notified_severity=alert.severity,
        acknowledged_at=None,
        acknowledged_by=None,
        last_evaluated_at=now,
    )
    return Step(alert=told, effects=(effect,), reason="the silence is over, and the breach is not")

"""Tenants of a simulated world have rules of their own, and silences; what holds of both."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tests.harness import Bundle
from tests.simulation.watching import Watch, require
from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.own.condition import Comparison, Operator, Statistic
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.severity import Severity
from wedsync.alerting.silences import Matchers, Silence
from wedsync.incidents.opening import alert_escalates
from wedsync.tenancy import Tenant

SLOW, LOST, SILENCED = "rule_slow", "rule_lost", "rule_silenced"


def settle_rules(bundle: Bundle, tenants: Sequence[Tenant], rng: random.Random) -> None:
    """Three rules that the world's traffic breaks again and again; one of them is silenced."""
    if rng.random() < 0.6:
        return  # worlds of the platform's rules alone are played in half the time
    for tenant in tenants:
        if rng.random() < 0.7:
            for rule in _rules(bundle, critical=rng.random() < 0.3):
                bundle.services.rules.add(tenant, rule)
            bundle.services.silences.add(tenant, _silence(bundle))


def check_rules(bundle: Bundle, watch: Watch, tenants: Sequence[Tenant]) -> None:
    """One episode of a fingerprint at a time, told once, and of what is silenced nobody is told.

    And every rule knows when the newest of its episodes fired.
    """
    told = {key.split("#")[1] for key in watch.sent}
    for tenant in tenants:
        alerts = bundle.services.alerts.page(tenant, limit=200, cursor=None).alerts
        _check_triggered(bundle.services.alerts.triggered(tenant), alerts)
        for alert in alerts:
            if not alert.rule_id.startswith("platform."):
                watch.checks["I12"] += 1
                _check(alert, told)


def _check_triggered(triggered: Mapping[str, datetime], alerts: Sequence[Alert]) -> None:
    newest: dict[str, datetime] = {}
    for alert in alerts:
        if alert.fired_at is not None and alert.unsettled_since is None:
            newest[alert.rule_id] = max(newest.get(alert.rule_id, alert.fired_at), alert.fired_at)
    # What is hidden has lost its mark: if its writer died, only its end says it again.
    under_way = {
        alert.rule_id
        for alert in alerts
        if alert.unsettled_since is not None or alert.state is AlertState.SUPPRESSED
    }
    for rule_id in newest.keys() - under_way:
        require(
            triggered.get(rule_id) == newest[rule_id],
            "I12",
            f"{rule_id} fired at {newest[rule_id]}, and says {triggered.get(rule_id)}",
        )


def _check(alert: Alert, told: set[str]) -> None:
    if alert.rule_id == SILENCED:
        hidden = alert.state not in {AlertState.FIRING, AlertState.ACKNOWLEDGED} or (
            alert.acknowledged_at is not None
        )
        require(hidden, "I12", f"{alert.alert_id} is silenced, and {alert.state}")
        require(
            alert.alert_id not in told and alert.incident_id is None,
            "I12",
            f"{alert.alert_id} is silenced, and somebody was told of it",
        )
    elif alert.state is AlertState.FIRING and not alert_escalates(alert):
        require(
            alert.told_as is not None or alert.unsettled_since is not None,
            "I12",
            f"{alert.alert_id} fires, and nobody was ever told",
        )
        require(
            alert.told_as is None or alert.told_as in told,
            "I12",
            f"{alert.alert_id} was told as {alert.told_as}, of which nobody was told",
        )


def _rules(bundle: Bundle, *, critical: bool) -> tuple[Rule, ...]:
    slow = Comparison(
        metric="api.request",
        stat=Statistic.MAX,
        op=Operator.ABOVE,
        threshold=1.0,
        window_seconds=300,
        for_seconds=0,
        group_by=("service",),
    )
    lost = Comparison(
        metric="photo.upload",
        stat=Statistic.SHARE,
        op=Operator.ABOVE,
        threshold=5.0,
        window_seconds=120,
        for_seconds=0,
        filters=(("outcome", ("failed",)),),
    )
    any_upload = Comparison(
        metric="photo.upload",
        stat=Statistic.COUNT,
        op=Operator.AT_LEAST,
        threshold=1.0,
        window_seconds=300,
        for_seconds=0,
    )

    def rule(rule_id: str, condition: Comparison, severity: Severity, *, wedding: bool) -> Rule:
        return Rule(
            rule_id=rule_id,
            name=rule_id,
            condition=condition,
            severity=severity,
            wedding_specific=wedding,
            created_at=bundle.now,
            created_by="the plan",
            updated_at=bundle.now,
        )

    return (
        rule(SLOW, slow, Severity.MEDIUM, wedding=False),
        rule(LOST, lost, Severity.CRITICAL if critical else Severity.HIGH, wedding=True),
        rule(SILENCED, any_upload, Severity.HIGH, wedding=True),
    )


def _silence(bundle: Bundle) -> Silence:
    return Silence(
        silence_id="silence_planned",
        matchers=Matchers(rule_ids=(SILENCED,)),
        starts_at=bundle.now - timedelta(minutes=1),
        ends_at=bundle.now + timedelta(days=1),
        comment="planned",
        created_at=bundle.now,
        created_by="the plan",
    )

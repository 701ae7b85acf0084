"""From findings to stored alerts, and to what follows from them.

An alert is stored first, marked as unsettled; then its incident is opened or told, its notice is
sent, and the mark is taken away. A crash in between leaves the mark: whoever looks at the alert
next does what is left. Opening and telling an incident may be repeated at will. A notice is
repeated only once the mark is older than ``SETTLE_AFTER``, so that two that look at the same
time do not both send it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from wedsync.alerting.finding import Finding
from wedsync.alerting.lifecycle import advance
from wedsync.alerting.model import Alert, AlertState, fingerprint
from wedsync.errors import TooMuchContention
from wedsync.flows.incidents import attach, deliver, note_alert_resolved, publish
from wedsync.flows.surroundings import TenantDay
from wedsync.incidents.message import alert_messages
from wedsync.incidents.opening import alert_escalates
from wedsync.incidents.policies import choose_policy
from wedsync.stores.episodes import Overtaken, Stored
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import WeddingContext

SETTLE_AFTER = timedelta(seconds=30)
TRIES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding with the wedding clock that it was made under."""

    finding: Finding
    context: WeddingContext | None


def apply_findings(
    services: Services, tenant: Tenant, judged: Sequence[Judged], day: TenantDay
) -> None:
    """Move every alert that these findings concern, and do what follows."""
    named = {
        fingerprint(
            tenant=tenant.id,
            rule_id=each.finding.rule_id,
            scope=each.finding.scope,
            group=each.finding.group,
        ): each
        for each in judged
    }
    present = services.alerts.current_many(tenant, named)
    for name, each in named.items():
        _apply(services, tenant, name, each, present.get(name), day)


def settle(
    services: Services,
    tenant: Tenant,
    stored: Stored[Alert],
    day: TenantDay,
    *,
    ours: bool = False,
) -> None:
    """Do what is left to do for an alert whose transition has been stored.

    ``ours``: the transition is the caller's own, so that nobody else is sending its notice.
    """
    since = stored.value.unsettled_since
    if since is None:
        return
    overdue = services.now() - since >= SETTLE_AFTER
    _follow(services, tenant, stored, day, notice=ours or overdue)


def _apply(
    services: Services,
    tenant: Tenant,
    name: str,
    judged: Judged,
    stored: Stored[Alert] | None,
    day: TenantDay,
) -> None:
    for _ in range(TRIES):
        former = stored.value if stored is not None else None
        now = services.now()
        step = advance(former, judged.finding, tenant=tenant.id, context=judged.context, now=now)
        if step.alert is former:
            if stored is not None:
                settle(services, tenant, stored, day)
            return
        after = step.alert
        if after is not None and step.effects:
            after = replace(after, unsettled_since=now)
        try:
            kept = services.alerts.keep(tenant, after, former=stored)
        except Overtaken:
            stored = services.alerts.current_many(tenant, [name]).get(name)
            continue
        if kept is not None and step.effects:
            _follow(services, tenant, kept, day, notice=True)
        return
    raise TooMuchContention


def _follow(
    services: Services, tenant: Tenant, stored: Stored[Alert], day: TenantDay, *, notice: bool
) -> None:
    alert = stored.value
    escalates = alert_escalates(alert)
    incident_id = alert.incident_id
    if alert.state is AlertState.RESOLVED:
        note_alert_resolved(services, tenant, alert)
    else:
        choice = choose_policy(
            alert.severity,
            alert.wedding_context,
            any_wedding_today=day.any_wedding_today,
            any_saturday_wedding_today=day.any_saturday_wedding_today,
        )
        incident_id = attach(services, tenant, alert, choice=choice)
        if incident_id is not None:
            deliver(services, tenant, incident_id)
    if not escalates:
        if not notice:
            return
        roles = ("on_call_engineer",)
        for message in alert_messages(
            replace(alert, incident_id=incident_id),
            roles=roles,
            tenant=tenant.id,
            now=services.now(),
        ):
            publish(services, 0, message)
    _settled(services, tenant, stored, incident_id)


def _settled(
    services: Services, tenant: Tenant, stored: Stored[Alert], incident_id: str | None
) -> None:
    """Take the mark away, unless a newer transition has set its own."""
    since = stored.value.unsettled_since
    for _ in range(TRIES):
        if stored.value.unsettled_since != since:
            return
        done = replace(stored.value, incident_id=incident_id, unsettled_since=None)
        try:
            services.alerts.keep(tenant, done, former=stored)
        except Overtaken:
            stored = services.alerts.get(tenant, stored.value.alert_id)
            continue
        return
    raise TooMuchContention

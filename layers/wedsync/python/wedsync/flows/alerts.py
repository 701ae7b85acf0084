"""From findings to stored alerts, and to what follows from them.

An alert is stored first, marked as unsettled; then its incident is opened or told, its notice is
sent, and the mark is taken away. A crash in between leaves the mark: whoever looks at the alert
next does what is left. Opening and telling an incident may be repeated at will. A notice is
repeated only once the mark is older than ``SETTLE_AFTER``, so that two that look at the same
time do not both send it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wedsync.alerting.finding import Finding
from wedsync.alerting.lifecycle import advance
from wedsync.alerting.model import Alert, AlertState, fingerprint
from wedsync.errors import TooMuchContention
from wedsync.flows.cadence import CloseLook
from wedsync.flows.incidents import attach, deliver, note_alert_resolved, publish
from wedsync.flows.policies import asked_ladder
from wedsync.flows.silencing import silenced
from wedsync.flows.surroundings import TenantDay
from wedsync.incidents.message import alert_messages
from wedsync.incidents.opening import alert_escalates
from wedsync.incidents.policies import choose_policy
from wedsync.stores.episodes import Overtaken, Stored
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import WeddingContext

SETTLE_AFTER = timedelta(seconds=30)
PAST_WINDOW = timedelta(minutes=5)
"""A window that is over opens an alert only if all of it lies after the last episode."""
TRIES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding with the wedding clock that it was made under, and the end of its window."""

    finding: Finding
    context: WeddingContext | None
    at: datetime


def apply_findings(
    services: Services,
    tenant: Tenant,
    judged: Sequence[Judged],
    day: TenantDay,
    *,
    past: Sequence[Judged] = (),
) -> None:
    """Move every alert that these findings concern, and do what follows.

    ``past``: breaches in windows that are over. They count where they are news.
    """
    now_by_name = {_name(tenant, each): each for each in judged}
    past_by_name = {_name(tenant, each): each for each in past}
    names = {**now_by_name, **past_by_name}
    stored = services.alerts.current_many(tenant, names)
    close_look = CloseLook(services)
    for name in names:
        _apply(
            services,
            tenant,
            name,
            now_by_name.get(name),
            past_by_name.get(name),
            stored.get(name),
            day,
            close_look,
        )


def _name(tenant: Tenant, judged: Judged) -> str:
    finding = judged.finding
    return fingerprint(
        tenant=tenant.id, rule_id=finding.rule_id, scope=finding.scope, group=finding.group
    )


def _is_news(past: Judged, former: Alert | None) -> bool:
    """Whether a window that is over tells of something that no episode has told of.

    What is delivered again minutes later must not open again what has been resolved.
    """
    if former is None:
        return True
    if former.state is AlertState.RESOLVED:
        quiet = former.keep_firing_for_seconds if former.resolved_by is not None else 0
        over = former.resolved_at or former.started_at
        return over + timedelta(seconds=quiet) < past.at - PAST_WINDOW
    severity = past.finding.severity
    return severity is not None and severity > former.severity


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
    present: Judged | None,
    past: Judged | None,
    stored: Stored[Alert] | None,
    day: TenantDay,
    close_look: CloseLook,
) -> None:
    for _ in range(TRIES):
        former = stored.value if stored is not None else None
        judged = past if past is not None and _is_news(past, former) else present
        if judged is None:
            if stored is not None:
                settle(services, tenant, stored, day)
            return
        now = services.now()
        step = advance(former, judged.finding, tenant=tenant.id, context=judged.context, now=now)
        step = silenced(services, tenant, former, step)
        if step.alert is former:
            if stored is not None:
                settle(services, tenant, stored, day)
            return
        after = step.alert
        if after is not None and step.effects:
            after = replace(after, unsettled_since=now)
        if former is None or former.state is AlertState.RESOLVED:
            close_look.ask()
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
        if escalates:
            choice = asked_ladder(services, tenant, alert, choice)
        incident_id = attach(services, tenant, alert, choice=choice)
        if incident_id is not None:
            deliver(services, tenant, incident_id)
    if not escalates:
        if not notice:
            return
        for message in alert_messages(
            replace(alert, incident_id=incident_id),
            roles=alert.roles or ("on_call_engineer",),
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

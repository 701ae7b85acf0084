"""From findings to stored alerts, and to what follows from them.

Alerts are stored first, marked as unsettled; then their incidents are opened or told, whoever is
to be called is called once for all of them, and the marks are taken away. A crash in between
leaves the mark: whoever looks at the alert next does what is left. Opening and telling an incident
may be repeated at will. Alerts without a ladder are told together (:mod:`wedsync.flows.notices`);
the notice of an end is repeated only once the mark is older than ``SETTLE_AFTER``, so that two that
look at the same time do not both send it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wedsync.alerting.finding import Finding
from wedsync.alerting.lifecycle import advance
from wedsync.alerting.model import Alert, AlertState, fingerprint
from wedsync.errors import TooMuchContention
from wedsync.flows.cadence import CloseLook
from wedsync.flows.incidents import (
    acknowledge_incident,
    attach,
    deliver,
    note_alert_resolved,
)
from wedsync.flows.notices import settled, tell_ends, waits
from wedsync.flows.policies import asked_ladder
from wedsync.flows.silencing import silenced
from wedsync.flows.surroundings import TenantDay
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
    # Of several windows that hold the same late minute, the worst tells of it.
    past_by_name = {
        _name(tenant, each): each
        for each in sorted(past, key=lambda each: (_urgency(each), each.at))
    }
    names = {**now_by_name, **past_by_name}
    stored = services.alerts.current_many(tenant, names)
    close_look = CloseLook(services)
    for called_for in _by_call(names):
        changed: list[Stored[Alert]] = []
        for name in called_for:
            kept = _apply(
                services,
                tenant,
                name,
                now_by_name.get(name),
                past_by_name.get(name),
                stored.get(name),
                day,
                close_look,
            )
            if kept is not None:
                changed.append(kept)
        _follow(services, tenant, changed, day, notice=True)


def _by_call(judged: Mapping[str, Judged]) -> list[list[str]]:
    """The names of what one incident, or one notice, tells of together: the worst first."""
    found: dict[str, list[str]] = {}
    for name, each in sorted(judged.items(), key=lambda each: -_urgency(each[1])):
        scope = each.finding.scope
        shared = each.finding.shared_incident or f"service {scope.service}"
        found.setdefault(scope.wedding_id or shared, []).append(name)
    return list(found.values())


def _urgency(judged: Judged) -> int:
    severity = judged.finding.severity
    return -1 if severity is None else severity.rank


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
        by_hand = former.resolved_by is not None and former.clear_since is None
        quiet = former.keep_firing_for_seconds if by_hand else 0
        over = former.clear_since or former.resolved_at or former.started_at
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

    What waits for others of its group is left to the watch. ``ours``: the transition is the
    caller's own, so that nobody else is sending its notice.
    """
    since = stored.value.unsettled_since
    if since is None or waits(stored.value):
        return
    overdue = services.now() - since >= SETTLE_AFTER
    _follow(services, tenant, [stored], day, notice=ours or overdue)


def _apply(
    services: Services,
    tenant: Tenant,
    name: str,
    present: Judged | None,
    past: Judged | None,
    stored: Stored[Alert] | None,
    day: TenantDay,
    close_look: CloseLook,
) -> Stored[Alert] | None:
    """Move one alert; what was stored, where something follows from it."""
    for _ in range(TRIES):
        former = stored.value if stored is not None else None
        judged = past if past is not None and _is_news(past, former) else present
        if judged is None:
            if stored is not None:
                settle(services, tenant, stored, day)
            return None
        now = services.now()
        step = advance(former, judged.finding, tenant=tenant.id, context=judged.context, now=now)
        step = silenced(services, tenant, former, step)
        if step.alert is former:
            if stored is not None:
                settle(services, tenant, stored, day)
            return None
        after = step.alert
        follows = bool(step.effects) or _hidden_anew(former, after)
        if after is not None and follows:
            after = replace(after, unsettled_since=now)
        if former is None or former.state is AlertState.RESOLVED:
            close_look.ask()
        try:
            kept = services.alerts.keep(tenant, after, former=stored)
        except Overtaken:
            stored = services.alerts.current_many(tenant, [name]).get(name)
            continue
        return kept if follows else None
    raise TooMuchContention


def _hidden_anew(former: Alert | None, after: Alert | None) -> bool:
    """Whether an episode begins that nobody is told of: its rule has opened one all the same."""
    hidden = after is not None and after.state is AlertState.SUPPRESSED
    return hidden and (former is None or former.state is not AlertState.SUPPRESSED)


def _follow(
    services: Services,
    tenant: Tenant,
    changed: Sequence[Stored[Alert]],
    day: TenantDay,
    *,
    notice: bool,
) -> None:
    """Do what follows from these transitions: all of them join before anybody is called."""
    incidents: list[str] = []
    joined: list[Stored[Alert]] = []
    _note_triggered(services, tenant, changed)
    for stored in changed:
        alert = stored.value
        if alert.state is AlertState.SUPPRESSED:
            joined.append(stored)
            continue
        if alert.state is AlertState.RESOLVED:
            note_alert_resolved(services, tenant, alert)
            joined.append(stored)
            continue
        choice = choose_policy(
            alert.severity,
            alert.wedding_context,
            any_wedding_today=day.any_wedding_today,
            any_saturday_wedding_today=day.any_saturday_wedding_today,
        )
        if alert_escalates(alert):
            choice = asked_ladder(services, tenant, alert, choice)
        incident_id = attach(services, tenant, alert, choice=choice)
        if incident_id is None:
            joined.append(stored)
        else:
            joined.append(_joined(services, tenant, stored, incident_id))
            incidents.append(incident_id)
    for incident_id in dict.fromkeys(incidents):
        deliver(services, tenant, incident_id)
    over = [each for each in changed if each.value.state is AlertState.RESOLVED]
    quiet = [each for each in over if not alert_escalates(each.value)]
    if notice:
        tell_ends(services, tenant, [each.value for each in quiet])
    for stored in joined:
        if not waits(stored.value) and (notice or stored not in quiet):
            settled(services, tenant, stored)


def _note_triggered(services: Services, tenant: Tenant, changed: Sequence[Stored[Alert]]) -> None:
    """Note when the rules of these alerts last fired; an end says it again, should it be amiss."""
    newest: dict[str, datetime] = {}
    for stored in changed:
        alert = stored.value
        if alert.fired_at is not None:
            known = newest.get(alert.rule_id, alert.fired_at)
            newest[alert.rule_id] = max(known, alert.fired_at)
    for rule_id, fired_at in sorted(newest.items()):
        services.alerts.note_triggered(tenant, rule_id, fired_at)


def _joined(
    services: Services, tenant: Tenant, stored: Stored[Alert], incident_id: str
) -> Stored[Alert]:
    """Let the alert name its incident before anybody is called for it.

    Whoever answered the alert in between could not find its incident: their answer holds for it.
    """
    for _ in range(TRIES):
        alert = stored.value
        if alert.incident_id == incident_id:
            return stored
        if alert.state is AlertState.ACKNOWLEDGED and alert.acknowledged_by is not None:
            acknowledge_incident(services, tenant, incident_id, by=alert.acknowledged_by)
        if alert.state is AlertState.RESOLVED:
            note_alert_resolved(services, tenant, alert)
        try:
            kept = services.alerts.keep(
                tenant, replace(alert, incident_id=incident_id), former=stored
            )
        except Overtaken:
            stored = services.alerts.get(tenant, alert.alert_id)
            continue
        return stored if kept is None else kept
    raise TooMuchContention

"""What happens to an incident, stored, and its due pages sent."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from wedsync.alerting.model import Alert
from wedsync.alerting.severity import Impact
from wedsync.cloud import Message, Topic
from wedsync.errors import (
    IncidentAlreadyResolved,
    IncidentOvertaken,
    TooMuchContention,
    Unavailable,
)
from wedsync.flows.cadence import CloseLook
from wedsync.flows.wake import LadderWake, wake_later
from wedsync.incidents.decisions import Decision, Escalation
from wedsync.incidents.ladder import SYSTEM, Claimed, claim, due_steps, mark_sent, release
from wedsync.incidents.lifecycle import acknowledge, alert_resolved
from wedsync.incidents.message import PageMessage, messages
from wedsync.incidents.model import Incident, LadderStep, Report, StepKind
from wedsync.incidents.opening import (
    alert_escalates,
    join,
    open_for_alert,
    open_incident,
    reopen,
)
from wedsync.incidents.policies import PolicyChoice
from wedsync.notifications.recipients import vacant_roles
from wedsync.stores.episodes import Overtaken, Stored
from wedsync.stores.incidents import scope_name
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

TRIES = 24
"""Writers of one incident that may get in each other's way before somebody is told so."""
PUBLISH_TRIES = 3
PUBLISH_AGAIN_SECONDS = 10

D = TypeVar("D", Decision, Escalation)


def change_incident(
    services: Services,
    tenant: Tenant,
    incident_id: str,
    decide: Callable[[Incident, datetime], D],
) -> D:
    """Load, decide, save; anew as often as others write first. Raises TooMuchContention."""
    for _ in range(TRIES):
        stored = services.incidents.get(tenant, incident_id)
        decision = decide(stored.value, services.now())
        if decision.incident is stored.value:
            return decision
        try:
            services.incidents.save(tenant, decision.incident, expected=stored.version)
        except Overtaken:
            continue
        return decision
    raise TooMuchContention


def report_incident(
    services: Services,
    tenant: Tenant,
    report: Report,
    *,
    choice: PolicyChoice,
    by: str,
) -> Incident:
    """Open an incident that somebody reports, in its wedding's place where that is free."""
    own = services.new_id("inc")
    places: list[tuple[str, Stored[Incident] | None]] = [(own, None)]
    if report.wedding_id is not None:
        CloseLook(services).ask()
        shared = scope_name(tenant, f"wedding {report.wedding_id}")
        present = services.incidents.current(tenant, shared)
        if present is not None and present.value.reported_as == own:
            return present.value
        if present is None or not present.value.is_active:
            places.insert(0, (shared, present))
    for place, after in places:
        decision = open_incident(
            report,
            incident_id=_next_id(place, after),
            choice=choice,
            by=by,
            now=services.now(),
        )
        incident = replace(decision.incident, reported_as=own)
        try:
            services.incidents.begin(tenant, incident, after=after)
        except Overtaken:
            continue
        _look_at(services, tenant, incident)
        return incident
    # The own place is taken only by an earlier try of the same request.
    return services.incidents.get(tenant, _next_id(own, None)).value


def reopen_incident(
    services: Services, tenant: Tenant, incident_id: str, *, choice: PolicyChoice, by: str
) -> Incident:
    """Take a resolved incident up again, unless another one of its place followed it.

    Raises IncidentOvertaken: of one wedding or fault, one incident is open at a time.
    """

    def reopened(incident: Incident, now: datetime) -> Decision:
        present = services.incidents.current(tenant, incident_id.rpartition("-")[0])
        if present is not None and present.value.incident_id != incident_id:
            raise IncidentOvertaken(f"{present.value.incident_id} followed it")
        return reopen(incident, choice=choice, by=by, at=now)

    CloseLook(services).ask()
    return change_incident(services, tenant, incident_id, reopened).incident


def attach(services: Services, tenant: Tenant, alert: Alert, *, choice: PolicyChoice) -> str | None:
    """Open or join the alert's incident; None where it needs none and finds none.

    An alert that does not escalate only joins an open incident of its wedding or service.
    """
    name = scope_name(tenant, _scope_of(alert))
    for _ in range(TRIES):
        present = services.incidents.current(tenant, name)
        now = services.now()
        try:
            if present is not None and (present.value.is_active or _knows(present.value, alert)):
                if not present.value.is_active:
                    return present.value.incident_id
                decision = join(present.value, alert, choice=choice, now=now)
                if decision.incident is not present.value:
                    services.incidents.save(tenant, decision.incident, expected=present.version)
                return decision.incident.incident_id
            if not alert_escalates(alert):
                return None
            decision = open_for_alert(
                alert,
                incident_id=_next_id(name, present),
                choice=choice,
                wedding_impact=alert.impact if alert.wedding_id else Impact.NONE,
                now=now,
            )
            services.incidents.begin(tenant, decision.incident, after=present)
        except Overtaken:
            continue
        _look_at(services, tenant, decision.incident)
        return decision.incident.incident_id
    raise TooMuchContention


def incident_of_alert(services: Services, tenant: Tenant, alert: Alert) -> str | None:
    """The incident that an alert is part of, also before the alert itself says so."""
    if alert.incident_id is not None:
        return alert.incident_id
    present = services.incidents.current(tenant, scope_name(tenant, _scope_of(alert)))
    if present is None or all(each.alert_id != alert.alert_id for each in present.value.alerts):
        return None
    return present.value.incident_id


def acknowledge_incident(services: Services, tenant: Tenant, incident_id: str, *, by: str) -> None:
    """Stop its ladder; nothing where it is over, as it may be while an alert still fires."""
    with suppress(IncidentAlreadyResolved):
        change_incident(
            services,
            tenant,
            incident_id,
            lambda incident, now: acknowledge(incident, by=by, at=now),
        )


def note_alert_resolved(services: Services, tenant: Tenant, alert: Alert) -> None:
    """Tell the alert's incident that the alert is over; if that ends it, everybody hears of it.

    An incident that goes on pages by its own ladder: nobody is called by an alert that ended.
    """
    incident_id = incident_of_alert(services, tenant, alert)
    if incident_id is None:
        return
    noted = change_incident(
        services,
        tenant,
        incident_id,
        lambda incident, now: alert_resolved(
            incident, alert.alert_id, by=alert.resolved_by or SYSTEM, at=now
        ),
    )
    if not noted.incident.is_active:
        deliver(services, tenant, incident_id)


def deliver(services: Services, tenant: Tenant, incident_id: str) -> tuple[PageMessage, ...]:
    """Claim and send everything of this incident that is due; the messages that went out."""
    sent: tuple[PageMessage, ...] = ()
    incident = services.incidents.get(tenant, incident_id).value
    for step in due_steps(incident, now=services.now()):
        claimed = _claim(services, tenant, incident_id, step.step_id)
        if claimed is not None:
            sent += publish_step(services, tenant, claimed)
    return sent


def publish_step(services: Services, tenant: Tenant, claimed: Claimed) -> tuple[PageMessage, ...]:
    """Send a claimed step and mark it sent; the messages that went out.

    When the topic does not answer, the step is given back and a wake is asked for; the minute's
    sweep would find it in any case. A page that nobody can hear is followed by the next tier's.
    """
    incident, step = claimed.incident, claimed.step
    to_send = messages(incident, step, tenant=tenant.id, now=services.now())
    try:
        for message in to_send:
            publish(services, message)
    except Unavailable:
        _finish(services, tenant, incident.incident_id, step, sent=False)
        wake_later(
            services,
            LadderWake(tenant_id=tenant.id, incident_id=incident.incident_id),
            after_seconds=PUBLISH_AGAIN_SECONDS,
        )
        return ()
    vacant = _vacant(services, tenant, incident, step)
    _finish(services, tenant, incident.incident_id, step, sent=True, vacant=vacant)
    if step.kind is StepKind.PAGE and vacant.issuperset(step.roles):
        return to_send + deliver(services, tenant, incident.incident_id)
    return to_send


def _vacant(
    services: Services, tenant: Tenant, incident: Incident, step: LadderStep
) -> frozenset[str]:
    """The roles of the ladder that nobody holds; none where that cannot be read.

    Then the next tier comes at its own time: what is out must not go out again for this.
    """
    if step.kind not in {StepKind.PAGE, StepKind.NOTICE}:
        return frozenset()
    roles = {role for tier in incident.policy.tiers for role in tier.roles} | {*step.roles}
    for _ in range(PUBLISH_TRIES):
        with suppress(Unavailable):
            return vacant_roles(
                roles,
                wedding_id=incident.wedding_id,
                contacts=services.routing.contacts(tenant),
                roster=services.routing.roster(tenant),
                now=services.now(),
            )
    return frozenset()


def publish(services: Services, message: PageMessage) -> None:
    """Publish to its tier's topic, three times if need be. Raises Unavailable."""
    publish_thrice(
        services.topic_of_tier(message.tier),
        Message(subject=message.subject, body=message.body, attributes=message.attributes),
    )


def publish_thrice(topic: Topic, message: Message) -> None:
    """Publish, and twice more if need be. Raises Unavailable."""
    for left in reversed(range(PUBLISH_TRIES)):
        try:
            topic.publish(message)
        except Unavailable:
            if not left:
                raise
        else:
            return


def _claim(services: Services, tenant: Tenant, incident_id: str, step_id: str) -> Claimed | None:
    for _ in range(TRIES):
        stored = services.incidents.get(tenant, incident_id)
        claimed = claim(stored.value, step_id, now=services.now())
        if not isinstance(claimed, Claimed):
            return None
        try:
            services.incidents.save(tenant, claimed.incident, expected=stored.version)
        except Overtaken:
            continue
        return claimed
    raise TooMuchContention


def _finish(
    services: Services,
    tenant: Tenant,
    incident_id: str,
    step: LadderStep,
    *,
    sent: bool,
    vacant: frozenset[str] = frozenset(),
) -> None:
    for _ in range(TRIES):
        stored = services.incidents.get(tenant, incident_id)
        if sent:
            after = mark_sent(
                stored.value,
                step.step_id,
                attempt=step.attempt,
                now=services.now(),
                vacant=vacant,
            )
        else:
            after = release(stored.value, step.step_id, attempt=step.attempt)
        if after is None:
            return
        try:
            services.incidents.save(tenant, after, expected=stored.version)
        except Overtaken:
            continue
        return
    raise TooMuchContention


def _look_at(services: Services, tenant: Tenant, incident: Incident) -> None:
    """Have its runbooks looked for now; the minute's sweep would find it in any case."""
    wake = LadderWake(tenant_id=tenant.id, incident_id=incident.incident_id)
    with suppress(Unavailable):
        wake_later(services, wake, after_seconds=0)


def _scope_of(alert: Alert) -> str:
    """What one fault is called for once: a wedding, several services together, or one."""
    if alert.wedding_id is not None:
        return f"wedding {alert.wedding_id}"
    return alert.shared_incident or f"service {alert.service or alert.rule_id}"


def _knows(incident: Incident, alert: Alert) -> bool:
    """Whether this very episode belongs to it, so that a repetition opens nothing anew."""
    return any(
        each.alert_id == alert.alert_id and each.severity >= alert.severity
        for each in incident.alerts
    )


def _next_id(name: str, after: Stored[Incident] | None) -> str:
    if after is None:
        return f"{name}-1"
    return f"{name}-{int(after.value.incident_id.rpartition('-')[2]) + 1}"

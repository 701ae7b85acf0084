"""What a step of a runbook does, and how it is put back.

Everything here may be done twice to the same end: messages carry the key of their step, levers and
modes are set to a value and never moved by one.
"""

import json
from dataclasses import replace
from datetime import timedelta

from wedsync.errors import Throttled
from wedsync.flows.capacity import give_room, pulls_lever, put_room_back, recommended, room_before
from wedsync.flows.emergency_mode import switch_off, switch_on
from wedsync.flows.incidents import publish
from wedsync.flows.live import snapshot, wedding_page
from wedsync.flows.telling import hand_on
from wedsync.incidents.ladder import tier_that_told
from wedsync.incidents.message import ascii_line, notice_messages, one_line
from wedsync.incidents.model import Incident
from wedsync.notifications.contacts import POSTED
from wedsync.notifications.delivery import State
from wedsync.notifications.planning import delivery_of
from wedsync.notifications.told import Told
from wedsync.runbooks.execution import Execution, is_reversible
from wedsync.runbooks.model import (
    EmergencyMode,
    Notify,
    Scale,
    Step,
    Ticket,
    WaitUntil,
    WarmCache,
)
from wedsync.stores.documents import Documents
from wedsync.stores.emergency import Emergency
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

TICKET = "ticket"
_ON_CALL = ("on_call_engineer",)
_emergencies = Documents(Emergency)
_TEXT = 500
_REASON = 200


class StepRefused(Exception):
    """A step cannot be taken, however often it is tried."""


def former_of(services: Services, tenant: Tenant, step: Step) -> str | None:
    """What is before the step, as it is put back; None for what leaves nothing to put back.

    Raises CapacityRefused, or CapacityBusy.
    """
    if not is_reversible(step):
        return None
    if isinstance(step.action, EmergencyMode):
        present = services.emergency.find(tenant, now=services.now())
        return json.dumps(None if present is None else _emergencies.dump(present))
    if isinstance(step.action, Scale) and pulls_lever(services, tenant, step.action):
        return room_before(services, step.action)
    return None


def perform(
    services: Services, tenant: Tenant, incident: Incident, execution: Execution, step: Step
) -> str:
    """Take the step; what came of it.

    Raises StepRefused or CapacityRefused, or Unavailable or CapacityBusy to be tried again.
    """
    match step.action:
        case Notify():
            return _notify(services, tenant, incident, execution, step, step.action)
        case Ticket():
            return _ticket(services, tenant, incident, execution, step, step.action)
        case WarmCache():
            return _warm(services, tenant, incident)
        case EmergencyMode():
            return _emergency(services, tenant, incident, execution, step.action)
        case Scale():
            if pulls_lever(services, tenant, step.action):
                return give_room(services, step.action)
            return recommended(step.action)
        case WaitUntil():
            raise StepRefused("a wait is looked at, not done")


def tell_of_wait(
    services: Services, tenant: Tenant, incident: Incident, execution: Execution
) -> None:
    """Tell whoever was paged that a step waits for a yes; nobody was: whoever is on call.

    Told again, it carries the same key. Raises Unavailable.
    """
    waiting = execution.waiting
    if waiting is None:
        return
    step = execution.runbook.step(waiting.step_id)
    listening = tier_that_told(incident)
    path = f"/api/monitoring/runbook-executions/{execution.execution_id}"
    for message in notice_messages(
        roles=tuple(listening) or _ON_CALL,
        tenant=tenant.id,
        about=incident.incident_id,
        # No step can have this name.
        digest=f"{_moment(execution, step)}.approval",
        severity=incident.severity,
        title=f"Waits for your approval: {step.title}",
        lines=[
            f"Why: {waiting.outcome}",
            f"Runbook: {execution.runbook.title}",
            f"Incident {incident.incident_id}: {incident.title}",
            f"Approve it: POST {path}/approve",
            f"End the run and put back what it did: POST {path}/abort",
        ],
        now=services.now(),
        incident=incident,
        tiers=listening,
    ):
        publish(services, message)


def put_back(
    services: Services, tenant: Tenant, execution: Execution, step: Step, former: str
) -> str:
    """Undo the step, unless somebody has changed it since."""
    if isinstance(step.action, EmergencyMode):
        return _end_emergency(services, tenant, execution, json.loads(former))
    if isinstance(step.action, Scale):
        return put_room_back(services, step.action, former)
    return "nothing to put back"


def _notify(
    services: Services,
    tenant: Tenant,
    incident: Incident,
    execution: Execution,
    step: Step,
    action: Notify,
) -> str:
    for message in notice_messages(
        roles=action.roles,
        tenant=tenant.id,
        about=incident.incident_id,
        digest=_moment(execution, step),
        severity=incident.severity,
        title=action.text,
        lines=[
            f"Runbook: {execution.runbook.title}",
            f"Incident {incident.incident_id}: {incident.title}",
        ],
        now=services.now(),
        incident=incident,
        tiers=tier_that_told(incident),
    ):
        publish(services, message)
    return f"told {', '.join(action.roles)}"


def _ticket(
    services: Services,
    tenant: Tenant,
    incident: Incident,
    execution: Execution,
    step: Step,
    action: Ticket,
) -> str:
    contact = services.routing.find_contact(tenant, action.contact_id)
    if contact is None:
        raise StepRefused(f"there is no contact {action.contact_id}")
    channels = [each for each in contact.channels if each.kind in POSTED]
    if not channels:
        raise StepRefused(f"contact {action.contact_id} has no endpoint")
    told = Told(
        tenant_id=tenant.id,
        subject_id=incident.incident_id,
        moment=f"{_moment(execution, step)}#{TICKET}#0",
        kind=TICKET,
        tier=0,
        role=TICKET,
        severity=incident.severity,
        subject=f"[TICKET] {ascii_line(action.text, limit=80)}",
        text=f"{one_line(action.text, limit=_TEXT)}\n{one_line(incident.title, limit=_TEXT)}",
        incident_id=incident.incident_id,
        wedding_id=incident.wedding_id,
    )
    left = False
    for channel in channels:
        reason = f"runbook {execution.runbook.runbook_id}"
        planned = delivery_of(told, contact, channel, reason=reason, now=services.now())
        stored = services.deliveries.plan(tenant, planned)
        if stored.state is State.PLANNED:
            left |= not hand_on(services, tenant, stored, incident)
    if left:
        # Somebody else has it in hand, or had when it died.
        raise Throttled
    return f"a ticket is on its way to {contact.name}"


def _warm(services: Services, tenant: Tenant, incident: Incident) -> str:
    wedding = None
    if incident.wedding_id is not None:
        wedding = services.weddings.find(tenant, incident.wedding_id)
    if wedding is None:
        snapshot(services, tenant)
        return "the tenant's snapshot was made"
    wedding_page(services, tenant, wedding)
    return f"the page of {wedding.couple_name} was made; the wedding is kept by the second"


def _emergency(
    services: Services,
    tenant: Tenant,
    incident: Incident,
    execution: Execution,
    action: EmergencyMode,
) -> str:
    """What lasts longer is left as it is, and what somebody else began does not end sooner."""
    now = services.now()
    until = now + timedelta(minutes=action.minutes)
    present = services.emergency.find(tenant, now=now)
    if present is not None and present.by != execution.execution_id and present.until >= until:
        return f"emergency mode was on already, until {present.until:%H:%M} UTC"
    if present is None or present.by != execution.execution_id:
        lasts_longer = present is not None and present.incident_id != incident.incident_id
        wanted = Emergency(
            since=now,
            until=until,
            by=execution.execution_id,
            reason=one_line(f"{execution.runbook.title}: {incident.title}", limit=_REASON),
            incident_id=None if lasts_longer else incident.incident_id,
        )
        present = switch_on(services, tenant, wanted)
    return f"emergency mode is on until {present.until:%H:%M} UTC"


class _NotOurs(Exception):
    """Somebody has switched emergency mode since, or it is over."""


def _end_emergency(
    services: Services, tenant: Tenant, execution: Execution, former: str | None
) -> str:
    """Whatever lasted before is on again, for the rest of its time."""
    now = services.now()

    def ours(present: Emergency | None) -> None:
        if present is None or not present.is_on(now) or present.by != execution.execution_id:
            raise _NotOurs

    before = None if former is None else _emergencies.load(former)
    try:
        if before is None or not before.is_on(now):
            switch_off(services, tenant, by=execution.execution_id, check=ours)
            return "emergency mode is off again"
        again = replace(before, told_on=False, told_off=False)
        switch_on(services, tenant, again, check=ours)
    except _NotOurs:
        return "left: it is not ours any more"
    return "emergency mode is as it was"


def _moment(execution: Execution, step: Step) -> str:
    return f"{execution.execution_id}-{step.step_id}"

"""From a message to a role to messages to the contacts who hear it.

Every delivery is planned under its dedup key by a conditional write before it is handed on: a
message that comes twice, or two that come at once, plan it once. Where a function dies between
planning and handing on, the message comes again and hands it on; receivers know it by its key.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import cast

from wedsync.alerting.model import Alert
from wedsync.alerting.severity import Severity
from wedsync.cloud import Message
from wedsync.errors import AlertNotFound, IncidentNotFound, Throttled, Unavailable
from wedsync.flows.incidents import publish_thrice
from wedsync.incidents.message import PageMessage
from wedsync.incidents.model import ChannelKind, Incident, StepKind
from wedsync.notifications.delivery import (
    Delivery,
    State,
    cancelled,
    claimed,
    handed_on,
    leased,
    unwanted,
)
from wedsync.notifications.payloads import short_text
from wedsync.notifications.planning import plan, plan_end, unreachable
from wedsync.notifications.recipients import recipients
from wedsync.notifications.told import Told, key_parts
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def told_from(attributes: Mapping[str, str | int], *, subject: str, text: str) -> Told:
    """A message to a role, as it was published. Raises ValueError for what is none."""
    tenant_id, subject_id, moment, _ = key_parts(str(attributes.get("dedup_key", "")))
    optional = {
        name: str(attributes[name])
        for name in ("incident_id", "alert_id", "wedding_id")
        if name in attributes
    }
    return Told(
        tenant_id=tenant_id,
        subject_id=subject_id,
        moment=moment,
        kind=str(attributes["kind"]),
        tier=int(attributes["tier"]),
        role=str(attributes["role"]),
        severity=Severity(str(attributes["severity"])),
        subject=subject,
        text=text,
        **optional,
    )


def told_in_envelope(body: str) -> Told:
    """A message to a role, as SNS puts it on a queue."""
    envelope = cast("dict[str, object]", json.loads(body))
    return told_from(
        attributes_of(envelope), subject=str(envelope["Subject"]), text=str(envelope["Message"])
    )


def attributes_of(envelope: Mapping[str, object]) -> dict[str, str | int]:
    """The attributes of a message in SNS' envelope."""
    found = cast("Mapping[str, Mapping[str, str]]", envelope.get("MessageAttributes") or {})
    return {
        name: int(each["Value"]) if each["Type"] == "Number" else each["Value"]
        for name, each in found.items()
    }


def tell_at_once(services: Services, messages: tuple[PageMessage, ...]) -> None:
    """Tell the contacts of these messages now, without waiting for the topic to feed the queue.

    What fails is left to the queue, which comes to the same messages in any case.
    """
    for message in messages:
        with suppress(Unavailable):
            tell(
                services,
                told_from(message.attributes, subject=message.subject, text=message.body),
            )


def tell(services: Services, told: Told) -> int:
    """Plan what each contact is to hear, and hand it on; how many deliveries that are.

    Raises Unavailable where something is left to do.
    """
    tenant = Tenant(told.tenant_id)
    incident = incident_of(services, tenant, told.incident_id)
    planned = _planned(services, tenant, told, incident)
    left = False
    for delivery in planned:
        stored = services.deliveries.plan(tenant, delivery)
        if stored.state is State.PLANNED:
            left |= not _handed_on(services, tenant, stored, incident)
    if left:
        raise Throttled
    return len(planned)


def _handed_on(
    services: Services, tenant: Tenant, delivery: Delivery, incident: Incident | None
) -> bool:
    try:
        return hand_on(services, tenant, delivery, incident)
    except Unavailable:
        return False


def hand_on(
    services: Services, tenant: Tenant, delivery: Delivery, incident: Incident | None
) -> bool:
    """Give a planned delivery to the topic; False where somebody else is at it.

    What is not wanted any more, since somebody has answered meanwhile, is called off. Raises
    Unavailable where the topic did not take it.
    """
    now = services.now()
    if leased(delivery, now=now):
        return False
    try:
        reason = unwanted(delivery, incident)
        if reason is not None:
            services.deliveries.save(tenant, cancelled(delivery, reason, now=now))
            return True
        mine = services.deliveries.save(tenant, claimed(delivery, now=now))
    except Overtaken:
        return False
    try:
        publish_thrice(services.direct, _message(mine))
    except Unavailable:
        # Whoever comes next must not wait for the lease of somebody who has given up.
        with suppress(Overtaken):
            services.deliveries.save(tenant, replace(mine, lease_until=None))
        raise
    # The message is out, so whoever carries it may have been faster: what is stored then stands.
    with suppress(Overtaken):
        services.deliveries.save(tenant, handed_on(mine, now=services.now()))
    return True


def _planned(
    services: Services, tenant: Tenant, told: Told, incident: Incident | None
) -> tuple[Delivery, ...]:
    now = services.now()
    if told.kind == StepKind.RESOLVED:
        return plan_end(told, services.deliveries.about(tenant, told.subject_id), now=now)
    heard_by = recipients(
        told,
        contacts=services.routing.contacts(tenant),
        roster=services.routing.roster(tenant),
        incident=incident,
        alerts=_alerts_of(services, tenant, told) if incident is None else (),
        now=now,
    )
    if not heard_by:
        return (unreachable(told, f"no contact holds {told.role}", now=now),)
    return plan(told, heard_by, incident=incident, now=now)


def incident_of(services: Services, tenant: Tenant, incident_id: str | None) -> Incident | None:
    """The incident that a message is about, if it is about one."""
    if incident_id is None:
        return None
    try:
        return services.incidents.get(tenant, incident_id).value
    except IncidentNotFound:
        return None


def _alerts_of(services: Services, tenant: Tenant, told: Told) -> tuple[Alert, ...]:
    """The alert that a message is about, with those that it speaks for; none, if about none."""
    if told.alert_id is None:
        return ()
    try:
        leader = services.alerts.get(tenant, told.alert_id).value
    except AlertNotFound:
        return ()
    names = [each.rpartition("-")[0] for each in leader.told_with]
    return (leader, *(each.value for each in services.alerts.current_many(tenant, names).values()))


def _message(delivery: Delivery) -> Message:
    channel = delivery.channel
    text = short_text(delivery) if channel is ChannelKind.SMS else delivery.text
    attributes: dict[str, str | int | None] = {
        "kind": delivery.kind,
        "severity": delivery.severity.value,
        "tier": delivery.tier,
        "role": delivery.role,
        "channel": channel.value if channel is not None else None,
        "incident_id": delivery.incident_id,
        "alert_id": delivery.alert_id,
        "wedding_id": delivery.wedding_id,
        "contact_id": delivery.contact_id,
        "address": delivery.address_id,
        "dedup_key": delivery.dedup_key,
    }
    return Message(
        subject=delivery.subject,
        body=text,
        attributes={name: value for name, value in attributes.items() if value is not None},
    )

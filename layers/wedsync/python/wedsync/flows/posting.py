"""Posting a delivery to its endpoint: once claimed, by its circuit, with retries that never wait.

A channel that fails for the first time makes the contact's next channel be tried at once; its own
retries go on meanwhile, until it is taken, or nobody needs to hear it any more.
"""

import json
from dataclasses import replace
from hashlib import blake2b

from wedsync.cloud import Delayed, NoAnswer, Outcome
from wedsync.cloud.limits import DELAY_SECONDS
from wedsync.errors import Throttled
from wedsync.flows.orders import Taken
from wedsync.flows.telling import hand_on, incident_of
from wedsync.flows.times import seconds_until
from wedsync.incidents.model import ChannelKind, Incident
from wedsync.notifications.contacts import BrokenSeal
from wedsync.notifications.delivery import (
    OVER,
    Delivery,
    State,
    after,
    cancelled,
    claimed,
    has_failed,
    leased,
    unwanted,
)
from wedsync.notifications.payloads import ACKNOWLEDGED, Target, call_for
from wedsync.notifications.planning import plan_next, told_by
from wedsync.notifications.told import key_parts
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def tell_of_acknowledgement(services: Services, taken: Taken) -> None:
    """Plan and post the acknowledgement, to each system that a page has reached."""
    tenant = Tenant(taken.tenant_id)
    incident = incident_of(services, tenant, taken.incident_id)
    if incident is None or incident.acknowledged_at is None:
        return
    called = {
        (each.contact_id, each.channel_id): each
        for each in services.deliveries.about(tenant, taken.incident_id)
        if each.channel is ChannelKind.PAGERDUTY and each.tries
    }
    for each in called.values():
        target = f"{each.contact_id}/{each.channel_id}"
        at_ms = round(incident.acknowledged_at.timestamp() * 1000)
        moment = f"{incident.epoch}#{ACKNOWLEDGED}#{at_ms}"
        planned = services.deliveries.plan(
            tenant,
            replace(
                each,
                dedup_key=f"{tenant.id}#{taken.incident_id}#{moment}#{target}",
                kind=ACKNOWLEDGED,
                reason=f"acknowledged by {incident.acknowledged_by}",
                state=State.QUEUED,
                planned_at=services.now(),
                due_at=None,
                over_at=None,
                attempts=(),
                lease_until=None,
                tries=0,
                instead_of=None,
            ),
        )
        post(services, planned.dedup_key)


def post(services: Services, dedup_key: str) -> None:
    """Post a delivery that waits, if it still waits and is still wanted.

    Raises Throttled where another worker holds it: should that one have died, this one goes on.
    """
    tenant = Tenant(key_parts(dedup_key)[0])
    found = services.deliveries.find(tenant, dedup_key)
    now = services.now()
    if found is None:
        return
    waits = found.due_at is not None and found.due_at > now
    if waits or found.state in OVER:
        incident = incident_of(services, tenant, found.incident_id)
        if unwanted(found, incident) is None:
            _follow(services, tenant, found, incident)
        return
    if leased(found, now=now) and found.state is not State.PLANNED:
        raise Throttled
    incident = incident_of(services, tenant, found.incident_id)
    try:
        reason = unwanted(found, incident)
        if reason is not None:
            services.deliveries.save(tenant, cancelled(found, reason, now=now))
            return
        mine = services.deliveries.save(
            tenant, replace(claimed(found, now=now), state=State.QUEUED)
        )
    except Overtaken:
        raise Throttled from None
    _attempt(services, tenant, mine, incident)


def _attempt(services: Services, tenant: Tenant, mine: Delivery, incident: Incident | None) -> None:
    contact = services.routing.find_contact(tenant, mine.contact_id or "")
    channel = contact.channel(mine.channel_id or "") if contact is not None else None
    if contact is None or channel is None or channel.sealed is None:
        gone = cancelled(mine, "the contact has no such channel any more", now=services.now())
        services.deliveries.save(tenant, gone)
        return
    try:
        target = services.sealing.unseal(tenant, contact.contact_id, channel.sealed)
    except BrokenSeal:
        outcome: Outcome = NoAnswer("the channel's secret cannot be read: set it anew", final=True)
    else:
        outcome = _posted(services, tenant, mine, target, incident)
    done = after(mine, outcome, now=services.now())
    try:
        done = services.deliveries.save(tenant, done)
    except Overtaken:
        return
    _follow(services, tenant, done, incident)


def _follow(services: Services, tenant: Tenant, done: Delivery, incident: Incident | None) -> None:
    """Do what a failure leads to; may be done again by whoever comes to it after a crash.

    What a former failure led to is brought to its end too, though the channel got through since.
    Raises Throttled where another worker is at it: should that one have died, this one goes on.
    """
    left = False
    if (has_failed(done) or len(done.attempts) > 1) and done.kind != ACKNOWLEDGED:
        following = _next_channel(services, tenant, done, incident)
        if following is not None and following.state is State.PLANNED:
            left = not hand_on(services, tenant, following, incident)
    if done.state is State.RETRYING:
        _again(services, done)
    if left:
        raise Throttled


def _next_channel(
    services: Services, tenant: Tenant, failed: Delivery, incident: Incident | None
) -> Delivery | None:
    """What is tried instead: planned before, or planned now; None where there is no other way."""
    tried = services.deliveries.at_moment(tenant, failed.subject_id, key_parts(failed.dedup_key)[2])
    for each in tried:
        if each.contact_id == failed.contact_id and each.instead_of == failed.channel_id:
            return each
    contact = services.routing.find_contact(tenant, failed.contact_id or "")
    if contact is None or not has_failed(failed):
        return None
    following = plan_next(
        told_by(failed), contact, failed, tried, incident=incident, now=services.now()
    )
    return None if following is None else services.deliveries.plan(tenant, following)


def _posted(
    services: Services,
    tenant: Tenant,
    mine: Delivery,
    target: Target,
    incident: Incident | None,
) -> Outcome:
    """Post, unless the endpoint's circuit is open."""
    endpoint = blake2b(target.url.encode(), digest_size=10).hexdigest()
    circuit = services.deliveries.circuit(tenant, endpoint)
    now = services.now()
    if circuit.is_open(now):
        return NoAnswer("not tried: the endpoint has failed again and again")
    probing = circuit.probing(now)
    if probing is not None:
        if not services.deliveries.save_circuit(
            tenant, endpoint, probing, now_unix=int(now.timestamp())
        ):
            return NoAnswer("not tried: another attempt finds out whether the endpoint is back")
        circuit = replace(probing, version=probing.version + 1)
    outcome = services.cloud.web.post(call_for(mine, target, incident=incident, now=now))
    now = services.now()
    changed = circuit.after(outcome, now=now)
    if changed != circuit:
        services.deliveries.save_circuit(tenant, endpoint, changed, now_unix=int(now.timestamp()))
    return outcome


def _again(services: Services, delivery: Delivery) -> None:
    """Look at it again when it is due, or as late as the queue can hold it back."""
    now = services.now()
    seconds = seconds_until(delivery.due_at or now, now)
    order = json.dumps({"dedup_key": delivery.dedup_key})
    services.posting.send(Delayed(order, min(seconds, DELAY_SECONDS)))

"""Somebody finds out what a rule would have told over a stretch of the past."""

from wedsync.api.rules import RehearsalReply, RehearsalRequest, WouldHaveFiredReply
from wedsync.errors import RuleNotFound, WeddingNotFound
from wedsync.flows.grants import READING
from wedsync.flows.rehearsal import rehearse
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/metrics/alerts/rules/{rule_id}/test",
    summary="Play an alert rule over a stretch of the past",
    uses=(*READING, Resource.RULES.read()),
    raises=(RuleNotFound, WeddingNotFound),
    layers=("numeric",),
    timeout_seconds=29,
    memory_mb=1024,
)
def handler(
    rule_id: str, stretch: RehearsalRequest, caller: FromCaller, services: Injected
) -> RehearsalReply:
    """Answer the alerts that there would have been; nobody is told, and nothing is stored."""
    tenant = caller.tenant
    rule = services.rules.get(tenant, rule_id)
    wedding = None
    if stretch.wedding_id is not None:
        wedding = services.weddings.get(tenant, stretch.wedding_id, pointer="/weddingId")
    found = rehearse(services, tenant, rule, start=stretch.start, end=stretch.end, wedding=wedding)
    return RehearsalReply(
        rule_id=rule_id,
        start=stretch.start,
        end=stretch.end,
        windows=found.windows,
        weddings=found.weddings,
        would_have_fired=[WouldHaveFiredReply.of(each) for each in found.alerts],
    )

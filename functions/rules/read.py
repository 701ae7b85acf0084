"""Somebody looks an alert rule up."""

from wedsync.alerting.own.rule import Rule
from wedsync.api.rules import RuleReply
from wedsync.api.versions import etag
from wedsync.errors import RuleNotFound
from wedsync.flows.rulebook import find_rule
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts/rules/{rule_id}",
    summary="Read an alert rule",
    uses=(Resource.RULES.read(), Resource.ALERTS.read()),
    raises=(RuleNotFound,),
)
def handler(rule_id: str, caller: FromCaller, services: Injected) -> Answer[RuleReply]:
    """Answer the tenant's rule, or the platform's."""
    found = find_rule(services, caller.tenant, rule_id)
    tally = services.tallies.get(caller.tenant, rule_id)
    last = services.alerts.last_triggered(caller.tenant, rule_id)
    if isinstance(found, Rule):
        reply = RuleReply.of(found, tally, last_triggered=last)
    else:
        reply = RuleReply.of_platform(found, tally, last_triggered=last)
    return Answer(reply, {"etag": etag(reply.version)})

"""An operator makes an alert rule; the next batch is judged by it."""

from wedsync.api.rules import RuleReply, RuleRequest
from wedsync.api.versions import etag
from wedsync.errors import PolicyNotFound, TooLarge, TooManyRules
from wedsync.flows.policies import named_ladder
from wedsync.flows.rulebook import add_rule
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/metrics/alerts/create",
    summary="Make an alert rule",
    uses=(Resource.RULES.read_write(), Resource.ROUTING.read()),
    raises=(PolicyNotFound, TooManyRules, TooLarge),
    status=201,
)
def handler(rule: RuleRequest, caller: FromCaller, services: Injected) -> Answer[RuleReply]:
    """Answer the rule under an id of our own."""
    if rule.policy is not None:
        named_ladder(services, caller.tenant, rule.policy, pointer="/notifications")
    now = services.now()
    made = rule.rule(
        rule_id=services.new_id("rule"),
        created_at=now,
        created_by=caller.subject,
        at=now,
        version=1,
    )
    stored = add_rule(services, caller.tenant, made)
    return Answer(
        RuleReply.of(stored),
        {
            "location": f"/api/metrics/alerts/rules/{stored.rule_id}",
            "etag": etag(stored.version),
        },
    )

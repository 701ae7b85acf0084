"""Somebody looks through the rules that alerts come from."""

from wedsync.alerting.catalog import PLATFORM_RULES
from wedsync.api.rules import RuleListReply, RuleReply
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts/rules",
    summary="List alert rules, the platform's own among them",
    uses=(Resource.RULES.read(), Resource.ALERTS.read()),
)
def handler(caller: FromCaller, services: Injected) -> RuleListReply:
    """Answer the tenant's rules, oldest first, and then the platform's."""
    own = services.rules.every(caller.tenant)
    tallies = services.tallies.every(caller.tenant)
    triggered = services.alerts.triggered(caller.tenant)
    return RuleListReply(
        items=[
            *(
                RuleReply.of(
                    rule,
                    tallies.get(rule.rule_id),
                    last_triggered=triggered.get(rule.rule_id),
                )
                for rule in own
            ),
            *(
                RuleReply.of_platform(
                    rule,
                    tallies.get(rule.rule_id),
                    last_triggered=triggered.get(rule.rule_id),
                )
                for rule in PLATFORM_RULES
            ),
        ]
    )

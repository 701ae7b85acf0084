"""An operator changes an alert rule."""

from pydantic import JsonValue

from wedsync.api.rules import RuleReply, patched
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import PolicyNotFound, PreconditionFailed, RuleNotFound, TooLarge
from wedsync.flows.grants import PAGING
from wedsync.flows.policies import named_ladder
from wedsync.flows.rule_changes import end_alerts_of
from wedsync.flows.rulebook import own_rule
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PATCH /api/metrics/alerts/rules/{rule_id}",
    summary="Change an alert rule (JSON merge patch)",
    uses=(
        Resource.RULES.read_write(),
        Resource.ROUTING.read(),
        Resource.ALERTS.read_write(),
        *PAGING,
    ),
    raises=(RuleNotFound, PolicyNotFound, PreconditionFailed, TooLarge),
)
def handler(
    rule_id: str,
    patch: dict[str, JsonValue],
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[RuleReply]:
    """Apply the patch to the version that If-Match names, or to the present one.

    Alerts of what it does not judge any more (it is not active, or it tells other groups apart)
    end; others go on under the new condition.
    """
    former = own_rule(services, caller.tenant, rule_id)
    require_version(if_match, former.version)
    changed, names_ladder = patched(former, patch, at=services.now())
    if names_ladder and changed.policy is not None:
        named_ladder(services, caller.tenant, changed.policy, pointer="/notifications")
    saved = services.rules.save(caller.tenant, changed, expected=former.version)
    end_alerts_of(services, caller.tenant, rule_id, saved)
    tally = services.tallies.get(caller.tenant, rule_id)
    last = services.alerts.last_triggered(caller.tenant, rule_id)
    reply = RuleReply.of(saved, tally, last_triggered=last)
    return Answer(reply, {"etag": etag(saved.version)})

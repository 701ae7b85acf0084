"""An operator removes an alert rule."""

from wedsync.api.versions import IfMatch, require_version
from wedsync.errors import PreconditionFailed, RuleNotFound
from wedsync.flows.grants import PAGING
from wedsync.flows.rule_changes import end_alerts_of
from wedsync.flows.rulebook import own_rule
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/metrics/alerts/rules/{rule_id}",
    summary="Remove an alert rule",
    uses=(
        Resource.RULES.read_write(),
        Resource.ALERTS.read_write(),
        *PAGING,
    ),
    raises=(RuleNotFound, PreconditionFailed),
    status=204,
)
def handler(
    rule_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; its open alerts end."""
    former = own_rule(services, caller.tenant, rule_id)
    require_version(if_match, former.version)
    services.rules.remove(caller.tenant, former)
    end_alerts_of(services, caller.tenant, rule_id, None)
    return Answer(None)

"""An operator removes an alert rule."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

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
    if_match: Annotated[str | None, Header(alias="if-match")] = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; its open alerts end."""
    former = own_rule(services, caller.tenant, rule_id)
    if if_match not in (None, "*", f'"{former.version}"'):
        raise PreconditionFailed
    services.rules.remove(caller.tenant, former)
    end_alerts_of(services, caller.tenant, rule_id, None)
    return Answer(None)

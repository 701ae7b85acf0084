"""Somebody says whether an alert was right; the rule that opened it learns from that."""

from wedsync.alerting.feedback import Mark, Tally, Verdict, marked
from wedsync.alerting.model import AlertState
from wedsync.errors import Conflict, TooMuchContention
from wedsync.flows.alerts import TRIES
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def mark_alert(
    services: Services, tenant: Tenant, alert_id: str, verdict: Verdict, *, comment: str, by: str
) -> Tally:
    """Keep the mark, in the place of a former one. Raises AlertNotFound, and Conflict."""
    alert = services.alerts.get(tenant, alert_id).value
    if alert.state is AlertState.PENDING:
        raise Conflict("the alert is not firing yet: nobody was told of anything")
    mark = Mark(alert_id=alert_id, verdict=verdict, comment=comment, by=by, at=services.now())
    for _ in range(TRIES):
        former = services.tallies.get(tenant, alert.rule_id)
        tally = marked(former, mark)
        if tally is former:
            return former
        try:
            saved = services.tallies.save(tenant, tally, expected=former.version)
        except Overtaken:
            continue
        services.rules.turn(tenant)
        return saved
    raise TooMuchContention

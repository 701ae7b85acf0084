"""A rule is changed or removed: alerts that it does not judge any more end."""

from wedsync.alerting.model import Alert
from wedsync.alerting.own.condition import grouping
from wedsync.alerting.own.groups import OTHERS
from wedsync.alerting.own.rule import Rule
from wedsync.flows.answering import resolve_alert
from wedsync.incidents.ladder import SYSTEM
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def end_alerts_of(services: Services, tenant: Tenant, rule_id: str, rule: Rule | None) -> None:
    """Resolve the open alerts of a rule that is no more (None), or that became another one."""
    kept = rule if rule is not None and rule.active else None
    for alert in tuple(services.alerts.open_of(tenant)):
        if alert.rule_id == rule_id and (kept is None or not speaks_of(kept, alert)):
            resolve_alert(services, tenant, alert.alert_id, by=SYSTEM)


def speaks_of(rule: Rule, alert: Alert) -> bool:
    """Whether the rule, as it is now, may judge this alert: by wedding or not, and by its group."""
    labels = {name for name, _ in alert.group}
    if alert.service is not None:
        labels.add("service")
    wanted = set(grouping(rule.condition))
    by_wedding = alert.wedding_id is not None
    fits = bool(wanted) if alert.group == OTHERS else labels == wanted
    return by_wedding == rule.wedding_specific and fits

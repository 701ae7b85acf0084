"""Silences as they act on what alerts would tell."""

from wedsync.alerting.model import Alert
from wedsync.alerting.quiet import asks_for_silences, under
from wedsync.alerting.silences import silencing
from wedsync.alerting.transitions import Step
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def silenced(services: Services, tenant: Tenant, former: Alert | None, step: Step) -> Step:
    """The step as the tenant's silences leave it; they are read where they may matter."""
    if step.alert is None or not asks_for_silences(former, step):
        return step
    now = services.now()
    found = silencing(services.silences.every(tenant), step.alert, now)
    return under(found, former, step, now=now)

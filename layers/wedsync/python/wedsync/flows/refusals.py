"""Refused keys, judged: with every batch that brings some, each minute, while an alert is open.

Requests are refused where nothing can be judged, so that the minute's look judges them. Whose alert
it is goes by what is proved. Where a signature or a token does not fit nobody knows who sent it:
naming a tenant's key alarms the operator, never that tenant, and nobody without a key can call a
tenant's people by night. A tenant hears of its own keys, which signed rightly for the points of
somebody else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wedsync.alerting.finding import Outcome
from wedsync.alerting.refusals import WINDOW, Refusal, refused_keys
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.surroundings import TenantDay
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def judge_new(services: Services, refusals: Mapping[Tenant, Sequence[Refusal]]) -> None:
    """Judge what a batch has brought, by the five minutes that end with the newest of it.

    A batch may come again long after: what it brought may open an alert, and ends none.
    """
    for tenant, brought in sorted(refusals.items()):
        newest = max(each.arrived_at for each in brought)
        _judge(services, tenant, at=min(newest, services.now()), ends=False)


def judge_present(services: Services, tenant: Tenant) -> None:
    """Judge the five minutes that end now: whether an open alert is over."""
    _judge(services, tenant, at=services.now(), ends=True)


def judge_requests(services: Services) -> None:
    """Judge the five minutes that end now, of the tenant that operates the bundle."""
    _judge(services, services.settings.operator_tenant, at=services.now(), ends=False)


def _judge(services: Services, tenant: Tenant, *, at: datetime, ends: bool) -> None:
    now = services.now()
    finding = refused_keys(services.refusals.between(tenant, at - WINDOW, at), now=now)
    if ends or finding.outcome is Outcome.BREACH:
        judged = [Judged(finding=finding, context=None, at=now)]
        apply_findings(services, tenant, judged, TenantDay(tenant, services.weddings, now))

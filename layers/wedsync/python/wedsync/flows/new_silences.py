"""Silences as they are made."""

from datetime import datetime, timedelta

from wedsync.alerting.catalog import PLATFORM_RULES
from wedsync.alerting.own.condition import grouping
from wedsync.alerting.severity import Severity
from wedsync.alerting.silences import Critical, Silence, hidden_rules
from wedsync.errors import CriticalSilence, TooManyRules
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.timeline import operational_window

MOST_SILENCES = 200


def add_silence(services: Services, tenant: Tenant, silence: Silence) -> Silence:
    """Keep a new silence.

    Raises CriticalSilence where, unforced, it is about a critical rule of a wedding whose window
    it touches, and TooManyRules.
    """
    if silence.forced_because is None:
        _require_harmless(services, tenant, silence)
    now = services.now()
    lasting = [each for each in services.silences.every(tenant) if each.ends_at > now]
    if len(lasting) >= MOST_SILENCES:
        raise TooManyRules(f"a tenant has at most {MOST_SILENCES} silences at a time")
    return services.silences.add(tenant, silence)


def _require_harmless(services: Services, tenant: Tenant, silence: Silence) -> None:
    hidden = hidden_rules(silence, _critical_rules(services, tenant))
    if not hidden:
        return
    for wedding_id in sorted(_concerned(services, tenant, silence)):
        wedding = services.weddings.find(tenant, wedding_id)
        if wedding is None:
            continue
        if operational_window(wedding).overlaps(silence.starts_at, silence.ends_at):
            raise CriticalSilence(
                f"it would hide {hidden[0]}, which may be critical, while the window of the "
                f"wedding {wedding_id} is open: give a reason and force it, or leave that out"
            )


def _critical_rules(services: Services, tenant: Tenant) -> list[Critical]:
    platform = [
        Critical(rule_id=rule.rule_id)
        for rule in PLATFORM_RULES
        if rule.wedding_specific and rule.severity is Severity.CRITICAL
    ]
    own = [
        Critical(rule_id=rule.rule_id, by_service="service" in grouping(rule.condition))
        for rule in services.rules.every(tenant)
        if rule.wedding_specific and rule.severity is Severity.CRITICAL
    ]
    return platform + own


def _concerned(services: Services, tenant: Tenant, silence: Silence) -> set[str]:
    """The weddings that it names, else those that may be open at any time of it."""
    if silence.matchers.wedding_ids:
        return set(silence.matchers.wedding_ids)
    return {
        wedding_id
        for day in _days(silence.starts_at, silence.ends_at)
        for wedding_id in services.weddings.live_ids(tenant, day)
    }


def _days(start: datetime, end: datetime) -> list[datetime]:
    days = (end.date() - start.date()).days
    return [start + timedelta(days=number) for number in range(days + 1)]

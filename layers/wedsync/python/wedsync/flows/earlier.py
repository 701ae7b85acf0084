"""A wedding's hours that nothing changes any more, put together, so that no page reads them all."""

from dataclasses import replace
from datetime import datetime, timedelta

from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.metrics.block import Block
from wedsync.stores.services import Services
from wedsync.stores.windows import EarlierHours
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

FINAL_AFTER = timedelta(days=4)
"""An hour is final when nothing can change it: points come a day late at the most, minutes are kept
for two more to make it anew, and one day is to spare.
"""


def earlier_hours(services: Services, tenant: Tenant, wedding: Wedding) -> EarlierHours:
    """What has been put together of a wedding; nothing where its window has been moved since."""
    kept = services.windows.earlier(tenant, wedding.wedding_id)
    opened = minute_of(operational_window(wedding).start)
    if kept is None or kept.opened != opened:
        return EarlierHours(through=0, opened=opened)
    return kept


def keep_earlier_hours(services: Services, tenant: Tenant, wedding: Wedding, now: datetime) -> None:
    """Add the hours that have become final to those that are put together."""
    kept = earlier_hours(services, tenant, wedding)
    through = minute_of(now - FINAL_AFTER) // MINUTES_PER_HOUR
    hours = services.windows.hours(tenant, wedding.wedding_id, first=kept.through, last=through - 1)
    if not hours:
        return
    before = [each.block for each in hours if not kept.is_since(each.hour)]
    since = [each.block for each in hours if kept.is_since(each.hour)]
    services.windows.put_earlier(
        tenant,
        wedding.wedding_id,
        replace(
            kept,
            through=through,
            before=Block.merge([kept.before, *before]),
            since=Block.merge([kept.since, *since]),
        ),
        now=now,
    )

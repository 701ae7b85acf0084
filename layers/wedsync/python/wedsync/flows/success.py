"""How a wedding's day went, once it is over: from what its hours left, and its incidents."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from wedsync.alerting.severity import Severity
from wedsync.cloud.memory import Remembered
from wedsync.flows.readers import window_reader
from wedsync.flows.series import MINUTES_KEPT
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.scores import wedding_scores
from wedsync.metrics.success import (
    DaySuccess,
    HourRecord,
    hour_record,
    items_judged,
    minutes_told,
)
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.timeline import OperationalWindow, operational_window, status

CACHED_SECONDS = 1.0
_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """Where a wedding stands, and how its day went if it is completed."""

    status: Status
    day: DaySuccess | None


def wedding_success(services: Services, tenant: Tenant, wedding: Wedding) -> Remembered[Judged]:
    """How the day went, at most a second old; nothing before it is over."""
    return services.memory.recall(
        (tenant, "success", wedding.wedding_id, wedding.version),
        lambda: _judged(services, tenant, wedding),
        now=services.now(),
        for_seconds=CACHED_SECONDS,
    )


def _judged(services: Services, tenant: Tenant, wedding: Wedding) -> Judged:
    stands = status(wedding, services.now())
    if stands is not Status.COMPLETED:
        return Judged(stands, None)
    window = operational_window(wedding)
    planned = min((item.starts_at for item in wedding.timeline), default=window.start)
    opens, ends = minute_of(window.start), minute_of(window.end - _INSTANT)
    first = min(minute_of(planned), opens) // MINUTES_PER_HOUR
    records = _records(services, tenant, wedding, first=first, last=ends // MINUTES_PER_HOUR)
    within = [each for each in records if each.hour >= opens // MINUTES_PER_HOUR]
    minutes, known, well = minutes_told(records, _minutes_of(window))
    day = DaySuccess(
        minutes=minutes,
        minutes_known=known,
        minutes_well=well,
        photos_completed=sum(each.completed for each in within),
        photos_failed=sum(each.failed for each in within),
        items=items_judged(wedding.timeline, records),
        critical_incidents=_critical_incidents(services, tenant, wedding, window),
        heard=bool(records),
    )
    return Judged(stands, day)


def _records(
    services: Services, tenant: Tenant, wedding: Wedding, *, first: int, last: int
) -> list[HourRecord]:
    """What these hours left; what is not rolled up yet is read from its minutes."""
    rolled = (services.frontiers.of(Frontier.HOURS, tenant) or 0) // MINUTES_PER_HOUR
    kept = services.windows.records(tenant, wedding.wedding_id, first=first, last=last)
    records = [each for each in kept if each.hour < rolled]
    now = services.now()
    oldest = minute_of(now - MINUTES_KEPT) // MINUTES_PER_HOUR
    reader = window_reader(services, tenant, now)
    for hour in range(max(first, rolled, oldest), last + 1):
        start = hour * MINUTES_PER_HOUR
        read = reader.minutes_of_wedding(wedding.wedding_id, start, start + MINUTES_PER_HOUR - 1)
        found = (wedding_scores(each.on_time.only(wedding.wedding_id)) for each in read)
        scores = {minute: score[wedding.wedding_id] for minute, score in enumerate(found) if score}
        whole = Block.merge(each.both().only(wedding.wedding_id) for each in read)
        record = hour_record(hour, scores, whole.facts(wedding.wedding_id))
        if record.tells:
            records.append(record)
    return records


def _minutes_of(window: OperationalWindow) -> Iterator[range]:
    """The clock minutes of each part that it is open in, disjoint."""
    following = 0
    for part in window.intervals:
        first = max(following, minute_of(part.start))
        following = max(first, minute_of(part.end - _INSTANT) + 1)
        yield range(first, following)


def _critical_incidents(
    services: Services, tenant: Tenant, wedding: Wedding, window: OperationalWindow
) -> int:
    """Critical incidents about the wedding that were open at any time of its window."""
    found = services.incidents.about(tenant, wedding.wedding_id, until=window.end)
    now = services.now()
    return sum(
        each.severity is Severity.CRITICAL
        and window.overlaps(each.created_at, each.resolved_at or now)
        for each in found
    )

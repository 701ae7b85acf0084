"""What rules look at, from minutes: the current one and the four before.

One more minute is read, only to tell a series that is quiet from one that has vanished.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from wedsync.alerting.observation import (
    Checks,
    ComponentChecks,
    HostReading,
    HostResource,
    Requests,
    Response,
    ResponseSource,
    Scope,
    Uploads,
    WeddingObservation,
)
from wedsync.flows.reading import MinuteRead
from wedsync.flows.times import MINUTE_MS, at_ms, epoch_ms, minute_start
from wedsync.metrics.block import PHOTO_UPLOAD, Block
from wedsync.metrics.facts import ComponentHealth
from wedsync.metrics.quality import GAUGE_HOLDS_MS
from wedsync.metrics.selection import Selection
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK, is_server_error

WINDOW_MINUTES = 5
SEEN_MINUTES = WINDOW_MINUTES + 1
RECENT_FAILURES = timedelta(seconds=60)

_HOSTS = {
    "host.cpu": HostResource.CPU,
    "host.memory": HostResource.MEMORY,
    "host.disk": HostResource.DISK,
}


def observe_wedding(
    wedding_id: str, minutes: Sequence[MinuteRead], now: datetime
) -> WeddingObservation:
    """One wedding's recent minutes; ``minutes`` are its pack's, oldest first."""
    return _observe(
        Scope(wedding_id=wedding_id),
        [(each.minute, each.on_time.only(wedding_id)) for each in minutes],
        now,
    )


def observe_services(
    packs: Iterable[Sequence[MinuteRead]], now: datetime, *, also: Iterable[str] = ()
) -> tuple[WeddingObservation, ...]:
    """What belongs to no wedding, by service, by checked component and by host.

    ``packs`` are the recent minutes of every pack of a tenant; ``also`` names services that must
    be looked at even when nothing came from them.
    """
    joined: dict[int, list[Block]] = {}
    for minutes in packs:
        for each in minutes:
            joined.setdefault(each.minute, []).append(each.on_time)
    whole = [(minute, Block.merge(blocks)) for minute, blocks in sorted(joined.items())]
    window = _window(whole, now)
    names = set(also)
    for metric, dim in ((API_REQUEST, "service"), ("system.response_time", "service")):
        names |= {name or "" for (name,) in window.select(metric, wedding_id=None).by(dim)}
    components = window.facts(None).health
    names |= set(components)
    hosts = _hosts(window, now, wedding_id=None)
    names |= {reading.host for reading in hosts}
    return tuple(
        _observe(Scope(service=name or "unnamed"), whole, now, service=name)
        for name in sorted(names)
    )


def _observe(
    scope: Scope, whole: Sequence[tuple[int, Block]], now: datetime, *, service: str | None = None
) -> WeddingObservation:
    window = _window(whole, now)
    wedding_id = scope.wedding_id
    of_service: dict[str, str | None] = {} if service is None else {"service": service or None}

    def chosen(block: Block, metric: str) -> Selection:
        return block.select(metric, wedding_id=wedding_id, **of_service)

    def checks_of(block: Block) -> Selection:
        if service is None:
            return block.select(HEALTH_CHECK, wedding_id=wedding_id)
        return block.select(HEALTH_CHECK, wedding_id=None, component=service or None)

    health = window.facts(wedding_id).health
    if service is not None:
        health = {name: each for name, each in health.items() if name == service}
    hosts = _hosts(window, now, wedding_id=wedding_id)
    if service is not None:
        hosts = tuple(reading for reading in hosts if reading.host == service)
    outcomes = checks_of(window).by("outcome")
    total = sum(summary.count for summary in outcomes.values())
    uploads = Uploads()
    if wedding_id is not None:
        uploads = _uploads(whole, window, wedding_id, now)
    return WeddingObservation(
        scope=scope,
        uploads=uploads,
        requests=_requests(
            chosen(window, API_REQUEST),
            _last_seen(whole, lambda block: chosen(block, API_REQUEST), now),
        ),
        response=_response(
            chosen(window, API_REQUEST),
            chosen(window, "system.response_time"),
            _last_seen(whole, lambda block: chosen(block, API_REQUEST), now),
            now,
        ),
        checks=Checks(
            total=total,
            failed=outcomes["failed",].count if ("failed",) in outcomes else 0,
            sampled_at=_last_seen(whole, checks_of, now),
        ),
        components=tuple(_component(name, each, now) for name, each in sorted(health.items())),
        hosts=hosts,
    )


def _window(whole: Sequence[tuple[int, Block]], now: datetime) -> Block:
    first = epoch_ms(now) // MINUTE_MS - WINDOW_MINUTES + 1
    return Block.merge(block for minute, block in whole if minute >= first)


def _uploads(
    whole: Sequence[tuple[int, Block]], window: Block, wedding_id: str, now: datetime
) -> Uploads:
    counts = window.select(PHOTO_UPLOAD, wedding_id=wedding_id).by("outcome")
    supplied = window.select("photo.upload.failure_rate", wedding_id=wedding_id).latest()
    held = _held(supplied, now)

    def ended(block: Block) -> bool:
        outcomes = block.select(PHOTO_UPLOAD, wedding_id=wedding_id).by("outcome")
        return bool({("completed",), ("failed",)} & set(outcomes))

    return Uploads(
        completed=counts["completed",].count if ("completed",) in counts else 0,
        failed=counts["failed",].count if ("failed",) in counts else 0,
        sampled_at=_last_seen(whole, ended, now),
        supplied_failure_percent=None if held is None else held[0],
        supplied_at=None if held is None else at_ms(held[1]),
    )


def _requests(requests: Selection, sampled_at: datetime | None) -> Requests:
    by_status = requests.by("status")
    return Requests(
        total=sum(summary.count for summary in by_status.values()),
        errors=sum(
            summary.count for (status,), summary in by_status.items() if is_server_error(status)
        ),
        sampled_at=sampled_at,
    )


def _response(
    requests: Selection, gauge: Selection, requested_at: datetime | None, now: datetime
) -> Response:
    if requests:
        return Response(
            p95_ms=requests.summary().quantile(0.95),
            source=ResponseSource.REQUESTS,
            sampled_at=requested_at,
        )
    latest = list(gauge.latest_by("service").values())
    held = [each for each in latest if _held(each, now)]
    if held:
        return Response(
            p95_ms=max(value for value, _ in held),
            source=ResponseSource.GAUGE,
            sampled_at=at_ms(max(ms for _, ms in held)),
        )
    return Response(sampled_at=requested_at)


def _component(name: str, health: ComponentHealth, now: datetime) -> ComponentChecks:
    since = epoch_ms(now - RECENT_FAILURES)
    times = [*health.failed_ms, *(() if health.ok_ms is None else (health.ok_ms,))]
    return ComponentChecks(
        component=name or "unnamed",
        failures_in_60_s=sum(1 for ms in health.failed_ms if ms > since),
        sampled_at=at_ms(max(times)),
    )


def _hosts(window: Block, now: datetime, *, wedding_id: str | None) -> tuple[HostReading, ...]:
    readings: list[HostReading] = []
    for metric, resource in _HOSTS.items():
        latest = window.select(metric, wedding_id=wedding_id).latest_by("host")
        for host, (percent, ms) in sorted(latest.items(), key=lambda each: each[0] or ""):
            if epoch_ms(now) - ms <= GAUGE_HOLDS_MS:
                readings.append(
                    HostReading(
                        host=host or "unnamed",
                        resource=resource,
                        percent=percent,
                        sampled_at=at_ms(ms),
                    )
                )
    return tuple(readings)


def _held(latest: tuple[float, int] | None, now: datetime) -> tuple[float, int] | None:
    if latest is None or epoch_ms(now) - latest[1] > GAUGE_HOLDS_MS:
        return None
    return latest


def _last_seen(
    whole: Sequence[tuple[int, Block]],
    chosen: Callable[[Block], object],
    now: datetime,
) -> datetime | None:
    """The end of the newest minute that holds such a sample: a minute does not know it nearer."""
    for minute, block in sorted(whole, key=lambda each: -each[0]):
        if chosen(block):
            return min(now, minute_start(minute + 1) - timedelta(seconds=1))
    return None

"""What rules look at, from minutes: the current one and the four before.

One more minute is read, only to tell a series that is quiet from one that has vanished. All
weddings (or services) that are asked for are observed together, with one look at each metric.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.alerting.observation import (
    Attempts,
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
from wedsync.metrics.block import ANY, PHOTO_UPLOAD, Block
from wedsync.metrics.facts import ComponentHealth
from wedsync.metrics.quality import GAUGE_HOLDS_MS
from wedsync.metrics.selection import Selection, Wanted
from wedsync.metrics.series import (
    API_REQUEST,
    GUEST_LIST,
    HEALTH_CHECK,
    TIMELINE_SYNC,
    is_server_error,
)
from wedsync.metrics.summary import Summary

WINDOW_MINUTES = 5
SEEN_MINUTES = WINDOW_MINUTES + 1
RECENT_FAILURES = timedelta(seconds=60)
UNNAMED = "unnamed"
"""What stands for a service, component or host that a point does not name."""

RESPONSE_GAUGE = "system.response_time"
FAILURE_RATE_GAUGE = "photo.upload.failure_rate"
HOSTS = {
    "host.cpu": HostResource.CPU,
    "host.memory": HostResource.MEMORY,
    "host.disk": HostResource.DISK,
}

Figures = dict[str, dict[str | None, Summary]]
"""Summaries by name, and within it by one more dimension."""


def observe_weddings(
    wedding_ids: Iterable[str], minutes: Sequence[MinuteRead], now: datetime
) -> tuple[WeddingObservation, ...]:
    """Weddings of one pack; ``minutes`` are the pack's, oldest first."""
    wanted = sorted(set(wedding_ids))
    blocks = [(each.minute, each.on_time) for each in minutes]
    if len(wanted) == 1:
        blocks = [(minute, block.only(wanted[0])) for minute, block in blocks]
    look = _Look(blocks, now, wedding=ANY)
    requests = look.figures(API_REQUEST, "wedding_id", "status", wanted)
    uploads = look.figures(PHOTO_UPLOAD, "wedding_id", "outcome", wanted)
    checks = look.figures(HEALTH_CHECK, "wedding_id", "outcome", wanted)
    guest_lists = look.attempts(GUEST_LIST, wanted)
    timeline_syncs = look.attempts(TIMELINE_SYNC, wanted)
    requested = look.last_seen(API_REQUEST, "wedding_id", wanted)
    ended = look.last_seen(PHOTO_UPLOAD, "wedding_id", wanted)
    checked = look.last_seen(HEALTH_CHECK, "wedding_id", wanted)
    gauges = look.gauges(RESPONSE_GAUGE, "wedding_id")
    supplied = look.gauges(FAILURE_RATE_GAUGE, "wedding_id")
    return tuple(
        WeddingObservation(
            scope=Scope(wedding_id=name),
            uploads=_uploads(uploads.get(name, {}), ended.get(name), supplied.get(name)),
            guest_lists=guest_lists.get(name, Attempts()),
            timeline_syncs=timeline_syncs.get(name, Attempts()),
            requests=_requests(requests.get(name, {}), requested.get(name)),
            response=_response(requests.get(name, {}), requested.get(name), gauges.get(name)),
            checks=_checks(checks.get(name, {}), checked.get(name)),
            components=_components(look.window.facts(name).health, now) if name in checks else (),
            hosts=look.hosts(wedding_id=name),
        )
        for name in wanted
    )


def observe_services(
    packs: Iterable[Sequence[MinuteRead]], now: datetime, names: Iterable[str]
) -> tuple[WeddingObservation, ...]:
    """Services, checked components and hosts of these names that belong to no wedding.

    A check counts towards a service's availability only where it names the service; that of a
    component alone tells of the component.

    ``packs`` are the recent minutes of every pack of a tenant.
    """
    joined: dict[int, list[Block]] = {}
    for minutes in packs:
        for each in minutes:
            joined.setdefault(each.minute, []).append(each.on_time)
    wanted = sorted(set(names))
    blocks = [(minute, Block.merge(parts)) for minute, parts in sorted(joined.items())]
    look = _Look(blocks, now, wedding=None)
    requests = look.figures(API_REQUEST, "service", "status", wanted)
    checks = look.figures(HEALTH_CHECK, "service", "outcome", wanted)
    checks.pop(UNNAMED, None)
    requested = look.last_seen(API_REQUEST, "service", wanted)
    checked = look.last_seen(HEALTH_CHECK, "service", wanted)
    checked.pop(UNNAMED, None)
    gauges = look.gauges(RESPONSE_GAUGE, "service")
    health = look.window.facts(None).health
    hosts = look.hosts(wedding_id=None)
    return tuple(
        WeddingObservation(
            scope=Scope(service=name),
            requests=_requests(requests.get(name, {}), requested.get(name)),
            response=_response(requests.get(name, {}), requested.get(name), gauges.get(name)),
            checks=_checks(checks.get(name, {}), checked.get(name)),
            components=_components(
                {component: each for component, each in health.items() if _name(component) == name},
                now,
            ),
            hosts=tuple(reading for reading in hosts if reading.host == name),
        )
        for name in wanted
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """A gauge that still holds."""

    value: float
    at: datetime


class _Look:
    """The minutes of one pack or tenant, and the window that they make up."""

    def __init__(
        self, blocks: Sequence[tuple[int, Block]], now: datetime, *, wedding: Wanted
    ) -> None:
        first = epoch_ms(now) // MINUTE_MS - WINDOW_MINUTES + 1
        self._newest_first = sorted(blocks, key=lambda each: -each[0])
        self._now = now
        self._wedding = wedding
        self.window = Block.merge(block for minute, block in blocks if minute >= first)

    def figures(self, metric: str, name: str, dim: str, wanted: Sequence[str]) -> Figures:
        """One metric of the window by name and one more dimension."""
        found: Figures = {}
        keep = set(wanted)
        for (key, value), summary in self._select(self.window, metric).by(name, dim).items():
            if _name(key) in keep:
                found.setdefault(_name(key), {})[value] = summary
        return found

    def last_seen(self, metric: str, name: str, wanted: Sequence[str]) -> dict[str, datetime]:
        """The end of the newest minute with such a sample: a minute does not know it nearer."""
        missing = set(wanted)
        seen: dict[str, datetime] = {}
        for minute, block in self._newest_first:
            if not missing:
                break
            selection = self._select(block, metric)
            if not selection:
                continue
            at = min(self._now, minute_start(minute + 1) - timedelta(seconds=1))
            for (key,) in selection.by(name):
                if _name(key) in missing:
                    seen[_name(key)] = at
                    missing.discard(_name(key))
        return seen

    def attempts(self, metric: str, wanted: Sequence[str]) -> dict[str, Attempts]:
        """What of the weddings was tried, by the outcome; one that only started says nothing."""
        figures = self.figures(metric, "wedding_id", "outcome", wanted)
        return {
            name: Attempts(
                total=_count(figures.get(name, {}), lambda outcome: outcome != "started"),
                failed=_count(figures.get(name, {}), lambda outcome: outcome == "failed"),
                sampled_at=at,
            )
            for name, at in self.last_seen(metric, "wedding_id", wanted).items()
        }

    def gauges(self, metric: str, name: str) -> dict[str, _Held]:
        """The last value by name, where it is young enough to hold."""
        latest = self._select(self.window, metric).latest_by(name)
        return {
            _name(key): _Held(value, at_ms(ms))
            for key, (value, ms) in latest.items()
            if epoch_ms(self._now) - ms <= GAUGE_HOLDS_MS
        }

    def hosts(self, *, wedding_id: str | None) -> tuple[HostReading, ...]:
        """Every host's gauges that hold, of this wedding or of none."""
        readings: list[HostReading] = []
        for metric, resource in HOSTS.items():
            latest = self.window.select(metric, wedding_id=wedding_id).latest_by("host")
            readings += [
                HostReading(
                    host=_name(host), resource=resource, percent=percent, sampled_at=at_ms(ms)
                )
                for host, (percent, ms) in latest.items()
                if epoch_ms(self._now) - ms <= GAUGE_HOLDS_MS
            ]
        return tuple(sorted(readings, key=lambda reading: (reading.host, reading.resource)))

    def _select(self, block: Block, metric: str) -> Selection:
        return block.select(metric, wedding_id=self._wedding)


def _name(key: str | None) -> str:
    return key or UNNAMED


def _uploads(
    outcomes: dict[str | None, Summary], ended_at: datetime | None, supplied: _Held | None
) -> Uploads:
    return Uploads(
        completed=_count(outcomes, lambda outcome: outcome == "completed"),
        failed=_count(outcomes, lambda outcome: outcome == "failed"),
        sampled_at=ended_at,
        supplied_failure_percent=None if supplied is None else supplied.value,
        supplied_at=None if supplied is None else supplied.at,
    )


def _requests(statuses: dict[str | None, Summary], requested_at: datetime | None) -> Requests:
    return Requests(
        total=_count(statuses, lambda _: True),
        errors=_count(statuses, is_server_error),
        sampled_at=requested_at,
    )


def _response(
    statuses: dict[str | None, Summary], requested_at: datetime | None, gauge: _Held | None
) -> Response:
    if statuses:
        return Response(
            p95_ms=Summary.merge(statuses.values()).quantile(0.95),
            source=ResponseSource.REQUESTS,
            sampled_at=requested_at,
        )
    if gauge is not None:
        return Response(p95_ms=gauge.value, source=ResponseSource.GAUGE, sampled_at=gauge.at)
    return Response(sampled_at=requested_at)


def _checks(outcomes: dict[str | None, Summary], checked_at: datetime | None) -> Checks:
    return Checks(
        total=_count(outcomes, lambda _: True),
        failed=_count(outcomes, lambda outcome: outcome != "ok"),
        sampled_at=checked_at,
    )


def _components(health: dict[str, ComponentHealth], now: datetime) -> tuple[ComponentChecks, ...]:
    since = epoch_ms(now - RECENT_FAILURES)
    return tuple(
        ComponentChecks(
            component=_name(name),
            failures_in_60_s=sum(1 for ms in each.failed_ms if ms > since),
            sampled_at=at_ms(max([*each.failed_ms, *([] if each.ok_ms is None else [each.ok_ms])])),
        )
        for name, each in sorted(health.items())
    )


def _count(figures: dict[str | None, Summary], counts: Callable[[str | None], bool]) -> int:
    return sum(summary.count for value, summary in figures.items() if counts(value))

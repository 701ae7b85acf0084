"""Hosts that fill up, looked for at the end of each minute in what is read anyway.

Only where the newest minutes lead to the threshold, or an alert is open, is an hour read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from wedsync.alerting.climbing import (
    FILLING,
    LOOKED_BACK_MINUTES,
    RULE_ID,
    Filled,
    may_lead_there,
    resource_forecast,
)
from wedsync.alerting.finding import Finding
from wedsync.alerting.observation import HostReading, HostResource
from wedsync.flows.observe import HOSTS, UNNAMED
from wedsync.flows.reading import MinuteRead, WindowReader
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import at_ms

_Filling = dict[tuple[str, HostResource], dict[int, tuple[float, int]]]
"""The last value of each minute, with its time, by host and resource."""


def climbing_findings(
    reader: WindowReader,
    packs: Sequence[int],
    minutes: Sequence[MinuteRead],
    over: int,
    day: TenantDay,
    *,
    opened: Mapping[str | None, frozenset[str]],
) -> list[Finding]:
    """What is to be known of hosts; ``minutes`` are the newest of these packs, up to ``over``."""
    watched = {host for host, rules in opened.items() if RULE_ID in rules}
    near = {name for name, each in _filling(minutes).items() if may_lead_there(_points(each))}
    if not near and not watched:
        return []
    hour = [
        each
        for pack in packs
        for each in reader.minutes(pack, over - LOOKED_BACK_MINUTES + 1, over)
    ]
    return [
        _judged(name, each, day, reader.now)
        for name, each in sorted(_filling(hour).items())
        if name in near or name[0] in watched
    ]


def _judged(
    name: tuple[str, HostResource],
    values: Mapping[int, tuple[float, int]],
    day: TenantDay,
    now: datetime,
) -> Finding:
    percent, ms = values[max(values)]
    host, resource = name
    reading = HostReading(host=host, resource=resource, percent=percent, sampled_at=at_ms(ms))
    return resource_forecast(
        Filled(newest=reading, points=_points(values)),
        any_wedding_today=day.any_wedding_today,
        now=now,
    )


def _points(values: Mapping[int, tuple[float, int]]) -> list[tuple[float, float]]:
    return [(float(minute), values[minute][0]) for minute in sorted(values)]


def _filling(minutes: Iterable[MinuteRead]) -> _Filling:
    found: _Filling = {}
    for each in minutes:
        for metric, resource in HOSTS.items():
            if resource not in FILLING:
                continue
            latest = each.on_time.select(metric, wedding_id=None).latest_by("host")
            for host, (percent, ms) in latest.items():
                values = found.setdefault((host or UNNAMED, resource), {})
                known = values.get(each.minute)
                if known is None or known[1] < ms:
                    values[each.minute] = (percent, ms)
    return found

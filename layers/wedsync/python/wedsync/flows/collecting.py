"""The bundle's own readings, put on its stream for the tenant that operates it.

**Nothing twice.** A point is named by what was measured and by its minute, so that whatever is put
again is dropped where everything is counted once. A process that goes on does not put again what
it has put; that saves work, and nothing depends on it.

**Nothing missed.** A minute is read when it has settled, and again for twenty minutes, because
some figures come late. A frontier tells how far all has been read; a run that was lost, or could
not read or put everything, leaves it where it was, and the next one begins there. What is newest
comes first: rules wait for it.

What is counted stays as it was first told: should a figure of a settled minute grow after that, the
difference is not told.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from wedsync.cloud import Reading, Readings, Record
from wedsync.cloud.own import SERVICE, SETTLED_MINUTES
from wedsync.errors import Unavailable
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of, minute_start
from wedsync.flows.vouching import platform_record, put_all
from wedsync.isolation import Units
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services

READ_AGAIN_MINUTES = 20
"""A figure is looked for so long after its minute has settled."""
MOST_MINUTES = 23 * MINUTES_PER_HOUR
"""Older minutes are given up: nothing takes points that are more than a day old."""
DEVICE = "own-readings"
"""Whom the points are from."""
_STEP_MINUTES = MINUTES_PER_HOUR
_POINTS_A_RECORD = 500
_log = logging.getLogger("wedsync")

Told = dict[int, set[str]]
"""What a process has put on the stream: the points of each minute, by their names."""


def collect_vitals(services: Services) -> None:
    """Tell of what rules judge. Raises Unavailable, or UnitsFailed, where not all could be told."""
    _collect(services, services.vitals, Frontier.VITALS)


def collect_usage(services: Services) -> None:
    """Tell of what was used. Raises Unavailable, or UnitsFailed, where not all could be told."""
    _collect(services, services.usage, Frontier.USAGE)


def _collect(services: Services, readings: Readings, frontier: Frontier) -> None:
    end = minute_of(services.now()) - SETTLED_MINUTES
    done = services.frontiers.get(frontier)
    begin = (end if done is None else min(done, end)) - READ_AGAIN_MINUTES
    earliest = end - MOST_MINUTES
    units = Units(out_of_time=services.out_of_time)
    if begin < earliest:
        units.give_up(SERVICE, f"{frontier.value} before {minute_start(earliest):%FT%H:%MZ}")
        begin = earliest
    newest = begin if end - begin <= _STEP_MINUTES else end - READ_AGAIN_MINUTES
    told = _told(services, frontier, since=begin)
    fresh = _done(units, services, readings, frontier, told, (newest, end))
    for first, until in _steps(begin, newest):
        if not _done(units, services, readings, frontier, told, (first, until)):
            break
        services.frontiers.advance(frontier, until)
    else:
        if fresh:
            services.frontiers.advance(frontier, end)
    units.finish()


def _steps(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The minutes of a gap, oldest first, in parts that can be held."""
    for at in range(begin, end, _STEP_MINUTES):
        yield at, min(at + _STEP_MINUTES, end)


def _done(
    units: Units,
    services: Services,
    readings: Readings,
    frontier: Frontier,
    told: Told,
    minutes: tuple[int, int],
) -> bool:
    unit = f"{frontier.value} from {minute_start(minutes[0]):%FT%H:%MZ}"
    return units.done(SERVICE, unit, _tell, services, readings, told, minutes)


def _tell(services: Services, readings: Readings, told: Told, minutes: tuple[int, int]) -> None:
    """Put what is known of these minutes on the stream. Raises Unavailable where more is to come.

    The end of the minutes is exclusive.
    """
    begin, end = minutes
    readout = readings.read(begin, end - 1)
    fresh = [
        (reading.minute, name, point)
        for reading in readout.readings
        for name, point in _points(reading, services.settings.operator_tenant.id)
        if name not in told.get(reading.minute, ())
    ]
    if fresh:
        put_all(services, _records(services, [point for _, _, point in fresh]))
        for minute, name, _ in fresh:
            told.setdefault(minute, set()).add(name)
    if readout.missing:
        _log.warning(
            "figures of the bundle itself could not be read",
            extra={"missing": list(readout.missing)},
        )
        raise Unavailable("not all figures could be read")


def _told(services: Services, frontier: Frontier, *, since: int) -> Told:
    """What this process has put of the minutes that it reads again."""
    key = (services.settings.operator_tenant, "told", frontier)
    told = services.memory.noted(key, dict) or {}
    kept = {minute: names for minute, names in told.items() if minute >= since}
    services.memory.note(key, kept)
    return kept


def _points(reading: Reading, tenant: str) -> Iterator[tuple[str, dict[str, object]]]:
    """What a reading is on the stream, each point with its name."""
    what = json.dumps([reading.name, *sorted(reading.dims.items())])
    for place, (value, count) in enumerate(reading.values):
        if count > 0:
            name = blake2b(f"{reading.minute} {place} {what}".encode(), digest_size=16).hexdigest()
            yield (
                name,
                {
                    "name": reading.name,
                    "kind": reading.kind,
                    "ts": reading.at_ms,
                    "value": value,
                    "count": count,
                    "eventId": name,
                    "source": SERVICE,
                    "tenantId": tenant,
                    "dims": dict(reading.dims),
                },
            )


def _records(services: Services, points: Sequence[dict[str, object]]) -> list[Record]:
    now = services.now()
    return [
        Record(
            partition_key=SERVICE,
            data=platform_record(
                json.dumps(points[at : at + _POINTS_A_RECORD]).encode(),
                services=services,
                device=DEVICE,
                batch=services.new_id("own"),
                received_at_unix=int(now.timestamp()),
            ),
        )
        for at in range(0, len(points), _POINTS_A_RECORD)
    ]

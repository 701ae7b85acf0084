"""How near a wedding is, and how often it is looked at because of that.

Runs lie on the multiples of the interval since 1970, so that a tick which comes late or twice
plans the same instants.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from wedsync.weddings.calendar import day_start, local_date
from wedsync.weddings.model import Phase, Wedding
from wedsync.weddings.timeline import OperationalWindow, operational_window

MONTH = timedelta(days=30)
WEEK = timedelta(days=7)
EVE = timedelta(hours=48)
AFTER = timedelta(hours=24)
FORCED_SECONDS = 10
TICK = timedelta(seconds=10)
"""Every run lies on a whole multiple of it since 1970: no interval is shorter, all divide by it."""
LONGEST_INTERVAL = timedelta(seconds=900)
INTERVAL_SECONDS: dict[Phase, int | None] = {
    Phase.PLANNING: 900,
    Phase.MONTH: 300,
    Phase.WEEK: 120,
    Phase.EVE: 60,
    Phase.LIVE: 10,
    Phase.AFTER: 60,
    Phase.CLOSED: None,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stage(StrEnum):
    """Which installation this is; a smaller one looks less often."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


FLOOR_SECONDS = {Stage.DEV: 300, Stage.STAGING: 60, Stage.PROD: 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """How closely a wedding is watched at one instant, when next, and why.

    ``interval_seconds`` and ``next_run_at`` are None once watching has ended.
    """

    phase: Phase
    interval_seconds: int | None
    next_run_at: datetime | None
    reason: str


def phase(wedding: Wedding, now: datetime) -> Phase:
    """Tell the phase by the time to the window's opening, or since its end.

    In a gap between two parts of a wedding of several days it is live on the wedding's own date,
    so that watching never slackens between ceremony and party; on another date the time to the
    next opening decides.
    """
    return _phase(wedding, operational_window(wedding), now)


def monitoring(
    wedding: Wedding, now: datetime, *, stage: Stage = Stage.PROD, forced: str | None = None
) -> Monitoring:
    """Tell the cadence now; ``forced`` names the alert or emergency that concerns this wedding.

    A forced cadence of 10 s holds in every phase and stage, also after watching would have ended.
    The next run is the first one after ``now``; near a change of phase it may come sooner or
    later than one interval.
    """
    window = operational_window(wedding)
    current = _phase(wedding, window, now)
    interval = _interval_seconds(current, stage=stage, forced=forced is not None)
    runs = _runs(wedding, now, stage=stage, forced=forced is not None)
    return Monitoring(
        phase=current,
        interval_seconds=interval,
        next_run_at=next((run for run in runs if run > now), None),
        reason=_reason(current, window, now, stage=stage, forced=forced),
    )


def runs_between(
    wedding: Wedding,
    start: datetime,
    end: datetime,
    *,
    stage: Stage = Stage.PROD,
    forced: str | None = None,
) -> tuple[datetime, ...]:
    """Every run due from ``start`` until before ``end``: 360 in an hour at 10 s."""
    due: list[datetime] = []
    for run in _runs(wedding, start, stage=stage, forced=forced is not None):
        if run >= end:
            break
        due.append(run)
    return tuple(due)


def tick_at(now: datetime) -> datetime:
    """The last tick that is not after this instant."""
    return now - (now - _EPOCH) % TICK


def has_run(wedding: Wedding, ticks: Iterable[datetime], *, stage: Stage) -> bool:
    """Whether a run is due at one of these ticks: exactly where the interval in force divides it.

    Asks nothing of alerts: what they force is due at every tick.
    """
    window = operational_window(wedding)
    return any(
        (seconds := _interval_seconds(_phase(wedding, window, at), stage=stage, forced=False))
        and _divides(seconds, at)
        for at in ticks
    )


@lru_cache(maxsize=1024)
def reach(at: datetime, *, stage: Stage) -> timedelta | None:
    """How far ahead of this tick a window may open for a wedding that is due; None: any distance.

    A wedding whose window opens later than that has no run then and need not be looked up.
    """
    for distant, within in (
        (Phase.PLANNING, None),
        (Phase.MONTH, MONTH),
        (Phase.WEEK, WEEK),
        (Phase.EVE, EVE),
    ):
        seconds = _interval_seconds(distant, stage=stage, forced=False)
        if seconds is not None and _divides(seconds, at):
            return within
    return timedelta()


def _divides(seconds: int, at: datetime) -> bool:
    return not (at - _EPOCH) % timedelta(seconds=seconds)


def _phase(wedding: Wedding, window: OperationalWindow, now: datetime) -> Phase:
    if window.contains(now):
        return Phase.LIVE
    opening = window.opens_next(now)
    if opening is None:
        return Phase.AFTER if now - window.end <= AFTER else Phase.CLOSED
    if now > window.start and local_date(wedding, now) == wedding.date:
        return Phase.LIVE
    distance = opening - now
    if distance > MONTH:
        return Phase.PLANNING
    if distance > WEEK:
        return Phase.MONTH
    return Phase.WEEK if distance > EVE else Phase.EVE


def _interval_seconds(current: Phase, *, stage: Stage, forced: bool) -> int | None:
    if forced:
        return FORCED_SECONDS
    usual = INTERVAL_SECONDS[current]
    return None if usual is None else max(usual, FLOOR_SECONDS[stage])


def _runs(wedding: Wedding, start: datetime, *, stage: Stage, forced: bool) -> Iterator[datetime]:
    """Every run from ``start`` on, without end if watching does not end."""
    if forced:
        yield from _on_grid(start, None, seconds=FORCED_SECONDS)
        return
    start = start.astimezone(UTC)  # elapsed time: a zone's own arithmetic would skip clock changes
    window = operational_window(wedding)
    changes = [start, *(change for change in _changes(wedding, window) if change > start)]
    # Between two changes the phase is constant, but the change itself may belong to either side.
    for change, following in pairwise(changes):
        at_change = _interval_seconds(_phase(wedding, window, change), stage=stage, forced=False)
        if at_change is not None and _divides(at_change, change):
            yield change
        middle = change + (following - change) / 2
        between = _interval_seconds(_phase(wedding, window, middle), stage=stage, forced=False)
        if between is not None:
            yield from _on_grid(change, following, seconds=between, include_start=False)


def _changes(wedding: Wedding, window: OperationalWindow) -> list[datetime]:
    """Every instant at which the phase may change; the last one ends the watching."""
    changes = {
        day_start(wedding, wedding.date),
        day_start(wedding, wedding.date + timedelta(days=1)),
    }
    for part in window.intervals:
        changes |= {part.start - ahead for ahead in (MONTH, WEEK, EVE, timedelta())}
        changes.add(part.end)
    closed = window.end + AFTER
    # One microsecond more, so that the instant of closing is still visited as the last run.
    last = closed + timedelta(microseconds=1)
    return [*sorted(change for change in changes if change < closed), closed, last]


def _on_grid(
    start: datetime, end: datetime | None, *, seconds: int, include_start: bool = True
) -> Iterator[datetime]:
    step = timedelta(seconds=seconds)
    first = (start - _EPOCH) // step
    on_grid = _EPOCH + first * step == start
    run = _EPOCH + (first if on_grid and include_start else first + 1) * step
    while end is None or run < end:
        yield run
        run += step


def _reason(
    current: Phase,
    window: OperationalWindow,
    now: datetime,
    *,
    stage: Stage,
    forced: str | None,
) -> str:
    if forced is not None:
        return f"every {FORCED_SECONDS} s, forced: {forced}"
    usual = INTERVAL_SECONDS[current]
    if usual is None:
        return "closed more than 24 h ago: no longer watched"
    seconds = max(usual, FLOOR_SECONDS[stage])
    floor = f", raised from {usual} s by the floor of {stage}" if seconds > usual else ""
    return f"{_position(current, window, now)}: every {seconds} s{floor}"


def _position(current: Phase, window: OperationalWindow, now: datetime) -> str:
    if current is Phase.LIVE:
        return "the window is open" if window.contains(now) else "between two parts of the day"
    opening = window.opens_next(now)
    if opening is None:
        return f"closed {_span(now - window.end)} ago"
    return f"opens in {_span(opening - now)}"


def _span(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    return f"{hours:.1f} h" if hours <= 48 else f"{hours / 24:.1f} d"

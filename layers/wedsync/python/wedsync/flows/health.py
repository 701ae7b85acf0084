"""Whether the platform's own jobs keep up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wedsync.flows.times import minute_start
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services


class JobState(StrEnum):
    """How a job stands."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """It is further behind than one missed run makes it."""
    STARTING = "starting"
    """It has not run yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHealth:
    """One job: through which instant its work is complete."""

    name: str
    state: JobState
    through: datetime | None
    lag_seconds: float | None


_LIMITS = {
    "weddingHours": (Frontier.WEDDING_HOURS, timedelta(minutes=15)),
    "hours": (Frontier.HOURS, timedelta(hours=3, minutes=10)),
    "days": (Frontier.DAYS, timedelta(days=3, hours=2)),
}
"""How far each job may be behind: a run, the one that was missed before it, and its delay."""


def job_health(services: Services, now: datetime) -> tuple[JobHealth, ...]:
    """How every job of the clock stands."""
    return tuple(
        _health(name, services.frontiers.progress(frontier).complete, limit, now)
        for name, (frontier, limit) in _LIMITS.items()
    )


def _health(name: str, minute: int | None, limit: timedelta, now: datetime) -> JobHealth:
    if minute is None:
        return JobHealth(name=name, state=JobState.STARTING, through=None, lag_seconds=None)
    lag = now - minute_start(minute)
    return JobHealth(
        name=name,
        state=JobState.DEGRADED if lag > limit else JobState.HEALTHY,
        through=minute_start(minute),
        lag_seconds=lag.total_seconds(),
    )

"""Epoch numbers of the windows that an instant lies in."""

import math
from datetime import UTC, datetime, timedelta

MINUTE_MS = 60_000
MINUTES_PER_HOUR = 60
_DAYS_FROM = 3


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return round(at.timestamp() * 1000)


def minute_of(at: datetime) -> int:
    """Minutes since 1970, UTC: the clock minute that holds this instant."""
    return epoch_ms(at) // MINUTE_MS


def minute_start(minute: int) -> datetime:
    """When a clock minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


def at_ms(ms: int) -> datetime:
    """The instant of these epoch milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def seconds_until(due: datetime, now: datetime) -> int:
    """Whole seconds to wait until then, never too few; 0 where it has come."""
    return max(0, math.ceil((due - now).total_seconds()))


def in_words(span: timedelta) -> str:
    """A span as people say it: whole days from the third on, else whole hours or minutes."""
    minutes = round(span.total_seconds() / 60)
    hours, left = divmod(minutes, MINUTES_PER_HOUR)
    if left or not hours:
        return f"{minutes} min"
    days, left = divmod(hours, 24)
    return f"{hours} h" if left or days < _DAYS_FROM else f"{days} days"

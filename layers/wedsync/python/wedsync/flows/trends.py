"""Where a line of a series is heading, by its days."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime

from wedsync.flows.query import Line, SeriesQuery
from wedsync.metrics.trend import LEAST_DAYS, Slope, slope
from wedsync.weddings.calendar import local_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The slope per day, if there were days enough: ``days`` were, of ``required``."""

    days: int
    required: int
    slope: Slope | None


def trend_of(line: Line, query: SeriesQuery, *, now: datetime) -> Trend:
    """The trend of a line's daily means, over the days that are over.

    A day is one of the query's zone, and its value the mean of its buckets, so that the slope is
    in units of the statistic per day, whatever the width of the buckets.
    """
    today = local_date(query.zone, now)
    by_day: defaultdict[date, list[float]] = defaultdict(list)
    for bucket, value in line.points:
        by_day[local_date(query.zone, datetime.fromtimestamp(bucket.start, UTC))].append(value)
    days = sorted(day for day in by_day if day < today)
    if len(days) < LEAST_DAYS:
        return Trend(days=len(days), required=LEAST_DAYS, slope=None)
    means = [sum(by_day[day]) / len(by_day[day]) for day in days]
    return Trend(
        days=len(days),
        required=LEAST_DAYS,
        slope=slope([float((day - days[0]).days) for day in days], means),
    )

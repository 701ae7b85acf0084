"""Bodies of the series route."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.api.context import WeddingContextReply
from wedsync.api.quality import QualityReply
from wedsync.api.shape import Reply
from wedsync.cloud.memory import Remembered
from wedsync.flows.query import SeriesQuery, Stat, Window
from wedsync.flows.series import Found, Source
from wedsync.flows.trends import Trend, trend_of
from wedsync.metrics.quality import DataQuality
from wedsync.weddings.model import WeddingContext


class TrendReply(Reply):
    """Units per day, and the interval that holds the true slope in 95 of 100 such samples.

    With fewer days than ``required`` there is no slope, and ``insufficientHistory`` is true.
    """

    slope_per_day: float | None
    low: float | None
    high: float | None
    confidence: float
    days: int
    required: int
    insufficient_history: bool

    @classmethod
    def of(cls, trend: Trend) -> "TrendReply":
        """This trend."""
        found = trend.slope
        return cls(
            slope_per_day=None if found is None else found.per_day,
            low=None if found is None else found.low,
            high=None if found is None else found.high,
            confidence=0.95,
            days=trend.days,
            required=trend.required,
            insufficient_history=found is None,
        )


class LineReply(Reply):
    """One line: its dimensions, and its points as [epoch ms of the bucket's start, value]."""

    dims: dict[str, str | None]
    points: list[tuple[int, float]]
    trend: TrendReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Since when the answer holds, whether it was remembered, and how long it took to find."""

    as_of: datetime
    hit: bool
    took_ms: float

    @classmethod
    def of(cls, found: Remembered[object], took: timedelta) -> "Freshness":
        """Of this find."""
        return cls(as_of=found.as_of, hit=found.hit, took_ms=took.total_seconds() * 1000)


class SeriesReply(Reply):
    """One metric over time. Where nothing came there is no point: a gap is a gap.

    ``bucketZone`` is the zone that buckets were cut in, ``executionTime`` is in ms.
    ``source`` tells where the part was read that is older than minutes are kept.
    """

    name: str
    stat: Stat
    window: Window
    wedding_id: str | None
    vendor_id: str | None
    start: datetime
    end: datetime
    bucket_zone: str
    as_of: datetime
    cache_hit: bool
    execution_time: float
    data_quality: QualityReply
    source: Source
    wedding_context: WeddingContextReply | None
    series: list[LineReply]

    @classmethod
    def of(
        cls,
        query: SeriesQuery,
        found: Found,
        *,
        freshness: Freshness,
        quality: DataQuality,
        context: WeddingContext | None,
    ) -> "SeriesReply":
        """The answer to this query; ``context`` is the wedding's clock as it is asked for."""
        return cls(
            name=query.name,
            stat=query.stat,
            window=query.window,
            wedding_id=query.wedding_id,
            vendor_id=query.vendor_id,
            start=query.start,
            end=query.end,
            bucket_zone=query.zone if query.window is Window.DAY else "UTC",
            as_of=freshness.as_of,
            cache_hit=freshness.hit,
            execution_time=round(freshness.took_ms, 1),
            data_quality=QualityReply.of(quality),
            source=found.source,
            wedding_context=WeddingContextReply.of_any(context),
            series=[
                LineReply(
                    dims=line.dims,
                    points=[(bucket.start * 1000, value) for bucket, value in line.points],
                    trend=TrendReply.of(trend_of(line, query, now=freshness.as_of)),
                )
                for line in found.lines
            ],
        )

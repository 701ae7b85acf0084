"""Bodies of the series route."""

from datetime import datetime

from wedsync.api.context import WeddingContextReply
from wedsync.api.shape import Reply
from wedsync.flows.query import SeriesQuery
from wedsync.flows.series import Found, Source
from wedsync.flows.trends import Trend, trend_of
from wedsync.metrics.asking import Stat, Window
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


class SeriesReply(Reply):
    """One metric over time. Where nothing came there is no point: a gap is a gap.

    ``bucketZone`` is the zone that buckets were cut in.
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
    source: Source
    wedding_context: WeddingContextReply | None
    series: list[LineReply]

    @classmethod
    def of(
        cls,
        query: SeriesQuery,
        found: Found,
        *,
        as_of: datetime,
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
            source=found.source,
            wedding_context=WeddingContextReply.of_any(context),
            series=[
                LineReply(
                    dims=line.dims,
                    points=[(bucket.start * 1000, value) for bucket, value in line.points],
                    trend=TrendReply.of(trend_of(line, query, now=as_of)),
                )
                for line in found.lines
            ],
        )

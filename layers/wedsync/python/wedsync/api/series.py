"""Bodies of the series route."""

from datetime import datetime

from wedsync.api.context import WeddingContextReply
from wedsync.api.shape import Reply
from wedsync.flows.series import Line, SeriesQuery, Stat, Window
from wedsync.weddings.model import WeddingContext


class LineReply(Reply):
    """One line: its dimensions, and its points as [epoch ms of the bucket's start, value]."""

    dims: dict[str, str | None]
    points: list[tuple[int, float]]


class SeriesReply(Reply):
    """One metric over time. Where nothing came there is no point: a gap is a gap."""

    name: str
    stat: Stat
    window: Window
    wedding_id: str | None
    start: datetime
    end: datetime
    bucket_zone: str
    as_of: datetime
    wedding_context: WeddingContextReply | None
    series: list[LineReply]

    @classmethod
    def of(
        cls,
        query: SeriesQuery,
        lines: tuple[Line, ...],
        *,
        as_of: datetime,
        context: WeddingContext | None,
    ) -> "SeriesReply":
        """The answer to this query; ``context`` is the wedding's clock at ``as_of``."""
        return cls(
            name=query.name,
            stat=query.stat,
            window=query.window,
            wedding_id=query.wedding_id,
            start=query.start,
            end=query.end,
            bucket_zone="UTC",
            as_of=as_of,
            wedding_context=WeddingContextReply.of_any(context),
            series=[LineReply(dims=line.dims, points=list(line.points)) for line in lines],
        )

"""The body of a wedding's success."""

from collections.abc import Mapping
from datetime import UTC, datetime

from wedsync.api.shape import Reply
from wedsync.flows.success import Judged
from wedsync.metrics.success import DaySuccess, ItemJudged, Part
from wedsync.weddings.calendar import local
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.timeline import operational_window

NOT_OVER = "the wedding is not completed"


class PartsReply(Reply):
    """The points of each part, 25 at the most; null where nothing is known of it."""

    health: float | None
    photos: float | None
    timeline: float | None
    incidents: float | None

    @classmethod
    def of(cls, points: Mapping[Part, float | None]) -> "PartsReply":
        """These points."""
        return cls(
            health=points.get(Part.HEALTH),
            photos=points.get(Part.PHOTOS),
            timeline=points.get(Part.TIMELINE),
            incidents=points.get(Part.INCIDENTS),
        )


class ItemSuccessReply(Reply):
    """One item of the timeline; ``minutesLate`` is negative where it began early."""

    id: str
    title: str
    planned_at: datetime
    local: datetime
    began_at: datetime | None
    minutes_late: float | None
    on_plan: bool | None

    @classmethod
    def of(cls, wedding: Wedding, judged: ItemJudged) -> "ItemSuccessReply":
        """This item."""
        began, late = judged.began_ms, judged.late_ms
        return cls(
            id=judged.item.id,
            title=judged.item.title,
            planned_at=judged.item.starts_at,
            local=local(wedding, judged.item.starts_at),
            began_at=None if began is None else datetime.fromtimestamp(began / 1000, UTC),
            minutes_late=None if late is None else round(late / 60_000, 1),
            on_plan=judged.on_plan,
        )


class SuccessFiguresReply(Reply):
    """What the parts were made of.

    ``minutes`` are the window's, of which ``minutesKnown`` had a health score and ``minutesWell``
    one of at least 90; photos are those of the hours that the window touches.
    """

    minutes: int
    minutes_known: int
    minutes_well: int
    photos_completed: int
    photos_failed: int
    photo_success: float | None
    critical_incidents: int
    items: list[ItemSuccessReply]

    @classmethod
    def of(cls, wedding: Wedding, day: DaySuccess) -> "SuccessFiguresReply":
        """Of this day."""
        photos = day.photo_success_percent
        return cls(
            minutes=day.minutes,
            minutes_known=day.minutes_known,
            minutes_well=day.minutes_well,
            photos_completed=day.photos_completed,
            photos_failed=day.photos_failed,
            photo_success=None if photos is None else round(photos, 4),
            critical_incidents=day.critical_incidents,
            items=[ItemSuccessReply.of(wedding, each) for each in day.items],
        )


class SuccessReply(Reply):
    """How a wedding's day went.

    ``score`` is the sum of the parts that are known, out of ``outOf`` points: 100 if all are.
    ``unknown`` says why a part is not. Before the wedding is completed there is no score.
    """

    wedding_id: str
    status: Status
    score: float | None
    out_of: int
    parts: PartsReply
    unknown: dict[Part, str]
    figures: SuccessFiguresReply | None
    window_start: datetime
    window_end: datetime
    local: datetime
    time_zone: str

    @classmethod
    def of(cls, wedding: Wedding, judged: Judged, *, at: datetime) -> "SuccessReply":
        """This judgement, as it was then."""
        day = judged.day
        window = operational_window(wedding)
        return cls(
            wedding_id=wedding.wedding_id,
            status=judged.status,
            score=None if day is None else day.score,
            out_of=0 if day is None else day.out_of,
            parts=PartsReply.of({} if day is None else day.points()),
            unknown=dict.fromkeys(Part, NOT_OVER) if day is None else day.unknown(),
            figures=None if day is None else SuccessFiguresReply.of(wedding, day),
            window_start=window.start,
            window_end=window.end,
            local=local(wedding, at),
            time_zone=wedding.venue.time_zone,
        )

"""How a wedding's day went: four parts of 25 points each, judged once it is over.

- *health*: the share of the window's minutes in which the platform served the wedding well (a
  score of 90 or more). Minutes that nothing tells of are left out of the share.
- *photos*: all points if at least 99 % of the uploads that ended were completed, else none.
- *timeline*: the share of items that began within ten minutes of their plan, early or late. Items
  of which nobody said when they began are left out.
- *incidents*: all points if no critical incident touched the window, else none.

A part that nothing is known of has no points: it is ``None``, neither full nor zero. The score is
the sum of the others, out of as many points as these could have given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.health import Band, band_of
from wedsync.metrics.quality import percent
from wedsync.weddings.model import TimelineItem

PART_POINTS = 25
PHOTO_SUCCESS_PERCENT = 99.0
ON_PLAN_MS = 10 * 60_000


class Part(StrEnum):
    """What a day is judged by."""

    HEALTH = "health"
    PHOTOS = "photos"
    TIMELINE = "timeline"
    INCIDENTS = "incidents"


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRecord:
    """What an hour (epoch hours) leaves for judging the day, long after its minutes are gone.

    Bit n of ``known`` is set if the n-th minute had a score, and of ``well`` if it was healthy.
    ``began_ms`` maps items of the timeline to when they began, as was said last.
    """

    hour: int
    known: int = 0
    well: int = 0
    completed: int = 0
    failed: int = 0
    began_ms: Mapping[str, int] = field(default_factory=dict)

    @property
    def tells(self) -> bool:
        """Whether it tells anything."""
        return bool(self.known or self.completed or self.failed or self.began_ms)


def hour_record(hour: int, scores: Mapping[int, float], facts: WeddingFacts) -> HourRecord:
    """Of the scores of an hour's minutes (from 0), on time, and of all that was told in it."""
    well = [minute for minute, score in scores.items() if band_of(score) is Band.HEALTHY]
    return HourRecord(
        hour=hour,
        known=sum(1 << minute for minute in scores),
        well=sum(1 << minute for minute in well),
        completed=facts.uploads_completed,
        failed=facts.uploads_failed,
        began_ms=facts.began_ms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemJudged:
    """One item of the timeline; ``late_ms`` is negative where it began early."""

    item: TimelineItem
    began_ms: int | None
    late_ms: int | None

    @property
    def on_plan(self) -> bool | None:
        """Whether it began within ten minutes of its plan; None if nobody said."""
        return None if self.late_ms is None else abs(self.late_ms) <= ON_PLAN_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySuccess:
    """A day that is over, judged. ``heard``: something was told of the wedding on its day."""

    minutes: int
    minutes_known: int
    minutes_well: int
    photos_completed: int
    photos_failed: int
    items: tuple[ItemJudged, ...]
    critical_incidents: int
    heard: bool

    @property
    def photo_success_percent(self) -> float | None:
        """Completed uploads among those that ended."""
        return percent(self.photos_completed, self.photos_completed + self.photos_failed)

    def points(self) -> dict[Part, float | None]:
        """What each part gives, to two digits; None where nothing is known of it."""
        photos = self.photo_success_percent
        told = [each.on_plan for each in self.items if each.on_plan is not None]
        quiet = self.critical_incidents == 0
        return {
            Part.HEALTH: _share(self.minutes_well, self.minutes_known),
            Part.PHOTOS: None if photos is None else _whole(photos >= PHOTO_SUCCESS_PERCENT),
            Part.TIMELINE: _share(sum(told), len(told)),
            Part.INCIDENTS: _whole(quiet) if self.heard or not quiet else None,
        }

    @property
    def score(self) -> float | None:
        """The sum of the parts that are known; None if none is."""
        known = [points for points in self.points().values() if points is not None]
        return round(sum(known), 2) if known else None

    @property
    def out_of(self) -> int:
        """What the known parts could have given: 100 if all are."""
        return PART_POINTS * sum(points is not None for points in self.points().values())

    def unknown(self) -> dict[Part, str]:
        """Why a part is not known."""
        why = {
            Part.HEALTH: "no minute of the window had requests or health checks of this wedding",
            Part.PHOTOS: "no upload ended during the window",
            Part.TIMELINE: "nobody said when an item of the timeline began"
            if self.items
            else "there is no timeline",
            Part.INCIDENTS: "nothing was told of this wedding: nobody could have noticed any",
        }
        return {part: why[part] for part, points in self.points().items() if points is None}


def minutes_told(records: Iterable[HourRecord], minutes: Iterable[range]) -> tuple[int, int, int]:
    """How many of these epoch minutes there are, have a score, and were healthy."""
    by_hour = {record.hour: record for record in records}
    every = known = well = 0
    for minute in (each for span in minutes for each in span):
        every += 1
        record = by_hour.get(minute // 60)
        if record is not None:
            known += record.known >> minute % 60 & 1
            well += record.well >> minute % 60 & 1
    return every, known, well


def items_judged(
    items: Sequence[TimelineItem], records: Iterable[HourRecord]
) -> tuple[ItemJudged, ...]:
    """The items in the order of their plan, each by what was said of it last."""
    began: dict[str, int] = {}
    for record in records:
        for item_id, ms in record.began_ms.items():
            began[item_id] = max(ms, began.get(item_id, ms))
    return tuple(
        ItemJudged(
            item=item,
            began_ms=began.get(item.id),
            late_ms=began[item.id] - _ms(item.starts_at) if item.id in began else None,
        )
        for item in sorted(items, key=lambda item: item.starts_at)
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _share(part: int, whole: int) -> float | None:
    return round(PART_POINTS * part / whole, 2) if whole else None


def _whole(held: bool) -> float:  # noqa: FBT001 - it is the very thing that is judged
    return float(PART_POINTS) if held else 0.0

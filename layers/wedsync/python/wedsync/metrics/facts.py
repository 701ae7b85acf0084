"""What a wedding's points tell besides numbers: who was there, what happened, what failed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from wedsync.metrics.series import TIMELINE_ITEM

_HAPPENINGS = {
    ("photo.upload", "completed"): "A photo was uploaded",
    ("photo.upload", "failed"): "A photo upload failed",
    ("timeline.sync", "ok"): "The timeline was synchronised",
    ("timeline.sync", "completed"): "The timeline was synchronised",
    ("timeline.sync", "success"): "The timeline was synchronised",
    ("timeline.sync", "failed"): "A timeline synchronisation failed",
    ("notification.delivery", "failed"): "A notification was not delivered",
    ("guest_list.load", "failed"): "The guest list could not be loaded",
    ("backup.run", "success"): "A backup succeeded",
    ("backup.run", "failed"): "A backup failed",
    ("health.check", "failed"): "A health check failed",
}
_ACTED = {"vendor.activity": "A vendor was active", "guest.activity": "A guest was active"}

MOST_ACTIVITY = 50
MOST_GUESTS = 1000
MOST_FAILURES = 2
_HASHES = 1 << 64
_Key = TypeVar("_Key", str, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing that happened, as the wedding's page lists it."""

    ts_ms: int
    id: int
    type: str
    vendor_id: str | None
    guest_id: str | None
    summary: str

    def age(self) -> tuple[int, int, str, str, str, str]:
        """What orders activity: its time, then its id, then the rest."""
        return (
            self.ts_ms,
            self.id,
            self.type,
            self.summary,
            self.vendor_id or "",
            self.guest_id or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """The newest checks of one component: up to two failures, newest first, and the last ok."""

    failed_ms: tuple[int, ...] = ()
    ok_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingFacts:
    """All of it merges commutatively. Times are epoch ms.

    ``guests`` maps a 64-bit hash of each guest to when they were last active. Above 1,000
    guests the smallest 1,000 hashes stand for all, and counts become estimates (± 3 %).
    ``began_ms`` maps items of the timeline to when they began, as was said last.
    """

    uploads_started: int = 0
    uploads_completed: int = 0
    uploads_failed: int = 0
    activity: tuple[Activity, ...] = ()
    vendor_heartbeat_ms: dict[str, int] = field(default_factory=dict)
    vendor_seen_ms: dict[str, int] = field(default_factory=dict)
    guests: dict[int, int] = field(default_factory=dict)
    backup_ok_ms: int | None = None
    backup_failed_ms: int | None = None
    health: dict[str, ComponentHealth] = field(default_factory=dict)
    began_ms: dict[str, int] = field(default_factory=dict)

    @classmethod
    def merge(cls, facts: Iterable["WeddingFacts"]) -> "WeddingFacts":
        """All of them together; each must tell of other points than the rest."""
        every = list(facts)
        activity = [each for one in every for each in one.activity]
        guests = _newest([one.guests for one in every])
        return cls(
            uploads_started=sum(one.uploads_started for one in every),
            uploads_completed=sum(one.uploads_completed for one in every),
            uploads_failed=sum(one.uploads_failed for one in every),
            activity=newest_first(activity),
            vendor_heartbeat_ms=_newest([one.vendor_heartbeat_ms for one in every]),
            vendor_seen_ms=_newest([one.vendor_seen_ms for one in every]),
            guests={each: guests[each] for each in sorted(guests)[:MOST_GUESTS]},
            backup_ok_ms=_later(one.backup_ok_ms for one in every),
            backup_failed_ms=_later(one.backup_failed_ms for one in every),
            health=_health([one.health for one in every]),
            began_ms=_newest([one.began_ms for one in every]),
        )

    def distinct_guests(self, since_ms: int) -> int:
        """How many guests were active at or after this time: exact up to 1,000, else estimated."""
        active = sum(1 for seen_ms in self.guests.values() if seen_ms >= since_ms)
        return guests_estimated(active, len(self.guests), max(self.guests, default=0))

    def vendors_online(self, since_ms: int) -> tuple[str, ...]:
        """The vendors whose heartbeat came at or after ``since_ms``."""
        beats = self.vendor_heartbeat_ms.items()
        return tuple(sorted(vendor for vendor, seen_ms in beats if seen_ms >= since_ms))

    def vendors_active(self, since_ms: int) -> tuple[str, ...]:
        """The vendors of whom anything came at or after ``since_ms``."""
        seen = self.vendor_seen_ms.items()
        return tuple(sorted(vendor for vendor, seen_ms in seen if seen_ms >= since_ms))


def guests_estimated(active: int, kept: int, largest: int) -> int:
    """How many guests were active, where so many of those kept were: exact up to 1,000 guests.

    Above, the smallest 1,000 of all hashes are a uniform sample: there are about
    (1000 - 1) / (largest kept / 2^64) guests, of whom the sample's share was active.
    """
    if kept < MOST_GUESTS:
        return active
    everyone = (MOST_GUESTS - 1) / (largest / _HASHES)
    return round(max(everyone, MOST_GUESTS) * active / kept)


def newest_first(activity: Iterable[Activity]) -> tuple[Activity, ...]:
    """The 50 newest, newest first; equal times stand in the order of their ids."""
    return tuple(sorted(activity, key=Activity.age, reverse=True)[:MOST_ACTIVITY])


def _newest(maps: Iterable[dict[_Key, int]]) -> dict[_Key, int]:
    newest: dict[_Key, int] = {}
    for each in maps:
        for key, ms in each.items():
            newest[key] = max(ms, newest.get(key, ms))
    return newest


def _later(times: Iterable[int | None]) -> int | None:
    return max((ms for ms in times if ms is not None), default=None)


def _health(maps: Iterable[dict[str, ComponentHealth]]) -> dict[str, ComponentHealth]:
    merged: dict[str, ComponentHealth] = {}
    for each in maps:
        for component, health in each.items():
            other = merged.get(component, ComponentHealth())
            failed = sorted((*health.failed_ms, *other.failed_ms), reverse=True)
            merged[component] = ComponentHealth(
                failed_ms=tuple(failed[:MOST_FAILURES]),
                ok_ms=_later((health.ok_ms, other.ok_ms)),
            )
    return merged


def happening(metric: str, dims: dict[str, str]) -> str | None:
    """What a point of this series tells the couple's page in words, if it is worth a line."""
    if metric in _ACTED:
        action = dims.get("action")
        return f"{_ACTED[metric]}: {action}" if action else _ACTED[metric]
    told = _HAPPENINGS.get((metric, dims.get("outcome", "")))
    if told is None and metric == "timeline.sync":
        return "The timeline was synchronised"
    if metric == TIMELINE_ITEM and "item" in dims:
        return f"An item of the timeline began: {dims['item']}"
    component = dims.get("component")
    return f"{told}: {component}" if told and component else told

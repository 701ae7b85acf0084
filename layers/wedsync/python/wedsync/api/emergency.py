"""Bodies of emergency mode."""

from datetime import datetime
from typing import Self

from wedsync.api.shape import Instant, ReadBack, Reply, Title
from wedsync.api.versions import require_version
from wedsync.errors import Invalid
from wedsync.flows.emergency_mode import LONGEST, Check
from wedsync.stores.emergency import Emergency


def named_by(if_match: str | None) -> Check:
    """Whether the present one is the one that If-Match names; raises PreconditionFailed."""

    def check(present: Emergency | None) -> None:
        require_version(if_match, 0 if present is None else present.version)

    return check


class EmergencyRequest(ReadBack):
    """Emergency mode as it is switched on: why, and until when at the most."""

    server_made = frozenset(
        {"active", "since", "by", "incidentId", "endedAt", "endedBy", "version"}
    )

    reason: Title
    until: Instant

    def emergency(self, *, by: str, now: datetime) -> Emergency:
        """The emergency that this describes. Raises Invalid where its end makes no sense."""
        if self.until <= now:
            raise Invalid.field("/until", "over", "it ends after now")
        if self.until - now > LONGEST:
            hours = LONGEST.total_seconds() / 3600
            raise Invalid.field("/until", "too-long", f"it lasts at most {hours:g} h at a time")
        return Emergency(since=now, until=self.until, by=by, reason=self.reason)


class EmergencyReply(Reply):
    """Emergency mode as it was switched on last; all but ``active`` is null where it never was.

    ``by``: who has switched it on, or the run of a runbook that has, for ``incidentId``, with whose
    end it ends. ``endedAt``: when it ended, if it did not last until ``until``.
    """

    active: bool
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    by: str | None = None
    incident_id: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    version: int

    @classmethod
    def of(cls, emergency: Emergency | None, *, now: datetime) -> Self:
        """Emergency mode as it stands now."""
        if emergency is None:
            return cls(active=False, version=0)
        return cls(
            active=emergency.is_on(now),
            reason=emergency.reason,
            since=emergency.since,
            until=emergency.until,
            by=emergency.by,
            incident_id=emergency.incident_id,
            ended_at=emergency.ended_at,
            ended_by=emergency.ended_by,
            version=emergency.version,
        )

"""An incident's story: what happened, in order, on the clock of its venue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from wedsync.incidents.ladder import SYSTEM
from wedsync.incidents.model import Incident
from wedsync.weddings.calendar import zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the story. ``local`` is the venue's wall time, where there is a venue."""

    at: datetime
    by: str
    kind: str
    text: str
    local: datetime | None = None


def told_in_order(incident: Incident, others: Iterable[Moment] = ()) -> tuple[Moment, ...]:
    """The whole story, the oldest first; what happened at once keeps the order of its telling."""
    moments = [
        *(
            Moment(
                at=each.fired_at,
                by=SYSTEM,
                kind="alert_fired",
                text=f"{each.severity} {each.type}: {each.message}",
            )
            for each in incident.alerts
            if each.fired_at is not None
        ),
        *(
            Moment(at=each.at, by=each.by, kind=each.kind.value, text=each.text)
            for each in incident.updates
        ),
        *others,
    ]
    place = venue_zone(incident)
    return tuple(
        Moment(
            at=each.at,
            by=each.by,
            kind=each.kind,
            text=each.text,
            local=None if place is None else each.at.astimezone(place),
        )
        for each in sorted(moments, key=lambda moment: moment.at)
    )


def venue_zone(incident: Incident) -> tzinfo | None:
    """The zone of the wedding that it is about, if it is about one."""
    context = incident.wedding_context
    return None if context is None else zone(context.time_zone)

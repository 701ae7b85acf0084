"""What an incident leaves to learn: how long it took, whom it touched, what it resembles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import fmean, median
from zoneinfo import ZoneInfo

from wedsync.incidents.model import Incident, LadderStep, StepKind, StepStatus, UpdateKind
from wedsync.incidents.timeline import Moment
from wedsync.weddings.calendar import zone_of
from wedsync.weddings.model import Wedding

SIMILAR_FROM = 0.25
"""The least score that is shown."""
SIMILAR_SHOWN = 5
SLOW_DETECTION_SECONDS = 300
SATURDAY = 5
"""As ``datetime.weekday`` counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """Something to be done so that it does not come again. ``suggested``: by its figures."""

    title: str
    owner: str | None = None
    due_on: date | None = None
    done: bool = False
    suggested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What people have found out. ``version`` is 0 where nobody has written anything yet."""

    summary: str = ""
    root_cause: str = ""
    lessons: str = ""
    action_items: tuple[ActionItem, ...] = ()
    by: str | None = None
    at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long it took, in seconds; None where it has not come to that, or nobody could know.

    To detect: from the first breach of an alert that opened it to its opening. To acknowledge: from
    there to the first answer. To resolve: from there to the last end.
    """

    to_detect: float | None
    to_acknowledge: float | None
    to_resolve: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A wedding that it happened to, on its own clock; ``during``: what was planned then."""

    wedding_id: str
    couple_name: str
    guest_count: int | None
    time_zone: str
    from_local: datetime
    to_local: datetime
    during: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A version of a service that was deployed, and when: in which minute, else in which hour."""

    at: datetime
    exact: bool
    service: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """An earlier incident, how much it resembles this one (0 to 1), and in what."""

    incident: Incident
    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """All of it, as it is known now. It is final once the incident is over."""

    incident: Incident
    took: Took
    touched: tuple[Touched, ...]
    story: tuple[Moment, ...]
    deployments: tuple[Deployment, ...]
    similar: tuple[Similar, ...]
    findings: Findings
    suggestions: tuple[ActionItem, ...]

    @property
    def guests(self) -> int | None:
        """Guests of these weddings; None where none of them tells how many it has."""
        known = [each.guest_count for each in self.touched if each.guest_count is not None]
        return sum(known) if known else None


def affected(incident: Incident, *, now: datetime) -> tuple[datetime, datetime]:
    """From the first breach, or the opening, to the end: when things went wrong."""
    began = [each.started_at for each in incident.alerts if each.started_at is not None]
    return min([incident.created_at, *began]), incident.resolved_at or now


def took(incident: Incident) -> Took:
    """How long it took. A later ladder starts no new count: people waited all the while."""
    opened = incident.created_at
    began = [each.started_at for each in incident.alerts if each.started_at is not None]
    before = [at for at in began if at <= opened]
    answered = next(
        (each.at for each in incident.updates if each.kind is UpdateKind.ACKNOWLEDGED), None
    )
    return Took(
        to_detect=(opened - min(before)).total_seconds() if before else None,
        to_acknowledge=None if answered is None else (answered - opened).total_seconds(),
        to_resolve=None
        if incident.resolved_at is None
        else (incident.resolved_at - opened).total_seconds(),
    )


def touched(incident: Incident, weddings: Iterable[Wedding], *, now: datetime) -> list[Touched]:
    """These weddings as it happened to them, by name. One that is gone is told by what is kept."""
    start, end = incident.created_at, incident.resolved_at or now
    found = [
        Touched(
            wedding_id=each.wedding_id,
            couple_name=each.couple_name,
            guest_count=each.guest_count,
            time_zone=str(zone_of(each)),
            from_local=start.astimezone(zone_of(each)),
            to_local=end.astimezone(zone_of(each)),
            during=tuple(
                item.title
                for item in each.timeline
                if item.starts_at <= end and (item.ends_at or item.starts_at) >= start
            ),
        )
        for each in weddings
    ]
    context = incident.wedding_context
    if context is not None and context.wedding_id not in {each.wedding_id for each in found}:
        place = ZoneInfo(context.time_zone)
        found.append(
            Touched(
                wedding_id=context.wedding_id,
                couple_name=context.couple_name,
                guest_count=None,
                time_zone=context.time_zone,
                from_local=start.astimezone(place),
                to_local=end.astimezone(place),
            )
        )
    return sorted(found, key=lambda each: (each.couple_name, each.wedding_id))


def similar(incident: Incident, others: Iterable[Incident]) -> tuple[Similar, ...]:
    """Those among the others that resemble it most, the best first.

    Half of the score is the share of kinds of alert that both had (of what people reported, of the
    words of the title), a quarter that of services, a quarter the same wedding. Shares are those
    of all that either had.
    """
    found = []
    for other in others:
        if other.incident_id == incident.incident_id:
            continue
        kinds = _share(_kinds(incident), _kinds(other))
        services = _share(set(incident.affected_services), set(other.affected_services))
        same = incident.wedding_id is not None and incident.wedding_id == other.wedding_id
        score = 0.5 * kinds[0] + 0.25 * services[0] + (0.25 if same else 0.0)
        if score >= SIMILAR_FROM:
            reasons = [
                f"same kind: {', '.join(kinds[1])}" if kinds[1] else "",
                f"same service: {', '.join(services[1])}" if services[1] else "",
                "same wedding" if same else "",
            ]
            reason = "; ".join(each for each in reasons if each)
            found.append(Similar(incident=other, score=round(score, 2), reason=reason))
    found.sort(key=lambda each: (-each.score, -each.incident.created_at.timestamp()))
    return tuple(found[:SIMILAR_SHOWN])


def suggestions(incident: Incident, alike: Sequence[Similar]) -> tuple[ActionItem, ...]:
    """What its own figures suggest to do."""
    found = []
    times = took(incident)
    if times.to_detect is not None and times.to_detect > SLOW_DETECTION_SECONDS:
        minutes = round(times.to_detect / 60)
        found.append(f"It breached for {minutes} min before it was told: look at its rule")
    later = [each for each in incident.steps if _paged(each) and each.tier > 0]
    if later:
        first = next((each for each in incident.steps if each.tier == 0), later[0])
        nobody = f"nobody holds {', '.join(first.vacant)}" if first.vacant else ""
        whom = "; ".join(each for each in (", ".join(first.reached), nobody) if each)
        found.append(f"Tier 0 did not answer ({whom}): look at the roster")
    if incident.resolved_at is not None and times.to_acknowledge is None and incident.has_ladder:
        found.append("It ended before anybody had answered: find out whether the page was read")
    if alike:
        found.append(
            f"It has come {len(alike) + 1} times (the last was {alike[0].incident.incident_id}): "
            "find the cause they share"
        )
    return tuple(ActionItem(title=each, suggested=True) for each in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long something took over several incidents; None where it is known of none."""

    known: int
    mean_seconds: float | None
    median_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How incidents went: how many, and how long they took."""

    incidents: int
    resolved: int
    to_detect: Durations
    to_acknowledge: Durations
    to_resolve: Durations


def record(incidents: Sequence[Incident]) -> Record:
    """How these incidents went."""
    times = [took(each) for each in incidents]
    return Record(
        incidents=len(incidents),
        resolved=sum(each.resolved_at is not None for each in incidents),
        to_detect=_durations(each.to_detect for each in times),
        to_acknowledge=_durations(each.to_acknowledge for each in times),
        to_resolve=_durations(each.to_resolve for each in times),
    )


def opened_on_saturday(incident: Incident) -> bool:
    """Whether it was Saturday at its venue; of what concerns no wedding, by UTC."""
    context = incident.wedding_context
    if context is not None:
        return context.is_saturday_local
    return incident.created_at.weekday() == SATURDAY


def _durations(seconds: Iterable[float | None]) -> Durations:
    known = [each for each in seconds if each is not None]
    return Durations(
        known=len(known),
        mean_seconds=round(fmean(known), 1) if known else None,
        median_seconds=round(median(known), 1) if known else None,
    )


def _kinds(incident: Incident) -> set[str]:
    kinds = {each.type for each in incident.alerts}
    return kinds or {word for word in incident.title.casefold().split() if len(word) > 2}


def _share(one: set[str], other: set[str]) -> tuple[float, list[str]]:
    either = one | other
    both = sorted(one & other)
    return (len(both) / len(either) if either else 0.0), both


def _paged(step: LadderStep) -> bool:
    return step.kind is StepKind.PAGE and step.status is StepStatus.SENT

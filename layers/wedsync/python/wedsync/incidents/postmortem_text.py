"""A post-mortem as a Markdown document that one would send to the team."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from wedsync.incidents.message import one_line
from wedsync.incidents.postmortem import ActionItem, Postmortem, Similar, Touched
from wedsync.incidents.timeline import venue_zone

_STEERS = re.compile(r"([\\`*_\[\]<>|#~!])")
_LINE_LENGTH = 500


def markdown(found: Postmortem) -> str:
    """The document. Foreign text stands in it as text: it makes no link, no table and no HTML."""
    return "\n".join(_lines(found)).rstrip() + "\n"


def duration(seconds: float | None) -> str:
    """``2 h 5 min``; seconds only below two minutes."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _lines(found: Postmortem) -> Iterator[str]:
    incident, findings = found.incident, found.findings
    yield f"# Post-mortem: {_text(incident.title)}"
    yield ""
    if incident.is_active:
        yield "**Draft: the incident is not over.**"
        yield ""
    yield f"- Incident: `{incident.incident_id}`, {incident.severity}, {incident.status}"
    yield f"- Opened: {_time(found, incident.created_at)}"
    if incident.resolved_at is not None:
        yield f"- Resolved: {_time(found, incident.resolved_at)}, by {_text(incident.resolved_by)}"
    yield (
        f"- Took: {duration(found.took.to_detect)} to detect, "
        f"{duration(found.took.to_acknowledge)} to answer, "
        f"{duration(found.took.to_resolve)} to resolve"
    )
    if incident.assigned_to is not None:
        who = incident.assigned_to
        yield f"- Worked on by {_text(who.name)} ({_text(who.role)})"
    yield from _section("What happened", findings.summary or incident.description)
    yield from _affected(found)
    yield from _section("Why", findings.root_cause)
    yield from _section("What we learned", findings.lessons)
    yield from _action_items((*findings.action_items, *found.suggestions))
    yield from _alerts(found)
    yield from _deployments(found)
    yield "## Timeline"
    yield ""
    yield "| When | Who | What |"
    yield "|---|---|---|"
    for moment in found.story:
        when = _clock(moment.local or moment.at)
        yield f"| {when} | {_text(moment.by)} | {_text(moment.text)} |"
    yield ""
    yield from _similar(found.similar)


def _affected(found: Postmortem) -> Iterator[str]:
    yield "## Who was affected"
    yield ""
    if not found.touched:
        yield "No wedding was under way."
    for each in found.touched:
        yield _wedding(each)
    if len(found.touched) > 1 and found.guests is not None:
        yield f"- Together: {len(found.touched)} weddings, {found.guests} guests"
    estimate = found.incident.user_impact_estimate
    if estimate is not None:
        yield f"- Estimated when it was reported: {estimate} users"
    yield ""


def _wedding(each: Touched) -> str:
    guests = "guests unknown" if each.guest_count is None else f"{each.guest_count} guests"
    same_day = each.from_local.date() == each.to_local.date()
    until = f"{each.to_local:%H:%M}" if same_day else f"{each.to_local:%A %H:%M}"
    during = f", during {', '.join(map(_text, each.during))}" if each.during else ""
    return (
        f"- **{_text(each.couple_name)}**: {guests}, {each.from_local:%A} {each.from_local.day} "
        f"{each.from_local:%B %H:%M} to {until} ({each.time_zone}){during}"
    )


def _alerts(found: Postmortem) -> Iterator[str]:
    if not found.incident.alerts:
        return
    yield "## Alerts"
    yield ""
    for each in found.incident.alerts:
        measured = "" if each.value is None else f" (measured {each.value:g}"
        if measured:
            measured += ")" if each.threshold is None else f", threshold {each.threshold:g})"
        yield f"- {each.severity} `{each.type}`: {_text(each.message)}{measured}"
    yield ""


def _deployments(found: Postmortem) -> Iterator[str]:
    if not found.deployments:
        return
    place = venue_zone(found.incident) or UTC
    yield "## Deployments"
    yield ""
    for each in found.deployments:
        at = each.at.astimezone(place)
        when = f"{at:%m-%d %H:%M}" if each.exact else f"{at:%m-%d}, in the hour from {at:%H:%M}"
        version = "" if each.version is None else f" {_text(each.version)}"
        yield f"- {when}: {_text(each.service)}{version}"
    yield ""


def _action_items(items: Iterable[ActionItem]) -> Iterator[str]:
    yield "## Action items"
    yield ""
    none = True
    for each in items:
        none = False
        owner = "" if each.owner is None else f" ({_text(each.owner)})"
        due = "" if each.due_on is None else f", until {each.due_on}"
        hint = ", suggested by the figures" if each.suggested else ""
        yield f"- [{'x' if each.done else ' '}] {_text(each.title)}{owner}{due}{hint}"
    if none:
        yield "None yet."
    yield ""


def _similar(found: Iterable[Similar]) -> Iterator[str]:
    lines = [
        f"- `{each.incident.incident_id}` of {each.incident.created_at:%Y-%m-%d}, "
        f"{_text(each.incident.title)}: {each.score:.0%} alike ({_text(each.reason)})"
        for each in found
    ]
    if lines:
        yield "## It resembles"
        yield ""
        yield from lines
        yield ""


def _section(title: str, text: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from (map(_text, text.splitlines()) if text.strip() else ["Not written yet."])
    yield ""


def _time(found: Postmortem, at: datetime) -> str:
    place = venue_zone(found.incident)
    if place is None:
        return f"{at:%A %Y-%m-%d %H:%M:%S} UTC"
    return f"{at.astimezone(place):%A %Y-%m-%d %H:%M:%S} ({place}; {at:%H:%M} UTC)"


def _clock(at: datetime) -> str:
    return f"{at:%m-%d %H:%M:%S}"


def _text(text: str | None) -> str:
    return _STEERS.sub(r"\\\1", one_line(text or "nobody", limit=_LINE_LENGTH))

"""The text of a page: it explains itself at three in the morning, and cannot break its channel."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.severity import Severity, SeverityReason
from wedsync.incidents.ladder import tier_that_told
from wedsync.incidents.model import Incident, IncidentAlert, LadderStep, StepKind
from wedsync.weddings.model import WeddingContext

SUBJECT_LENGTH = 99
_NAME_LENGTH = 120
_TEXT_LENGTH = 500
_ALERTS_SHOWN = 50
_EVERY_CHANNEL = "all"

_HEADLINES = {
    StepKind.PAGE: "PAGE",
    StepKind.REMINDER: "REMINDER",
    StepKind.RESOLVED: "RESOLVED",
    StepKind.NOTICE: "NOTICE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMessage:
    """One message to one role. Receivers drop a second one with the same ``dedup_key``.

    ``subject``: printable ASCII on one line, under 100 characters. ``attributes`` leave out what
    has no value, since a topic refuses empty ones.
    """

    role: str
    subject: str
    body: str
    attributes: Mapping[str, str | int]
    dedup_key: str

    @property
    def tier(self) -> int:
        """The tier on whose topic the role listens."""
        return int(self.attributes["tier"])


def messages(
    incident: Incident,
    step: LadderStep,
    *,
    tenant: str,
    now: datetime,
) -> tuple[PageMessage, ...]:
    """Write one message per role of the step; the same step always gives the same keys."""
    lead = incident.lead
    shown = lead or next(iter(incident.alerts), None)
    subject = _subject(
        step.kind,
        incident.severity,
        incident.title if lead is None else lead.message,
        incident.wedding_context,
        incident.incident_id,
    )
    # A role listens on the tier that paged it, whichever step reminds it.
    listens = tier_that_told(incident) if step.kind is StepKind.REMINDER else {}
    return _addressed(
        step.roles,
        subject=subject,
        body=_incident_body(incident, step, now=now),
        key=f"{tenant}#{incident.incident_id}#{step.epoch}#{step.kind}#{step.tier}",
        attributes={
            "kind": step.kind.value,
            "severity": incident.severity.value,
            "tier": step.tier,
            "incident_id": incident.incident_id,
            "alert_id": None if shown is None else shown.alert_id,
            "wedding_id": incident.wedding_id,
        },
        tiers=listens,
    )


def alert_messages(
    alert: Alert,
    *,
    others: Sequence[Alert] = (),
    roles: Iterable[str],
    tenant: str,
    now: datetime,
) -> tuple[PageMessage, ...]:
    """Write the notice of an alert that has no ladder, or of its end, once per role.

    ``others`` are told with it. It stands in the incident's place of the key, and their highest
    severity in the epoch's, so that a rise is heard anew.
    """
    every = (alert, *others)
    kind = StepKind.RESOLVED if alert.state is AlertState.RESOLVED else StepKind.NOTICE
    severity = max((each.severity for each in every), key=lambda each: each.rank)
    title = f"{alert.message} and {len(others)} more" if others else alert.message
    lines = _heading(kind, severity, title, alert.wedding_context, now=now)
    if others:
        lines += _told_together(every)
    else:
        lines += _measured(alert.value, alert.threshold, alert.severity_reasons)
    if kind is not StepKind.RESOLVED:
        lines.append(f"Acknowledge: POST /api/metrics/alerts/{alert.alert_id}/acknowledge")
    return _addressed(
        roles,
        subject=_subject(kind, severity, title, alert.wedding_context, alert.alert_id),
        body="\n".join(lines),
        key=f"{tenant}#{alert.alert_id}#{severity.rank}#{kind}#0",
        attributes={
            "kind": kind.value,
            "severity": severity.value,
            "tier": 0,
            "incident_id": alert.incident_id,
            "alert_id": alert.alert_id,
            "wedding_id": alert.wedding_id,
        },
    )


def notice_messages(
    *,
    roles: Iterable[str],
    tenant: str,
    about: str,
    digest: str,
    severity: Severity,
    title: str,
    lines: Iterable[str],
    now: datetime,
    incident: Incident | None = None,
    tiers: Mapping[str, int] | None = None,
) -> tuple[PageMessage, ...]:
    """Write a notice about what is no alert and no step of a ladder, once per role.

    ``about`` names it; ``digest`` stands for what is told of it, so that a change is heard anew.
    ``tiers``: where a role listens, if not on the first.
    """
    context = None if incident is None else incident.wedding_context
    heading = _heading(StepKind.NOTICE, severity, title, context, now=now)
    return _addressed(
        roles,
        subject=_notice_subject(severity, title, context, about),
        body="\n".join([*heading, *map(_text, lines)]),
        key=f"{tenant}#{about}#{digest}#{StepKind.NOTICE}#0",
        attributes={
            "kind": StepKind.NOTICE.value,
            "severity": severity.value,
            "tier": 0,
            "incident_id": None if incident is None else incident.incident_id,
            "wedding_id": None if incident is None else incident.wedding_id,
        },
        tiers=tiers,
    )


def one_line(text: str, *, limit: int) -> str:
    """Make foreign text safe inside a line: any script and emoji stay, nothing steers the line.

    Control characters and line separators become spaces. Invisible marks, among them those that
    turn the writing direction, are dropped, and so is what no transport can encode.
    """
    line = " ".join("".join(map(_safe, text)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _safe(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    unencodable = category == "Cs" or ord(char) & 0xFFFE == 0xFFFE
    return "" if unencodable or category == "Cf" else char


def ascii_line(text: str, *, limit: int) -> str:
    """Write the text in printable ASCII: accents go, what has no ASCII form goes too."""
    plain = unicodedata.normalize("NFKD", one_line(text, limit=_TEXT_LENGTH))
    kept = "".join(char if " " <= char <= "~" else "" for char in plain)
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."


def _subject(
    kind: StepKind, severity: Severity, title: str, context: WeddingContext | None, subject_id: str
) -> str:
    mark = f"[{severity.upper()}] {_HEADLINES[kind]}: "
    # The couple's name may have no ASCII letter at all; the id always has.
    couple = ascii_line(context.couple_name, limit=30) if context is not None else ""
    about = couple if any(char.isalnum() for char in couple) else subject_id
    shown = ascii_line(title, limit=_TEXT_LENGTH)
    text = shown if about in shown else f"{about}: {shown}"
    return mark + ascii_line(text, limit=SUBJECT_LENGTH - len(mark))


def _notice_subject(
    severity: Severity, title: str, context: WeddingContext | None, about: str
) -> str:
    """The couple and the words; what it is about by its id only where neither has ASCII letters."""
    says = any(char.isalnum() for char in ascii_line(title, limit=_TEXT_LENGTH))
    return _subject(StepKind.NOTICE, severity, title, context, "" if says else about)


def _incident_body(incident: Incident, step: LadderStep, *, now: datetime) -> str:
    lead = incident.lead
    about = incident.title if lead is None else lead.message
    lines = _heading(step.kind, incident.severity, about, incident.wedding_context, now=now)
    if about != incident.title:
        lines.append(f"Of the incident: {_text(incident.title)}")
    tiers = len(incident.policy.tiers)
    lines.append(
        f"Incident {incident.incident_id}, tier {step.tier} ({step.tier + 1} of {tiers}), "
        f"ladder {one_line(incident.policy.name, limit=_NAME_LENGTH)}: "
        f"{one_line(incident.policy_reason, limit=_TEXT_LENGTH)}"
    )
    if incident.description:
        lines.append(one_line(incident.description, limit=_TEXT_LENGTH))
    others = tuple(each for each in incident.alerts if each is not lead)
    lines.extend(_alert_lines(others if lead is None else (lead, *others)))
    if step.kind is StepKind.REMINDER:
        by = one_line(incident.acknowledged_by or "somebody", limit=_NAME_LENGTH)
        lines.append(f"Acknowledged by {by}, and nothing was heard since.")
    path = f"/api/monitoring/incidents/{incident.incident_id}"
    if step.kind in {StepKind.PAGE, StepKind.NOTICE}:
        lines.append(f"Acknowledge, and no further tier is paged: POST {path}/acknowledge")
    if step.kind is StepKind.REMINDER:
        lines.append(f"Over: POST {path}/resolve")
    return "\n".join(lines)


def _alert_lines(alerts: tuple[IncidentAlert, ...]) -> list[str]:
    lines: list[str] = []
    for alert in alerts[:_ALERTS_SHOWN]:
        over = " (resolved)" if alert.resolved_at is not None else ""
        lines.append(f"Alert {alert.alert_id} [{alert.severity}]{over}: " + _text(alert.message))
        lines.extend(_measured(alert.value, alert.threshold, alert.severity_reasons))
    if len(alerts) > _ALERTS_SHOWN:
        lines.append(f"and {len(alerts) - _ALERTS_SHOWN} more alerts")
    return lines


def _told_together(alerts: Sequence[Alert]) -> list[str]:
    lines: list[str] = []
    for alert in alerts[:_ALERTS_SHOWN]:
        lines.append(f"Alert {alert.alert_id} [{alert.severity}]: " + _text(alert.message))
        lines.extend(_measured(alert.value, alert.threshold, alert.severity_reasons))
    if len(alerts) > _ALERTS_SHOWN:
        lines.append(f"and {len(alerts) - _ALERTS_SHOWN} more alerts")
    return lines


def _heading(
    kind: StepKind,
    severity: Severity,
    title: str,
    context: WeddingContext | None,
    *,
    now: datetime,
) -> list[str]:
    lines = [f"{_HEADLINES[kind]} - {severity}: {_text(title)}"]
    if context is not None:
        couple = one_line(context.couple_name, limit=_NAME_LENGTH)
        # The offset that the venue had when the wedding was looked up.
        local = now.astimezone(context.local.tzinfo)
        lines.append(
            f"Wedding of {couple} ({context.wedding_id}), {_days(context.days_to_wedding)}; "
            f"venue time {local:%A %Y-%m-%d %H:%M} ({context.time_zone})"
        )
    lines.append(f"Sent {now:%Y-%m-%dT%H:%M:%SZ}")
    return lines


def _measured(
    value: float | None, threshold: float | None, reasons: tuple[SeverityReason, ...]
) -> list[str]:
    lines = []
    if value is not None and threshold is not None:
        lines.append(f"  measured {value:.6g}, threshold {threshold:g}")
    for each in reasons:
        at = f", {each.local_time:%A %H:%M} at the venue" if each.local_time is not None else ""
        lines.append(f"  why {each.severity}: {_text(each.reason)} ({each.rule}{at})")
    return lines


def _text(text: str) -> str:
    return one_line(text, limit=_TEXT_LENGTH)


def _days(days: int) -> str:
    if days == 0:
        return "today"
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def _addressed(
    roles: Iterable[str],
    *,
    subject: str,
    body: str,
    key: str,
    attributes: Mapping[str, str | int | None],
    tiers: Mapping[str, int] | None = None,
) -> tuple[PageMessage, ...]:
    def to(role: str) -> PageMessage:
        dedup_key = f"{key}#{role}"
        tier = (tiers or {}).get(role)
        complete = {
            **attributes,
            **({} if tier is None else {"tier": tier}),
            "role": role,
            "channel": _EVERY_CHANNEL,
            "dedup_key": dedup_key,
        }
        return PageMessage(
            role=role,
            subject=subject,
            body=body,
            attributes={
                name: value for name, value in complete.items() if value is not None and value != ""
            },
            dedup_key=dedup_key,
        )

    return tuple(to(role) for role in dict.fromkeys(roles))

"""What is posted to each kind of endpoint, escaped as that endpoint reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from wedsync.alerting.severity import Severity
from wedsync.cloud.web import Call
from wedsync.incidents.message import one_line
from wedsync.incidents.model import ChannelKind, Incident, StepKind
from wedsync.notifications.delivery import Delivery
from wedsync.notifications.signature import signed_headers

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
ACKNOWLEDGED = "acknowledged"
"""The kind of what tells a system, and nobody else, that somebody has taken the incident."""

_SLACK_HEADER, _SLACK_SECTION = 150, 2900
_PAGERDUTY_SUMMARY, _PAGERDUTY_KEY, _PAGERDUTY_TEXT = 1024, 255, 8000
_TEAMS_TEXT = 8000
_COLOURS = {
    Severity.CRITICAL: "attention",
    Severity.HIGH: "warning",
    Severity.MEDIUM: "accent",
    Severity.LOW: "default",
}
_PAGERDUTY_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a channel's seal held: where to post, and the secret that goes with it."""

    url: str
    secret: str | None = None


def call_for(
    delivery: Delivery, target: Target, *, incident: Incident | None, now: datetime
) -> Call:
    """The call that tells this delivery. Raises ValueError for a channel that SNS delivers on."""
    match delivery.channel:
        case ChannelKind.WEBHOOK:
            return _webhook(delivery, target, incident, now)
        case ChannelKind.SLACK:
            return _json_call(target.url, slack_body(delivery))
        case ChannelKind.PAGERDUTY:
            return _json_call(target.url, pagerduty_body(delivery, target.secret or "", incident))
        case ChannelKind.TEAMS:
            return _json_call(target.url, teams_body(delivery))
        case _:
            raise ValueError(f"nothing is posted for {delivery.channel}")


def webhook_body(delivery: Delivery, incident: Incident | None, *, now: datetime) -> Json:
    """Everything that a program may want to know, in the shape of Standard Webhooks."""
    about = "alert" if delivery.incident_id is None else "incident"
    return {
        "type": f"{about}.{delivery.kind}",
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "data": {
            "notificationId": delivery.notification_id,
            "dedupKey": delivery.dedup_key,
            "tier": delivery.tier,
            "role": delivery.role,
            "severity": delivery.severity,
            "incidentId": delivery.incident_id,
            "alertId": delivery.alert_id,
            "weddingId": delivery.wedding_id,
            "subject": delivery.subject,
            "text": delivery.text,
            "incident": None if incident is None else _incident(incident),
        },
    }


def slack_body(delivery: Delivery) -> Json:
    """Block Kit, with the subject as the text that notifications and old clients show."""
    return {
        "text": _mrkdwn(delivery.subject),
        "blocks": [
            {
                "type": "header",
                "text": {
                    "type": "plain_text",
                    "text": _cut(delivery.subject, _SLACK_HEADER),
                    "emoji": False,
                },
            },
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": _cut(_mrkdwn(delivery.text), _SLACK_SECTION)},
            },
            {
                "type": "context",
                "elements": [
                    {"type": "plain_text", "text": _cut(part, _SLACK_HEADER), "emoji": False}
                    for part in _footnotes(delivery)
                ],
            },
        ],
    }


def pagerduty_body(delivery: Delivery, routing_key: str, incident: Incident | None) -> Json:
    """An event of Events API v2: one ``dedup_key`` from the first page to the end."""
    key = f"wedsync/{delivery.dedup_key.partition('#')[0]}/{delivery.subject_id}"
    event: dict[str, Json] = {
        "routing_key": routing_key,
        "event_action": _pagerduty_action(delivery.kind),
        "dedup_key": key[:_PAGERDUTY_KEY],
    }
    if event["event_action"] == "trigger":
        services = [] if incident is None else list(incident.affected_services)
        payload: dict[str, Json] = {
            "summary": _cut(delivery.subject, _PAGERDUTY_SUMMARY),
            "source": delivery.wedding_id or ", ".join(services) or "wedsync",
            "severity": _PAGERDUTY_SEVERITIES[delivery.severity],
            "timestamp": delivery.planned_at.isoformat(),
            "component": ", ".join(services) or None,
            "group": delivery.wedding_id,
            "class": delivery.kind,
            "custom_details": {
                "text": _cut(delivery.text, _PAGERDUTY_TEXT),
                "tier": delivery.tier,
                "role": delivery.role,
                "incidentId": delivery.incident_id,
                "alertId": delivery.alert_id,
            },
        }
        event["payload"] = {name: value for name, value in payload.items() if value is not None}
        event["client"] = "WedSync"
    return event


def teams_body(delivery: Delivery) -> Json:
    """An Adaptive Card, in the envelope that a Workflows webhook expects."""
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": delivery.subject,
        "body": [
            {
                "type": "TextBlock",
                "text": _commonmark(delivery.subject),
                "weight": "bolder",
                "size": "medium",
                "wrap": True,
                "color": _COLOURS[delivery.severity],
            },
            {
                "type": "TextBlock",
                "text": "\n\n".join(
                    _commonmark(line) for line in _cut(delivery.text, _TEAMS_TEXT).splitlines()
                ),
                "wrap": True,
            },
            {
                "type": "FactSet",
                "facts": [
                    {"title": title, "value": _commonmark(value)}
                    for title, value in _facts(delivery)
                ],
            },
        ],
    }
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _webhook(delivery: Delivery, target: Target, incident: Incident | None, now: datetime) -> Call:
    body = _encoded(webhook_body(delivery, incident, now=now))
    signed = signed_headers(
        body,
        message_id=delivery.notification_id,
        at_unix=int(now.timestamp()),
        secret=target.secret or "",
    )
    return Call(url=target.url, headers={"content-type": "application/json", **signed}, body=body)


def _json_call(url: str, body: Json) -> Call:
    headers: Mapping[str, str] = {"content-type": "application/json"}
    return Call(url=url, headers=headers, body=_encoded(body))


def _encoded(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _incident(incident: Incident) -> Json:
    context = incident.wedding_context
    return {
        "title": incident.title,
        "description": incident.description,
        "severity": incident.severity,
        "status": incident.status,
        "weddingImpact": incident.wedding_impact,
        "affectedServices": list(incident.affected_services),
        "escalationLevel": incident.escalation_level,
        "createdAt": incident.created_at.isoformat().replace("+00:00", "Z"),
        "acknowledgedBy": incident.acknowledged_by,
        "wedding": None
        if context is None
        else {
            "weddingId": context.wedding_id,
            "coupleName": context.couple_name,
            "timeZone": context.time_zone,
            "daysToWedding": context.days_to_wedding,
        },
    }


def _pagerduty_action(kind: str) -> str:
    if kind == StepKind.RESOLVED:
        return "resolve"
    return "acknowledge" if kind == ACKNOWLEDGED else "trigger"


def _facts(delivery: Delivery) -> list[tuple[str, str]]:
    facts = [("Severity", delivery.severity.value), ("Tier", str(delivery.tier))]
    facts.append(("Role", delivery.role))
    if delivery.wedding_id is not None:
        facts.append(("Wedding", delivery.wedding_id))
    about = delivery.incident_id or delivery.alert_id
    if about is not None:
        facts.append(("Incident" if delivery.incident_id else "Alert", about))
    return facts


def _footnotes(delivery: Delivery) -> list[str]:
    return [f"{title}: {value}" for title, value in _facts(delivery)]


def _mrkdwn(text: str) -> str:
    """Nothing of it mentions anybody or links anywhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _commonmark(text: str) -> str:
    """Nothing of it is a link, an image or emphasis."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#!|~" else char for char in text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def short_text(delivery: Delivery) -> str:
    """What fits one or two SMS."""
    about = delivery.incident_id or delivery.alert_id
    where = f" ({about})" if about is not None and about not in delivery.subject else ""
    return one_line(f"{delivery.subject}{where}", limit=300)

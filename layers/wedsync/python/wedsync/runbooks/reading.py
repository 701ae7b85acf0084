"""A runbook out of the JSON of a file."""

import json
from collections.abc import Mapping
from typing import cast

from wedsync.alerting.severity import Severity
from wedsync.runbooks.model import (
    Action,
    Dimension,
    EmergencyMode,
    Match,
    Metric,
    Mode,
    Notify,
    Runbook,
    Scale,
    Step,
    Ticket,
    WaitUntil,
    WarmCache,
)

_Document = Mapping[str, object]


def read_runbook(text: str) -> Runbook:
    """The runbook that a file holds. Raises ValueError for what is none."""
    try:
        document = cast("_Document", json.loads(text))
        match = cast("_Document", document["match"])
        return Runbook(
            runbook_id=str(document["runbookId"]),
            title=str(document["title"]),
            description=str(document["description"]),
            match=Match(
                rules=_texts(match, "rules"),
                types=_texts(match, "types"),
                severities=tuple(Severity(each) for each in _texts(match, "severities")),
                services=_texts(match, "services"),
                wedding_day=cast("bool | None", match.get("weddingDay")),
            ),
            steps=tuple(_step(each) for each in cast("list[_Document]", document["steps"])),
            on_wedding_day=Mode(str(document["onWeddingDay"])),
            off_day=Mode(str(document["offDay"])),
            cooldown_seconds=cast("int", document["cooldownSeconds"]),
            max_weddings=cast("int", document["maxWeddings"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no runbook: {error!r}") from error


def _step(document: _Document) -> Step:
    measured = document.get("measure")
    return Step(
        step_id=str(document["stepId"]),
        title=str(document["title"]),
        action=_action(cast("_Document", document["action"])),
        needs_approval=bool(document.get("needsApproval", False)),
        not_during_ceremony=bool(document.get("notDuringCeremony", False)),
        measure=None if measured is None else Metric(str(measured)),
    )


def _action(document: _Document) -> Action:
    match document["kind"]:
        case "notify":
            return Notify(
                kind="notify", roles=_texts(document, "roles"), text=str(document["text"])
            )
        case "scale":
            return Scale(
                kind="scale",
                dimension=Dimension(str(document["dimension"])),
                target=str(document["target"]),
                to=cast("int", document["to"]),
            )
        case "emergency_mode":
            return EmergencyMode(kind="emergency_mode", minutes=cast("int", document["minutes"]))
        case "warm_cache":
            return WarmCache(kind="warm_cache")
        case "ticket":
            return Ticket(
                kind="ticket", contact_id=str(document["contactId"]), text=str(document["text"])
            )
        case "wait":
            return WaitUntil(
                kind="wait",
                metric=Metric(str(document["metric"])),
                threshold=float(cast("float", document["threshold"])),
                within_seconds=cast("int", document["withinSeconds"]),
            )
        case other:
            raise ValueError(f"there is no action {other}")


def _texts(document: _Document, name: str) -> tuple[str, ...]:
    return tuple(cast("list[str]", document.get(name, [])))

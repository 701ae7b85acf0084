"""Which runbooks an incident asks for."""

from wedsync.incidents.model import Incident
from wedsync.runbooks.model import Runbook


def is_wedding_day(incident: Incident) -> bool:
    """Whether its wedding had its day when it was opened."""
    context = incident.wedding_context
    return context is not None and context.is_wedding_day


def specificity(runbook: Runbook) -> tuple[int, tuple[bool, ...]]:
    """How closely it says which incidents it is for: how many conditions it has, then which."""
    wanted = runbook.match
    given = (
        bool(wanted.rules),
        bool(wanted.types),
        bool(wanted.services),
        bool(wanted.severities),
        wanted.wedding_day is not None,
    )
    return sum(given), given


def mismatch(runbook: Runbook, incident: Incident) -> str | None:
    """Why the runbook does not apply; None where it does."""
    wanted = runbook.match
    conditions = (
        ("rules", wanted.rules, {each.rule_id for each in incident.alerts}),
        ("types", wanted.types, {each.type for each in incident.alerts}),
        ("severities", wanted.severities, {incident.severity}),
        ("services", wanted.services, set(incident.affected_services)),
    )
    for name, any_of, found in conditions:
        if any_of and not found.intersection(any_of):
            return f"none of its {name} is wanted"
    if wanted.wedding_day is not None and wanted.wedding_day is not is_wedding_day(incident):
        return "it is another kind of day"
    return None

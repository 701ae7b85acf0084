"""A message as it was published: what it is about, to which role, and the words."""

from dataclasses import dataclass

from wedsync.alerting.severity import Impact, Severity
from wedsync.incidents.model import Incident, StepKind

TEST = "test"
"""The kind of a message that only tries a contact's channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message to one role.

    ``subject_id``: the incident, else the alert, that it is about. ``moment`` is what the parts of
    its dedup key say besides tenant, subject and role: the epoch, kind and tier.
    """

    tenant_id: str
    subject_id: str
    moment: str
    kind: str
    tier: int
    role: str
    severity: Severity
    subject: str
    text: str
    incident_id: str | None = None
    alert_id: str | None = None
    wedding_id: str | None = None


def key_parts(dedup_key: str) -> tuple[str, str, str, str]:
    """Tenant, subject, moment and target of a dedup key. Raises ValueError for anything else."""
    parts = dedup_key.split("#", 5)
    if len(parts) != 6 or not all(parts):
        raise ValueError("this is no dedup key")
    tenant_id, subject_id, *moment, target = parts
    return tenant_id, subject_id, "#".join(moment), target


def is_emergency(told: Told, incident: Incident | None) -> bool:
    """Whether everybody is told on every channel at once: a first page, critical or high in impact.

    Later tiers of a critical incident are as urgent, and are told so too.
    """
    if told.kind != StepKind.PAGE:
        return False
    critical = told.severity is Severity.CRITICAL
    return critical or (incident is not None and incident.wedding_impact is Impact.HIGH)

"""What is about money: told by the names of what was measured, never by what somebody wrote."""

import re

from wedsync.alerting.finding import Finding

PAYMENTS = "payments"
"""The tag of an alert that concerns payments."""
_TELLING_LABELS = frozenset({"component", "service", "workflow"})
_PAYMENT = re.compile(r"(?:^|[^a-z])(?:payments?|billing|checkout|invoices?|payouts?)(?:[^a-z]|$)")


def names_payments(name: str) -> bool:
    """Whether a service, component, metric or rule of this name is one of payments."""
    return _PAYMENT.search(name.lower()) is not None


def tags_of(finding: Finding) -> tuple[str, ...]:
    """The tags of an alert that this finding opens or keeps open."""
    names = [
        finding.rule_id,
        finding.scope.service or "",
        *(axis.axis for axis in finding.axes),
        *(value for label, value in finding.group if label in _TELLING_LABELS),
    ]
    return (*finding.tags, PAYMENTS) if any(map(names_payments, names)) else finding.tags

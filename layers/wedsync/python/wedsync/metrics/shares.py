"""Shares of what a selection of series holds, in percent; None where there is nothing to share."""

from wedsync.metrics.quality import percent
from wedsync.metrics.selection import Selection
from wedsync.metrics.series import is_server_error

_DIGITS = 4


def error_percent(requests: Selection) -> float | None:
    """The share of requests that the server failed (status 500 and above)."""
    by_status = requests.by("status")
    failed = sum(summary.count for (code,), summary in by_status.items() if is_server_error(code))
    return share(failed, sum(summary.count for summary in by_status.values()))


def error_percent_of_totals(requests: Selection) -> float | None:
    """The same of a tenant's totals, which tell of the outcome alone."""
    return _outcome_percent(requests, "error")


def available_percent(checks: Selection) -> float | None:
    """The share of health checks that were well."""
    return _outcome_percent(checks, "ok")


def share(part: int, whole: int) -> float | None:
    """``part`` of ``whole`` as all shares are told: in percent, to four digits."""
    found = percent(part, whole)
    return None if found is None else round(found, _DIGITS)


def _outcome_percent(selection: Selection, outcome: str) -> float | None:
    by_outcome = selection.by("outcome")
    total = sum(summary.count for summary in by_outcome.values())
    return share(by_outcome[outcome,].count if (outcome,) in by_outcome else 0, total)

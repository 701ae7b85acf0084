"""Instants as text that sorts in time's order."""

from datetime import UTC, datetime


def sortable(at: datetime) -> str:
    """Fixed width, UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")

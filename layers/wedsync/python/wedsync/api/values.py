"""Bodies of values that updates change."""

from datetime import UTC, datetime

from wedsync.api.shape import Reply
from wedsync.metrics.updates import RunningValue


class ValueReply(Reply):
    """What all updates so far amount to; ``updatedAt`` is the time of the newest."""

    name: str
    wedding_id: str | None
    vendor_id: str | None
    source: str | None
    dims: dict[str, str]
    value: float
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, running: RunningValue) -> "ValueReply":
        """This value."""
        return cls(
            name=running.name.metric,
            wedding_id=running.name.wedding_id,
            vendor_id=running.name.vendor_id,
            source=running.name.source,
            dims=dict(running.name.dims),
            value=running.value,
            updated_at=datetime.fromtimestamp(running.updated_ms / 1000, UTC),
            version=running.version,
        )


class ValueListReply(Reply):
    """Some values, in the order of their names."""

    items: list[ValueReply]
    next_cursor: str | None
    effective_limit: int

"""Bodies of the route that tells what was not counted."""

from datetime import datetime

from wedsync.api.shape import Reply
from wedsync.stores.rejections import Rejection


class RejectionReply(Reply):
    """One point, or a whole record, that was not counted.

    ``raw`` is the beginning of what was sent, bytes that are no text replaced.
    """

    place: str
    index: int | None
    code: str
    reason: str
    pointer: str
    raw: str
    received_at: datetime
    stored_as: str | None

    @classmethod
    def of(cls, rejection: Rejection) -> "RejectionReply":
        """This row."""
        return cls(
            place=rejection.place,
            index=rejection.index,
            code=rejection.code,
            reason=rejection.detail,
            pointer=rejection.pointer,
            raw=rejection.raw.decode(errors="replace"),
            received_at=rejection.arrived_at,
            stored_as=rejection.stored_as,
        )


class RejectionListReply(Reply):
    """Some rejections, newest first."""

    items: list[RejectionReply]
    next_cursor: str | None
    effective_limit: int

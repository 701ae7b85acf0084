"""Bodies of the route that takes points."""

from wedsync.api.shape import Reply
from wedsync.flows.accept import Taken


class RejectedReply(Reply):
    """One point that was not taken; ``index`` is its place in the request."""

    index: int | None
    code: str
    detail: str


class IngestReply(Reply):
    """What became of the points of a request."""

    accepted: int
    duplicates: int
    rejected: list[RejectedReply]

    @classmethod
    def of(cls, taken: Taken) -> "IngestReply":
        """This outcome."""
        return cls(
            accepted=taken.accepted,
            duplicates=taken.duplicates,
            rejected=[
                RejectedReply(index=each.index, code=each.code, detail=each.detail)
                for each in taken.rejected
            ],
        )

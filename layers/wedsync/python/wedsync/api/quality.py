"""How good an answer is, as a member of bodies."""

from wedsync.api.shape import Reply
from wedsync.metrics.quality import DataQuality


class QualityReply(Reply):
    """What came in the last 15 minutes, how fresh and how complete. Shares lie within 0 and 1."""

    score: float | None
    freshness_seconds: float | None
    completeness: float | None
    late_share: float | None
    rejected_share: float | None
    accepted: int
    late: int
    duplicates: int
    rejected: int

    @classmethod
    def of(cls, quality: DataQuality) -> "QualityReply":
        """This quality."""
        return cls(
            score=quality.score,
            freshness_seconds=quality.freshness_seconds,
            completeness=quality.completeness,
            late_share=quality.late_share,
            rejected_share=quality.rejected_share,
            accepted=quality.accepted,
            late=quality.late,
            duplicates=quality.duplicates,
            rejected=quality.rejected,
        )

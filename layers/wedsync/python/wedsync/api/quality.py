"""How fresh and how good an answer is: as members of a body, and as headers."""

from datetime import datetime

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


class FreshnessReply(Reply):
    """Since when an answer holds, whether it was remembered, how long it took (ms), how good it is.

    ``dataQuality`` is that of the caller's tenant; null where nobody asks, or where it cannot be
    told now.
    """

    as_of: datetime
    cache_hit: bool
    execution_time: float
    data_quality: QualityReply | None

    def headers(self) -> dict[str, str]:
        """The same, beside the body; the time that it took goes with every answer."""
        told = {
            "x-as-of": self.as_of.isoformat().replace("+00:00", "Z"),
            "x-cache": "hit" if self.cache_hit else "miss",
        }
        if self.data_quality is not None:
            told["x-data-quality"] = self.data_quality.model_dump_json(by_alias=True)
        return told

"""The wedding clock as every body shows it that concerns a wedding."""

from datetime import datetime

from wedsync.api.shape import Reply
from wedsync.weddings.model import Phase, Status, WeddingContext


class WeddingContextReply(Reply):
    """The wedding clock when it happened, or when it was asked for."""

    wedding_id: str
    couple_name: str
    status: Status
    phase: Phase
    is_weekend: bool
    is_saturday_local: bool
    is_wedding_day: bool
    is_season: bool
    in_window: bool
    days_to_wedding: int
    local: datetime
    time_zone: str

    @classmethod
    def of(cls, context: WeddingContext) -> "WeddingContextReply":
        """This context."""
        return cls(
            wedding_id=context.wedding_id,
            couple_name=context.couple_name,
            status=context.status,
            phase=context.phase,
            is_weekend=context.is_weekend,
            is_saturday_local=context.is_saturday_local,
            is_wedding_day=context.is_wedding_day,
            is_season=context.is_season,
            in_window=context.in_window,
            days_to_wedding=context.days_to_wedding,
            local=context.local,
            time_zone=context.time_zone,
        )

    @classmethod
    def of_any(cls, context: WeddingContext | None) -> "WeddingContextReply | None":
        """This context, where there is one: what concerns no wedding has none."""
        return None if context is None else cls.of(context)

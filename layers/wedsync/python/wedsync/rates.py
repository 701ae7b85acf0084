"""How often a caller may ask: the generic cell rate algorithm, in whole microseconds.

A caller has one number, its theoretical arrival time (``tat``): when it will have used up what it
took. A request moves it one interval on, from now where it lies in the past, and is refused while
it lies further ahead than the burst allows. So in any stretch of time at most ``burst`` requests
and the rate's share of that time are admitted, and what one caller does is nobody else's number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MICROSECONDS = 1_000_000
MOST_PER_MINUTE = 1_000_000
"""The highest rate, and the largest burst: 60 whole microseconds lie between two requests."""
_PER_MINUTE = 60 * MICROSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left to a caller after a request: requests, and seconds until all of them are back.

    ``retry_after_seconds`` is None where the request was admitted.
    """

    limit: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: int | None = None

    def context(self) -> dict[str, str]:
        """As the authorizer hands it on, which is text alone."""
        later = self.retry_after_seconds
        return {
            "rateLimit": str(self.limit),
            "rateRemaining": str(self.remaining),
            "rateReset": str(self.reset_seconds),
            "retryAfter": "" if later is None else str(later),
        }

    @classmethod
    def of_context(cls, context: Mapping[str, str]) -> "Allowance | None":
        """What the authorizer handed on; None where requests are not limited."""
        if not context.get("rateLimit"):
            return None
        later = context["retryAfter"]
        return cls(
            limit=int(context["rateLimit"]),
            remaining=int(context["rateRemaining"]),
            reset_seconds=int(context["rateReset"]),
            retry_after_seconds=int(later) if later else None,
        )

    def headers(self) -> dict[str, str]:
        """What the caller is told with every answer."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_seconds),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests a minute, of which ``burst`` may come at once."""

    per_minute: int
    burst: int

    def __post_init__(self) -> None:
        """Refuse a rate that would admit nobody, or that microseconds cannot tell apart."""
        if not (1 <= self.per_minute <= MOST_PER_MINUTE and 1 <= self.burst <= MOST_PER_MINUTE):
            raise ValueError(f"a rate and its burst lie from 1 to {MOST_PER_MINUTE}")

    @property
    def interval_us(self) -> int:
        """How far a request moves the arrival time; rounded up, so that the rate is kept."""
        return -(-_PER_MINUTE // self.per_minute)

    def latest_us(self, units: int, *, now_us: int, share_percent: int = 100) -> int:
        """How far the arrival time may have come for so many more, within a part of the burst.

        Whatever is taken at once is admitted while nothing is owed, even if it is more than that.
        """
        room = self.burst * share_percent // 100 - units
        return now_us + max(0, room) * self.interval_us

    def wait_seconds(self, tat_us: int, latest_us: int) -> int:
        """After how long an arrival time that lies beyond the latest will do."""
        return max(1, _seconds(tat_us - latest_us))

    def admitted(self, tat_us: int, *, now_us: int) -> Allowance:
        """What is left after a request that moved the arrival time to ``tat_us``."""
        ahead_us = tat_us - now_us
        return Allowance(
            limit=self.burst,
            remaining=max(0, self.burst - -(-ahead_us // self.interval_us)),
            reset_seconds=_seconds(ahead_us),
        )

    def refused(self, tat_us: int, *, now_us: int) -> Allowance:
        """What a caller is told whose arrival time lies too far ahead."""
        ahead_us = tat_us - now_us
        return Allowance(
            limit=self.burst,
            remaining=0,
            reset_seconds=_seconds(ahead_us),
            retry_after_seconds=self.wait_seconds(tat_us, self.latest_us(1, now_us=now_us)),
        )


def _seconds(microseconds: int) -> int:
    return -(-microseconds // MICROSECONDS)

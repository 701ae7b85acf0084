"""How bad it is, how far it reaches, and the reason that decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class _Ranked(StrEnum):
    """Members in ascending order of declaration; comparing them never compares their text."""

    @property
    def rank(self) -> int:
        """Position in the scale, 0 the mildest."""
        return list(type(self)).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < type(self)(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= type(self)(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > type(self)(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= type(self)(other).rank


class Severity(_Ranked):
    """How urgently somebody must act. Sorted as text, worst first, ``critical`` would come last."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Impact(_Ranked):
    """How much of a wedding is touched."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityReason:
    """One rule that asked for this severity; ``local_time`` is the venue's wall time it saw."""

    rule: str
    severity: Severity
    reason: str
    local_time: datetime | None = None


def highest(severities: Iterable[Severity]) -> Severity | None:
    """Find the worst of them, in whichever order they come; None when there are none."""
    return max(severities, key=lambda severity: severity.rank, default=None)

"""A rule that a tenant made."""

from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.own.condition import Comparison, Condition, comparisons
from wedsync.alerting.severity import Severity

CUSTOM = "custom"
"""The type of an alert that such a rule opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is watched, how bad it is, and who hears of it.

    ``wedding_specific``: judged for each wedding by itself, by its clock and its guests; else for
    the tenant as a whole. ``roles`` are told beside, or instead of, the usual first tier;
    ``policy`` names the ladder that its alerts climb. ``active`` False: it is kept, and not judged.
    ``condition_since``: when its condition was changed last, where it ever was.
    """

    rule_id: str
    name: str
    description: str = ""
    condition: Condition
    severity: Severity
    wedding_specific: bool = False
    roles: tuple[str, ...] = ()
    policy: str | None = None
    auto_resolve: bool = True
    active: bool = True
    created_at: datetime
    created_by: str
    updated_at: datetime
    condition_since: datetime | None = None
    version: int = 0
    type: str = CUSTOM

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every comparison of its condition."""
        return tuple(comparisons(self.condition))

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that it looks at."""
        return frozenset(each.metric for each in self.comparisons)

    @property
    def is_recent(self) -> bool:
        """Whether a batch may make it breach: all of its windows are cut from minutes."""
        return all(each.is_recent for each in self.comparisons)

    @property
    def window_minutes(self) -> int:
        """The longest of its windows."""
        return max(each.window_seconds for each in self.comparisons) // 60

"""A condition as a tree: comparisons of one statistic with a threshold, joined by all or any."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MOST_LEVELS = 4
MOST_COMPARISONS = 20
RECENT_SECONDS = 3600
"""Windows up to so long are cut from minutes; longer ones from hours and days."""
LONGEST_SECONDS = 31 * 86_400
VENDOR = "vendorId"
"""The filter and group that name a point's vendor rather than one of its dimensions."""
READING_ERROR = 1 / 128
"""By how much a percentile may be read off, at the most."""
_RECOVERED_SHARE = 0.2
_WHOLE_PERCENT = 100.0


class Statistic(StrEnum):
    """What is told of a window's observations.

    ``rate`` is observations per second, ``last`` a gauge's last value, and ``share`` the
    percentage of the metric's observations that fit the comparison's filters.
    """

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    RATE = "rate"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    LAST = "last"
    SHARE = "share"


QUANTILES = {
    Statistic.P50: 0.50,
    Statistic.P90: 0.90,
    Statistic.P95: 0.95,
    Statistic.P99: 0.99,
}
COUNTING = frozenset({Statistic.COUNT, Statistic.RATE, Statistic.SUM})
"""What has the value 0 where nothing happened, if anything at all was heard."""
_POINTWISE = frozenset(
    {Statistic.AVG, Statistic.MIN, Statistic.MAX, Statistic.LAST, *QUANTILES},
)
"""What cannot pass a threshold that no single observation has passed."""


class Operator(StrEnum):
    """How the value must stand to the threshold to breach it."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="

    @property
    def lower_is_worse(self) -> bool:
        """Whether small values are what the rule is afraid of."""
        return self in {Operator.BELOW, Operator.AT_MOST}

    def holds(self, value: float, threshold: float) -> bool:
        """Whether the value is in breach."""
        match self:
            case Operator.ABOVE:
                return value > threshold
            case Operator.AT_LEAST:
                return value >= threshold
            case Operator.BELOW:
                return value < threshold
            case Operator.AT_MOST:
                return value <= threshold


class NoData(StrEnum):
    """What it means that nothing has come for 300 s."""

    KEEP_LAST = "keepLast"
    """Nothing: what was said last stands."""
    ALERT = "alert"
    """It is what the rule is there for."""
    OK = "ok"
    """There is nothing to complain of."""


class Join(StrEnum):
    """How the parts of a condition make up the whole."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One statistic of one metric over a window, compared with a threshold.

    ``filters`` holds dimensions with the values that fit; ``group_by`` names those by whose
    values episodes are told apart. ``for_seconds`` None: 60, or 0 for what is critical on the
    wedding day. ``percent``: the value lies within 0 and 100. ``predict_seconds``: it breaches
    also where the straight line through its last windows passes the threshold so soon.
    """

    metric: str
    stat: Statistic
    op: Operator
    threshold: float
    window_seconds: int
    for_seconds: int | None = None
    keep_firing_for_seconds: int | None = None
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    group_by: tuple[str, ...] = ()
    no_data: NoData = NoData.KEEP_LAST
    percent: bool = False
    predict_seconds: int | None = None

    @property
    def is_recent(self) -> bool:
        """Whether the window is cut from minutes."""
        return self.window_seconds <= RECENT_SECONDS

    @property
    def vendor_id(self) -> str | None:
        """The one vendor whose points it looks at, if it names one."""
        wanted = dict(self.filters).get(VENDOR, ())
        return wanted[0] if len(wanted) == 1 else None

    def recovery(self, threshold: float) -> float:
        """At this value, and on its good side, it has recovered.

        That is where the threshold is 80 % of the way: 20 % below it where higher is worse, 20 %
        of what is left to 100 above it for a percentage that must not be low.
        """
        if not self.op.lower_is_worse:
            return threshold - _RECOVERED_SHARE * abs(threshold)
        if self.percent:
            return threshold + _RECOVERED_SHARE * (_WHOLE_PERCENT - threshold)
        return threshold + _RECOVERED_SHARE / (1 - _RECOVERED_SHARE) * abs(threshold)

    def has_recovered(self, value: float, threshold: float) -> bool:
        """Whether the value is well inside."""
        bound = self.recovery(threshold)
        return value >= bound if self.op.lower_is_worse else value <= bound

    def may_be_raised_by(self, least: float, most: float) -> bool:
        """Whether observations from ``least`` to ``most`` can put the value past its threshold.

        What they cannot do, the passing of time may: that is looked at by the clock.
        """
        if self.predict_seconds is not None or self.stat not in _POINTWISE:
            return True
        if self.op.lower_is_worse:
            return least <= self.threshold + READING_ERROR * abs(self.threshold)
        return most >= self.threshold - READING_ERROR * abs(self.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Conditions of which all, or any, must hold."""

    join: Join
    parts: tuple["Comparison | Combination", ...]


Condition: TypeAlias = Comparison | Combination


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Every comparison of the tree, in the order in which it was written."""
    if isinstance(condition, Comparison):
        yield condition
        return
    for part in condition.parts:
        yield from comparisons(part)


def levels(condition: Condition) -> int:
    """How deep the tree is; a comparison alone is one level."""
    if isinstance(condition, Comparison):
        return 1
    return 1 + max((levels(part) for part in condition.parts), default=0)


def grouping(condition: Condition) -> tuple[str, ...]:
    """The dimensions by which the whole condition tells episodes apart."""
    return max((each.group_by for each in comparisons(condition)), key=len)


def flaw(condition: Condition) -> str | None:
    """Why such a condition cannot be judged, if it cannot."""
    every = list(comparisons(condition))
    groups = {frozenset(each.group_by) for each in every if each.group_by}
    if levels(condition) > MOST_LEVELS:
        return f"a condition has at most {MOST_LEVELS} levels"
    if len(every) > MOST_COMPARISONS:
        return f"a condition has at most {MOST_COMPARISONS} comparisons"
    if len(groups) > 1:
        return "all comparisons that are grouped are grouped by the same dimensions"
    return next((found for each in every if (found := _flaw_of(each)) is not None), None)


def _flaw_of(each: Comparison) -> str | None:
    dims = {*each.group_by, *(name for name, _ in each.filters)}
    flaws = (
        (
            each.window_seconds % 60 != 0 or each.window_seconds < 60,
            "a window is a whole number of minutes",
        ),
        (
            not each.is_recent and each.window_seconds % 3600 != 0,
            "a window of more than an hour is a whole number of hours",
        ),
        (each.window_seconds > LONGEST_SECONDS, "a window has at most 31 days"),
        (
            each.stat is Statistic.SHARE and not each.filters,
            "a share is that of what fits the filters: there are none",
        ),
        (
            each.stat is Statistic.LAST and not each.is_recent,
            "the last value is that of a window of at most an hour",
        ),
        (
            each.predict_seconds is not None and not each.is_recent,
            "what is predicted is told from windows of at most an hour",
        ),
        (
            not each.is_recent and each.vendor_id is None and bool(dims),
            f"over more than an hour, only the points of one {VENDOR} are told apart",
        ),
    )
    return next((text for wrong, text in flaws if wrong), None)

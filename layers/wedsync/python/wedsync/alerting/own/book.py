"""A tenant's rules, found by the metrics that they look at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from wedsync.alerting.own.condition import VENDOR, Comparison, NoData, Statistic
from wedsync.alerting.own.rule import Rule

BATCH_MINUTES = 15
"""Windows up to so long are judged after every batch that reaches them; longer ones each minute."""


class ReachedSeries(Protocol):
    """What a batch brings to one series."""

    @property
    def metric(self) -> str:
        """What was measured."""

    @property
    def dims(self) -> tuple[tuple[str, str], ...]:
        """Its dimensions."""

    @property
    def wedding_id(self) -> str | None:
        """The wedding that it belongs to."""

    @property
    def vendor_id(self) -> str | None:
        """The vendor that it belongs to."""

    @property
    def least(self) -> float:
        """The smallest value."""

    @property
    def most(self) -> float:
        """The greatest value."""

    @property
    def first(self) -> int:
        """The first epoch minute."""

    @property
    def last(self) -> int:
        """The last epoch minute."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """From one epoch minute to another, both included."""

    first: int
    last: int

    def joined(self, other: "Minutes") -> "Minutes":
        """The stretch that holds both."""
        return Minutes(min(self.first, other.first), max(self.last, other.last))


Touched = dict[str, dict[str | None, Minutes]]
"""Rules by id, the weddings (None: the tenant) that they must judge, and the minutes reached."""


@dataclass(frozen=True)
class Rulebook:
    """The active rules of one tenant. ``leniency``: what they have learned, by id."""

    rules: tuple[Rule, ...]
    leniency: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """Every rule under its id."""
        return {rule.rule_id: rule for rule in self.rules}

    @cached_property
    def _by_metric(self) -> Mapping[str, tuple[tuple[Rule, Comparison], ...]]:
        found: dict[str, list[tuple[Rule, Comparison]]] = {}
        for rule in self.rules:
            if rule.window_minutes <= BATCH_MINUTES:
                for each in rule.comparisons:
                    found.setdefault(each.metric, []).append((rule, each))
        return {metric: tuple(each) for metric, each in found.items()}

    @cached_property
    def metrics(self) -> frozenset[str]:
        """What of a batch may have to be judged."""
        return frozenset(self._by_metric)

    def touched(self, reached: Iterable[ReachedSeries]) -> Touched:
        """What a batch may have put into breach."""
        found: Touched = {}
        for series in reached:
            for rule, each in self._by_metric.get(series.metric, ()):
                if rule.wedding_specific and series.wedding_id is None:
                    continue
                if not _fits(each, series) or not each.may_be_raised_by(series.least, series.most):
                    continue
                of = series.wedding_id if rule.wedding_specific else None
                minutes = Minutes(series.first, series.last)
                before = found.setdefault(rule.rule_id, {}).get(of, minutes)
                found[rule.rule_id][of] = before.joined(minutes)
        return found

    @cached_property
    def of_weddings(self) -> tuple[Rule, ...]:
        """The rules that are judged for each wedding."""
        return tuple(rule for rule in self.rules if rule.wedding_specific)

    @cached_property
    def of_tenant(self) -> tuple[Rule, ...]:
        """The rules that are judged for the tenant as a whole."""
        return tuple(rule for rule in self.rules if not rule.wedding_specific)

    @cached_property
    def awaits_weddings(self) -> bool:
        """Whether some rule is there for weddings of which nothing is heard."""
        return any(
            each.no_data is NoData.ALERT for rule in self.of_weddings for each in rule.comparisons
        )


def _fits(each: Comparison, series: ReachedSeries) -> bool:
    if each.stat is Statistic.SHARE:
        return True  # what does not fit is what the share is of
    held = dict(series.dims)
    return all(
        (series.vendor_id if name == VENDOR else held.get(name)) in values
        for name, values in each.filters
    )

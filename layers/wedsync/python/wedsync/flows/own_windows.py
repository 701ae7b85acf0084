"""What the comparisons of tenants' rules measure, read from minutes, hours and days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wedsync.alerting.own.condition import (
    COUNTING,
    QUANTILES,
    VENDOR,
    Comparison,
    Statistic,
)
from wedsync.alerting.own.forecast import led_to
from wedsync.alerting.own.judging import Measured
from wedsync.flows.observe import SEEN_MINUTES, UNNAMED
from wedsync.flows.times import at_ms, minute_start
from wedsync.metrics.block import Block
from wedsync.metrics.selection import Selection
from wedsync.metrics.summary import Summary

Group = tuple[str, ...]
"""The values of the dimensions by which a condition is grouped."""
Figures = dict[str | None, dict[Group, Measured]]
"""What was measured by wedding (None: the tenant as a whole) and group."""
_COLUMNS = {VENDOR: "vendor_id", "weddingId": "wedding_id"}
_WEDDING = "wedding_id"


def first_minute(comparison: Comparison, last: int) -> int:
    """The first minute that is read for a window that ends with the minute ``last``.

    Some more are read where the window is short, to tell what is quiet from what has vanished.
    """
    return last - max(comparison.window_seconds // 60, SEEN_MINUTES) + 1


@dataclass(slots=True)
class Minutes:
    """Consecutive minutes of some packs, or of a tenant's totals; windows are merged once.

    ``by_wedding``: figures are told apart by wedding.
    """

    blocks: Sequence[tuple[int, Block]]
    now: datetime
    totals: bool = False
    by_wedding: bool = False
    _merged: dict[tuple[int, int], Block] = field(default_factory=dict, init=False)

    def figures(self, comparison: Comparison, last: int) -> Figures:
        """What the comparison's window that ends with ``last`` holds."""
        first = last - comparison.window_seconds // 60 + 1
        values = self._values(comparison, first, last)
        seen = self._last_seen(comparison, last, set(values))
        forecasts = self._forecasts(comparison, first, last)
        found: Figures = {}
        for key in {*values, *seen}:
            value, fitting, of = values.get(key, (None, 0, 0))
            wedding, group = self._key(key)
            found.setdefault(wedding, {})[group] = Measured(
                value=value,
                sampled_at=seen.get(key),
                fitting=fitting,
                of=of,
                forecast=forecasts.get(key),
            )
        return found

    def _forecasts(
        self, comparison: Comparison, first: int, last: int
    ) -> dict[tuple[str | None, ...], float | None]:
        """Where the minutes of the window lead each group to, if that is asked for."""
        ahead = comparison.predict_seconds
        if ahead is None:
            return {}
        minutely = replace(comparison, window_seconds=60)
        lines: dict[tuple[str | None, ...], list[tuple[float, float]]] = {}
        for minute in range(first, last + 1):
            for key, (value, _, _) in self._values(minutely, minute, minute).items():
                if value is not None:
                    lines.setdefault(key, []).append((float(minute), value))
        at = self.now.timestamp() / 60 + ahead / 60
        return {key: led_to(points, at=at) for key, points in lines.items()}

    def _values(
        self, comparison: Comparison, first: int, last: int
    ) -> dict[tuple[str | None, ...], tuple[float | None, int, int]]:
        selection = self._select(self._window(first, last), comparison)
        names = self._names(comparison)
        fitting = _fitting(selection, comparison)
        if comparison.stat is Statistic.LAST:
            return {key: (value, 1, 1) for key, (value, _) in fitting.latest_of(*names).items()}
        summaries = fitting.by(*names)
        if comparison.stat is not Statistic.SHARE:
            seconds = comparison.window_seconds
            return {
                key: (value_of(comparison.stat, each, seconds), each.count, each.count)
                for key, each in summaries.items()
            }
        return {
            key: (100.0 * count / every.count, count, every.count)
            for key, every in selection.by(*names).items()
            for count in (summaries[key].count if key in summaries else 0,)
        }

    def _last_seen(
        self, comparison: Comparison, last: int, wanted: set[tuple[str | None, ...]]
    ) -> dict[tuple[str | None, ...], datetime]:
        """The time of each group's newest sample; a minute does not know it nearer than its end."""
        names = self._names(comparison)
        seen: dict[tuple[str | None, ...], datetime] = {}
        for minute, block in reversed(self.blocks):
            if minute > last:
                continue
            selection = self._select(block, comparison)
            if comparison.stat is not Statistic.SHARE:
                selection = _fitting(selection, comparison)
            if not selection:
                continue
            if comparison.stat is Statistic.LAST:
                for key, (_, ms) in selection.latest_of(*names).items():
                    seen.setdefault(key, min(at_ms(ms), self.now))
            else:
                ended = min(self.now, minute_start(minute + 1) - timedelta(seconds=1))
                for key in selection.by(*names):
                    seen.setdefault(key, ended)
            if wanted and wanted <= seen.keys() and minute <= last - SEEN_MINUTES + 1:
                break
        return seen

    def _window(self, first: int, last: int) -> Block:
        if (first, last) not in self._merged:
            self._merged[first, last] = Block.merge(
                block for minute, block in self.blocks if first <= minute <= last
            )
        return self._merged[first, last]

    def _select(self, block: Block, comparison: Comparison) -> Selection:
        if self.totals:
            return block.totals(comparison.metric)
        return block.select(comparison.metric)

    def _names(self, comparison: Comparison) -> tuple[str, ...]:
        names = tuple(_COLUMNS.get(name, name) for name in comparison.group_by)
        return (_WEDDING, *names) if self.by_wedding else names

    def _key(self, key: tuple[str | None, ...]) -> tuple[str | None, Group]:
        wedding, group = (key[0], key[1:]) if self.by_wedding else (None, key)
        return wedding, tuple(each or UNNAMED for each in group)


def needs_totals_alone(comparison: Comparison) -> bool:
    """Whether the tenant's totals, which are small, tell all that it asks."""
    return not comparison.filters and not comparison.group_by


def long_figures(
    comparison: Comparison, blocks: Sequence[Block], *, totals: bool, heard: bool, now: datetime
) -> Figures:
    """What a window of hours or days holds; ``heard``: whether anything at all was in it.

    Where nothing of it happened while other things were heard, counts are 0: that is no gap.
    """
    whole = Block.merge(blocks)
    selection = whole.totals(comparison.metric) if totals else whole.select(comparison.metric)
    names = tuple(_COLUMNS.get(name, name) for name in comparison.group_by)
    fitting = _fitting(selection, comparison)
    every = selection.by(*names) if comparison.stat is Statistic.SHARE else {}
    found: dict[Group, Measured] = {}
    for key, each in fitting.by(*names).items():
        value = value_of(comparison.stat, each, comparison.window_seconds)
        of = every[key].count if key in every else each.count
        if comparison.stat is Statistic.SHARE:
            value = 100.0 * each.count / of
        group = tuple(part or UNNAMED for part in key)
        found[group] = Measured(value=value, sampled_at=now, fitting=each.count, of=of)
    if not found and not names and heard and comparison.stat in COUNTING:
        found[()] = Measured(value=0.0, sampled_at=now)
    return {None: found}


def value_of(stat: Statistic, summary: Summary, window_seconds: int) -> float | None:
    """The statistic of what the window holds."""
    if stat in QUANTILES:
        return summary.quantile(QUANTILES[stat])
    values: Mapping[Statistic, float | None] = {
        Statistic.COUNT: float(summary.count),
        Statistic.RATE: summary.count / window_seconds,
        Statistic.SUM: summary.sum,
        Statistic.AVG: summary.mean,
        Statistic.MIN: summary.min,
        Statistic.MAX: summary.max,
    }
    return values[stat]


def _fitting(selection: Selection, comparison: Comparison) -> Selection:
    filters = dict(comparison.filters)
    vendors = filters.pop(VENDOR, None)
    found = selection if vendors is None else selection.of_vendors(vendors)
    return found.among(filters)

"""Conditions of alert rules as they are written: a typed tree, and no expression in a string."""

import re
from typing import Annotated, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from wedsync.alerting.own.condition import (
    MOST_COMPARISONS,
    Combination,
    Comparison,
    Condition,
    Join,
    NoData,
    Operator,
    Statistic,
    flaw,
)
from wedsync.api.shape import Request
from wedsync.metrics.catalog import BY_NAME

_DURATION = re.compile(r"(0|[1-9][0-9]{0,5})([smhdw])\Z")
_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_LONGEST_WAIT = 86_400
_LEAST_AHEAD, _MOST_AHEAD = 60, 3600


def _only_duration(value: object) -> object:
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration such as 30s, 5m, 2h or 7d")
    return int(match[1]) * _UNITS[match[2]]


def duration_text(seconds: int) -> str:
    """A duration in the largest unit, up to days, that holds it whole."""
    units = (unit for unit in "dhms" if seconds >= _UNITS[unit] and not seconds % _UNITS[unit])
    unit = next(units, "s")
    return f"{seconds // _UNITS[unit]}{unit}"


def _texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("each only once")
    return values


Duration = Annotated[int, BeforeValidator(_only_duration, json_schema_input_type=str)]
"""A number and a unit of s, m, h, d or w; becomes seconds."""
Wait = Annotated[Duration, Field(le=_LONGEST_WAIT)]
MetricName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,200}$")]
DimName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
DimValue = Annotated[str, StringConstraints(min_length=1, max_length=256)]
DimValues = Annotated[
    list[DimValue],
    Field(min_length=1, max_length=50),
    AfterValidator(_distinct),
    BeforeValidator(_texts, json_schema_input_type=str | list[str]),
]
DimNames = Annotated[list[DimName], Field(max_length=5), AfterValidator(_distinct)]


class ConditionRequest(Request):
    """Either ``all`` or ``any`` of further conditions, or one comparison.

    A comparison names ``metric``, ``stat``, ``op``, ``threshold`` and ``window``. ``for`` and
    ``keepFiringFor``: how long a breach must hold before anybody is told, and how long the value
    must be well again before it is over. ``predictWithin``: it breaches as soon as the straight
    line through its last windows passes the threshold so soon.
    """

    every: Annotated[
        list["ConditionRequest"] | None,
        Field(alias="all", min_length=1, max_length=MOST_COMPARISONS),
    ] = None
    some: Annotated[
        list["ConditionRequest"] | None,
        Field(alias="any", min_length=1, max_length=MOST_COMPARISONS),
    ] = None
    metric: MetricName | None = None
    stat: Annotated[Statistic | None, Field(strict=False)] = None
    op: Annotated[Operator | None, Field(strict=False)] = None
    threshold: Annotated[float | None, Field(allow_inf_nan=False, ge=-1e15, le=1e15)] = None
    window: Duration | None = None
    for_: Annotated[Wait | None, Field(alias="for")] = None
    keep_firing_for: Wait | None = None
    filters: Annotated[dict[DimName, DimValues] | None, Field(max_length=10)] = None
    group_by: DimNames | None = None
    no_data: Annotated[NoData | None, Field(strict=False)] = None
    predict_within: Annotated[Duration | None, Field(ge=_LEAST_AHEAD, le=_MOST_AHEAD)] = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        joined = given & {"every", "some"}
        if len(joined) > 1 or (joined and given - joined):
            raise ValueError("either all, or any, or one comparison")
        needed = {"metric", "stat", "op", "threshold", "window"}
        if not joined and needed - given:
            missing = ", ".join(sorted(needed - given))
            raise ValueError(f"a comparison has metric, stat, op, threshold, window: no {missing}")
        return self

    def condition(self) -> Condition:
        """The condition that this writes."""
        for join, parts in ((Join.ALL, self.every), (Join.ANY, self.some)):
            if parts is not None:
                return Combination(join=join, parts=tuple(each.condition() for each in parts))
        metric = cast("str", self.metric)
        stat = cast("Statistic", self.stat)
        known = BY_NAME.get(metric)
        valued = stat not in {Statistic.COUNT, Statistic.RATE, Statistic.SUM}
        return Comparison(
            metric=metric,
            stat=stat,
            op=cast("Operator", self.op),
            threshold=cast("float", self.threshold),
            window_seconds=cast("int", self.window),
            for_seconds=self.for_,
            keep_firing_for_seconds=self.keep_firing_for,
            filters=tuple(
                (name, tuple(values)) for name, values in sorted((self.filters or {}).items())
            ),
            group_by=tuple(self.group_by or ()),
            no_data=self.no_data or NoData.KEEP_LAST,
            percent=stat is Statistic.SHARE or (valued and known is not None and known.unit == "%"),
            predict_seconds=self.predict_within,
        )


def _judgeable(request: ConditionRequest) -> ConditionRequest:
    found = flaw(request.condition())
    if found is not None:
        raise ValueError(found)
    return request


WholeCondition = Annotated[ConditionRequest, AfterValidator(_judgeable)]
"""A condition as a whole: its levels and comparisons are counted."""


def written(condition: Condition) -> dict[str, object]:
    """The condition as it was written, what was left out being left out."""
    if isinstance(condition, Combination):
        return {condition.join.value: [written(part) for part in condition.parts]}
    members: dict[str, object] = {
        "metric": condition.metric,
        "stat": condition.stat.value,
        "op": condition.op.value,
        "threshold": condition.threshold,
        "window": duration_text(condition.window_seconds),
        "noData": condition.no_data.value,
    }
    durations = {
        "for": condition.for_seconds,
        "keepFiringFor": condition.keep_firing_for_seconds,
        "predictWithin": condition.predict_seconds,
    }
    members |= {
        name: duration_text(seconds) for name, seconds in durations.items() if seconds is not None
    }
    if condition.filters:
        members["filters"] = {name: list(values) for name, values in condition.filters}
    if condition.group_by:
        members["groupBy"] = list(condition.group_by)
    return members

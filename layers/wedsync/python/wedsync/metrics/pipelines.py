"""Declared pipelines: series that a tenant derives from others, as they are told and stored.

A pipeline takes the points of some metrics and hands them from transform to transform; what comes
out is counted as points of ``derived.<its id>``, beside what went in
(:mod:`wedsync.metrics.derivation`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wedsync.metrics.condition import Condition, read_condition
from wedsync.metrics.formula import Formula, read_formula
from wedsync.metrics.series import DERIVED

WEDDING_FIELDS = ("style", "complexity", "timeZone", "venueType")
"""What a point may be joined with off its wedding."""


class Unmatched(StrEnum):
    """What becomes of a point that a join finds nothing for."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Filter:
    """Points for which a condition holds go on."""

    where: Condition


@dataclass(frozen=True, slots=True)
class Calculate:
    """The value becomes what a formula over it and over dimensions that are numbers amounts to."""

    value: Formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalize:
    """The value's place in one range becomes that in another."""

    source: tuple[float, float]
    target: tuple[float, float]
    clamp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Dimensions are added: off a table, by the text of a field, or off the wedding."""

    on: str
    table: Mapping[str, Mapping[str, str]]
    wedding_fields: tuple[str, ...]
    unmatched: Unmatched


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """Series that agree in some fields become one, whose windows are read by any function."""

    group_by: tuple[str, ...]
    where: Condition | None


Transform = Filter | Calculate | Normalize | Join | Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSchema:
    """What may come out. ``texts`` are those that a dimension may hold."""

    minimum: float | None = None
    maximum: float | None = None
    required: tuple[str, ...] = ()
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What one pipeline does with the points of which metrics."""

    pipeline_id: str
    names: frozenset[str]
    transforms: tuple[Transform, ...]
    schema: OutputSchema

    @property
    def metric(self) -> str:
        """The metric that it derives."""
        return DERIVED + self.pipeline_id

    @property
    def needs_weddings(self) -> bool:
        """Whether it joins points with their weddings."""
        return any(isinstance(each, Join) and each.wedding_fields for each in self.transforms)


def read_pipeline(text: str) -> Pipeline:
    """A pipeline as it is stored: as its owner told it, and was judged then."""
    told = json.loads(text)
    return Pipeline(
        pipeline_id=told["id"],
        names=frozenset(told["source"]["names"]),
        transforms=tuple(_transform(each) for each in told["transforms"]),
        schema=_schema(told.get("outputSchema") or {}),
    )


def _transform(told: Mapping[str, Any]) -> Transform:
    match told["type"]:
        case "filter":
            return Filter(read_condition(told["where"]))
        case "calculate":
            return Calculate(read_formula(told["value"], None))
        case "normalize":
            (low, high), (new_low, new_high) = told["from"], told["to"]
            return Normalize(
                source=(low, high), target=(new_low, new_high), clamp=bool(told.get("clamp"))
            )
        case "join":
            return Join(
                on=told["on"],
                table=told.get("table") or {},
                wedding_fields=tuple(told.get("weddingFields") or ()),
                unmatched=Unmatched(told.get("otherwise") or Unmatched.KEEP),
            )
        case _:
            rule = told["rule"]
            where = rule.get("filterConditions") or []
            return Aggregate(
                group_by=tuple(rule["groupByFields"]),
                where=read_condition({"all": where}) if where else None,
            )


def _schema(told: Mapping[str, Any]) -> OutputSchema:
    value, dims = told.get("value") or {}, told.get("dims") or {}
    return OutputSchema(
        minimum=value.get("minimum"),
        maximum=value.get("maximum"),
        required=tuple(dims.get("required") or ()),
        texts={
            name: frozenset(each["enum"]) for name, each in (dims.get("properties") or {}).items()
        },
    )

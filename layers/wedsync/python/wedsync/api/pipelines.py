"""Bodies of pipelines."""

import json
from datetime import datetime
from typing import Annotated, Literal, Self
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from wedsync.api.shape import ReadBack, Reply, Request, Text
from wedsync.metrics.asking import Stat, Window
from wedsync.metrics.condition import DIMS, is_field, read_condition
from wedsync.metrics.formula import fields_of, read_formula
from wedsync.metrics.pipelines import WEDDING_FIELDS, Unmatched
from wedsync.metrics.point import LARGEST_VALUE
from wedsync.metrics.series import DERIVED
from wedsync.stores.pipelines import DeclaredPipeline


def _condition(value: object) -> object:
    read_condition(value)
    return value


def _formula(value: object) -> object:
    formula = read_formula(value, None)
    for name in fields_of(formula):
        if name != "value" and not (is_field(name) and name.startswith(DIMS)):
            raise ValueError("a formula's field is value, or dims.<name>")
    return value


def _group(name: str) -> str:
    if not is_field(name) or name in ("value", "name"):
        raise ValueError("a field is weddingId, vendorId, source, or dims.<name>")
    return name


def _source(name: str) -> str:
    if name.startswith(DERIVED):
        raise ValueError("what pipelines derive is taken by none")
    return name


Condition = Annotated[
    object,
    AfterValidator(_condition),
    WithJsonSchema(
        {
            "type": "object",
            "description": "{all: [...]}, {any: [...]}, {not: ...}, or {field} with equals, in, "
            "exists, or for the value above, below, atLeast, atMost",
        }
    ),
]
"""A tree over the fields of a point."""

Formula = Annotated[
    object,
    AfterValidator(_formula),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "object"}],
            "description": "a number, {field: value or dims.<name>}, or {op, of: [...]}",
        }
    ),
]
"""A tree over the value and dimensions that are numbers."""

Number = Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]
MetricName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,200}$"),
    AfterValidator(_source),
]
DimName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
DimText = Annotated[str, StringConstraints(max_length=256)]
OutputField = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
GroupField = Annotated[str, AfterValidator(_group)]
Range = Annotated[list[Number], Field(min_length=2, max_length=2)]


class AggregationRule(Request):
    """Series that agree in some fields become one, of which each window tells some figures."""

    time_window: Annotated[Window, Field(strict=False)]
    group_by_fields: Annotated[list[GroupField], Field(max_length=6)]
    aggregation_functions: Annotated[
        list[Annotated[Stat, Field(strict=False)]], Field(min_length=1, max_length=len(Stat))
    ]
    filter_conditions: Annotated[list[Condition], Field(default_factory=list, max_length=10)]
    output_fields: Annotated[list[OutputField], Field(min_length=1, max_length=len(Stat))]

    @model_validator(mode="after")
    def _names_each_figure(self) -> Self:
        if len(self.output_fields) != len(self.aggregation_functions):
            raise ValueError("outputFields names the figure of each function, in their order")
        if len(set(self.output_fields)) != len(self.output_fields):
            raise ValueError("each output field has a name of its own")
        return self


_MEMBERS = {
    "filter": ({"where"}, set()),
    "calculate": ({"value"}, set()),
    "normalize": ({"from_range", "to_range"}, {"clamp"}),
    "join": ({"on"}, {"table", "wedding_fields", "otherwise"}),
    "aggregate": ({"rule"}, set()),
}
"""The members that each type of transform needs, and those that it may have."""


class TransformRequest(Request):
    """One step. Each type has members of its own: see docs/pipelines.md."""

    type: Literal["filter", "calculate", "normalize", "join", "aggregate"]
    where: Condition | None = None
    value: Formula | None = None
    from_range: Annotated[Range | None, Field(alias="from")] = None
    to_range: Annotated[Range | None, Field(alias="to")] = None
    clamp: bool | None = None
    on: GroupField | None = None
    table: Annotated[
        dict[DimText, Annotated[dict[DimName, DimText], Field(max_length=8)]] | None,
        Field(max_length=200),
    ] = None
    wedding_fields: Annotated[
        list[Literal["style", "complexity", "timeZone", "venueType"]] | None,
        Field(min_length=1, max_length=len(WEDDING_FIELDS)),
    ] = None
    otherwise: Annotated[Unmatched | None, Field(strict=False)] = None
    rule: AggregationRule | None = None

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> Self:
        needed, allowed = _MEMBERS[self.type]
        told = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if missing := sorted(needed - told):
            raise ValueError(f"a transform of type {self.type} needs {_alias(missing[0])}")
        if unknown := sorted(told - needed - allowed - {"type"}):
            raise ValueError(f"a transform of type {self.type} has no {_alias(unknown[0])}")
        if self.from_range is not None and self.from_range[0] == self.from_range[1]:
            raise ValueError("from is a range of two different numbers")
        if self.type == "join":
            if (self.table is None) == (self.wedding_fields is None):
                raise ValueError("a join has a table or weddingFields")
            if self.wedding_fields is not None and self.on != "weddingId":
                raise ValueError("a wedding is joined on weddingId")
        return self


def _alias(name: str) -> str:
    return str(TransformRequest.model_fields[name].alias)


class SourceRequest(Request):
    """Which points are taken."""

    names: Annotated[list[MetricName], Field(min_length=1, max_length=20)]


class ValueSchema(Request):
    """What values may come out."""

    minimum: Number | None = None
    maximum: Number | None = None


class TextSchema(Request):
    """What a dimension may hold."""

    enum: Annotated[list[DimText], Field(min_length=1, max_length=100)]


class DimsSchema(Request):
    """What dimensions may come out."""

    required: Annotated[list[DimName], Field(default_factory=list, max_length=16)]
    properties: Annotated[dict[DimName, TextSchema], Field(default_factory=dict, max_length=16)]


class OutputSchemaRequest(Request):
    """What may come out; anything else is parked."""

    value: ValueSchema | None = None
    dims: DimsSchema | None = None


class PipelineRequest(ReadBack):
    """What is derived from which points."""

    server_made = frozenset({"id", "metric", "outputs", "updatedAt", "version"})

    description: Text = ""
    source: SourceRequest
    transforms: Annotated[list[TransformRequest], Field(min_length=1, max_length=10)]
    output_schema: OutputSchemaRequest | None = None

    @model_validator(mode="after")
    def _aggregates_last(self) -> Self:
        types = [each.type for each in self.transforms]
        if "aggregate" in types[:-1]:
            raise ValueError("a pipeline aggregates once, at its end")
        return self

    def declared(self, pipeline_id: str, *, at: datetime) -> DeclaredPipeline:
        """The pipeline under this id."""
        told = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        text = json.dumps({"id": pipeline_id, **told}, separators=(",", ":"))
        return DeclaredPipeline(pipeline_id=pipeline_id, declaration=text, updated_at=at)


class OutputReply(Reply):
    """A figure of the derived series, and where it is read."""

    field: str
    function: Stat
    href: str


class PipelineReply(Reply):
    """A pipeline as it is declared; ``metric`` is what it derives."""

    id: str
    description: str
    source: dict[str, object]
    transforms: list[dict[str, object]]
    output_schema: dict[str, object] | None
    metric: str
    outputs: list[OutputReply]
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, pipeline: DeclaredPipeline) -> "PipelineReply":
        """This pipeline."""
        told = json.loads(pipeline.declaration)
        metric = DERIVED + pipeline.pipeline_id
        rule = next((each["rule"] for each in told["transforms"] if "rule" in each), None)
        return cls(
            id=pipeline.pipeline_id,
            description=told["description"],
            source=told["source"],
            transforms=told["transforms"],
            output_schema=told.get("outputSchema"),
            metric=metric,
            outputs=[] if rule is None else _outputs(metric, rule),
            updated_at=pipeline.updated_at,
            version=pipeline.version,
        )


def _outputs(metric: str, rule: dict[str, list[str]]) -> list[OutputReply]:
    grouped = [name.removeprefix(DIMS) for name in rule["groupByFields"] if name.startswith(DIMS)]
    group = {"groupBy": ",".join(grouped)} if grouped else {}
    return [
        OutputReply(
            field=field,
            function=Stat(function),
            href="/api/metrics/series?"
            + urlencode({"name": metric, "stat": function, "window": rule["timeWindow"], **group}),
        )
        for field, function in zip(rule["outputFields"], rule["aggregationFunctions"], strict=True)
    ]


class PipelineListReply(Reply):
    """All pipelines of the tenant, by id."""

    items: list[PipelineReply]

"""What one deployment chooses: read from the context of cdk.json and ``-c``, and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from wedsync.metrics.packs import MOST_PACKS
from wedsync.rates import MOST_PER_MINUTE
from wedsync.settings import CLIENT_RATE, DEVICE_RATE, TENANT_POINTS, History
from wedsync.tenancy import Tenant
from wedsync.weddings.phase import Stage


def _tenant(value: str) -> str:
    Tenant(value)
    return value


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _parsed(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be JSON") from None


Retention = Annotated[
    Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], BeforeValidator(_whole)
]

PerMinute = Annotated[int, Field(ge=0, le=MOST_PER_MINUTE)]


class InfluxNetwork(BaseModel):
    """The network that an InfluxDB 3 cluster stands in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subnets: tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...] = Field(
        min_length=1
    )
    security_groups: tuple[Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")], ...] = Field(
        min_length=1
    )
    instance_type: str = "db.influx.medium"


class Deployment(BaseModel):
    """The settings of one deployment.

    ``shards`` is the number of shards of the metrics stream, ``packs`` that of storage packs a
    tenant. ``requests_per_minute`` and ``device_requests_per_minute`` are what one key may ask,
    ``tenant_points_per_minute`` what all of a tenant's may send over HTTP; 0 is no limit.
    ``batching_seconds`` is how long the stream's function may wait for more records: with each
    second more, fewer writes, and a page later by as much.
    ``route_metrics``: CloudWatch tells of each route, and not of the API as a whole alone.
    ``account`` may be left out: the templates then fit any account. ``-c`` takes ``influxdb3`` and
    ``allowed_origins`` as JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Stage
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    operator_tenant: Annotated[str, AfterValidator(_tenant)]
    packs: int = Field(ge=1, le=MOST_PACKS)
    shards: int = Field(ge=1, le=500)
    batching_seconds: int = Field(default=1, ge=0, le=10)
    requests_per_minute: PerMinute = CLIENT_RATE.per_minute
    device_requests_per_minute: PerMinute = DEVICE_RATE.per_minute
    tenant_points_per_minute: PerMinute = TENANT_POINTS.per_minute
    log_retention_days: Retention
    route_metrics: Annotated[bool, BeforeValidator(_parsed)] = True
    history: History
    influxdb3: Annotated[InfluxNetwork | None, BeforeValidator(_parsed)] = None
    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_parsed)] = ("*",)

    @model_validator(mode="after")
    def _influxdb_has_a_network(self) -> Deployment:
        if self.history is History.INFLUXDB3 and self.influxdb3 is None:
            raise ValueError("influxdb3 needs the setting influxdb3: {subnets, security_groups}")
        return self

    @property
    def keeps_data(self) -> bool:
        """Whether data outlive their stack."""
        return self.stage is Stage.PROD

    @property
    def prefix(self) -> str:
        """What every physical name begins with."""
        return f"wedsync-{self.stage}"


def from_context(context: Mapping[str, object]) -> Deployment:
    """Read the deployment: the section of its stage in ``stages``, overruled by the top level.

    Keys of the CDK itself are passed over. Raises ValueError that names every wrong value.
    """
    stages = context.get("stages")
    stage = context.get("stage")
    section = stages.get(stage) if isinstance(stages, Mapping) else None
    known = Deployment.model_fields.keys()
    chosen = {**(section or {}), **{key: context[key] for key in known if key in context}}
    try:
        return Deployment.model_validate(chosen)
    except ValidationError as error:
        raise ValueError(_explained(error)) from None


def _explained(error: ValidationError) -> str:
    lines = ["the deployment's context is wrong (cdk.json, or -c key=value):"]
    for wrong in error.errors():
        place = ".".join(str(part) for part in wrong["loc"]) or "history"
        given = "" if wrong["type"] == "missing" else f" (got {wrong['input']!r})"
        said = re.sub(r"^(Value error|Assertion failed), ", "", wrong["msg"])
        lines.append(f"  {place}: {said}{given if wrong['loc'] else ''}")
    return "\n".join(lines)

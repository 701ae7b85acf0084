"""Settings: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wedsync.resources import Resource
from wedsync.tenancy import Tenant
from wedsync.weddings.phase import Stage


class History(StrEnum):
    """The long-range store beside the rollups."""

    TIMESTREAM = "timestream"
    INFLUXDB3 = "influxdb3"
    DYNAMODB = "dynamodb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs between deployments.

    ``operator_tenant`` owns the bundle's own metrics and what no tenant can be proved for.
    ``unsigned_tenant`` is the tenant of unsigned stream records; None quarantines them all.
    ``packs`` is the number of storage packs of a tenant. ``history`` is the long-range store beside
    the rollups; ``dynamodb`` means that there is none. ``names`` holds the physical name of
    each resource (a topic's ARN, a queue's URL).
    """

    stage: Stage = Stage.PROD
    region: str = "us-east-1"
    operator_tenant: Tenant = field(default_factory=lambda: Tenant("operator"))
    unsigned_tenant: Tenant | None = None
    packs: int = 4
    stream_name: str = "wedsync-metrics"
    history: History = History.DYNAMODB
    names: Mapping[Resource, str] = field(default_factory=dict)


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a deployed function. Raises KeyError where one is missing."""
    values = os.environ if environment is None else environment  # noqa: TID251 - the one place
    return Settings(
        stage=Stage(values["WEDSYNC_STAGE"]),
        region=values["AWS_REGION"],
        operator_tenant=Tenant(values["WEDSYNC_OPERATOR_TENANT"]),
        packs=int(values["WEDSYNC_PACKS"]),
        stream_name=values["WEDSYNC_STREAM_NAME"],
        history=History(values["WEDSYNC_HISTORY_STORE"]),
        names={
            resource: values[resource.variable]
            for resource in Resource
            if resource.variable in values
        },
    )

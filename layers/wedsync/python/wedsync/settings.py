"""Settings: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wedsync.rates import Rate
from wedsync.resources import Resource
from wedsync.tenancy import Role, Tenant
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
    ``packs`` is the number of storage packs that a new tenant begins with. ``names`` holds the
    physical name of each resource (a topic's ARN, a queue's URL). ``client_rate`` and
    ``device_rate`` say how often one caller may ask, by what its key is for; None as often as it
    likes. ``tenant_points`` says how many points a tenant may send over HTTP; ``sheds_load``: what
    can wait is refused while the consumer is behind. ``history`` is the long-range store beside the
    rollups; ``dynamodb`` means that there is none. ``loopback_endpoints``: contacts may have
    endpoints on this very machine; no deployment has that, only a local server.
    """

    stage: Stage = Stage.PROD
    region: str = "us-east-1"
    operator_tenant: Tenant = field(default_factory=lambda: Tenant("operator"))
    unsigned_tenant: Tenant | None = None
    packs: int = 4
    stream_name: str = "wedsync-metrics"
    client_rate: Rate | None = None
    device_rate: Rate | None = None
    tenant_points: Rate | None = None
    sheds_load: bool = False
    history: History = History.DYNAMODB
    names: Mapping[Resource, str] = field(default_factory=dict)
    loopback_endpoints: bool = False

    def rate_of(self, role: Role) -> Rate | None:
        """How often a caller of this role may ask."""
        return self.device_rate if role is Role.DEVICE else self.client_rate


CLIENT_RATE = Rate(per_minute=100, burst=100)
"""What a person's or a program's key may ask."""
DEVICE_RATE = Rate(per_minute=600, burst=600)
"""What a device's key may send: each request holds up to 500 points."""


TENANT_POINTS = Rate(per_minute=600_000, burst=600_000)
"""What all keys of a tenant may send over HTTP: twice what one device can."""


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a deployed function, or of a command that works on a deployment.

    Raises KeyError where one is missing, ValueError where one is none of its kind.
    """
    values = os.environ if environment is None else environment  # noqa: TID251 - the one place
    return Settings(
        stage=Stage(values["WEDSYNC_STAGE"]),
        region=values["AWS_REGION"],
        operator_tenant=Tenant(values["WEDSYNC_OPERATOR_TENANT"]),
        packs=int(values["WEDSYNC_PACKS"]),
        stream_name=values["WEDSYNC_STREAM_NAME"],
        client_rate=_a_minute(values["WEDSYNC_REQUESTS_PER_MINUTE"]),
        device_rate=_a_minute(values["WEDSYNC_DEVICE_REQUESTS_PER_MINUTE"]),
        tenant_points=_a_minute(values["WEDSYNC_TENANT_POINTS_PER_MINUTE"]),
        sheds_load=True,
        history=History(values["WEDSYNC_HISTORY_STORE"]),
        names={
            resource: values[resource.variable]
            for resource in Resource
            if resource.variable in values
        },
    )


def _a_minute(number: str) -> Rate | None:
    """So many requests a minute, a whole minute's at once; 0 is no limit."""
    return Rate(per_minute=int(number), burst=int(number)) if int(number) else None

"""Physical names and ARNs of the resources.

Names are fixed, so that stacks know each other's resources without exports, which would lock
them together. Only what AWS itself names (keys, secrets) crosses stacks by reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws

from infra.cdk.deployment import Deployment
from infra.grants import Part, service
from wedsync.resources import Resource, ResourceKind
from wedsync.runbooks.model import TARGETS, Dimension

HISTORY_TABLE = "points"
"""The table of the history in Timestream, in a database that is named as the installation."""


def physical_name(deployment: Deployment, resource: Resource) -> str:
    """Name a resource as it is created; a bucket's name is unique over all accounts."""
    name = f"{deployment.prefix}-{resource.slug}"
    return f"{name}-{Aws.ACCOUNT_ID}-{Aws.REGION}" if resource.kind is ResourceKind.BUCKET else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where everything is, for functions that want to reach it.

    ``missed_arn`` is the queue of events that were given up. ``history_url`` leads to the
    database of an InfluxDB, where there is one. ``api_id`` is known once there is an API.
    """

    deployment: Deployment
    key_arn: str
    missed_arn: str
    secret_arns: Mapping[Resource, str]
    history_url: str | None = None
    api_id: str | None = None

    def name(self, resource: Resource) -> str:
        """Name the resource as AWS knows it."""
        return physical_name(self.deployment, resource)

    def arn(self, resource: Resource) -> str:
        """Give the ARN of the resource itself. Raises ValueError for what has none."""
        here = f"{service(resource.kind)}:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        match resource.kind:
            case ResourceKind.TABLE:
                place = f"{here}:table/{self.name(resource)}"
            case ResourceKind.STREAM:
                place = f"{here}:stream/{self.name(resource)}"
            case ResourceKind.TOPIC | ResourceKind.QUEUE:
                place = f"{here}:{self.name(resource)}"
            case ResourceKind.BUCKET:
                place = f"s3:::{self.name(resource)}"
            case ResourceKind.SECRET:
                return self.secret_arns[resource]
            case ResourceKind.TIME_SERIES:
                place = f"{here}:database/{self.deployment.prefix}/table/{HISTORY_TABLE}"
            case ResourceKind.READINGS | ResourceKind.CAPACITY:
                raise ValueError(f"{resource.name} has no ARN")
        return f"arn:{Aws.PARTITION}:{place}"

    def arns(self, resource: Resource, part: Part) -> tuple[str, ...]:
        """Give the ARNs of a part of the resource; none for the indexes of a table without any."""
        match part:
            case Part.SELF:
                return (self.arn(resource),)
            case Part.INDEXES:
                own = self.arn(resource)
                return tuple(f"{own}/index/{index.name}" for index in resource.indexes)
            case Part.OBJECTS:
                return (f"{self.arn(resource)}/*",)
            case Part.FUNCTIONS:
                place = f"lambda:{Aws.REGION}:{Aws.ACCOUNT_ID}:function:{self.deployment.prefix}"
                names = TARGETS[Dimension.RESERVED_CONCURRENCY]
                return tuple(f"arn:{Aws.PARTITION}:{place}-{name}" for name in names)
            case Part.STREAMS:
                names = TARGETS[Dimension.SHARDS]
                streams = (each for each in Resource if each.kind is ResourceKind.STREAM)
                return tuple(self.arn(each) for each in streams if each.slug in names)
            case Part.EVERYTHING:
                return ("*",)

    def value(self, resource: Resource) -> str:
        """Give what a client opens the resource by: a topic's ARN, a queue's URL, else a name.

        Raises ValueError for readings while there is no API.
        """
        match resource.kind:
            case ResourceKind.TOPIC | ResourceKind.SECRET:
                return self.arn(resource)
            case ResourceKind.TIME_SERIES:
                return self.history_url or f"{self.deployment.prefix}/{HISTORY_TABLE}"
            case ResourceKind.READINGS:
                if self.api_id is None:
                    raise ValueError(f"{resource.name} is of an API that is not there yet")
                detail = "routes" if self.deployment.route_metrics else "api"
                return f"{self.deployment.prefix}/{self.api_id}/{detail}"
            case ResourceKind.CAPACITY:
                return self.deployment.prefix
            case ResourceKind.QUEUE:
                host = f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"
                return f"https://{host}/{Aws.ACCOUNT_ID}/{self.name(resource)}"
            case _:
                return self.name(resource)

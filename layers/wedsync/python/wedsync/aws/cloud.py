"""The seam on AWS, as one thing that opens resources."""

from collections.abc import Callable, Mapping
from functools import cached_property
from threading import RLock
from typing import TypeVar, cast

from wedsync.aws.capacity import AwsCapacity
from wedsync.aws.clients import Clients
from wedsync.aws.clock import RandomIds, RealClock
from wedsync.aws.faults import Caller
from wedsync.aws.influx import InfluxSeries
from wedsync.aws.keepsakes import ManagedSecret, S3Bucket
from wedsync.aws.messages import SnsTopic, SqsQueue
from wedsync.aws.readings import CloudWatchReadings
from wedsync.aws.streams import KinesisStream
from wedsync.aws.tables import DynamoTable
from wedsync.aws.time_series import TimestreamSeries
from wedsync.cloud import Clock, Ids
from wedsync.resources import Resource, ResourceKind
from wedsync.web import GuardedWeb

_Opened = TypeVar("_Opened")


class AwsCloud:
    """A ``wedsync.cloud.Cloud`` on AWS; a process makes one and keeps it.

    ``names`` says what each resource is called there: the name of a table, stream or bucket, the
    ARN of a topic, the URL of a queue, the ARN or name of a secret, ``database/table`` in
    Timestream or the URL of a database in InfluxDB, for readings the prefix of all names, the
    API's id, and ``routes`` or ``api``, and for capacity that prefix. Nothing is connected, and no
    client made, before the first resource of its service is opened. ``clients`` shares those that
    another cloud made, and brings its own region.
    """

    def __init__(
        self,
        names: Mapping[Resource, str],
        *,
        region: str | None = None,
        clients: Clients | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
    ) -> None:
        self._names = names
        self._clients = clients or Clients(region=region)
        self._clock = clock or RealClock()
        self._ids = ids or RandomIds(self._clock)
        self._caller = Caller(self._ids)
        self._lock = RLock()
        self._opened: dict[Resource, object] = {}

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._clock

    @property
    def wall_clock(self) -> Clock:
        """The same time."""
        return self._clock

    @property
    def ids(self) -> Ids:
        """Ids and randomness."""
        return self._ids

    @cached_property
    def web(self) -> GuardedWeb:
        """The Internet, and nothing inside."""
        return GuardedWeb()

    def table(self, resource: Resource) -> DynamoTable:
        """Open a table."""
        return self._open(
            resource,
            ResourceKind.TABLE,
            lambda name: DynamoTable(
                self._clients.dynamodb,
                resource,
                name=name,
                clock=self._clock,
                caller=self._caller,
            ),
        )

    def stream(self, resource: Resource) -> KinesisStream:
        """Open a stream."""
        return self._open(
            resource,
            ResourceKind.STREAM,
            lambda name: KinesisStream(self._clients.kinesis, name=name, caller=self._caller),
        )

    def topic(self, resource: Resource) -> SnsTopic:
        """Open a topic."""
        return self._open(
            resource,
            ResourceKind.TOPIC,
            lambda arn: SnsTopic(self._clients.sns, arn=arn, caller=self._caller),
        )

    def queue(self, resource: Resource) -> SqsQueue:
        """Open a queue."""
        return self._open(
            resource,
            ResourceKind.QUEUE,
            lambda url: SqsQueue(self._clients.sqs, url=url, caller=self._caller),
        )

    def bucket(self, resource: Resource) -> S3Bucket:
        """Open a bucket."""
        return self._open(
            resource,
            ResourceKind.BUCKET,
            lambda name: S3Bucket(self._clients.s3, name=name, caller=self._caller),
        )

    def secret(self, resource: Resource) -> ManagedSecret:
        """Open a secret; its value is fetched when it is asked for."""
        return self._open(
            resource,
            ResourceKind.SECRET,
            lambda name: ManagedSecret(
                self._clients.secretsmanager, name=name, clock=self._clock, caller=self._caller
            ),
        )

    def time_series(self, resource: Resource) -> TimestreamSeries | InfluxSeries:
        """Open a time series store: a URL leads to an InfluxDB, else it is Timestream's."""
        return self._open(resource, ResourceKind.TIME_SERIES, self._opened_series)

    def readings(self, resource: Resource) -> CloudWatchReadings:
        """Open what the bundle's own parts measure."""
        return self._open(
            resource,
            ResourceKind.READINGS,
            lambda name: CloudWatchReadings(
                self._clients.cloudwatch,
                resource,
                name=name,
                clock=self._clock,
                caller=self._caller,
            ),
        )

    def capacity(self, resource: Resource) -> AwsCapacity:
        """Open how much room the bundle's own parts have."""
        return self._open(
            resource,
            ResourceKind.CAPACITY,
            lambda prefix: AwsCapacity(
                self._clients.functions, self._clients.kinesis, prefix=prefix, caller=self._caller
            ),
        )

    def _opened_series(self, name: str) -> TimestreamSeries | InfluxSeries:
        if name.startswith("https://"):
            return InfluxSeries(name, token=self.secret(Resource.HISTORY_TOKEN))
        return TimestreamSeries(
            self._clients.timestream_write,
            self._clients.timestream_query,
            name=name,
            caller=self._caller,
        )

    def _open(
        self, resource: Resource, kind: ResourceKind, make: Callable[[str], _Opened]
    ) -> _Opened:
        """The same object for the same resource, so that what it remembers is shared."""
        if resource.kind is not kind:
            raise ValueError(f"{resource.name} is a {resource.kind}")
        if resource not in self._names:
            raise ValueError(f"{resource.name} has no physical name here: is it declared?")
        with self._lock:
            if resource not in self._opened:
                self._opened[resource] = make(self._names[resource])
            return cast("_Opened", self._opened[resource])

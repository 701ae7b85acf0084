"""A cloud to play one function on: SQLite in memory, or boto3 against moto.

Beneath the function's own narrowed view stands a recording of every call, so that grants can be
compared with what is really used. A deployed function knows the names of what it declared only,
and so does it here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from moto import mock_aws

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from infra.registry import registry
from tests.cloud.fake_aws import REGION, create, dynamodb, secretsmanager
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.cloud import (
    Answered,
    Bucket,
    Call,
    Capacity,
    Cloud,
    Condition,
    Delayed,
    Item,
    Measured,
    Message,
    Outcome,
    PutFailures,
    Queue,
    Readings,
    Readout,
    Record,
    Refusal,
    Secret,
    Span,
    Stream,
    Subscriber,
    Table,
    TimeSeries,
    Topic,
    Web,
)
from wedsync.cloud.forwarding import ForwardingCloud, ForwardingTable
from wedsync.errors import Throttled
from wedsync.resources import Access, Resource, ResourceKind
from wedsync.runtime.declarations import Function
from wedsync.settings import CLIENT_RATE, DEVICE_RATE, TENANT_POINTS, History, Settings
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

NOW = datetime(2026, 6, 20, 14, 5, tzinfo=UTC)
"""A Saturday, five past four in the afternoon in Madrid."""
TENANT = Tenant("demo")
MASTER = b"a-planted-master-secret"
SEALING = b"a-planted-secret-of-all-channels"
TOKEN_KEY = b"a-planted-key-that-signs-tokens."
TOKEN_KEYS = (
    b'{"keys":[{"kty":"oct","alg":"HS256","kid":"tokens-1",'
    b'"k":"YS1wbGFudGVkLWtleS10aGF0LXNpZ25zLXRva2Vucy4"}]}'
)
FUNCTIONS: Mapping[str, Function] = {each.declaration.name: each for each in registry()}
SECRETS = {Resource.SIGNING: MASTER, Resource.TOKEN_KEYS: TOKEN_KEYS, Resource.SEALING: SEALING}

_clients = Clients(region=REGION)


class PlantedIds(SeededIds):
    """Repeatable ids, whose first secrets are the planted ones."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.planted: list[bytes] = []

    def secret(self, size_bytes: int) -> bytes:
        return self.planted.pop(0) if self.planted else super().secret(size_bytes)


@dataclass(frozen=True, slots=True)
class Context:
    """What is used of Lambda's context."""

    aws_request_id: str = "5f0c7c1e-0000-4000-8000-000000000001"


@dataclass(slots=True)
class Stage:
    """One cloud, and the means to run functions on it."""

    cloud: Cloud
    clock: ManualClock
    names: Mapping[Resource, str] | None = None
    used: dict[str, set[tuple[Resource, Access]]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    history: History = History.DYNAMODB
    refuses: bool = False

    @property
    def settings(self) -> Settings:
        return Settings(
            region=REGION,
            operator_tenant=TENANT,
            unsigned_tenant=TENANT,
            history=self.history,
            names=self.names or {},
            client_rate=CLIENT_RATE,
            device_rate=DEVICE_RATE,
            tenant_points=TENANT_POINTS,
            sheds_load=True,
        )

    @property
    def services(self) -> Services:
        """Every store, for arranging what a function finds and for looking at what it left."""
        return Services(self.cloud, self.settings)

    def run(
        self,
        name: str,
        event: Mapping[str, object],
        *,
        down: frozenset[Resource] = frozenset(),
        deaf_to: frozenset[str] = frozenset(),
    ) -> Mapping[str, object]:
        """Run a function; sending to what is ``down`` fails, as do calls named in ``deaf_to``."""
        function = FUNCTIONS[name]
        used = self.used.setdefault(name, set())
        cloud = RecordingCloud(
            self._as_deployed(function),
            used,
            self.touched,
            down=down,
            deaf_to=deaf_to | ({"measure"} if self.refuses else frozenset()),
        )
        answer = function.run(event, Context(), cloud, self.settings)
        return cast("Mapping[str, object]", answer or {})

    def _as_deployed(self, function: Function) -> Cloud:
        if self.names is None:
            return self.cloud
        declared = {grant.resource for grant in function.declaration.uses}
        return AwsCloud(
            {resource: self.names[resource] for resource in declared},
            clients=_clients,
            clock=self.clock,
            ids=self.cloud.ids,
        )


@contextmanager
def on_sqlite() -> Iterator[Stage]:
    """A stage in memory."""
    clock, ids = ManualClock(NOW), PlantedIds(1)
    with LocalCloud(None, clock=clock, ids=ids) as cloud:
        for resource, secret in SECRETS.items():
            ids.planted.append(secret)
            cloud.secret(resource).value()
        yield Stage(cloud, clock)


@contextmanager
def on_moto() -> Iterator[Stage]:
    """A stage on boto3, with moto in the place of AWS."""
    clock, ids = ManualClock(NOW), PlantedIds(1)
    with mock_aws():
        names = _Created()
        yield Stage(AwsCloud(names, clients=_clients, clock=clock, ids=ids), clock, names)


class _Created(Mapping[Resource, str]):
    """What AWS calls each resource, which is made when somebody asks: most nobody needs."""

    def __init__(self) -> None:
        self._names: dict[Resource, str] = {}

    def __getitem__(self, resource: Resource) -> str:
        if resource not in self._names:
            self._names[resource] = name = _created(resource)
            if resource in SECRETS:
                secretsmanager().put_secret_value(
                    SecretId=name, SecretString=SECRETS[resource].decode()
                )
        return self._names[resource]

    def __iter__(self) -> Iterator[Resource]:
        return iter(Resource)

    def __len__(self) -> int:
        return len(Resource)


def _created(resource: Resource) -> str:
    """Make it as it is deployed; boto3 takes no empty list of indexes."""
    if resource.kind is not ResourceKind.TABLE or resource.indexes:
        return create(resource)
    name = f"test-{resource.slug}"
    dynamodb().create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return name


class Elsewhere:
    """Every endpoint is down; nothing leaves this process."""

    def post(self, call: Call) -> Outcome:
        assert call.body
        return Answered(503)


class RecordingCloud(ForwardingCloud):
    """Notes what is called; opening a resource is no call."""

    def __init__(
        self,
        cloud: Cloud,
        used: set[tuple[Resource, Access]],
        touched: set[str],
        *,
        down: frozenset[Resource] = frozenset(),
        deaf_to: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(cloud)
        self._used = used
        self.touched = touched
        self._down = down
        self._deaf_to = deaf_to

    def note(self, resource: Resource, access: Access) -> None:
        self._used.add((resource, access))
        if resource in self._down:
            raise Throttled

    def deafens(self, call: str) -> bool:
        return call in self._deaf_to

    @property
    def web(self) -> Web:
        return Elsewhere()

    def table(self, resource: Resource) -> Table:
        return _RecordingTable(self._cloud.table(resource), self, resource)

    def stream(self, resource: Resource) -> Stream:
        return _Recording(self, resource, stream=self._cloud.stream(resource))

    def topic(self, resource: Resource) -> Topic:
        return _Recording(self, resource, topic=self._cloud.topic(resource))

    def queue(self, resource: Resource) -> Queue:
        return _Recording(self, resource, queue=self._cloud.queue(resource))

    def bucket(self, resource: Resource) -> Bucket:
        return _RecordingBucket(self._cloud.bucket(resource), self, resource)

    def secret(self, resource: Resource) -> Secret:
        return _Recording(self, resource, secret=self._cloud.secret(resource))

    def time_series(self, resource: Resource) -> TimeSeries:
        return _RecordingTimeSeries(self._cloud.time_series(resource), self, resource)

    def readings(self, resource: Resource) -> Readings:
        return _RecordingReadings(self._cloud.readings(resource), self, resource)

    def capacity(self, resource: Resource) -> Capacity:
        return _RecordingCapacity(self._cloud.capacity(resource), self, resource)


class _RecordingTimeSeries:
    def __init__(self, series: TimeSeries, noting: RecordingCloud, resource: Resource) -> None:
        self._series = series
        self._noting = noting
        self._resource = resource

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        self._noting.note(self._resource, Access.WRITE)
        if self._noting.deafens("measure"):
            return tuple(Refusal(index, "out of range") for index in range(len(points)))
        return self._series.write(points)

    def read(self, span: Span) -> tuple[Measured, ...]:
        self._noting.note(self._resource, Access.READ)
        return self._series.read(span)


class _RecordingReadings:
    def __init__(self, readings: Readings, noting: RecordingCloud, resource: Resource) -> None:
        self._readings = readings
        self._noting = noting
        self._resource = resource

    def read(self, first: int, last: int) -> Readout:
        self._noting.note(self._resource, Access.READ)
        return self._readings.read(first, last)


class _RecordingCapacity:
    def __init__(self, capacity: Capacity, noting: RecordingCloud, resource: Resource) -> None:
        self._capacity = capacity
        self._noting = noting
        self._resource = resource

    def reserved(self, function: str) -> int | None:
        self._noting.note(self._resource, Access.READ)
        return self._capacity.reserved(function)

    def reserve(self, function: str, concurrency: int | None) -> None:
        self._noting.note(self._resource, Access.WRITE)
        self._capacity.reserve(function, concurrency)

    def shards(self, stream: str) -> int:
        self._noting.note(self._resource, Access.READ)
        return self._capacity.shards(stream)

    def reshard(self, stream: str, shards: int) -> None:
        self._noting.note(self._resource, Access.WRITE)
        self._capacity.reshard(stream, shards)


class _Recording:
    """A sender or a secret."""

    def __init__(
        self,
        noting: RecordingCloud,
        resource: Resource,
        *,
        stream: Stream | None = None,
        topic: Topic | None = None,
        queue: Queue | None = None,
        secret: Secret | None = None,
    ) -> None:
        self._noting = noting
        self._resource = resource
        self._stream, self._topic, self._queue, self._secret = stream, topic, queue, secret

    def put(self, records: Sequence[Record]) -> PutFailures:
        assert self._stream is not None
        self._noting.note(self._resource, Access.SEND)
        return self._stream.put(records)

    def publish(self, message: Message) -> None:
        assert self._topic is not None
        self._noting.note(self._resource, Access.SEND)
        self._topic.publish(message)

    def subscribe(self, subscriber: Subscriber) -> None:
        assert self._topic is not None
        self._noting.note(self._resource, Access.WRITE)
        self._topic.subscribe(subscriber)

    def send(self, message: Delayed) -> None:
        assert self._queue is not None
        self._noting.note(self._resource, Access.SEND)
        self._queue.send(message)

    def value(self) -> bytes:
        assert self._secret is not None
        self._noting.note(self._resource, Access.READ)
        return self._secret.value()


class _RecordingTable(ForwardingTable):
    def __init__(self, table: Table, noting: RecordingCloud, resource: Resource) -> None:
        super().__init__(table)
        self._noting = noting
        self._resource = resource

    def called(self, call: str, *partitions: str) -> None:
        reads = call in {"get", "get_many", "query"}
        self._noting.note(self._resource, Access.READ if reads else Access.WRITE)
        self._noting.touched.update(partitions)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        if "answer" in item.attributes and self._noting.deafens("remember"):
            self.called("put", item.key.pk)
            raise Throttled
        super().put(item, when=when)


class _RecordingBucket:
    def __init__(self, bucket: Bucket, noting: RecordingCloud, resource: Resource) -> None:
        self._bucket = bucket
        self._noting = noting
        self._resource = resource

    def put(self, name: str, data: bytes) -> None:
        self._noting.note(self._resource, Access.WRITE)
        self._bucket.put(name, data)

    def get(self, name: str) -> bytes | None:
        self._noting.note(self._resource, Access.READ)
        return self._bucket.get(name)

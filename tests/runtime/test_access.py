"""A function reaches what it declared, and nothing else."""

from collections.abc import Callable, Iterator

import pytest

from tests.functions.stage import Context, Stage, on_sqlite
from wedsync.cloud import Cloud, Delayed, Item, Key, Message, Record
from wedsync.cloud.forwarding import ForwardingCloud
from wedsync.errors import Invalid
from wedsync.resources import Resource
from wedsync.runtime.access import DeclaredCloud, UndeclaredAccess
from wedsync.runtime.events import schedule
from wedsync.settings import Settings
from wedsync.stores.services import Services

KEY = Key("demo#x", "y")
ITEM = Item(KEY, {})
READS: dict[str, Callable[[Cloud], object]] = {
    "get": lambda cloud: cloud.table(Resource.ALERTS).get(KEY),
    "get_many": lambda cloud: cloud.table(Resource.ALERTS).get_many([KEY]),
    "query": lambda cloud: cloud.table(Resource.ALERTS).query("demo#x"),
}
WRITES: dict[str, Callable[[Cloud], object]] = {
    "put": lambda cloud: cloud.table(Resource.ALERTS).put(ITEM),
    "delete": lambda cloud: cloud.table(Resource.ALERTS).delete(KEY),
}
OTHERS: dict[str, Callable[[Cloud], object]] = {
    "stream": lambda cloud: cloud.stream(Resource.METRICS_STREAM).put([Record("a", b"b")]),
    "topic": lambda cloud: cloud.topic(Resource.TIER_0).publish(Message(subject="a", body="b")),
    "queue": lambda cloud: cloud.queue(Resource.WAKE).send(Delayed("a", 0)),
    "bucket put": lambda cloud: cloud.bucket(Resource.QUARANTINE).put("a", b"b"),
    "bucket get": lambda cloud: cloud.bucket(Resource.QUARANTINE).get("a"),
    "secret": lambda cloud: cloud.secret(Resource.SIGNING).value(),
    "reserved": lambda cloud: cloud.capacity(Resource.CAPACITY).reserved("metrics-ingest"),
    "reserve": lambda cloud: cloud.capacity(Resource.CAPACITY).reserve("metrics-ingest", 40),
    "shards": lambda cloud: cloud.capacity(Resource.CAPACITY).shards("metrics"),
    "reshard": lambda cloud: cloud.capacity(Resource.CAPACITY).reshard("metrics", 4),
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with on_sqlite() as stage:
        yield stage


@pytest.mark.parametrize("call", READS | WRITES | OTHERS)
def test_without_a_grant_nothing_is_reached(stage: Stage, call: str) -> None:
    with pytest.raises(UndeclaredAccess):
        (READS | WRITES | OTHERS)[call](DeclaredCloud(stage.cloud, ()))


def test_no_resource_is_opened_but_by_what_checks() -> None:
    openers = {
        name
        for name, member in vars(ForwardingCloud).items()
        if callable(member) and not name.startswith("_")
    }
    assert openers == {
        "table",
        "stream",
        "topic",
        "queue",
        "bucket",
        "secret",
        "time_series",
        "readings",
        "capacity",
    }
    assert openers <= vars(DeclaredCloud).keys()


@pytest.mark.parametrize("call", READS)
def test_reading_is_not_writing(stage: Stage, call: str) -> None:
    READS[call](DeclaredCloud(stage.cloud, (Resource.ALERTS.read(),)))
    with pytest.raises(UndeclaredAccess, match="read on ALERTS"):
        READS[call](DeclaredCloud(stage.cloud, (Resource.ALERTS.write(),)))


@pytest.mark.parametrize("call", WRITES)
def test_writing_is_not_reading(stage: Stage, call: str) -> None:
    WRITES[call](DeclaredCloud(stage.cloud, (Resource.ALERTS.write(),)))
    with pytest.raises(UndeclaredAccess, match="write on ALERTS"):
        WRITES[call](DeclaredCloud(stage.cloud, (Resource.ALERTS.read(),)))


@pytest.mark.parametrize("call", READS | WRITES)
def test_a_grant_of_one_table_is_none_of_another(stage: Stage, call: str) -> None:
    with pytest.raises(UndeclaredAccess):
        (READS | WRITES)[call](DeclaredCloud(stage.cloud, (Resource.INCIDENTS.read_write(),)))


def test_several_grants_of_one_resource_add_up(stage: Stage) -> None:
    cloud = DeclaredCloud(stage.cloud, (Resource.ALERTS.read(), Resource.ALERTS.write()))
    for call in (READS | WRITES).values():
        call(cloud)


def test_what_is_declared_is_reached(stage: Stage) -> None:
    uses = (
        Resource.METRICS_STREAM.send(),
        Resource.TIER_0.send(),
        Resource.WAKE.send(),
        Resource.QUARANTINE.read_write(),
        Resource.SIGNING.read(),
        Resource.CAPACITY.read_write(),
    )
    for call in OTHERS.values():
        call(DeclaredCloud(stage.cloud, uses))


def test_looking_at_room_is_not_giving_it(stage: Stage) -> None:
    cloud = DeclaredCloud(stage.cloud, (Resource.CAPACITY.read(),))
    OTHERS["reserved"](cloud)
    OTHERS["shards"](cloud)
    for call in ("reserve", "reshard"):
        with pytest.raises(UndeclaredAccess, match="write on CAPACITY"):
            OTHERS[call](cloud)


def test_a_store_may_hold_what_its_function_does_not_call(stage: Stage) -> None:
    class Nameless(type(stage.cloud)):  # type: ignore[misc] # a cloud that knows no name
        def bucket(self, resource: Resource) -> object:
            raise ValueError(resource.name)

    cloud = object.__new__(Nameless)
    cloud.__dict__.update(vars(stage.cloud))
    services = Services(DeclaredCloud(cloud, (Resource.REJECTIONS.read(),)), Settings())
    assert services.rejections is not None


def test_time_and_ids_need_no_grant(stage: Stage) -> None:
    cloud = DeclaredCloud(stage.cloud, ())
    assert cloud.clock.now() == stage.clock.now()
    assert cloud.ids.new_id("x").startswith("x_")


def test_a_function_that_touches_more_than_it_declares_fails(stage: Stage) -> None:
    @schedule(every_minutes=1, summary="Reach too far", uses=(Resource.ALERTS.read(),))
    def handler(due: object, services: Services) -> None:
        del due
        services.wake.send(Delayed("x", 0))

    with pytest.raises(UndeclaredAccess, match="send on WAKE"):
        handler.run({"time": "2026-06-20T14:05:00Z"}, Context(), stage.cloud, stage.settings)


def test_a_place_that_no_page_ended_at_is_the_callers_fault(stage: Stage) -> None:
    table = DeclaredCloud(stage.cloud, (Resource.ALERTS.read(),)).table(Resource.ALERTS)
    with pytest.raises(Invalid):
        table.query("demo#x", after="forged")
    with pytest.raises(ValueError, match="limit"):
        table.query("demo#x", limit=0)

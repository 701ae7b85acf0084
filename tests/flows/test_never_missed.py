"""What is judged after a batch, what is not read for it, and what an outage leaves to do."""

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from infra.cost.counted import Calls, CountedCloud
from tests.builders import utc
from tests.functions.cases import a_key_and_a_wedding, sample
from tests.functions.stage import TENANT, Stage, on_sqlite
from tests.harness import Bundle, Point, a_point, a_wedding_request
from wedsync.alerting.observation import Scope
from wedsync.resources import Resource

DAY = utc("2026-06-20T16:00")
METRICS = "streams-metrics"
ALERTS_DOWN = frozenset({Resource.ALERTS})


def alerts(stage: Stage) -> list[str]:
    return sorted(each.type for each in stage.services.alerts.open_of(TENANT))


def upload(bundle: Bundle, wedding_id: str, outcome: str, times: int) -> Point:
    dims = {"outcome": outcome}
    return a_point("photo.upload", bundle.now, weddingId=wedding_id, dims=dims, count=times)


def failures(bundle: Bundle, wedding_id: str) -> list[Point]:
    return [upload(bundle, wedding_id, "failed", 5) for _ in range(3)]


def step(bundle: Bundle) -> None:
    """The stream goes on, and no clock ticks."""
    for mapping in bundle.machine.streams.mappings:
        mapping.step()


def a_stream_event(points: Sequence[Point], sequence: int) -> dict[str, object]:
    """These points as one unsigned record."""
    (record, *_) = cast("list[dict[str, dict[str, object]]]", sample(METRICS)["Records"])
    kinesis = {
        **record["kinesis"],
        "sequenceNumber": f"{sequence:056d}",
        "data": base64.b64encode(json.dumps(points).encode()).decode(),
        "approximateArrivalTimestamp": DAY.timestamp(),
    }
    return {"Records": [{**record, "kinesis": kinesis}]}


@pytest.mark.parametrize("minutes", [0, 4, 6, 12])
def test_what_was_counted_while_alerts_could_not_be_stored_is_judged_afterwards(
    minutes: int,
) -> None:
    """Also when by then the present window holds nothing of it."""
    with on_sqlite() as stage:
        a_key_and_a_wedding(stage)
        event = sample(METRICS)
        assert stage.run(METRICS, event, down=ALERTS_DOWN)["batchItemFailures"]
        assert alerts(stage) == []
        stage.clock.set(stage.clock.now() + timedelta(minutes=minutes))
        assert not stage.run(METRICS, event)["batchItemFailures"]
        assert "photo_upload_failures" in alerts(stage)


def test_what_was_judged_is_not_judged_again_when_it_is_replayed() -> None:
    """The alert is taken away as though it had never been, and nobody makes it anew."""
    with on_sqlite() as stage:
        a_key_and_a_wedding(stage)
        event = sample(METRICS)
        stage.run(METRICS, event)
        for alert in list(stage.services.alerts.open_of(TENANT)):
            stored = stage.services.alerts.get(TENANT, alert.alert_id)
            stage.services.alerts.keep(TENANT, None, former=stored)
        stage.clock.set(stage.clock.now() + timedelta(minutes=7))
        stage.run(METRICS, event, down=ALERTS_DOWN)
        stage.run(METRICS, event)
        assert alerts(stage) == []


def test_of_two_records_of_one_item_each_is_owed_its_own_judgement() -> None:
    """One record is judged while the other waits; the other is not taken for judged."""
    with Bundle(at=DAY, shards=1, packs=1) as bundle:
        weddings = [bundle.register(a_wedding_request(couple=str(n))) for n in range(2)]
        first, second = (failures(bundle, each) for each in weddings)
        with on_sqlite() as stage:
            for wedding_id in weddings:
                stage.services.weddings.add(
                    TENANT, bundle.services.weddings.get(bundle.tenant, wedding_id)
                )
            stage.clock.set(bundle.now)
            events = [a_stream_event(points, at) for at, points in enumerate((first, second))]
            stage.run(METRICS, events[0], down=ALERTS_DOWN)
            stage.run(METRICS, events[1])
            stage.clock.set(bundle.now + timedelta(minutes=8))
            stage.run(METRICS, events[0])
            told = {each.wedding_id for each in stage.services.alerts.open_of(TENANT)}
            assert told == set(weddings)


@pytest.mark.parametrize(
    ("points", "read"),
    [
        ([("api.request", {"status": "200"}, 120.0)], False),
        ([("photo.upload", {"outcome": "completed"}, 900.0)], False),
        ([("health.check", {"component": "c", "outcome": "ok"}, 1.0)], False),
        ([("guest.activity", {"action": "rsvp"}, 1.0)], False),
        ([("guest.activity", {}, 1.0), ("api.request", {"status": "500"}, 1.0)], True),
        ([("api.request", {"status": "200"}, 4000.0)], True),
    ],
)
@pytest.mark.parametrize("wedding", [True, False])
def test_windows_are_read_only_where_a_rule_may_object(
    points: list[tuple[str, dict[str, str], float]],
    read: bool,  # noqa: FBT001 - a column of the table
    wedding: bool,  # noqa: FBT001 - the same
) -> None:
    calls = Calls()
    with Bundle(at=DAY, cloud_of=lambda cloud: lambda _: CountedCloud(cloud, calls)) as bundle:
        wedding_id = bundle.register(a_wedding_request())
        bundle.drain()
        calls.calls.clear()
        told = {"weddingId": wedding_id} if wedding else {}
        bundle.put(
            *(
                a_point(name, bundle.now, value=value, dims={**dims, "service": "s"}, **told)
                for name, dims, value in points
            )
        )
        step(bundle)
        assert (calls.calls[Resource.HOT_WINDOWS, "query"] > 0) is read
        assert (calls.calls[Resource.ALERTS, "get many"] > 0) is read


def test_good_points_are_judged_where_something_spoke_against_it_before() -> None:
    """Two failures in sixty are too little to tell; once a hundred were tried, they tell."""
    with Bundle(at=DAY) as bundle:
        wedding_id = bundle.register(a_wedding_request(guests=500))
        bundle.put(
            upload(bundle, wedding_id, "failed", 2), upload(bundle, wedding_id, "completed", 58)
        )
        step(bundle)
        assert bundle.alerts() == []
        bundle.clock.set(bundle.now + timedelta(minutes=3))
        bundle.put(upload(bundle, wedding_id, "completed", 60))
        step(bundle)
        assert [each["type"] for each in bundle.alerts()] == ["photo_upload_failures"]


def test_trouble_is_over_in_time_and_the_later_trouble_counts() -> None:
    with Bundle(at=DAY) as bundle:
        store, tenant, now = bundle.services.trouble, bundle.tenant, bundle.now
        bad, other = Scope(wedding_id="w"), Scope(service="w")
        for until in (10, 14, 9):
            store.tell(tenant, bad, until=until, now=now)
        assert store.until(tenant, [bad, other]) == {bad: 14}
        bundle.clock.set(now + timedelta(hours=2))
        assert bundle.services.trouble.until(tenant, [bad]) == {}

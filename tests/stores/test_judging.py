"""What tells, on both clouds, which scopes are in trouble and which records were judged."""

from datetime import timedelta

from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.alerting.observation import Scope
from wedsync.metrics.fold import SlotKey
from wedsync.stores.trouble import KEPT

KEY = SlotKey(tenant=TENANT.id, pack=1, minute=7, slot=42)
WEDDINGS = [Scope(wedding_id=f"w{number}") for number in range(30)]


def test_trouble_lasts_until_the_latest_minute_that_was_told_and_is_no_other_tenants(
    stage: Stage,
) -> None:
    store = stage.services.trouble
    for until in (10, 14, 9):
        store.tell(TENANT, WEDDINGS[0], until=until, now=NOW)
    store.tell(TENANT, WEDDINGS[1], until=3, now=NOW)
    assert store.until(TENANT, WEDDINGS) == {WEDDINGS[0]: 14, WEDDINGS[1]: 3}
    assert store.until(TENANT, [Scope(service="w0"), *WEDDINGS[2:]]) == {}
    assert store.until(OTHER_TENANT, WEDDINGS) == {}
    stage.clock.set(NOW + KEPT + timedelta(seconds=1))
    assert store.until(TENANT, WEDDINGS) == {}


def test_records_are_judged_one_after_the_other_and_each_for_its_item(stage: Stage) -> None:
    store = stage.services.judged
    assert store.records(KEY, "a") == set()
    for records in ({1, 2**64 - 1}, {2}, {1}):
        store.note(KEY, "a", records, now=NOW)
    assert store.records(KEY, "a") == {1, 2, 2**64 - 1}
    assert store.records(KEY, "b") == set()

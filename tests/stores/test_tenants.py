"""Every store keeps tenants apart: the same ids, and nothing of each other's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.functions.cases import ALERT_ID, INCIDENT_ID, WEDDING, an_alert, an_incident
from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.errors import AlertNotFound, IncidentNotFound, PreconditionFailed, WeddingNotFound
from wedsync.stores.episodes import Overtaken
from wedsync.stores.rejections import KEPT, Rejection
from wedsync.tenancy import Tenant

BOTH = (TENANT, OTHER_TENANT)


def a_rejection(place: str = "metrics:0:1", **members: object) -> Rejection:
    usual: dict[str, object] = {
        "place": place,
        "index": 0,
        "code": "bad",
        "detail": "bad",
        "pointer": "/0",
        "raw": b"\xff\x00raw",
        "arrived_at": NOW,
    }
    return Rejection(**(usual | members))  # type: ignore[arg-type] # members by name


def test_each_tenant_finds_its_own_under_the_same_id(stage: Stage) -> None:
    services = stage.services
    for tenant in BOTH:
        services.weddings.add(tenant, replace(WEDDING, couple_name=tenant.id))
        services.alerts.keep(tenant, replace(an_alert(), message=tenant.id), former=None)
        services.incidents.begin(tenant, replace(an_incident(), title=tenant.id), after=None)
        services.rejections.park(tenant, [a_rejection(detail=tenant.id)])
    for tenant in BOTH:
        name = tenant.id
        assert services.weddings.get(tenant, WEDDING.wedding_id).couple_name == name
        assert services.alerts.get(tenant, ALERT_ID).value.message == name
        assert services.incidents.get(tenant, INCIDENT_ID).value.title == name
        pages = (
            [
                w.couple_name
                for w in services.weddings.page(tenant, on=None, limit=9, cursor=None).weddings
            ],
            [a.message for a in services.alerts.page(tenant, limit=9, cursor=None).alerts],
            [a.message for a in services.alerts.open_of(tenant)],
            [i.title for i in services.incidents.active(tenant, limit=9, cursor=None).incidents],
            [r.detail for r in services.rejections.page(tenant, limit=9, cursor=None).rejections],
        )
        assert pages == ([name],) * 5


def test_what_one_tenant_has_another_does_not_find(stage: Stage) -> None:
    services = stage.services
    services.weddings.add(TENANT, WEDDING)
    services.alerts.keep(TENANT, an_alert(), former=None)
    services.incidents.begin(TENANT, an_incident(), after=None)
    with pytest.raises(WeddingNotFound):
        services.weddings.get(OTHER_TENANT, WEDDING.wedding_id)
    with pytest.raises(AlertNotFound):
        services.alerts.get(OTHER_TENANT, ALERT_ID)
    with pytest.raises(IncidentNotFound):
        services.incidents.get(OTHER_TENANT, INCIDENT_ID)
    assert services.weddings.find_many(OTHER_TENANT, [WEDDING.wedding_id]) == {}
    assert services.weddings.live_ids(OTHER_TENANT, NOW) == ()


def test_a_tenant_whose_name_begins_another_tenants_sees_nothing_of_it(stage: Stage) -> None:
    longer = Tenant(TENANT.id + "-2")
    stage.services.alerts.keep(longer, an_alert(), former=None)
    assert list(stage.services.alerts.open_of(TENANT)) == []
    assert [tenant for tenant, _ in stage.services.alerts.open_of_all()] == [longer]


@pytest.mark.parametrize("name", ["", "a#b", "-a", "a b", "é", "a\n", "x" * 65, "a/b", "#"])
def test_what_fits_no_key_is_no_tenant(name: str) -> None:
    with pytest.raises(ValueError, match="tenant id"):
        Tenant(name)


def test_a_wedding_is_what_was_stored_and_moves_version_by_version(stage: Stage) -> None:
    weddings = stage.services.weddings
    assert weddings.add(TENANT, WEDDING) == WEDDING
    assert weddings.get(TENANT, WEDDING.wedding_id) == WEDDING
    saved = weddings.save(TENANT, replace(WEDDING, guest_count=99), expected=1)
    assert (saved.version, weddings.get(TENANT, WEDDING.wedding_id)) == (2, saved)
    with pytest.raises(PreconditionFailed):
        weddings.save(TENANT, replace(WEDDING, guest_count=50), expected=1)
    assert weddings.get(TENANT, WEDDING.wedding_id).guest_count == 99


def test_a_wedding_that_is_added_again_stays_as_it_was(stage: Stage) -> None:
    stage.services.weddings.add(TENANT, WEDDING)
    again = stage.services.weddings.add(TENANT, replace(WEDDING, guest_count=1))
    assert again == WEDDING


def test_a_live_wedding_is_marked_on_each_utc_day_that_it_touches(stage: Stage) -> None:
    stage.services.weddings.add(TENANT, WEDDING)
    for days, live in ((-2, False), (0, True), (2, False)):
        at = NOW + timedelta(days=days)
        assert bool(stage.services.weddings.live_ids(TENANT, at)) is live
    stage.services.weddings.remove(TENANT, WEDDING)
    assert stage.services.weddings.live_ids(TENANT, NOW) == ()


def test_of_two_writers_one_is_overtaken(stage: Stage) -> None:
    incidents = stage.services.incidents
    stored = incidents.begin(TENANT, an_incident(), after=None)
    with pytest.raises(Overtaken):
        incidents.begin(TENANT, an_incident(), after=None)
    incidents.save(TENANT, replace(stored.value, title="one"), expected=stored.version)
    with pytest.raises(Overtaken):
        incidents.save(TENANT, replace(stored.value, title="two"), expected=stored.version)
    assert incidents.get(TENANT, INCIDENT_ID).value.title == "one"


def test_a_former_episode_is_found_by_its_id_beside_the_present_one(stage: Stage) -> None:
    incidents = stage.services.incidents
    first = incidents.begin(TENANT, an_incident(), after=None)
    name, _, _ = INCIDENT_ID.rpartition("-")
    second = replace(an_incident(), incident_id=f"{name}-2", title="the second")
    incidents.begin(TENANT, second, after=first)
    present = incidents.current(TENANT, name)
    assert present is not None
    assert present.value.title == "the second"
    assert incidents.get(TENANT, INCIDENT_ID).value.title == first.value.title
    assert incidents.get(TENANT, f"{name}-2").value.title == "the second"
    with pytest.raises(IncidentNotFound):
        incidents.get(TENANT, f"{name}-3")


def test_a_large_body_lies_in_the_bucket_and_the_row_shows_its_beginning(stage: Stage) -> None:
    rejections = stage.services.rejections
    rejections.park(TENANT, [a_rejection(raw=b"x" * 5000), a_rejection(index=1)])
    large, small = sorted(
        rejections.page(TENANT, limit=9, cursor=None).rejections, key=lambda each: each.index or 0
    )
    assert (len(large.raw), small.stored_as, small.raw) == (4096, None, b"\xff\x00raw")
    assert large.stored_as is not None
    assert stage.services.quarantine.get(large.stored_as) == b"x" * 5000


def test_the_same_row_parked_again_is_one_row(stage: Stage) -> None:
    for _ in range(2):
        stage.services.rejections.park(TENANT, [a_rejection(), a_rejection(index=None)])
    page = stage.services.rejections.page(TENANT, limit=9, cursor=None)
    assert {each.index for each in page.rejections} == {None, 0}
    assert len(page.rejections) == 2


def test_rejections_come_newest_first_are_counted_and_forgotten_in_time(stage: Stage) -> None:
    rows = [a_rejection(f"p{n}", arrived_at=NOW - timedelta(minutes=n)) for n in range(5)]
    rejections = stage.services.rejections
    rejections.park(TENANT, rows)
    page = rejections.page(TENANT, limit=9, cursor=None)
    assert [each.place for each in page.rejections] == ["p0", "p1", "p2", "p3", "p4"]
    assert rejections.count_since(TENANT, NOW - timedelta(minutes=2), most=9) == 3
    assert rejections.count_since(TENANT, NOW - timedelta(minutes=2), most=2) == 2
    stage.clock.set(NOW + KEPT)
    assert rejections.page(TENANT, limit=9, cursor=None).rejections == ()

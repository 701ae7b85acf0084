"""A wedding that is removed is not there any more: for readers, for rules, for ladders."""

from typing import cast

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_wedding_request
from tests.scenarios.language import (
    WIDE,
    Day,
    at,
    between,
    pages,
    photo_failures,
    requests,
    resolved,
)
from wedsync.errors import PreconditionFailed
from wedsync.flows.removal import remove_wedding


def a_saturday() -> Day:
    return Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")


def removed(day: Day, *, if_match: str | None = None) -> int:
    return day.bundle.delete(f"/api/weddings/{day.wedding_id('w1')}", if_match=if_match).status


def test_a_removed_wedding_is_found_by_nobody() -> None:
    saturday = a_saturday().push(requests(wedding="w1", number=9))
    assert removed(saturday) == 204
    bundle, wedding_id = saturday.bundle, saturday.wedding_id("w1")
    for path in (
        f"/api/weddings/{wedding_id}",
        f"/api/weddings/{wedding_id}/monitoring",
        f"/api/metrics/wedding/{wedding_id}",
    ):
        assert bundle.get(path).status == 404
    assert bundle.patch(f"/api/weddings/{wedding_id}", {"guestCount": 9}).status == 404
    assert (
        bundle.put_document(f"/api/weddings/{wedding_id}/timeline", {"timeline": []}).status == 404
    )
    assert removed(saturday) == 404
    assert bundle.get("/api/weddings").items == []
    figures = cast("dict[str, int]", saturday.snapshot["weddingMetrics"])
    assert figures["activeWeddings"] == 0


def test_only_the_version_that_if_match_names_is_removed() -> None:
    saturday = a_saturday()
    saturday.bundle.patch(f"/api/weddings/{saturday.wedding_id('w1')}", {"guestCount": 99})
    assert removed(saturday, if_match='"1"') == 412
    assert removed(saturday, if_match='"2"') == 204


def test_a_wedding_that_changes_while_it_is_removed_keeps_what_is_open_about_it() -> None:
    saturday = a_saturday().push(photo_failures("w1", rate=2.0))
    bundle, wedding_id = saturday.bundle, saturday.wedding_id("w1")
    read = bundle.services.weddings.get(bundle.tenant, wedding_id)
    bundle.patch(f"/api/weddings/{wedding_id}", {"guestCount": 99})
    with pytest.raises(PreconditionFailed):
        remove_wedding(bundle.services, bundle.tenant, read, by="mia")
    assert [each["status"] for each in bundle.active_incidents()] == ["open"]
    assert saturday.alert["state"] == "firing"


def test_a_removal_that_was_cut_off_can_be_repeated_and_nothing_else() -> None:
    saturday = a_saturday().push(photo_failures("w1", rate=2.0))
    bundle, wedding_id = saturday.bundle, saturday.wedding_id("w1")
    weddings = bundle.services.weddings
    weddings.begin_removal(bundle.tenant, weddings.get(bundle.tenant, wedding_id))
    changed = bundle.patch(f"/api/weddings/{wedding_id}", {"guestCount": 99})
    assert (changed.status, changed["type"]) == (409, "urn:wedsync:problem:wedding-leaving")
    assert removed(saturday, if_match='"1"') == 204
    assert bundle.active_incidents() == []


def test_a_removal_that_was_cut_off_is_ended_by_the_clock_and_pages_nobody_meanwhile() -> None:
    saturday = a_saturday().push(photo_failures("w1", rate=2.0))
    saturday.expects_only(at("14:05"), *pages(0, *WIDE[0]))
    saturday.at("14:06")
    bundle, wedding_id = saturday.bundle, saturday.wedding_id("w1")
    weddings = bundle.services.weddings
    weddings.begin_removal(bundle.tenant, weddings.get(bundle.tenant, wedding_id))
    saturday.at("14:08")
    assert bundle.get(f"/api/weddings/{wedding_id}").status == 404
    assert bundle.patch(f"/api/weddings/{wedding_id}", {"guestCount": 9}).status == 404
    assert list(weddings.leaving()) == []
    assert (bundle.active_incidents(), saturday.alert["state"]) == ([], "resolved")
    saturday.expects_only(between("14:05:01", "14:40"), *(resolved(to=role) for role in WIDE[0]))


def test_a_removal_that_was_cut_off_is_ended_in_the_name_of_whoever_asked_for_it() -> None:
    saturday = a_saturday()
    bundle, wedding_id = saturday.bundle, saturday.wedding_id("w1")
    saturday.report(weddingId=wedding_id)
    weddings = bundle.services.weddings
    weddings.begin_removal(bundle.tenant, weddings.get(bundle.tenant, wedding_id), by="mia")
    saturday.at("14:08")
    (ended,) = bundle.get("/api/monitoring/incidents").items
    told = bundle.get(f"/api/monitoring/incidents/{ended['incidentId']}/timeline").items
    assert [each["by"] for each in told if each["kind"] == "resolved"] == ["mia"]


def test_nothing_begins_about_a_wedding_that_is_being_removed() -> None:
    """Not even in the seconds before the clock ends a removal that was cut off."""
    saturday = a_saturday()
    weddings, tenant = saturday.bundle.services.weddings, saturday.bundle.tenant
    weddings.begin_removal(tenant, weddings.get(tenant, saturday.wedding_id("w1")))
    saturday.push(photo_failures("w1", rate=50.0))
    assert saturday.alerts == []
    saturday.expects_silence(between("14:05", "14:20"))
    assert (saturday.alerts, saturday.bundle.active_incidents()) == ([], [])


def test_the_points_of_a_removed_wedding_are_counted_and_feed_no_alert() -> None:
    saturday = a_saturday()
    removed(saturday)
    saturday.push(photo_failures("w1", rate=50.0))
    saturday.expects_silence(between("14:05", "14:20"))
    assert saturday.alerts == []
    counted = saturday.buckets("photo.upload", window="1m")
    assert sum(counted.values()) == 200


def test_what_was_open_about_it_ends_and_nobody_is_paged_again() -> None:
    saturday = a_saturday().push(photo_failures("w1", rate=2.0))
    saturday.expects_only(at("14:05"), *pages(0, *WIDE[0]))
    saturday.at("14:07")
    assert removed(saturday) == 204
    saturday.bundle.drain()
    saturday.expects_only(between("14:05:01", "14:40"), *(resolved(to=role) for role in WIDE[0]))
    assert saturday.alert["state"] == "resolved"
    assert saturday.bundle.active_incidents() == []


def test_an_incident_that_somebody_reported_about_it_ends_too() -> None:
    saturday = a_saturday()
    saturday.report(weddingId=saturday.wedding_id("w1"))
    assert removed(saturday) == 204
    assert saturday.bundle.active_incidents() == []


def test_an_alert_whose_wedding_is_gone_ends_at_its_next_look() -> None:
    """As if it had opened while the wedding was being removed."""
    saturday = a_saturday().push(photo_failures("w1", rate=2.0))
    weddings, tenant = saturday.bundle.services.weddings, saturday.bundle.tenant
    weddings.remove(tenant, weddings.get(tenant, saturday.wedding_id("w1")))
    saturday.expects_only(between("14:05:01", "14:40"), *(resolved(to=role) for role in WIDE[0]))
    assert saturday.alert["state"] == "resolved"


def test_a_timeline_is_replaced_as_a_whole_and_by_version() -> None:
    with Bundle(at=utc("2026-06-20T12:00")) as bundle:
        wedding_id = bundle.register(a_wedding_request())
        path = f"/api/weddings/{wedding_id}/timeline"
        vows = {"id": "v", "kind": "ceremony", "title": "Vows", "startsAt": "2026-06-20T12:00:00"}
        stale = bundle.put_document(path, {"timeline": [vows]}, if_match='"7"')
        assert stale.status == 412
        told = bundle.put_document(path, {"timeline": [vows]}, if_match='"1"')
        assert (told.status, told.headers["etag"]) == (200, '"2"')
        (item,) = cast("list[dict[str, str]]", told["timeline"])
        assert (item["id"], item["startsAt"]) == ("v", "2026-06-20T10:00:00Z")
        assert told["guestCount"] == 120
        wrong = bundle.put_document(path, {"timeline": [vows, vows]})
        assert wrong.status == 400
        assert bundle.put_document(path, {"timeline": []})["timeline"] == []

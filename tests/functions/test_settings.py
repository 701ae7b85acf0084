"""A tenant's settings: what holds, who may change it, and what it changes."""

from collections.abc import Iterator

import pytest

from tests.functions.web import OTHER_TENANT, Told, Web, incident, opened, settings
from wedsync.metrics.packs import LEAD_MS
from wedsync.tenancy import Role

PATH = "/api/settings"
USUAL = {
    "north": [5, 6, 7, 8, 9, 10],
    "south": [1, 2, 3, 4, 10, 11, 12],
    "tropics": [],
}


@pytest.fixture
def web() -> Iterator[Web]:
    with opened() as web:
        yield web


def put(web: Web, body: object, **headers: str) -> Told:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.ask("PUT", PATH, body, role=Role.ADMIN, headers=named)


def test_where_nothing_is_settled_the_usual_holds(web: Web) -> None:
    told = web.ask("GET", PATH)
    assert told.status == 200
    assert told.headers["etag"] == '"0"'
    assert told.own == {
        "packs": 4,
        "packsInForce": 4,
        "packChanges": [],
        "seasonMonths": USUAL,
        "updatedAt": None,
        "version": 0,
    }


def test_what_is_settled_is_read_again_and_is_no_other_tenants(web: Web) -> None:
    months = {"north": [6, 5, 6], "south": [], "tropics": [2]}
    told = put(web, settings(packs=4, seasonMonths=months))
    assert (told.status, told.headers["etag"]) == (200, '"1"')
    again = web.ask("GET", PATH)
    assert (again.own, again.headers["etag"]) == (told.json, '"1"')
    assert again.json["seasonMonths"] == {"north": [5, 6], "south": [], "tropics": [2]}
    assert again.json["packChanges"] == []
    assert web.ask("GET", PATH, tenant=OTHER_TENANT).json["seasonMonths"] == USUAL


def test_another_number_of_packs_comes_into_force_in_a_quarter_of_an_hour(web: Web) -> None:
    told = put(web, settings(packs=8))
    assert (told.json["packs"], told.json["packsInForce"]) == (8, 4)
    assert told.json["packChanges"] == [{"since": "2026-06-20T14:20:00Z", "packs": 8}]
    assert put(web, settings(packs=8, seasonMonths=USUAL)).status == 200
    assert put(web, settings(packs=5)).is_a_problem(409)
    web.bundle.advance(LEAD_MS / 1000)
    assert web.ask("GET", PATH).json["packsInForce"] == 8
    assert put(web, settings(packs=5)).status == 200


def test_of_two_that_read_the_same_version_one_is_told_that_it_changed(web: Web) -> None:
    assert put(web, settings(), if_match='"0"').status == 200
    assert put(web, settings(), if_match='"0"').is_a_problem(412)
    assert put(web, settings(), if_match='"1"').status == 200
    assert put(web, settings(), if_match="*").json["version"] == 3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (settings(packs=0), "/packs"),
        (settings(packs=257), "/packs"),
        (settings(packs="8"), "/packs"),
        (settings(packs=True), "/packs"),
        ({"packs": 8}, "/seasonMonths"),
        (settings(seasonMonths={"north": [13], "south": [], "tropics": []}), "/seasonMonths/north"),
        (settings(seasonMonths={"north": [], "south": []}), "/seasonMonths/tropics"),
        (settings(colour="red"), "/colour"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    web: Web, body: object, pointer: str
) -> None:
    told = put(web, body)
    assert told.is_a_problem(400)
    assert told.errors[0]["pointer"].startswith(pointer)
    assert web.ask("GET", PATH).json["version"] == 0


def test_the_season_of_a_wedding_is_its_tenants(web: Web) -> None:
    """The wedding of the sample is in June, in the north."""
    wedding_id = web.a_wedding()

    def in_season() -> object:
        made = web.ask("POST", "/api/monitoring/incidents", incident(weddingId=wedding_id))
        stored = web.services.incidents.get(
            web.bundle.tenant, str(made.json["incidentId"])
        ).value.wedding_context
        assert stored is not None
        return stored.is_season

    assert in_season()
    put(web, settings(seasonMonths={"north": [12], "south": [], "tropics": []}))
    web.bundle.advance(61)
    assert not in_season()

"""People look at what is going wrong: what comes first, and under which wedding's clock."""

from typing import cast

from tests.harness import Answer, Json, a_wedding_request
from tests.scenarios.language import MADRID, NARROW, WIDE, Day, at, pages, photo_failures

INCIDENTS = "/api/monitoring/incidents"


def walked(day: Day, path: str, **query: str) -> list[dict[str, Json]]:
    """Every page, by its links."""
    found: list[dict[str, Json]] = []
    answer = day.bundle.request("GET", path, query=query)
    while True:
        found += answer.items
        link = answer.headers.get("link")
        if link is None:
            return found
        target, _, relation = link.partition("; ")
        assert relation == 'rel="next"'
        asked = dict(pair.split("=") for pair in target.strip("<>").partition("?")[2].split("&"))
        answer = day.bundle.request("GET", path, query=asked)


def looked_up(day: Day, incident_id: str) -> Answer:
    answer = day.bundle.get(f"{INCIDENTS}/{incident_id}")
    assert answer.status == 200, answer
    return answer


def context_of(body: dict[str, Json]) -> dict[str, Json]:
    return cast("dict[str, Json]", body["weddingContext"])


def test_six_incidents_come_by_severity_then_impact_then_age_over_all_pages() -> None:
    tuesday = Day("2026-06-16")
    reported = [
        ("medium", "high"),
        ("critical", "none"),
        ("high", "none"),
        ("critical", "high"),
        ("high", "none"),
        ("low", "high"),
    ]
    ids = [
        tuesday.at(f"14:0{minute}").report(severity, wedding_impact=impact)
        for minute, (severity, impact) in enumerate(reported)
    ]
    worst_first = [ids[place] for place in (3, 1, 2, 4, 0, 5)]
    for limit in ("1", "2", "4", "200"):
        found = walked(tuesday, f"{INCIDENTS}/active", limit=limit)
        assert [each["incidentId"] for each in found] == worst_first, limit
    tuesday.tell(ids[3], "resolve")
    found = walked(tuesday, f"{INCIDENTS}/active", limit="2")
    assert [each["incidentId"] for each in found] == worst_first[1:]


def test_an_incident_that_alerts_made_worse_comes_first() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    wedding_id = saturday.bundle.get("/api/weddings").items[0]["weddingId"]
    mild = saturday.at("14:01").report("low", weddingId=wedding_id)
    other = saturday.at("14:02").report("high")
    active = walked(saturday, f"{INCIDENTS}/active")
    assert [each["incidentId"] for each in active] == [other, mild]
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    active = walked(saturday, f"{INCIDENTS}/active")
    assert [(each["incidentId"], each["severity"]) for each in active] == [
        (mild, "critical"),
        (other, "high"),
    ]


def test_an_incident_keeps_the_wedding_clock_under_which_it_was_opened() -> None:
    weddings = {"w1": a_wedding_request(on="2026-06-20", zone=MADRID)}
    friday = Day("2026-06-19", starts="23:50", weddings=weddings)
    wedding_id = friday.bundle.get("/api/weddings").items[0]["weddingId"]
    opened = friday.report("high", weddingId=wedding_id)
    context = context_of(looked_up(friday, opened).members)
    assert context == {
        "weddingId": wedding_id,
        "coupleName": "Ann & Bo",
        "status": "planning",
        "phase": "eve",
        "isWeekend": False,
        "isSaturdayLocal": False,
        "isWeddingDay": False,
        "isSeason": True,
        "inWindow": False,
        "daysToWedding": 1,
        "local": "2026-06-19T23:50:00+02:00",
        "timeZone": MADRID,
    }
    friday.bundle.clock.set(friday.instant("2026-06-20T16:29"))
    friday.at("2026-06-20T16:30")
    assert context_of(friday.tell(opened, "acknowledge").members) == context
    assert context_of(friday.tell(opened, "resolve").members) == context
    second = friday.report("high", weddingId=wedding_id)
    later = context_of(looked_up(friday, second).members)
    assert (later["isWeddingDay"], later["phase"], later["daysToWedding"]) == (True, "live", 0)
    series = friday.bundle.get("/api/metrics/series", name="x", weddingId=str(wedding_id))
    assert context_of(series.members) == later


def test_what_is_over_is_found_in_the_list_and_by_its_id() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    first = str(saturday.incident["incidentId"])
    saturday.tell(first, "resolve")
    saturday.at("14:15").push(photo_failures("w1", rate=5.0)).at("14:16")
    second = str(saturday.incident["incidentId"])
    listed = walked(saturday, INCIDENTS, limit="1")
    assert [(each["incidentId"], each["status"]) for each in listed] == [
        (second, "open"),
        (first, "resolved"),
    ]
    assert [each["incidentId"] for each in walked(saturday, INCIDENTS, status="resolved")] == [
        first
    ]
    assert looked_up(saturday, first)["status"] == "resolved"
    (alert,) = cast("list[dict[str, Json]]", looked_up(saturday, first)["alerts"])
    assert alert["resolvedAt"] is not None


def test_an_escalation_that_is_sent_again_under_its_key_pages_one_tier() -> None:
    tuesday = Day("2026-06-16").at("14:05")
    incident_id = tuesday.report()
    path, once = f"{INCIDENTS}/{incident_id}/escalate", {"idempotency-key": "once"}
    first = tuesday.bundle.post(path, headers=once)
    again = tuesday.bundle.post(path, headers=once)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    tuesday.expects_only(at("14:05"), *pages(0, *NARROW[0]), *pages(1, *NARROW[1]))
    another = tuesday.at("14:06").bundle.post(path, headers={"idempotency-key": "another"})
    assert another["escalationLevel"] == 3


def test_a_ladder_is_looked_up_with_everything_that_happened() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:21")
    told = looked_up(saturday, str(saturday.incident["incidentId"]))
    updates = cast("list[dict[str, str]]", told["updates"])
    assert [each["kind"] for each in updates] == ["paged", "paged", "paged", "opened"]
    for update, roles in zip(reversed(updates[:3]), WIDE, strict=True):
        assert all(role in update["text"] for role in roles)
    assert told["escalationLevel"] == 3

"""After an incident: how long it took, whom it touched, what it resembles, what is to be done."""

from typing import cast

from infra.local.first_start import make_key
from tests.harness import Answer, Json, a_wedding_request
from tests.scenarios.language import Day, Said, Told, photo_failures
from wedsync.tenancy import Role

INCIDENTS = "/api/monitoring/incidents"


def postmortem(day: Day, incident_id: str) -> Answer:
    answer = day.bundle.get(f"{INCIDENTS}/{incident_id}/postmortem")
    assert answer.status == 200, answer
    return answer


def played(day: Day, *, breach: str, answer: str, end: str) -> str:
    """Photos fail; somebody answers, and ends it."""
    day.at(breach).push(photo_failures("w1", rate=2.0))
    day.at(answer)
    incident_id = str(day.incident["incidentId"])
    day.tell(incident_id, "acknowledge")
    day.at(end).tell(incident_id, "resolve")
    return incident_id


def test_a_resolved_incident_tells_all_that_one_needs_to_learn_from_it() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request(guests=120)})
    first = played(saturday, breach="14:05", answer="14:06", end="14:08")
    second = played(saturday, breach="14:20", answer="14:21", end="14:25")
    told = postmortem(saturday, second)
    assert (told["final"], told["guests"], told["version"]) == (True, 120, 0)
    assert told["took"] == {
        "toDetectSeconds": 0.0,
        "toAcknowledgeSeconds": 60.0,
        "toResolveSeconds": 300.0,
    }
    (wedding,) = cast("list[dict[str, Json]]", told["weddings"])
    assert wedding["coupleName"] == "Ann & Bo"
    assert wedding["began"] == {
        "at": "2026-06-20T12:20:00Z",
        "local": "2026-06-20T14:20:00+02:00",
    }
    (alike,) = cast("list[dict[str, Json]]", told["similar"])
    assert (alike["incidentId"], alike["score"]) == (first, 0.75)
    (item,) = cast("list[dict[str, Json]]", told["actionItems"])
    assert item["suggested"]
    assert first in str(item["title"])
    story = cast("list[dict[str, Json]]", told["timeline"])
    assert [each["kind"] for each in story][:2] == ["alert_fired", "opened"]


def deployed(service: str, version: str) -> Told:
    dims = {"service": service, "version": version}
    return (Said(name="deploy.finished", kind="event", dims=dims),)


def test_it_tells_what_was_deployed_shortly_before_and_meanwhile() -> None:
    saturday = Day("2026-06-20", starts="12:30", weddings={"w1": a_wedding_request()})
    saturday.push(deployed("uploads", "1.9"))
    saturday.at("13:58").push(deployed("uploads", "2.0"), deployed("gallery", "7"))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    saturday.at("14:20").push(deployed("uploads", "2.1"))
    incident_id = str(saturday.incident["incidentId"])
    saturday.at("14:25").tell(incident_id, "resolve")
    saturday.at("14:40").push(deployed("uploads", "2.2"))
    told = postmortem(saturday, incident_id)
    assert told["deployments"] == [
        {"at": f"2026-06-20T{at}:00Z", "exact": True, "service": service, "version": version}
        for at, service, version in (
            ("11:58", "gallery", "7"),
            ("11:58", "uploads", "2.0"),
            ("12:20", "uploads", "2.1"),
        )
    ]
    path = f"{INCIDENTS}/{incident_id}/postmortem"
    document = str(saturday.bundle.get(path, format="markdown").body)
    assert "## Deployments\n\n- 06-20 13:58: gallery 7\n- 06-20 13:58: uploads 2.0\n" in document


def test_days_later_it_still_tells_the_hours_in_which_something_was_deployed() -> None:
    saturday = Day("2026-06-20", starts="13:58", weddings={"w1": a_wedding_request()})
    saturday.push(deployed("uploads", "2.0"))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    incident_id = str(saturday.incident["incidentId"])
    saturday.at("14:25").tell(incident_id, "resolve")
    saturday.doze("2026-06-23T16:00")
    assert postmortem(saturday, incident_id)["deployments"] == [
        {"at": "2026-06-20T11:00:00Z", "exact": False, "service": "uploads", "version": "2.0"}
    ]


def test_who_answered_is_told_by_the_name_of_their_key_beside_its_id() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    saturday.push(photo_failures("w1", rate=2.0))
    bundle = saturday.bundle
    key = make_key(
        bundle.cloud, tenant=bundle.tenant, role=Role.OPERATOR, vendor_id=None, name="Mia"
    )
    path = f"/api/metrics/alerts/{saturday.alert['alertId']}/acknowledge"
    assert bundle.post(path, key=key).status == 200
    shown = f"Mia ({key.key_id})"
    assert saturday.alert["acknowledgedBy"] == shown
    assert saturday.incident["acknowledgedBy"] == shown
    told = postmortem(saturday, str(saturday.incident["incidentId"]))
    story = cast("list[dict[str, Json]]", told["timeline"])
    assert [each["by"] for each in story if each["kind"] == "acknowledged"] == [shown]


def test_what_people_write_is_kept_version_by_version_and_sent_as_a_document() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request(guests=120)})
    incident_id = played(saturday, breach="14:05", answer="14:09", end="14:25")
    path = f"{INCIDENTS}/{incident_id}/postmortem"
    item = {"title": "More workers", "owner": "Mia", "dueOn": "2026-06-26"}
    written = {"summary": "Uploads failed.", "rootCause": "Too few.", "actionItems": [item]}
    assert saturday.bundle.put_document(path, written, if_match='"0"').status == 200
    assert saturday.bundle.put_document(path, written, if_match='"0"').status == 412
    assert postmortem(saturday, incident_id)["rootCause"] == "Too few."
    document = saturday.bundle.request("GET", path, headers={"accept": "text/markdown"})
    assert document.headers["content-type"] == "text/markdown; charset=utf-8"
    assert document.body == saturday.bundle.get(path, format="markdown").body
    text = str(document.body)
    for line in (
        "- Took: 0 s to detect, 4 min to answer, 20 min to resolve",
        "- **Ann & Bo**: 120 guests, Saturday 20 June 14:05 to 14:25 (Europe/Madrid)",
        "- [ ] More workers (Mia), until 2026-06-26",
        "| 06-20 14:09:00 | ",
    ):
        assert line in text, text


def test_an_incident_of_no_wedding_touches_those_that_were_under_way() -> None:
    weddings = {
        "w1": a_wedding_request(guests=120),
        "w2": a_wedding_request(guests=80, couple="Cy & Di"),
        "w3": a_wedding_request(on="2026-06-27"),
    }
    saturday = Day("2026-06-20", weddings=weddings)
    incident_id = saturday.at("15:00").report("high")
    draft = postmortem(saturday, incident_id)
    saturday.at("15:30").tell(incident_id, "resolve")
    # Long afterwards it is still known who was there.
    saturday.bundle.clock.set(saturday.instant("2026-07-20T12:00"))
    told = postmortem(saturday, incident_id)
    assert (draft["final"], told["final"], told["guests"]) == (False, True, 200)
    names = [each["coupleName"] for each in cast("list[dict[str, Json]]", told["weddings"])]
    assert names == ["Ann & Bo", "Cy & Di"]


def test_statistics_tell_saturdays_apart() -> None:
    friday = Day("2026-06-19", starts="23:40", weddings={"w1": a_wedding_request(on="2026-06-20")})
    about = {"weddingId": friday.wedding_id("w1")}
    reported = friday.report("high", **about)
    friday.at("23:50").tell(reported, "acknowledge")
    friday.at("23:59").tell(reported, "resolve")
    later = friday.at("2026-06-20T00:02").report("high", **about)
    friday.at("2026-06-20T00:04").tell(later, "acknowledge")
    told = friday.bundle.get(f"{INCIDENTS}/statistics", timeRange="7d")
    saturdays = cast("dict[str, Json]", told["saturdays"])
    others = cast("dict[str, Json]", told["otherDays"])
    assert (saturdays["incidents"], saturdays["resolved"], others["incidents"]) == (1, 0, 1)
    assert saturdays["toAcknowledge"] == {"known": 1, "meanSeconds": 120, "medianSeconds": 120}
    assert others["toAcknowledge"] == {"known": 1, "meanSeconds": 600, "medianSeconds": 600}
    assert others["toResolve"] == {"known": 1, "meanSeconds": 1140, "medianSeconds": 1140}
    query = {"from": "2026-06-21T00:00:00Z"}
    ahead = friday.bundle.request("GET", f"{INCIDENTS}/statistics", query=query)
    assert ahead.status == 400

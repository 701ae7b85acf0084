"""An incident is worked on: assigned, told of, ended, filed away, taken up again."""

from tests.harness import Answer, a_wedding_request
from tests.scenarios.language import NARROW, WIDE, Day, at, between, page, pages, photo_failures
from tests.scenarios.language import resolved as over

INCIDENTS = "/api/monitoring/incidents"
MIA = {"name": "Mia", "role": "on_call_engineer", "contact_info": "+34 600 000 000"}


def story(day: Day, incident_id: str) -> list[tuple[str, str]]:
    answer = day.bundle.get(f"{INCIDENTS}/{incident_id}/timeline")
    assert answer.status == 200, answer
    told = [(str(each["local"])[11:16], str(each["kind"])) for each in answer.items]
    return [each for each in told if each[1] != "runbook"]


def told(day: Day, incident_id: str, what: str, **body: object) -> Answer:
    return day.bundle.post(f"{INCIDENTS}/{incident_id}/{what}", body or None)


def test_every_transition_stands_on_the_timeline_in_the_venues_time() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    incident_id = str(saturday.incident["incidentId"])
    path = f"{INCIDENTS}/{incident_id}"
    assert saturday.tell(incident_id, "acknowledge").status == 200
    saturday.at("14:07")
    assert saturday.bundle.patch(path, {"assigned_to": MIA})["assigned_to"] == MIA
    saturday.at("14:08")
    working = told(saturday, incident_id, "updates", text="more workers", status="in_progress")
    assert (working.status, working["status"]) == (201, "in_progress")
    saturday.at("14:09")
    assert saturday.bundle.patch(path, {"title": "The queue is full"}).status == 200
    saturday.at("14:10").tell(incident_id, "resolve")
    saturday.at("14:11")
    assert told(saturday, incident_id, "reopen")["status"] == "open"
    saturday.at("14:12").tell(incident_id, "resolve")
    saturday.at("14:13")
    assert told(saturday, incident_id, "close")["status"] == "closed"
    assert story(saturday, incident_id) == [
        ("14:05", "alert_fired"),
        ("14:05", "opened"),
        ("14:05", "paged"),
        ("14:06", "acknowledged"),
        ("14:07", "assigned"),
        ("14:08", "update"),
        ("14:09", "edited"),
        ("14:10", "alert_resolved"),
        ("14:10", "resolved"),
        ("14:10", "paged"),
        ("14:11", "reopened"),
        ("14:11", "paged"),
        ("14:12", "resolved"),
        ("14:12", "paged"),
        ("14:13", "closed"),
    ]


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing() -> None:
    tuesday = Day("2026-06-16")
    incident_id = tuesday.report("low")
    path = f"{INCIDENTS}/{incident_id}"
    assert told(tuesday, incident_id, "close").status == 409
    assert told(tuesday, incident_id, "updates", text="x", status="resolved").status == 409
    assert told(tuesday, incident_id, "updates", text=" ").status == 400
    tuesday.tell(incident_id, "resolve")
    assert told(tuesday, incident_id, "updates", text="x", status="investigating").status == 409
    told(tuesday, incident_id, "close")
    kept = tuesday.bundle.get(path)
    assert told(tuesday, incident_id, "reopen").status == 409
    assert told(tuesday, incident_id, "updates", text="x").status == 409
    assert tuesday.bundle.patch(path, {"severity": "critical"}).status == 409
    assert tuesday.bundle.get(path).body == kept.body
    assert tuesday.bundle.patch(path, {"status": "open"}).status == 400


def test_a_change_meets_the_version_that_it_was_made_for() -> None:
    tuesday = Day("2026-06-16")
    path = f"{INCIDENTS}/{tuesday.report('low')}"
    tag = tuesday.bundle.get(path).headers["etag"]
    first = tuesday.bundle.request("PATCH", path, {"title": "One"}, headers={"if-match": tag})
    second = tuesday.bundle.request("PATCH", path, {"title": "Two"}, headers={"if-match": tag})
    assert (first.status, second.status) == (200, 412)
    assert tuesday.bundle.get(path)["title"] == "One"
    assert tuesday.bundle.get(path).headers["etag"] == first.headers["etag"] != tag


def test_somebody_calls_it_critical_and_the_ladder_begins() -> None:
    tuesday = Day("2026-06-16").at("14:05")
    incident_id = tuesday.report("medium")
    worse = tuesday.at("14:20").bundle.patch(f"{INCIDENTS}/{incident_id}", {"severity": "critical"})
    assert (worse["severity"], worse["escalationLevel"]) == ("critical", 1)
    tuesday.expects_only(at("14:20"), page(tier=0, to=NARROW[0][0]))
    tuesday.expects(between("14:21", "14:50"), *pages(1, *NARROW[1]))


def test_a_reopened_ladder_begins_anew_and_the_end_is_told_again() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    incident_id = str(saturday.incident["incidentId"])
    saturday.tell(incident_id, "resolve")
    saturday.at("14:30")
    told(saturday, incident_id, "reopen")
    saturday.expects_only(between("14:30", "14:34"), *pages(0, *WIDE[0]))
    saturday.expects_only(at("14:35"), *pages(1, *WIDE[1]))
    saturday.at("14:36").tell(incident_id, "resolve")
    ended = saturday.heard(at("14:36"))
    assert {each.role for each in ended} == {*WIDE[0], *WIDE[1]}
    saturday.expects(at("14:36"), over(to="cto"))


def test_only_the_latest_incident_of_a_wedding_is_reopened() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    about = {"weddingId": saturday.wedding_id("w1")}
    first = saturday.report("low", **about)
    saturday.tell(first, "resolve")
    second = saturday.at("14:10").report("low", **about)
    refused = told(saturday, first, "reopen")
    assert refused.status == 409
    assert str(refused["type"]).endswith(":incident-overtaken")
    saturday.tell(second, "resolve")
    assert told(saturday, first, "reopen").status == 409
    assert told(saturday, second, "reopen").status == 200
    assert saturday.incident["incidentId"] == second

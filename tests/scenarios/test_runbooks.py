"""What is done by itself when an incident begins."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest

from infra.local.invocations import CloudOf
from tests.builders import utc
from tests.harness import Answer, Bundle, Json, a_wedding_request
from tests.scenarios.language import MADRID, Day, at, between, notice, photo_failures, photos
from wedsync.cloud import Capacity, CapacityBusy, Cloud
from wedsync.cloud.forwarding import ForwardingCloud
from wedsync.errors import Throttled
from wedsync.flows.runbooks import MOST_RUNBOOKS, MOST_RUNS
from wedsync.resources import Resource
from wedsync.runbooks.builtin import built_in
from wedsync.tenancy import Role, Tenant

RUNBOOKS = "/api/monitoring/runbooks"
INCIDENTS = "/api/monitoring/incidents"
RUNS = "/api/monitoring/runbook-executions"
SHED = {"kind": "emergency_mode", "minutes": 60}
TELL = {"kind": "notify", "roles": ["team_lead"], "text": "Uploads fail"}
ROOM = {"kind": "scale", "dimension": "cacheMb", "target": "metrics-wedding", "to": 512}
RECOVERED = {
    "kind": "wait",
    "metric": "photo_failure_percent",
    "threshold": 1,
    "withinSeconds": 240,
}


def step(name: str, action: Mapping[str, object], **members: object) -> dict[str, object]:
    return {"stepId": name, "title": name, "action": action, **members}


def settled(day: Day, *steps: Mapping[str, object], **members: object) -> None:
    """A runbook of the tenant's own, for uploads that fail."""
    body = {
        "title": "Uploads",
        "match": {"types": ["photo_upload_failures"]},
        "steps": steps,
        **members,
    }
    answer = day.bundle.put_document(f"{RUNBOOKS}/uploads", body)
    assert answer.status == 200, answer


def runs(day: Day, runbook: str = "uploads") -> list[dict[str, Json]]:
    """The runs of one runbook for the only active incident, the oldest first."""
    told = day.bundle.get(f"{INCIDENTS}/{day.incident['incidentId']}/timeline")
    found = cast("list[dict[str, Json]]", told["runbooks"])
    return [each for each in found if each["runbookId"] == runbook]


def the_run(day: Day, execution: object = None) -> Answer:
    (run,) = runs(day) if execution is None else [{"executionId": execution}]
    answer = day.bundle.get(f"{RUNS}/{run['executionId']}")
    assert answer.status == 200, answer
    return answer


def steps_of(answer: Answer) -> list[tuple[Json, Json]]:
    steps = cast("list[dict[str, Json]]", answer["steps"])
    return [(each["stepId"], each["status"]) for each in steps]


def emergency(day: Day) -> bool:
    services = day.bundle.services
    return services.emergency.find(day.bundle.tenant, now=day.bundle.now) is not None


@pytest.fixture
def saturday() -> Day:
    """Before the ceremony, which lasts from four to five."""
    request = a_wedding_request(ceremony="16:00", until="17:00")
    return Day("2026-06-20", weddings={"w1": request})


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every trigger twice"])
def test_a_matched_runbook_runs_step_by_step_when_the_incident_begins(*, twice: bool) -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()}, twice=twice)
    settled(
        saturday,
        step("tell", TELL),
        step("shed", SHED, measure="photo_failure_percent"),
        step("recovered", RECOVERED),
        step("done", {**TELL, "text": "Uploads succeed"}),
    )
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    saturday.expects(at("14:05"), notice(severity="critical", to="team_lead"))
    assert steps_of(the_run(saturday)) == [
        ("tell", "done"),
        ("shed", "done"),
        ("recovered", "watching"),
        ("done", "pending"),
    ]
    assert emergency(saturday)
    saturday.at("14:06:30").push(photos("w1", completed=300)).at("14:06:45")
    ended = the_run(saturday)
    assert ended["status"] == "succeeded"
    saturday.expects(between("14:06", "14:08"), notice(severity="critical", to="team_lead"))
    (_, shed, waited, _) = cast("list[dict[str, Json]]", the_run(saturday)["steps"])
    assert (shed["before"], shed["after"], shed["effective"]) == (2, 0, True)
    assert waited["after"] == 0.8
    story = saturday.bundle.get(f"{INCIDENTS}/{saturday.incident['incidentId']}/timeline").items
    told = [str(each["text"]) for each in story if each["kind"] == "runbook"]
    assert {"a run of Uploads began: the incident matches", "Uploads: succeeded"} <= set(told)


def test_a_step_that_fails_stops_the_run_and_what_was_done_is_put_back(saturday: Day) -> None:
    settled(saturday, step("shed", SHED), step("recovered", RECOVERED), step("tell", TELL))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:08")
    assert emergency(saturday)
    saturday.push(photo_failures("w1", rate=2.0)).at("14:10")
    ended = the_run(saturday)
    assert ended["status"] == "failed"
    assert steps_of(ended) == [("shed", "undone"), ("recovered", "failed"), ("tell", "pending")]
    assert not emergency(saturday)
    events = cast("list[dict[str, Json]]", ended["events"])
    assert "has not recovered in 240 s" in str(events[-3]["text"])


def test_a_dry_run_changes_nothing_and_tells_what_would_be_done(saturday: Day) -> None:
    settled(saturday, step("tell", TELL), step("shed", SHED), onWeddingDay="dry_run")
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    planned = the_run(saturday)
    assert (planned["dryRun"], planned["status"]) == (True, "succeeded")
    assert steps_of(planned) == [("tell", "planned"), ("shed", "planned")]
    assert not emergency(saturday)
    assert not [each for each in saturday.heard(at("14:05")) if each.role == "team_lead"]
    # A dry run by hand neither, whatever the runbook may do by itself; and nothing cools down.
    settled(saturday, step("shed", SHED))
    path = f"{INCIDENTS}/{saturday.incident['incidentId']}/runbooks/uploads/execute"
    asked = saturday.bundle.post(path, {"dryRun": True})
    assert (asked.status, asked["status"]) == (202, "running")
    saturday.bundle.drain()
    assert steps_of(the_run(saturday, asked["executionId"])) == [("shed", "planned")]
    real = saturday.bundle.post(path, {"dryRun": False})
    saturday.bundle.drain()
    assert steps_of(the_run(saturday, real["executionId"])) == [("shed", "done")]
    assert emergency(saturday)


def test_off_the_day_a_runbook_is_dry_until_it_is_armed() -> None:
    weddings = {"w1": a_wedding_request(on="2026-06-27")}
    tuesday = Day("2026-06-23", weddings=weddings)
    body = {"title": "T", "match": {"severities": ["high"]}, "steps": [step("tell", TELL)]}
    for name, off_day in (("dry", "dry_run"), ("armed", "armed"), ("off", "off")):
        tuesday.bundle.put_document(f"{RUNBOOKS}/{name}", {**body, "offDay": off_day})
    tuesday.report("high", weddingId=tuesday.wedding_id("w1"))
    assert [each["dryRun"] for each in runs(tuesday, "dry")] == [True]
    assert [each["dryRun"] for each in runs(tuesday, "armed")] == [False]
    assert runs(tuesday, "off") == []


def test_a_step_that_needs_approval_waits_for_a_person(saturday: Day) -> None:
    settled(saturday, step("shed", SHED, needsApproval=True), step("tell", TELL))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:30")
    waiting = the_run(saturday)
    assert waiting["status"] == "waiting_approval"
    assert not emergency(saturday)
    path = f"{RUNS}/{waiting['executionId']}"
    assert saturday.bundle.post(f"{path}/approve").status == 200
    saturday.bundle.drain()
    assert the_run(saturday)["status"] == "succeeded"
    assert emergency(saturday)
    assert saturday.bundle.post(f"{path}/abort").status == 409


def test_whoever_was_paged_is_told_once_that_a_step_waits_for_a_person(saturday: Day) -> None:
    channels = [{"kind": "email", "address": "mia@example.com"}]
    mia = {"name": "Mia", "roles": ["on_call_engineer", "platform_lead"], "channels": channels}
    assert saturday.bundle.post("/api/monitoring/contacts", mia).status == 201
    settled(saturday, step("shed", SHED, needsApproval=True))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    incident = saturday.incident
    saturday.tell(str(incident["incidentId"]), "acknowledge")
    saturday.at("14:30")
    heard = [each for each in saturday.heard(between("14:05", "14:30")) if each.kind == "notice"]
    assert {each.role for each in heard} == {"on_call_engineer", "platform_lead"}
    assert len(heard) == 2
    for each in heard:
        assert each.subject == "[CRITICAL] NOTICE: Ann & Bo: Waits for your approval: shed"
        assert f"POST {RUNS}/{the_run(saturday)['executionId']}/approve" in each.message
        assert each.incident_id == incident["incidentId"]
    # Somebody who took the incident has not said yes by that.
    told = [each for each in saturday.bundle.tells(None) if each["kind"] == "notice"]
    assert {each["state"] for each in told} == {"handed_over"}


def test_a_notice_of_a_runbook_names_its_incident_and_its_wedding(saturday: Day) -> None:
    settled(saturday, step("tell", TELL))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    (heard,) = [each for each in saturday.heard(at("14:05")) if each.kind == "notice"]
    assert heard.subject == "[CRITICAL] NOTICE: Ann & Bo: Uploads fail"
    assert heard.incident_id == saturday.incident["incidentId"]
    assert heard.wedding_id == saturday.wedding_id("w1")


def test_an_aborted_run_puts_back_what_it_did(saturday: Day) -> None:
    settled(saturday, step("shed", SHED), step("tell", TELL, needsApproval=True))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    assert emergency(saturday)
    path = f"{RUNS}/{the_run(saturday)['executionId']}"
    assert saturday.bundle.post(f"{path}/abort")["status"] == "rolling_back"
    saturday.bundle.drain()
    assert the_run(saturday)["status"] == "aborted"
    assert not emergency(saturday)
    assert saturday.bundle.post(f"{path}/approve").status == 409


def test_nothing_runs_twice_while_it_cools_down(saturday: Day) -> None:
    settled(saturday, step("tell", TELL), cooldownSeconds=1800)
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    first = str(saturday.incident["incidentId"])
    saturday.tell(first, "resolve")
    saturday.at("14:20").push(photo_failures("w1", rate=2.0)).at("14:21")
    assert saturday.incident["incidentId"] != first
    skipped = the_run(saturday)
    assert skipped["status"] == "skipped"
    assert "cools down" in str(skipped["reason"])
    path = f"{INCIDENTS}/{saturday.incident['incidentId']}/runbooks/uploads/execute"
    by_hand = saturday.bundle.post(path, {"dryRun": False})
    assert (by_hand.status, by_hand["status"]) == (202, "skipped")


def test_nothing_is_done_during_the_ceremony_that_need_not_be(saturday: Day) -> None:
    settled(saturday, step("tell", TELL), step("shed", SHED, notDuringCeremony=True))
    saturday.at("16:52").push(photo_failures("w1", rate=2.0)).at("16:53")
    held = the_run(saturday)
    assert (held["status"], steps_of(held)) == ("held", [("tell", "done"), ("shed", "held")])
    assert not emergency(saturday)
    settled(saturday, step("tell", TELL))  # a run keeps the runbook that it began with
    saturday.at("16:56").push(photo_failures("w1", rate=2.0)).at("16:59:59")
    assert not emergency(saturday)
    saturday.at("17:00:10")
    assert emergency(saturday)


def test_what_touches_other_weddings_too_asks_first() -> None:
    weddings = {"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")}
    saturday = Day("2026-06-20", starts="15:00", zone=MADRID, weddings=weddings)
    settled(saturday, step("shed", SHED))
    saturday.at("15:05").push(photo_failures("w1", rate=2.0)).at("15:06")
    (shed,) = cast("list[dict[str, Json]]", the_run(saturday)["steps"])
    assert shed["status"] == "waiting_approval"
    assert shed["outcome"] == "it touches 2 weddings under way, and may touch 1"


def test_a_ticket_is_posted_once_to_each_endpoint_of_a_contact(saturday: Day) -> None:
    contact = {
        "name": "Desk",
        "roles": ["desk"],
        "channels": [
            {"kind": "webhook", "url": "https://desk.invalid/", "secret": "whsec_" + "M" * 32}
        ],
    }
    made = saturday.bundle.post("/api/monitoring/contacts", contact)
    assert made.status == 201, made
    ticket = {"kind": "ticket", "contactId": made["contactId"], "text": "Look at uploads"}
    leaver = saturday.bundle.post("/api/monitoring/contacts", {**contact, "name": "Leaver"})
    gone = {**ticket, "contactId": leaver["contactId"]}
    settled(saturday, step("ticket", ticket), step("gone", gone))
    path = f"/api/monitoring/contacts/{leaver['contactId']}"
    assert saturday.bundle.delete(path).status == 204
    # What names somebody who left since can be read and put back.
    read = saturday.bundle.get(f"{RUNBOOKS}/uploads").members
    assert saturday.bundle.put_document(f"{RUNBOOKS}/uploads", read).status == 200
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    (told,) = [each for each in saturday.bundle.tells() if each["kind"] == "ticket"]
    assert told["subject"] == "[TICKET] Look at uploads"
    assert steps_of(the_run(saturday)) == [("ticket", "done"), ("gone", "failed")]


@pytest.mark.parametrize(
    ("changed", "pointer", "said"),
    [
        (
            {"match": {"rules": ["platform.photo_upload_failure"]}},
            "/match/rules/0",
            "did you mean platform.photo_upload_failures?",
        ),
        ({"match": {"types": ["photo"]}}, "/match/types/0", "must be one of photo_upload_failures"),
        (
            {"steps": [step("more", {**ROOM, "target": "metrics-weding"})]},
            "/steps/0/action/target",
            "did you mean metrics-wedding?",
        ),
        (
            {"steps": [step("t", {"kind": "ticket", "contactId": "con_no", "text": "Look"})]},
            "/steps/0/action/contactId",
            "no such contact",
        ),
        ({"match": {}}, "/onWeddingDay", "an empty match takes every incident"),
    ],
)
def test_a_runbook_names_what_is_there(
    saturday: Day, changed: dict[str, object], pointer: str, said: str
) -> None:
    body = {"title": "T", "match": {"types": ["custom"]}, "steps": [step("tell", TELL)], **changed}
    answer = saturday.bundle.put_document(f"{RUNBOOKS}/uploads", body)
    assert answer.status == 400
    (error,) = cast("list[dict[str, str]]", answer["errors"])
    assert (error["pointer"], said in error["detail"]) == (pointer, True), answer
    assert answer["detail"] == f"{pointer}: {error['detail']}"


def test_a_runbook_for_every_incident_is_armed_by_saying_so(saturday: Day) -> None:
    settled(saturday, step("tell", TELL), match={}, onWeddingDay="armed")
    settled(saturday, step("tell", TELL), match={}, onWeddingDay="dry_run")


def test_built_in_runbooks_say_what_they_would_do_and_are_armed_by_putting_them(
    saturday: Day,
) -> None:
    path = f"{RUNBOOKS}/photo-uploads-fail"
    built_in = saturday.bundle.get(path)
    assert built_in["version"] == 0
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    (dry,) = runs(saturday, "photo-uploads-fail")
    assert (dry["dryRun"], dry["status"]) == (True, "succeeded")
    beside = {"runbookId", "version", "asOf", "cacheHit", "executionTime", "dataQuality"}
    read = {name: value for name, value in built_in.members.items() if name not in beside}
    body = {**read, "onWeddingDay": "armed"}
    assert saturday.bundle.put_document(path, body, if_match='"0"').status == 200
    assert saturday.bundle.get(path)["onWeddingDay"] == "armed"
    assert saturday.bundle.delete(path).status == 204
    again = saturday.bundle.get(path).members
    assert {name: again[name] for name in read} == read
    assert saturday.bundle.delete(path).status == 404


def test_in_emergency_mode_live_answers_may_be_ten_seconds_old(saturday: Day) -> None:
    def answers() -> list[str]:
        found = []
        for _ in range(3):
            found.append(saturday.page_of("w1").headers["x-cache"])
            saturday.bundle.clock.set(saturday.bundle.now + timedelta(seconds=3))
        return found

    assert answers() == ["miss", "miss", "miss"]
    settled(saturday, step("shed", {**SHED, "minutes": 5}))
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    assert answers() == ["miss", "hit", "hit"]
    saturday.at("14:10:30")
    assert answers() == ["miss", "miss", "miss"]


def kept(bundle: Bundle, name: str, **members: object) -> Answer:
    """A runbook of the tenant's own that tells somebody, whatever the incident."""
    body = {
        "title": name,
        "match": {},
        "steps": [step("tell", TELL)],
        "onWeddingDay": "armed",
        "offDay": "armed",
    }
    return bundle.put_document(f"{RUNBOOKS}/{name}", {**body, **members})


def test_a_tenant_keeps_so_many_runbooks_and_no_more() -> None:
    with Bundle(at=utc("2026-06-20T12:00")) as bundle:
        for number in range(MOST_RUNBOOKS):
            assert kept(bundle, f"own-{number}").status == 200
        refused = kept(bundle, "one-more")
        assert (refused.status, refused["type"]) == (409, "urn:wedsync:problem:too-many-rules")
        assert kept(bundle, "own-0", title="Changed").status == 200
        assert bundle.delete(f"{RUNBOOKS}/own-1").status == 204
        assert kept(bundle, "one-more").status == 200


def test_runbooks_are_listed_by_pages_each_of_them_once() -> None:
    with Bundle(at=utc("2026-06-20T12:00")) as bundle:
        for name in ("zebra", "alpha", "slow-wedding"):
            assert kept(bundle, name).status == 200
        found: list[Json] = []
        query = {"limit": "2"}
        while True:
            page = bundle.request("GET", RUNBOOKS, query=query)
            assert page["effectiveLimit"] == 2
            assert len(page.items) in {1, 2}
            found += [each["runbookId"] for each in page.items]
            if page["nextCursor"] is None:
                break
            query["cursor"] = str(page["nextCursor"])
        assert found == sorted({"zebra", "alpha", *built_in()})
        assert bundle.get(RUNBOOKS)["nextCursor"] is None


def test_an_incident_begins_the_most_specific_runbooks_and_names_the_others() -> None:
    with Bundle(at=utc("2026-06-20T12:00")) as bundle:
        for number in range(MOST_RUNS):
            kept(bundle, f"any-{number}")
        kept(bundle, "z-low", match={"severities": ["low"]})
        made = bundle.post(INCIDENTS, {"title": "Slow", "severity": "low"})
        bundle.drain()
        told = bundle.get(f"{INCIDENTS}/{made['incidentId']}/timeline")
        runs = cast("list[dict[str, Json]]", told["runbooks"])
        began = {each["runbookId"] for each in runs}
        assert began == {"z-low", *(f"any-{number}" for number in range(MOST_RUNS - 1))}
        (named,) = [each["text"] for each in told.items if "left out" in str(each["text"])]
        assert str(named).endswith(f"left out: any-{MOST_RUNS - 1}")
        by_hand = bundle.post(
            f"{INCIDENTS}/{made['incidentId']}/runbooks/any-{MOST_RUNS - 1}/execute", {}
        )
        assert by_hand.status == 202


UPLOADS_HAVE = {"kind": "scale", "dimension": "reservedConcurrency", "target": "metrics-ingest"}
SHARDS = {"kind": "scale", "dimension": "shards", "target": "metrics", "to": 4}


def room(day: Day) -> tuple[int | None, int]:
    """What is reserved for ingest, and the shards of the stream."""
    capacity = day.bundle.services.capacity
    return capacity.reserved("metrics-ingest"), capacity.shards("metrics")


def outcomes(answer: Answer) -> dict[Json, str]:
    steps = cast("list[dict[str, Json]]", answer["steps"])
    return {each["stepId"]: str(each["outcome"]) for each in steps}


def test_a_step_gives_room_and_it_is_measured_whether_that_helped(saturday: Day) -> None:
    settled(
        saturday,
        step("runs", {**UPLOADS_HAVE, "to": 60}, measure="photo_failure_percent"),
        step("shards", SHARDS),
    )
    assert room(saturday) == (None, 2)
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    assert room(saturday) == (60, 4)
    # What comes now lies on the new shards, and is counted like what came before.
    saturday.at("14:06:30").push(photos("w1", completed=400)).at("14:08")
    ended = the_run(saturday)
    assert ended["status"] == "succeeded"
    assert outcomes(ended) == {
        "runs": "reservedConcurrency of metrics-ingest is set to 60",
        "shards": "shards of metrics is set to 4",
    }
    (runs_, _) = cast("list[dict[str, Json]]", ended["steps"])
    assert (runs_["before"], runs_["after"], runs_["effective"]) == (2, 0, True)
    assert room(saturday) == (60, 4)


@pytest.mark.parametrize("before", [None, 30])
def test_room_that_was_given_is_put_back_to_what_it_was(saturday: Day, before: int | None) -> None:
    saturday.bundle.services.capacity.reserve("metrics-ingest", before)
    settled(
        saturday,
        step("runs", {**UPLOADS_HAVE, "to": 60}),
        step("shards", SHARDS),
        step("recovered", RECOVERED),
    )
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    assert room(saturday) == (60, 4)
    saturday.at("14:08").push(photo_failures("w1", rate=2.0)).at("14:10")
    assert room(saturday) == (before, 2)
    told = outcomes(the_run(saturday))
    assert told["runs"].endswith("not limited again" if before is None else "30 again")
    assert told["shards"].endswith("shards of metrics is 2 again")


def test_room_that_somebody_has_set_since_is_left_to_them(saturday: Day) -> None:
    settled(
        saturday, step("runs", {**UPLOADS_HAVE, "to": 60}), step("tell", TELL, needsApproval=True)
    )
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    saturday.bundle.services.capacity.reserve("metrics-ingest", 90)
    saturday.bundle.post(f"{RUNS}/{the_run(saturday)['executionId']}/abort")
    saturday.bundle.drain()
    assert room(saturday) == (90, 2)
    assert "left: reservedConcurrency of metrics-ingest was set to 90 since" in str(
        outcomes(the_run(saturday))["runs"]
    )


def test_a_dry_run_gives_no_room(saturday: Day) -> None:
    settled(saturday, step("shards", SHARDS), onWeddingDay="dry_run")
    saturday.at("14:05").push(photo_failures("w1", rate=2.0)).at("14:06")
    assert steps_of(the_run(saturday)) == [("shards", "planned")]
    assert room(saturday) == (None, 2)


def test_what_the_cloud_refuses_fails_the_step_at_once_and_says_why(saturday: Day) -> None:
    settled(
        saturday,
        step("runs", {**UPLOADS_HAVE, "to": 60}),
        step("shards", {**SHARDS, "to": 16}),
        step("tell", TELL),
    )
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    ended = the_run(saturday)
    assert ended["status"] == "failed"
    assert steps_of(ended) == [("runs", "undone"), ("shards", "undone"), ("tell", "pending")]
    assert outcomes(ended)["shards"] == (
        "a stream of 2 shards goes to 1 to 4 at once, not to 16; shards of metrics is 2, as before"
    )
    assert room(saturday) == (None, 2)


class _Changing(ForwardingCloud):
    """The stream is still being changed, until somebody says that it is not."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.busy = True

    def capacity(self, resource: Resource) -> Capacity:
        if self.busy:
            raise CapacityBusy
        return super().capacity(resource)


def test_a_change_that_is_still_being_made_is_waited_for_ten_minutes() -> None:
    clouds: list[_Changing] = []

    def changing(cloud: Cloud) -> CloudOf:
        clouds.append(_Changing(cloud))
        return lambda _: clouds[0]

    for waits, status in ((timedelta(minutes=3), "succeeded"), (timedelta(minutes=12), "failed")):
        clouds.clear()
        with Bundle(at=utc("2026-06-20T12:00"), cloud_of=changing) as bundle:
            kept(bundle, "more", steps=[step("shards", SHARDS)])
            made = bundle.post(INCIDENTS, {"title": "Slow", "severity": "low"})
            bundle.drain()
            bundle.advance(waits.total_seconds())
            clouds[0].busy = False
            bundle.advance(60)
            told = bundle.get(f"{INCIDENTS}/{made['incidentId']}/timeline")
            (run,) = [
                each
                for each in cast("list[dict[str, Json]]", told["runbooks"])
                if each["runbookId"] == "more"
            ]
            assert run["status"] == status
            assert bundle.services.capacity.shards("metrics") == (4 if status == "succeeded" else 2)


def test_what_is_put_back_waits_for_a_change_that_is_still_being_made() -> None:
    clouds: list[_Changing] = []

    def changing(cloud: Cloud) -> CloudOf:
        clouds.append(_Changing(cloud))
        return lambda _: clouds[0]

    with Bundle(at=utc("2026-06-20T12:00"), cloud_of=changing) as bundle:
        clouds[0].busy = False
        steps = [step("shards", SHARDS), step("tell", TELL, needsApproval=True)]
        kept(bundle, "more", steps=steps)
        made = bundle.post(INCIDENTS, {"title": "Slow", "severity": "low"})
        bundle.drain()
        assert bundle.services.capacity.shards("metrics") == 4
        clouds[0].busy = True  # as Kinesis is for minutes
        executions = bundle.services.executions
        all_ = executions.of_incident(bundle.tenant, str(made["incidentId"]))
        (run,) = [each for each in all_ if each.runbook.runbook_id == "more"]
        bundle.post(f"{RUNS}/{run.execution_id}/abort")
        bundle.advance(300)
        assert bundle.get(f"{RUNS}/{run.execution_id}")["status"] == "rolling_back"
        clouds[0].busy = False
        bundle.advance(60)
        assert bundle.get(f"{RUNS}/{run.execution_id}")["status"] == "aborted"
        assert bundle.services.capacity.shards("metrics") == 2


def test_a_lever_of_which_nothing_is_known_is_asked_three_times_and_left() -> None:
    class Dumb(ForwardingCloud):
        asked = 0

        def capacity(self, resource: Resource) -> Capacity:
            del resource
            Dumb.asked += 1
            raise Throttled

    with Bundle(at=utc("2026-06-20T12:00"), cloud_of=lambda cloud: lambda _: Dumb(cloud)) as bundle:
        kept(bundle, "more", steps=[step("shards", SHARDS)])
        made = bundle.post(INCIDENTS, {"title": "Slow", "severity": "low"})
        bundle.advance(120)
        executions = bundle.services.executions
        all_ = executions.of_incident(bundle.tenant, str(made["incidentId"]))
        (run,) = [each for each in all_ if each.runbook.runbook_id == "more"]
        assert run.status == "failed"
        assert run.steps[0].outcome == "a dependency did not answer"
        assert Dumb.asked == 3


def test_only_the_operators_runbooks_pull_the_levers_that_all_tenants_share() -> None:
    with Bundle(at=utc("2026-06-20T12:00")) as bundle:
        steps = [step("runs", {**UPLOADS_HAVE, "to": 60}), step("memory", ROOM)]
        body = {"title": "More", "match": {}, "steps": steps, "onWeddingDay": "armed"}
        body["offDay"] = "armed"
        others = bundle.key(Role.ADMIN, tenant=Tenant("other"))
        for key, reserved, runs_ in (
            (others, None, "recommended: reservedConcurrency of metrics-ingest to 60; only"),
            (None, 60, "reservedConcurrency of metrics-ingest is set to 60"),
        ):
            answer = bundle.request("PUT", f"{RUNBOOKS}/more", body, key=key)
            assert answer.status == 200, answer
            made = bundle.post(INCIDENTS, {"title": "Slow", "severity": "low"}, key=key)
            bundle.drain()
            assert bundle.services.capacity.reserved("metrics-ingest") == reserved
            told = bundle.get(f"{INCIDENTS}/{made['incidentId']}/timeline", key=key)
            (run,) = cast("list[dict[str, Json]]", told["runbooks"])
            found = outcomes(bundle.get(f"{RUNS}/{run['executionId']}", key=key))
            assert found["runs"].startswith(runs_)
            assert "there is no lever for it" in found["memory"]


def test_room_touches_the_weddings_of_all_tenants(saturday: Day) -> None:
    key = saturday.bundle.key(Role.ADMIN, tenant=Tenant("other"))
    theirs = a_wedding_request(couple="Cy & Di", ceremony="14:30", until="15:30")
    saturday.bundle.register(theirs, key=key)
    settled(saturday, step("runs", {**UPLOADS_HAVE, "to": 60}, notDuringCeremony=True))
    saturday.at("14:40").push(photo_failures("w1", rate=2.0)).at("14:41")
    assert steps_of(the_run(saturday)) == [("runs", "held")]
    saturday.at("15:31")
    waiting = the_run(saturday)
    assert outcomes(waiting)["runs"] == "it touches 2 weddings under way, and may touch 1"
    assert room(saturday) == (None, 2)
    saturday.bundle.post(f"{RUNS}/{waiting['executionId']}/approve")
    saturday.bundle.drain()
    assert room(saturday) == (60, 2)

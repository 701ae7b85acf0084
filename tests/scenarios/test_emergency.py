"""Emergency mode: switched on and off by people, by runbooks, and by the time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.builders import utc
from tests.harness import Answer, Bundle, Notification, a_point, a_wedding_request
from wedsync.tenancy import Role, Tenant
from wedsync.weddings.phase import Stage

PATH = "/api/operations/emergency-mode"
INCIDENTS = "/api/monitoring/incidents"
NOON = utc("2026-06-20T12:00:01")
REQUEST = a_wedding_request(on="2026-06-20", zone="UTC", ceremony="16:00", until="23:00")


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    with Bundle(at=NOON) as bundle:
        yield bundle


def switched_on(bundle: Bundle, *, minutes: float = 60, **members: object) -> Answer:
    until = bundle.now + timedelta(minutes=minutes)
    body = {"reason": "Uploads back up", "until": until.isoformat(), **members}
    answer = bundle.put_document(PATH, body)
    bundle.drain()
    return answer


def heard(bundle: Bundle) -> list[Notification]:
    found = [each for each in bundle.notifications() if "Emergency mode" in each.subject]
    assert len({each.dedup_key for each in found}) == len(found)
    assert {each.role for each in found} <= {"on_call_engineer"}
    return found


def subjects(bundle: Bundle) -> list[str]:
    return [each.subject.partition("Emergency mode ")[2] for each in heard(bundle)]


def instant(answer: Answer, name: str) -> datetime:
    return datetime.fromisoformat(str(answer[name]))


def test_somebody_switches_it_on_and_off_and_whoever_is_on_call_hears_of_both(
    bundle: Bundle,
) -> None:
    before = bundle.get(PATH)
    assert (before["active"], before["reason"], before.headers["etag"]) == (False, None, '"0"')
    on = switched_on(bundle)
    assert (on.status, on["active"], on.headers["etag"]) == (200, True, '"1"')
    read = bundle.get(PATH)
    assert read["by"] == bundle.key().key_id
    assert instant(read, "since") == NOON
    assert instant(read, "until") == NOON + timedelta(hours=1)
    assert bundle.get("/api/health")["emergencyMode"] is True
    (told,) = heard(bundle)
    assert told.subject == "[HIGH] NOTICE: Emergency mode is on: Uploads back up"
    for line in ("It ends by itself at 13:00 UTC", f"End it: DELETE {PATH}", str(read["by"])):
        assert line in told.message
    bundle.advance(600)
    # People were told meanwhile; that changes nothing that anybody has named.
    assert bundle.delete(PATH, if_match=on.headers["etag"]).status == 204
    bundle.drain()
    over = bundle.get(PATH)
    assert (over["active"], over["endedBy"], over["version"]) == (False, over["by"], 2)
    assert bundle.get("/api/health")["emergencyMode"] is False
    assert subjects(bundle) == ["is on: Uploads back up", "is off: Uploads back up"]
    assert bundle.delete(PATH).status == 204
    bundle.advance(7200)
    assert len(heard(bundle)) == 2


def test_it_ends_by_itself_and_that_is_told_too(bundle: Bundle) -> None:
    switched_on(bundle, minutes=20)
    bundle.advance(20 * 60 - 1)
    assert bundle.get(PATH)["active"] is True
    assert len(heard(bundle)) == 1
    bundle.advance(2)
    assert bundle.get(PATH)["active"] is False
    (_, end) = heard(bundle)
    assert end.at == NOON + timedelta(minutes=20)
    assert "It ended by itself at 12:20 UTC" in end.message
    bundle.advance(3600)
    assert len(heard(bundle)) == 2
    assert list(bundle.services.emergency.every()) == []


def test_the_same_said_again_is_the_same_and_another_end_is_told_anew(bundle: Bundle) -> None:
    first = switched_on(bundle)
    bundle.advance(60)
    read = bundle.get(PATH).members
    again = bundle.put_document(PATH, read, if_match=first.headers["etag"])
    assert (again.status, again["version"]) == (200, 1)
    bundle.drain()
    assert len(heard(bundle)) == 1
    longer = switched_on(bundle, minutes=120)
    assert longer["version"] == 2
    assert instant(longer, "since") == NOON
    assert len(heard(bundle)) == 2
    bundle.advance(3600)
    assert bundle.get(PATH)["active"] is True


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"until": "2026-06-20T12:00:00Z"}, "/until"),
        ({"until": "2026-06-20T16:00:02Z"}, "/until"),
        ({"reason": ""}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"minutes": 5}, "/minutes"),
    ],
)
def test_it_is_switched_on_with_a_reason_and_for_four_hours_at_the_most(
    bundle: Bundle, members: dict[str, object], pointer: str
) -> None:
    body = {"reason": "Uploads back up", "until": "2026-06-20T13:00:00Z", **members}
    refused = bundle.put_document(PATH, body)
    assert refused.status == 400
    assert pointer in str(refused["errors"])
    assert bundle.get(PATH)["active"] is False
    assert switched_on(bundle, minutes=240).status == 200


def test_another_version_than_the_named_one_stays_as_it_is(bundle: Bundle) -> None:
    on = switched_on(bundle)
    body = {"reason": "Still", "until": "2026-06-20T14:00:00Z"}
    assert bundle.put_document(PATH, body, if_match='"0"').status == 412
    assert bundle.delete(PATH, if_match='"7"').status == 412
    assert bundle.get(PATH)["reason"] == "Uploads back up"
    assert bundle.put_document(PATH, body, if_match=on.headers["etag"]).status == 200


def test_it_is_of_one_tenant_and_only_operators_switch_it(bundle: Bundle) -> None:
    switched_on(bundle)
    other = bundle.key(Role.ADMIN, tenant=Tenant("other"))
    assert bundle.get(PATH, key=other)["active"] is False
    viewer = bundle.key(Role.VIEWER)
    assert bundle.get(PATH, key=viewer)["active"] is True
    assert bundle.delete(PATH, key=viewer).status == 403
    assert bundle.delete(PATH, key=other).status == 204
    assert bundle.get(PATH)["active"] is True


@pytest.mark.parametrize("stage", Stage)
def test_weddings_of_these_days_are_looked_at_every_ten_seconds(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="wedsync")
    with Bundle(at=NOON, stage=stage) as bundle:
        soon = bundle.register(REQUEST)
        far = bundle.register(a_wedding_request(on="2026-09-19"))
        theirs = bundle.register(REQUEST, key=bundle.key(tenant=Tenant("other")))
        switched_on(bundle, minutes=5)

        def told(wedding_id: str, tenant: Tenant | None = None) -> Answer:
            path = f"/api/weddings/{wedding_id}/monitoring"
            return bundle.get(path, key=bundle.key(tenant=tenant))

        assert told(soon)["intervalSeconds"] == 10
        assert told(soon)["reason"] == (
            "every 10 s, forced: emergency mode is on until 12:05 UTC: Uploads back up"
        )
        assert told(far)["intervalSeconds"] == 900
        assert "forced" not in str(told(theirs, Tenant("other"))["reason"])

        def runs_in_two_minutes() -> int:
            caplog.clear()
            bundle.advance(120)
            return sum(getattr(each, "WeddingRuns", 0) for each in caplog.records)

        others = {Stage.DEV: 0, Stage.STAGING: 2, Stage.PROD: 2}[stage]
        assert runs_in_two_minutes() == 12 + others
        bundle.advance(240)
        assert "forced" not in str(told(soon)["reason"])
        assert runs_in_two_minutes() <= 2 * others + 2


def test_points_of_low_priority_wait_unless_their_wedding_is_under_way(bundle: Bundle) -> None:
    live = bundle.register(a_wedding_request())
    bundle.clock.set(utc("2026-06-20T14:05"))

    def sent(priority: str, **members: object) -> Answer:
        point = a_point("guest.activity", bundle.now, kind="event")
        return bundle.post("/api/metrics/ingest", {**point, "priority": priority, **members})

    assert sent("low").status == 202
    switched_on(bundle, minutes=10)
    bundle.clock.advance(10)
    refused = sent("low")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert "emergency mode" in str(refused["detail"])
    assert sent("normal").status == 202
    assert sent("low", weddingId=live).status == 202
    bundle.clock.advance(600)
    assert sent("low").status == 202


def a_run_that_sheds(bundle: Bundle, *more: dict[str, object]) -> str:
    """The incident for which a runbook has begun emergency mode."""
    shed = {"kind": "emergency_mode", "minutes": 60}
    steps = [{"stepId": "shed", "title": "Shed", "action": shed}, *more]
    modes = {"onWeddingDay": "armed", "offDay": "armed"}
    body = {"title": "Overload", "match": {}, "steps": steps, **modes}
    assert bundle.put_document("/api/monitoring/runbooks/own", body).status == 200
    made = bundle.post(INCIDENTS, {"title": "Nothing answers", "severity": "high"})
    bundle.drain()
    return str(made["incidentId"])


def test_what_a_runbook_has_begun_ends_with_its_incident(bundle: Bundle) -> None:
    incident = a_run_that_sheds(bundle)
    on = bundle.get(PATH)
    assert (on["active"], on["incidentId"]) == (True, incident)
    assert str(on["by"]).startswith("run_")
    assert on["reason"] == "Overload: Nothing answers"
    bundle.advance(300)
    assert bundle.get(PATH)["active"] is True
    bundle.post(f"{INCIDENTS}/{incident}/resolve")
    bundle.advance(60)
    over = bundle.get(PATH)
    assert (over["active"], over["endedBy"]) == (False, "wedsync")
    (begun, ended) = heard(bundle)
    assert f"or with incident {incident}" in begun.message
    assert f"incident {incident} is over" in ended.message


def test_what_somebody_has_switched_on_outlives_every_incident(bundle: Bundle) -> None:
    incident = a_run_that_sheds(bundle)
    switched_on(bundle, minutes=120, reason="I stay with it")
    bundle.post(f"{INCIDENTS}/{incident}/resolve")
    bundle.advance(600)
    assert bundle.get(PATH)["active"] is True
    assert subjects(bundle) == ["is on: Overload: Nothing answers", "is on: I stay with it"]


def test_a_runbook_leaves_what_lasts_longer_as_it_is(bundle: Bundle) -> None:
    mine = switched_on(bundle, minutes=61)
    incident = a_run_that_sheds(bundle)
    runs = bundle.services.executions.of_incident(bundle.tenant, incident)
    (run,) = [each for each in runs if each.runbook.runbook_id == "own"]
    assert run.steps[0].outcome == "emergency mode was on already, until 13:01 UTC"
    assert bundle.get(PATH)["version"] == mine["version"]
    bundle.post(f"{INCIDENTS}/{incident}/resolve")
    bundle.advance(120)
    assert bundle.get(PATH)["active"] is True


def test_what_a_runbook_makes_last_longer_ends_no_sooner_than_before(bundle: Bundle) -> None:
    switched_on(bundle, minutes=30)
    incident = a_run_that_sheds(bundle)
    bundle.post(f"{INCIDENTS}/{incident}/resolve")
    bundle.advance(29 * 60)
    assert bundle.get(PATH)["active"] is True
    bundle.advance(31 * 60)
    assert bundle.get(PATH)["active"] is False


def test_a_run_that_is_aborted_brings_back_what_lasted_before(bundle: Bundle) -> None:
    mine = switched_on(bundle, minutes=30)
    notify = {"kind": "notify", "roles": ["cto"], "text": "Look"}
    wait = {"stepId": "wait", "title": "Wait", "action": notify, "needsApproval": True}
    incident = a_run_that_sheds(bundle, wait)
    assert str(bundle.get(PATH)["by"]).startswith("run_")
    runs = bundle.services.executions.of_incident(bundle.tenant, incident)
    (run,) = [each for each in runs if each.runbook.runbook_id == "own"]
    bundle.post(f"/api/monitoring/runbook-executions/{run.execution_id}/abort")
    bundle.drain()
    again = bundle.get(PATH)
    assert (again["active"], again["reason"], again["until"]) == (
        True,
        "Uploads back up",
        mine["until"],
    )
    assert again["by"] == mine["by"]
    assert again["incidentId"] is None

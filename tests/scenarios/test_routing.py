"""Whom a message reaches: ladders of the tenant's own, duties, weddings and what it concerns."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from tests.harness import Answer, Bundle, Json, a_wedding_request
from tests.scenarios.language import NARROW, WIDE, Day, Said, at, between, notice, page, pages
from wedsync.flows.policies import MOST_POLICIES
from wedsync.resources import Resource

POLICIES = "/api/monitoring/escalation-policies"
CONTACTS = "/api/monitoring/contacts"
INCIDENTS = "/api/monitoring/incidents"
ONCALL = "/api/monitoring/oncall"
FAST = {"tiers": [{"afterSeconds": 0, "roles": ["crew"]}, {"afterSeconds": 60, "roles": ["boss"]}]}


def put(day: Day, path: str, body: object, *, if_match: str | None = None) -> Answer:
    answer = day.bundle.put_document(path, body, if_match=if_match)
    assert answer.status == 200, answer
    return answer


def add(day: Day, name: str, *roles: str, **members: object) -> str:
    body = {
        "name": name,
        "roles": list(roles),
        "channels": [{"kind": "email", "address": f"{name}@example.com"}],
        **members,
    }
    answer = day.bundle.post(CONTACTS, body)
    assert answer.status == 201, answer
    return str(answer["contactId"])


def reached(day: Day, **query: str) -> set[str]:
    """Who was told, by name."""
    day.bundle.drain()
    told = day.bundle.tells(None, **query)
    return {str(each["contactName"]) for each in told if each["state"] == "handed_over"}


@pytest.fixture
def tuesday() -> Iterator[Day]:
    day = Day("2026-06-16").at("14:05")
    yield day
    day.bundle.close()


def test_the_built_in_ladders_are_read_like_any_other(tuesday: Day) -> None:
    listed = tuesday.bundle.get(POLICIES).items
    assert [each["name"] for each in listed] == ["normal", "saturday_fast", "wedding_day"]
    for each in listed:
        read = tuesday.bundle.get(f"{POLICIES}/{each['name']}")
        assert (read.own, read.headers["etag"]) == (each, '"0"')
    assert tuesday.bundle.get(f"{POLICIES}/other").status == 404


def test_a_ladder_of_ones_own_that_is_removed_makes_way_for_the_built_in_one(
    tuesday: Day,
) -> None:
    built_in = tuesday.bundle.get(f"{POLICIES}/normal").own
    put(tuesday, f"{POLICIES}/normal", FAST)
    assert tuesday.bundle.delete(f"{POLICIES}/normal", if_match='"2"').status == 412
    assert tuesday.bundle.delete(f"{POLICIES}/normal", if_match='"1"').status == 204
    assert tuesday.bundle.get(f"{POLICIES}/normal").own == built_in
    for name in ("normal", "other"):
        assert tuesday.bundle.delete(f"{POLICIES}/{name}").status == 404


def test_a_tenant_has_a_bounded_number_of_ladders(tuesday: Day) -> None:
    for number in range(MOST_POLICIES):
        put(tuesday, f"{POLICIES}/crew-{number}", FAST)
    refused = tuesday.bundle.put_document(f"{POLICIES}/one-more", FAST)
    assert (refused.status, refused["detail"]) == (
        409,
        f"a tenant has at most {MOST_POLICIES} escalation policies of its own",
    )
    put(tuesday, f"{POLICIES}/crew-0", FAST)
    assert tuesday.bundle.delete(f"{POLICIES}/crew-1").status == 204
    put(tuesday, f"{POLICIES}/one-more", FAST)


def test_a_near_miss_of_a_built_in_ladder_is_refused(tuesday: Day) -> None:
    answer = tuesday.bundle.put_document(f"{POLICIES}/weding_day", FAST)
    assert answer.status == 400
    (error,) = cast("list[dict[str, str]]", answer["errors"])
    assert error["pointer"] == "name"
    assert error["detail"].startswith("did you mean wedding_day?")
    assert tuesday.bundle.put_document(f"{POLICIES}/evenings", FAST).status == 200


def test_a_built_in_ladder_is_put_back_word_for_word(tuesday: Day) -> None:
    body = tuesday.bundle.get(f"{POLICIES}/normal").own
    del body["name"], body["version"]
    assert put(tuesday, f"{POLICIES}/normal", body)["version"] == 1
    tuesday.report()
    tuesday.expects(at("14:15"), *pages(1, *NARROW[1]))


def test_a_ladder_of_its_own_takes_the_place_of_the_built_in_one(tuesday: Day) -> None:
    put(tuesday, f"{POLICIES}/normal", {**FAST, "reminderAfterSeconds": 120})
    incident = tuesday.report()
    tuesday.expects_only(at("14:05"), page(tier=0, to="crew"))
    tuesday.expects_only(between("14:05:01", "14:06"), page(tier=1, to="boss"))
    tuesday.tell(incident, "acknowledge")
    heard = tuesday.heard(between("14:06:01", "14:09"))
    assert {(each.kind, each.at.minute) for each in heard} == {("reminder", 8)}


def test_a_ladder_of_its_own_is_climbed_by_alerts_too() -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()})
    put(day, f"{POLICIES}/wedding_day", FAST)
    from tests.scenarios.language import photo_failures

    day.at("14:05").push(photo_failures("w1", rate=2.0))
    day.expects_only(at("14:05"), page(tier=0, to="crew"))
    day.expects_only(at("14:06"), page(tier=1, to="boss"))


def test_an_incident_keeps_the_ladder_that_it_began_with(tuesday: Day) -> None:
    tuesday.report()
    put(tuesday, f"{POLICIES}/normal", FAST)
    tuesday.expects_only(between("14:05:01", "14:15"), *pages(1, *NARROW[1]))


def test_a_ladder_can_be_asked_for_by_its_name(tuesday: Day) -> None:
    put(tuesday, f"{POLICIES}/crew-only", FAST)
    tuesday.report(escalation_policy="crew-only")
    tuesday.expects_only(at("14:05"), page(tier=0, to="crew"))
    unknown = tuesday.bundle.post(
        INCIDENTS, {"title": "x", "severity": "low", "escalation_policy": "other"}
    )
    assert unknown.status == 404
    errors = cast("list[dict[str, str]]", unknown["errors"])
    assert [each["pointer"] for each in errors] == ["/escalation_policy"]


def test_of_two_who_change_a_ladder_the_second_is_told(tuesday: Day) -> None:
    path = f"{POLICIES}/normal"
    put(tuesday, path, FAST, if_match='"0"')
    assert tuesday.bundle.put_document(path, FAST, if_match='"0"').status == 412
    assert put(tuesday, path, FAST, if_match='"1"')["version"] == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tiers": []}, "/tiers"),
        ({"tiers": [{"afterSeconds": 60, "roles": ["a"]}]}, ""),
        ({"tiers": [{"afterSeconds": 0, "roles": []}]}, "/tiers/0/roles"),
        ({"tiers": [{"afterSeconds": 0, "roles": ["A b"]}]}, "/tiers/0/roles/0"),
        (
            {"tiers": [{"afterSeconds": 0, "roles": ["a"], "channels": ["fax"]}]},
            "/tiers/0/channels/0",
        ),
        ({**FAST, "reminderAfterSeconds": 0}, "/reminderAfterSeconds"),
    ],
)
def test_a_ladder_that_could_not_be_climbed_is_refused(
    tuesday: Day, body: object, pointer: str
) -> None:
    answer = tuesday.bundle.put_document(f"{POLICIES}/normal", body)
    assert answer.status == 400
    errors = cast("list[dict[str, str]]", answer["errors"])
    assert pointer in {each["pointer"] for each in errors}


@pytest.mark.parametrize("name", ["Normal", "a b", "-a", "a" * 65])
def test_a_ladder_has_a_plain_name(tuesday: Day, name: str) -> None:
    assert tuesday.bundle.put_document(f"{POLICIES}/{name}", FAST).status == 404


def test_a_rule_about_payments_reaches_payments_on_call(tuesday: Day) -> None:
    """A tenant's own rule without a ladder: what is told of it is no incident."""
    add(tuesday, "engineer", "on_call_engineer")
    add(tuesday, "cashier", "payments_on_call")
    condition = {"metric": "payment.attempt", "stat": "count", "op": ">", "threshold": 1,
                 "window": "5m", "for": "0s"}  # fmt: skip
    rule = {"name": "Many buy", "condition": condition, "severity": "high"}
    assert tuesday.bundle.post("/api/metrics/alerts/create", rule).status == 201
    tuesday.push((Said(name="payment.attempt", kind="event", times=5),)).at("14:06")
    (alert,) = tuesday.bundle.alerts()
    assert (alert["tags"], alert["incidentId"]) == (["payments"], None)
    assert reached(tuesday, alertId=str(alert["alertId"])) == {"engineer", "cashier"}


def test_a_payment_failure_reaches_payments_on_call(tuesday: Day) -> None:
    add(tuesday, "engineer", "on_call_engineer")
    add(tuesday, "cashier", "payments_on_call")
    photos = tuesday.report(title="Photos fail", affected_services=["gallery"])
    assert reached(tuesday, incidentId=photos) == {"engineer"}
    payments = tuesday.report(title="Cards are refused", affected_services=["payments"])
    assert reached(tuesday, incidentId=payments) == {"engineer", "cashier"}


def test_a_weddings_alert_also_reaches_its_coordinator() -> None:
    weddings = {"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")}
    day = Day("2026-06-20", weddings=weddings).at("14:05")
    for name in ("w1", "w2"):
        add(day, f"of-{name}", "wedding_coordinator", weddingIds=[day.wedding_id(name)])
    incident = day.report(weddingId=day.wedding_id("w1"))
    assert reached(day, incidentId=incident) == {"of-w1"}
    day.expects_only(at("14:05"), *pages(0, *WIDE[0]))


def timeline(day: Day, incident_id: str) -> list[str]:
    lines = day.bundle.get(f"{INCIDENTS}/{incident_id}/timeline").items
    return [str(each["text"]) for each in lines if each["kind"] == "paged"]


def test_after_a_tier_that_nobody_holds_the_next_one_is_called_at_once(tuesday: Day) -> None:
    add(tuesday, "lead", "platform_lead")
    incident = tuesday.report()
    tuesday.expects_only(
        at("14:05"), *pages(0, *NARROW[0]), *pages(1, *NARROW[1]), *pages(2, *NARROW[2])
    )
    assert reached(tuesday, incidentId=incident) == {"lead"}
    assert timeline(tuesday, incident) == [
        f"page of tier {tier} sent to its topic alone: nobody holds {role}; "
        f"tier {tier + 1} is called at once"
        for tier, (role,) in enumerate(NARROW[:2])
    ] + ["page of tier 2 sent to platform_lead"]
    tuesday.expects_silence(between("14:05:01", "14:40"))


def test_a_later_tier_that_nobody_holds_is_left_at_its_time(tuesday: Day) -> None:
    add(tuesday, "engineer", "on_call_engineer")
    add(tuesday, "lead", "platform_lead")
    tuesday.report()
    tuesday.expects_only(at("14:05"), *pages(0, *NARROW[0]))
    tuesday.expects_only(between("14:05:01", "14:40"), *pages(1, *NARROW[1]), *pages(2, *NARROW[2]))
    tuesday.expects(at("14:15"), *pages(1, *NARROW[1]), *pages(2, *NARROW[2]))


def test_one_role_that_nobody_holds_is_named_and_changes_no_time() -> None:
    day = Day("2026-06-16", weddings={"w1": a_wedding_request(on="2026-06-16")}).at("14:05")
    add(day, "engineer", "on_call_engineer")
    incident = day.report(weddingId=day.wedding_id("w1"))
    day.expects_only(between("14:05", "14:09:59"), *pages(0, *WIDE[0]))
    assert timeline(day, incident) == [
        "page of tier 0 sent to on_call_engineer; nobody holds platform_lead"
    ]
    told = day.bundle.get(f"{INCIDENTS}/{incident}/postmortem")
    day.expects(between("14:10", "14:10:01"), *pages(1, *WIDE[1]))
    told = day.bundle.get(f"{INCIDENTS}/{incident}/postmortem")
    (item,) = cast("list[dict[str, str]]", told["actionItems"])
    assert item["title"] == (
        "Tier 0 did not answer (on_call_engineer; nobody holds platform_lead): look at the roster"
    )
    day.bundle.close()


def test_where_nobody_holds_any_role_of_a_ladder_its_times_are_kept(tuesday: Day) -> None:
    add(tuesday, "cashier", "payments_on_call")
    tuesday.report()
    tuesday.expects_only(between("14:05", "14:14:59"), *pages(0, *NARROW[0]))


def test_who_took_over_before_is_not_passed_over(tuesday: Day) -> None:
    add(tuesday, "lead", "team_lead")
    incident = tuesday.report()
    tuesday.expects_only(at("14:05"), *pages(0, *NARROW[0]), *pages(1, *NARROW[1]))
    assert tuesday.tell(incident, "acknowledge").status == 200
    tuesday.expects_silence(between("14:05:01", "14:34"))


def a_roster(*members: str, days: list[str], **rules: object) -> dict[str, object]:
    rotation = {
        "role": "on_call_engineer",
        "members": list(members),
        "startsOn": "2026-06-15",
        "handOver": "08:00",
        "shiftDays": 1,
        "days": days,
    }
    return {"timeZone": "Europe/Madrid", "rotations": [rotation], **rules}


def test_whoever_is_on_duty_is_told_and_the_next_after_the_hand_over(tuesday: Day) -> None:
    mia, bo = add(tuesday, "mia", "on_call_engineer"), add(tuesday, "bo", "on_call_engineer")
    roster = put(tuesday, ONCALL, a_roster(mia, bo, days=[]))
    assert roster["onDuty"] == [{"role": "on_call_engineer", "contactIds": [bo]}]
    assert reached(tuesday, incidentId=tuesday.report()) == {"bo"}
    tuesday.at("2026-06-17T07:59")
    assert reached(tuesday, incidentId=tuesday.report()) == {"bo"}
    tuesday.at("2026-06-17T08:00")
    assert reached(tuesday, incidentId=tuesday.report()) == {"mia"}


def test_a_stand_in_is_told_while_it_lasts(tuesday: Day) -> None:
    mia, bo = add(tuesday, "mia", "on_call_engineer"), add(tuesday, "bo", "team_lead")
    override = {
        "role": "on_call_engineer",
        "contactId": bo,
        "startsAt": "2026-06-16T14:00:00+02:00",
        "endsAt": "2026-06-16T15:00:00+02:00",
    }
    put(tuesday, ONCALL, a_roster(mia, days=[], overrides=[override]))
    assert reached(tuesday, incidentId=tuesday.report()) == {"bo"}
    tuesday.at("15:00")
    assert reached(tuesday, incidentId=tuesday.report()) == {"mia"}


def gap_notices(day: Day) -> list[tuple[str, datetime]]:
    return [
        (each.role, each.at)
        for each in day.bundle.notifications()
        if each.topic is Resource.TIER_0 and "roster has a gap" in each.subject
    ]


def test_a_gap_on_saturday_is_told_of_on_friday_morning_and_once() -> None:
    day = Day("2026-06-19", starts="08:40")
    mia = add(day, "mia", "platform_lead")
    workdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    answer = put(day, ONCALL, a_roster(mia, days=workdays))
    (gap,) = cast("list[dict[str, Json]]", answer["saturdayGaps"])
    assert gap == {
        "role": "on_call_engineer",
        "startsAt": "2026-06-20T06:00:00Z",
        "endsAt": "2026-06-20T22:00:00Z",
    }
    day.at("2026-06-19T08:59")
    assert gap_notices(day) == []
    day.at("2026-06-19T11:59")
    friday = datetime(2026, 6, 19, 7, tzinfo=UTC)
    assert gap_notices(day) == [("on_call_engineer", friday), ("platform_lead", friday)]
    assert "nobody from Saturday 08:00 to Sunday 00:00" in day.bundle.notifications()[0].message
    assert reached(day) == {"mia"}
    day.bundle.clock.set(day.instant("2026-06-26T08:40"))
    day.at("2026-06-26T11:59")
    assert len(gap_notices(day)) == 4, "and again for the next Saturday"


def test_another_gap_that_opens_on_friday_is_told_of_as_well() -> None:
    day = Day("2026-06-19", starts="10:00")
    mia, bo = add(day, "mia"), add(day, "bo")
    put(day, ONCALL, a_roster(mia, bo, days=[]))
    day.at("12:30")
    assert gap_notices(day) == []
    assert day.bundle.delete(f"{CONTACTS}/{bo}").status == 204
    day.at("13:30")
    assert len(gap_notices(day)) == 2


def test_a_roster_names_contacts_that_there_are(tuesday: Day) -> None:
    answer = tuesday.bundle.put_document(ONCALL, a_roster("con_nobody", days=[]))
    assert answer.status == 400
    errors = cast("list[dict[str, str]]", answer["errors"])
    assert [each["pointer"] for each in errors] == ["/rotations/0/members/0"]


def test_no_roster_is_an_empty_one(tuesday: Day) -> None:
    answer = tuesday.bundle.get(ONCALL)
    assert (answer["rotations"], answer["saturdayGaps"], answer["version"]) == ([], [], 0)


def test_quiet_hours_spare_a_notice_and_never_a_critical_wedding() -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    asleep = {"starts": "13:00", "ends": "18:00", "timeZone": "Europe/Madrid"}
    add(day, "mia", "on_call_engineer", quietHours=asleep)
    mild = day.report("medium")
    assert reached(day, incidentId=mild) == set()
    (told,) = day.bundle.tells(None, incidentId=mild)
    assert (told["state"], "quiet hours" in str(told["reason"])) == ("held", True)
    day.expects(at("14:05"), notice(severity="medium"))
    assert reached(day, incidentId=day.report(weddingId=day.wedding_id("w1"))) == {"mia"}


def test_messages_to_contacts_carry_what_subscribers_filter_by(tuesday: Day) -> None:
    contact_id = add(tuesday, "mia", "on_call_engineer")
    incident_id = tuesday.report()
    (message,) = (
        each for each in tuesday.bundle.cloud.outbox.published() if each.topic is Resource.DIRECT
    )
    assert {name: message.attributes[name] for name in message.attributes if name != "address"} == {
        "kind": "page",
        "severity": "critical",
        "tier": 0,
        "role": "on_call_engineer",
        "channel": "email",
        "incident_id": incident_id,
        "contact_id": contact_id,
        "dedup_key": f"demo#{incident_id}#1#page#0#{contact_id}/email",
    }


def test_two_hours_of_an_idle_tenant_tell_nobody_anything() -> None:
    with Bundle(at=datetime(2026, 6, 19, 9, tzinfo=UTC)) as bundle:
        bundle.advance(timedelta(hours=2).total_seconds())
        assert bundle.notifications() == ()


def test_who_is_gone_is_not_told_as_on_duty_and_the_roster_can_be_put_back(tuesday: Day) -> None:
    stays, goes = (add(tuesday, name, "crew") for name in ("ana", "ben"))
    turns = {"startsOn": "2026-06-15", "handOver": "08:00", "shiftDays": 1}
    override = {
        "role": "crew",
        "contactId": goes,
        "startsAt": "2026-06-16T00:00:00Z",
        "endsAt": "2026-06-17T00:00:00Z",
    }
    body = {
        "timeZone": "UTC",
        "rotations": [
            {"role": "crew", "members": [stays, goes], **turns},
            {"role": "boss", "members": [goes], **turns},
        ],
        "overrides": [override],
    }
    before = put(tuesday, ONCALL, body)
    assert {"role": "crew", "contactIds": [goes]} in cast("list[Json]", before["onDuty"])
    assert before["saturdayGaps"] == []
    assert tuesday.bundle.request("DELETE", f"{CONTACTS}/{goes}").status == 204
    told = tuesday.bundle.get(ONCALL)
    assert told["onDuty"] == [
        {"role": "crew", "contactIds": []},
        {"role": "boss", "contactIds": []},
    ]
    gaps = cast("list[dict[str, Json]]", told["saturdayGaps"])
    assert {each["role"] for each in gaps} == {"crew", "boss"}
    (rotation,) = cast("list[dict[str, Json]]", told["rotations"])
    assert (rotation["role"], rotation["members"], told["overrides"]) == ("crew", [stays], [])
    again = put(tuesday, ONCALL, told.members)
    assert again["onDuty"] == [{"role": "crew", "contactIds": [stays]}]
    assert again["saturdayGaps"] == []

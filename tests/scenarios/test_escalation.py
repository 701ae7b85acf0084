"""How fast, how wide and how long: what an alert's own settings and the wedding's clock decide."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.functions.cases import an_alert
from tests.harness import a_wedding_request
from tests.receivers import Receiver, a_receiver
from tests.scenarios.language import NARROW, WIDE, Day, at, between, notice, pages, photo_failures
from wedsync.alerting.severity import Severity
from wedsync.flows.alerts import settle
from wedsync.flows.surroundings import TenantDay
from wedsync.weddings.context import wedding_context

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - planted


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def fires(day: Day, wedding: str, *, severity: Severity, auto_escalate: bool) -> None:
    """An alert of a rule that says itself whether it escalates."""
    services, tenant, now = day.bundle.services, day.bundle.tenant, day.bundle.now
    found = services.weddings.find(tenant, day.wedding_id(wedding))
    assert found is not None
    alert = replace(
        an_alert(),
        severity=severity,
        auto_escalate=auto_escalate,
        wedding_id=found.wedding_id,
        wedding_context=wedding_context(found, now),
        incident_id=None,
        started_at=now,
        fired_at=now,
        last_breach_at=now,
        last_evaluated_at=now,
        unsettled_since=now,
    )
    kept = services.alerts.keep(tenant, alert, former=None)
    assert kept is not None
    settle(services, tenant, kept, TenantDay(tenant, services.weddings, now), ours=True)


def a_day(date: str = "2026-06-20", *, wedding_on: str | None = None) -> Day:
    weddings = {"w1": a_wedding_request(on=wedding_on or date)}
    return Day(date, weddings=weddings).at("14:05")


def test_a_high_alert_that_escalates_climbs_twice_as_fast_on_a_saturday() -> None:
    day = a_day()
    fires(day, "w1", severity=Severity.HIGH, auto_escalate=True)
    for time, tier in (("14:05", 0), ("14:10", 1), ("14:20", 2)):
        day.expects_only(at(time), *pages(tier, *NARROW[tier]))
    assert len(day.heard(between("14:05", "14:20"))) == 3


def test_the_same_alert_on_a_tuesday_takes_its_time() -> None:
    day = a_day("2026-06-16", wedding_on="2026-06-24")
    fires(day, "w1", severity=Severity.HIGH, auto_escalate=True)
    for time, tier in (("14:05", 0), ("14:15", 1), ("14:35", 2)):
        day.expects_only(at(time), *pages(tier, *NARROW[tier]))


def test_an_alert_that_does_not_escalate_is_told_to_the_first_tier_and_no_more() -> None:
    day = a_day()
    fires(day, "w1", severity=Severity.HIGH, auto_escalate=False)
    day.expects_only(between("14:05", "14:06"), notice(severity="high", about="w1"))
    assert day.bundle.active_incidents() == []


@pytest.mark.parametrize(
    ("date", "times"),
    [
        ("2026-06-20", ("14:05", "14:10", "14:20")),
        ("2026-06-16", ("14:05", "14:15", "14:35")),
    ],
)
def test_a_report_of_high_impact_climbs_by_its_day(date: str, times: tuple[str, ...]) -> None:
    weddings = {"w1": a_wedding_request(on=date)}
    day = Day(date, weddings=weddings).at("14:05")
    day.report("high", wedding_impact="high", weddingId=day.wedding_id("w1"))
    for tier, time in enumerate(times):
        day.expects_only(at(time), *pages(tier, *NARROW[tier]))


def told(receiver: Receiver, path: str) -> list[str]:
    return [str(each.json["type"]) for each in receiver.at(path)]


def staffed(day: Day, receiver: Receiver) -> None:
    for role in (role for tier in WIDE for role in tier):
        channel = {"kind": "webhook", "url": f"{receiver.url}/{role}", "secret": SECRET}
        mail = {"kind": "email", "address": f"{role}@example.com"}
        body = {"name": role, "roles": [role], "channels": [channel, mail]}
        assert day.bundle.post("/api/monitoring/contacts", body).status == 201


@pytest.mark.parametrize("twice", [False, True])
def test_a_saturday_of_a_critical_wedding_as_its_people_hear_it(
    receiver: Receiver, *, twice: bool
) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()}, twice=twice).at("14:05")
    staffed(day, receiver)
    day.push(photo_failures("w1", rate=2.0))
    day.expects_only(at("14:05"), *pages(0, *WIDE[0]))
    heard = {role: 1 if role in WIDE[0] else 0 for tier in WIDE for role in tier}
    assert {role: len(receiver.at(f"/{role}")) for role in heard} == heard
    day.at("14:09:59")
    assert len(receiver.got) == 2
    day.at("14:10")
    assert len(receiver.got) == 4
    day.acknowledge_alert()
    day.at("14:19:59")
    assert len(receiver.got) == 4
    day.at("14:20:00")
    assert told(receiver, "/cto") == ["incident.page", "incident.reminder"], (
        "ten minutes of silence"
    )
    assert told(receiver, "/all_hands") == []
    day.tell(str(day.incident["incidentId"]), "resolve")
    day.bundle.drain()
    for role in (*WIDE[0], *WIDE[1]):
        assert told(receiver, f"/{role}")[-1] == "incident.resolved"
        assert told(receiver, f"/{role}").count("incident.resolved") == 1
    assert told(receiver, "/all_hands") == []
    ids = [each.headers["webhook-id"] for each in receiver.got]
    assert len(ids) == len(set(ids)), "nobody hears the same twice"


def test_every_time_in_the_log_is_that_of_the_ladder(receiver: Receiver) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    staffed(day, receiver)
    incident_id = day.report(weddingId=day.wedding_id("w1"))
    day.at("14:30")
    log = day.bundle.tells(None, incidentId=incident_id)
    began = day.instant("14:05")
    planned = {
        (each["tier"], datetime.fromisoformat(str(each["plannedAt"])) - began) for each in log
    }
    assert planned == {
        (0, timedelta(0)),
        (1, timedelta(minutes=5)),
        (2, timedelta(minutes=15)),
    }
    assert len(log) == 2 * sum(map(len, WIDE))

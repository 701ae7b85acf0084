"""Rules over days: what a vendor's business needs to hear of."""

import pytest

from tests.harness import a_wedding_request
from tests.scenarios.language import Day, Said, Told, between, notice, resolved
from tests.scenarios.test_own_rules import alerts_of, rule_of, states

FEW_BOOKINGS: dict[str, object] = {
    "metric": "booking.created",
    "stat": "count",
    "op": "<",
    "threshold": 2,
    "window": "7d",
    "for": "0s",
    "filters": {"vendorId": "band-1"},
}


def a_week() -> Day:
    return Day("2026-03-02", starts="10:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


def booking(vendor: str) -> Told:
    return (Said(name="booking.created", kind="event", vendor=vendor),)


def few_bookings(day: Day, **members: object) -> str:
    return rule_of(
        day,
        FEW_BOOKINGS,
        name="Few bookings this week",
        severity="medium",
        weddingSpecific=False,
        notifications=[{"role": "vendor_success"}],
        **members,
    )


def test_fewer_than_two_bookings_in_a_week_are_told_to_whom_the_rule_names() -> None:
    day = a_week()
    day.push(booking("band-1"), booking("band-1"), booking("photo-1"))
    rule_id = few_bookings(day)
    day.doze("2026-03-04T10:00").push(booking("photo-1"))
    assert alerts_of(day, rule_id) == [], "both were made within the week"
    day.doze("2026-03-09T12:00")
    (alert,) = alerts_of(day, rule_id)
    assert (alert["value"], alert["threshold"]) == (0.0, 2.0)
    day.expects(
        between("2026-03-09T09:00", "2026-03-09T12:00"),
        notice(severity="medium", to="vendor_success"),
    )
    for _ in range(3):
        day.push(booking("band-1"))
    day.at("2026-03-09T12:20")
    assert states(day, rule_id) == ["resolved"]
    day.expects(between("2026-03-09T12:00", "2026-03-09T12:20"), resolved(to="vendor_success"))


def test_where_nothing_at_all_was_heard_nothing_is_said_of_bookings() -> None:
    day = a_week()
    rule_id = few_bookings(day)
    day.doze("2026-03-04T10:00")
    assert alerts_of(day, rule_id) == []


def test_an_idle_rule_says_nothing() -> None:
    day = a_week()
    day.push(booking("band-1"))
    rule_id = few_bookings(day, isActive=False)
    day.at("10:30")
    assert alerts_of(day, rule_id) == []


@pytest.mark.parametrize("window", ["90m", "40d"])
def test_windows_are_whole_hours_of_a_month(window: str) -> None:
    day = a_week()
    body = {
        "name": "x",
        "condition": {**FEW_BOOKINGS, "window": window},
        "severity": "low",
    }
    assert day.bundle.post("/api/metrics/alerts/create", body).status == 400

"""What is told together: one call for one wedding, one notice for one group."""

from tests.harness import a_wedding_request
from tests.scenarios.language import (
    Day,
    Said,
    Told,
    between,
    notice,
    page,
    resolved,
)
from tests.scenarios.test_own_rules import alerts_of, rule_of

FORTY = tuple(f"service-{number:02d}" for number in range(40))
BY_SERVICE: dict[str, object] = {
    "metric": "rsvp",
    "stat": "p95",
    "op": ">",
    "threshold": 500,
    "window": "5m",
    "for": "0s",
    "groupBy": ["service"],
}


def a_day() -> Day:
    return Day("2026-06-20", starts="14:00", weddings={"w1": a_wedding_request()})


def a_weekday() -> Day:
    return Day("2026-03-03", starts="14:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


def slow(wedding: str | None, *services: str, ms: float = 900.0) -> Told:
    return tuple(
        Said(name="rsvp", kind="timer", value=ms, wedding=wedding, dims={"service": service})
        for service in services
    )


def test_forty_services_that_fail_at_one_wedding_are_one_call_that_lists_them_all() -> None:
    day = a_day()
    rule_id = rule_of(day, BY_SERVICE, severity="critical")
    day.at("14:05").push(slow("w1", *FORTY))
    assert len(alerts_of(day, rule_id)) == 40
    day.expects_only(
        between("14:05", "14:06"),
        page(tier=0, to="on_call_engineer"),
        page(tier=0, to="platform_lead"),
    )
    (first, _) = day.heard(between("14:05", "14:06"))
    assert all(service in first.message for service in FORTY)
    (incident,) = day.bundle.active_incidents()
    assert len(incident["alerts"]) == 40  # type: ignore[arg-type] # a list


def test_forty_mild_ones_are_one_notice_and_one_end() -> None:
    day = a_day()
    rule_id = rule_of(day, BY_SERVICE)
    day.at("14:05").push(slow("w1", *FORTY))
    assert {each["state"] for each in alerts_of(day, rule_id)} == {"firing"}
    day.expects_silence(between("14:05", "14:05:29"))
    day.expects_only(between("14:05:30", "14:06"), notice(severity="high"))
    (told,) = day.heard(between("14:05:30", "14:06"))
    assert all(service in told.message for service in FORTY)
    assert "and 39 more" in told.subject
    day.at("14:12")
    for _ in day.every(seconds=60, until="14:20"):
        day.push(slow("w1", *FORTY, ms=100.0))
    day.expects_only(between("14:06:01", "14:21"), resolved(to="on_call_engineer"))


def test_what_comes_within_half_a_minute_is_told_with_it_and_the_rest_afterwards() -> None:
    day = a_day()
    rule_of(day, BY_SERVICE)
    day.at("14:05").push(slow("w1", "gallery"))
    day.at("14:05:20").push(slow("w1", "seating"))
    day.at("14:06").push(slow("w1", "rsvp"))
    first, second = day.at("14:07").heard(between("14:05", "14:07"))
    assert "gallery" in first.message
    assert "seating" in first.message
    assert "rsvp" in second.message
    assert "gallery" not in second.message


def test_weddings_are_told_of_apart_and_the_tenants_rules_each_by_itself() -> None:
    day = Day(
        "2026-06-20",
        starts="14:00",
        weddings={"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")},
    )
    rule_of(day, BY_SERVICE)
    rule_of(day, BY_SERVICE, weddingSpecific=False)
    rule_of(day, {**BY_SERVICE, "threshold": 400}, weddingSpecific=False)
    day.at("14:05").push(slow("w1", "gallery", "seating"), slow("w2", "gallery", "seating"))
    heard = day.at("14:06").heard(between("14:05", "14:06"))
    assert len(heard) == 4
    assert sorted(str(each.wedding_id) for each in heard if each.wedding_id) == sorted(
        [day.wedding_id("w1"), day.wedding_id("w2")]
    )


def test_the_end_is_told_when_the_last_of_them_is_over() -> None:
    day = a_weekday()
    rule_id = rule_of(day, BY_SERVICE)
    day.at("14:05").push(slow("w1", "gallery", "seating"))
    gallery, seating = sorted(alerts_of(day, rule_id), key=lambda each: str(each["service"]))
    day.at("14:06")
    resolve = "/api/metrics/alerts/{}/resolve"
    assert day.bundle.post(resolve.format(gallery["alertId"])).status == 200
    day.at("14:07").expects_silence(between("14:06", "14:07"))
    assert day.bundle.post(resolve.format(seating["alertId"])).status == 200
    day.at("14:08").expects_only(between("14:07", "14:08"), resolved(to="on_call_engineer"))


def test_what_is_over_before_it_was_told_is_never_told() -> None:
    day = a_weekday()
    rule_id = rule_of(day, {**BY_SERVICE, "keepFiringFor": "0s", "window": "1m", "stat": "last"})
    day.at("14:05")
    day.push((Said(name="rsvp", kind="gauge", value=900.0, wedding="w1"),))
    day.at("14:05:10").push((Said(name="rsvp", kind="gauge", value=10.0, wedding="w1"),))
    day.at("14:08")
    assert [each["state"] for each in alerts_of(day, rule_id)] == ["resolved"]
    day.expects_silence(between("14:05", "14:08"))


def test_a_linear_climb_is_told_before_the_threshold_is_passed() -> None:
    day = a_weekday()
    rule_id = rule_of(
        day,
        {
            "metric": "host.memory",
            "stat": "last",
            "op": ">",
            "threshold": 90,
            "window": "10m",
            "groupBy": ["host"],
            "predictWithin": "30m",
        },
        weddingSpecific=False,
        name="Memory runs out",
    )
    for count in day.every(seconds=60, until="14:30"):
        day.push(
            (
                Said(name="host.memory", kind="gauge", value=40.0 + count, dims={"host": "a"}),
                Said(name="host.memory", kind="gauge", value=60.0 + count % 2, dims={"host": "b"}),
            )
        )
    (alert,) = alerts_of(day, rule_id)
    assert alert["tags"] == ["predicted"]
    assert alert["state"] == "firing"
    assert "host a" in str(alert["message"])
    assert float(str(alert["value"])) < 90.0
    fired = str(alert["firedAt"])
    assert "2026-03-03T13:2" in fired, "the line reaches 90 half an hour after 14:20"

"""Silences: what they hide, what they must not, and what is heard when they are over."""

from collections.abc import Mapping

from tests.harness import Answer, a_wedding_request
from tests.scenarios.language import (
    Day,
    between,
    notice,
    page,
    photo_failures,
    requests,
    resolved,
    response_time,
)

SILENCES = "/api/metrics/alerts/silences"
PHOTOS = "platform.photo_upload_failures"
SLOWNESS = "platform.performance_degradation"


def a_day() -> Day:
    return Day("2026-06-20", starts="14:00", weddings={"w1": a_wedding_request()})


def a_weekday() -> Day:
    """Its wedding is months away."""
    return Day("2026-03-03", starts="10:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


def ask(
    day: Day,
    matchers: Mapping[str, object],
    *,
    until: str,
    start: str | None = None,
    **more: object,
) -> Answer:
    body: dict[str, object] = {
        "matchers": dict(matchers),
        "endsAt": day.instant(until).isoformat(),
        "comment": "the venue tests its network",
        **more,
    }
    if start is not None:
        body["startsAt"] = day.instant(start).isoformat()
    return day.bundle.post(SILENCES, body)


def silence(day: Day, matchers: Mapping[str, object], **options: str) -> str:
    answer = ask(day, matchers, **options)
    assert answer.status == 201, answer
    return str(answer["silenceId"])


def slow(day: Day, ms: float = 2500.0) -> Day:
    return day.push(response_time("w1", ms))


def test_what_is_silenced_is_recorded_and_nobody_is_told() -> None:
    day = a_weekday()
    name = silence(day, {"ruleId": SLOWNESS}, until="11:00")
    for _ in day.every(seconds=60, until="10:10"):
        slow(day)
    (alert,) = day.bundle.alerts()
    assert alert["state"] == "suppressed"
    assert alert["suppressedBy"] == name
    assert alert["severity"] == "medium"
    day.expects_only(between("10:00", "10:10"))


def test_what_recovers_under_its_silence_was_never_heard_of() -> None:
    day = a_weekday()
    silence(day, {"severity": ["low", "medium"]}, until="11:30")
    for _ in day.every(seconds=60, until="10:10"):
        slow(day)
    for _ in day.every(seconds=60, until="10:25"):
        slow(day, 300.0)
    assert [each["state"] for each in day.bundle.alerts()] == ["resolved"]
    day.at("12:00")
    day.expects_only(between("10:00", "12:00"))


def test_what_outlasts_its_silence_is_told_of_when_that_is_over() -> None:
    day = a_weekday()
    silence(day, {"weddingId": day.wedding_id("w1")}, until="10:20")
    for _ in day.every(seconds=60, until="10:30"):
        slow(day)
    day.expects_only(between("10:00", "10:19:59"))
    day.expects_only(between("10:20", "10:31"), notice(severity="medium"))


def test_a_silence_may_be_ended_early() -> None:
    day = a_weekday()
    name = silence(day, {"ruleId": [SLOWNESS, PHOTOS]}, until="12:00")
    for _ in day.every(seconds=60, until="10:10"):
        slow(day)
    assert day.bundle.delete(f"{SILENCES}/{name}", if_match='"7"').status == 412
    assert day.bundle.delete(f"{SILENCES}/{name}").status == 204
    slow(day).at("10:11")
    day.expects(between("10:10", "10:11"), notice(severity="medium"))
    (listed,) = day.bundle.get(SILENCES).items
    assert (listed["state"], listed["silenceId"]) == ("over", name)


def test_every_matcher_must_fit() -> None:
    day = a_weekday()
    silence(day, {"ruleId": SLOWNESS, "severity": "high"}, until="11:00")
    silence(day, {"ruleId": PHOTOS}, until="11:00")
    silence(day, {"service": "gallery"}, until="11:00")
    silence(day, {"ruleId": SLOWNESS}, start="10:30", until="11:00")
    for _ in day.every(seconds=60, until="10:05"):
        slow(day)
    day.expects(between("10:00", "10:05"), notice(severity="medium"))


def test_a_service_is_silenced_by_its_name() -> None:
    day = a_weekday()
    silence(day, {"service": "gallery"}, until="11:00")
    for _ in day.every(seconds=60, until="10:10"):
        day.push(
            requests(service="gallery", ms=3500, number=20),
            requests(service="seating", ms=3500, number=20),
        )
    fired = {each["service"]: each["state"] for each in day.bundle.alerts()}
    assert fired["gallery"] == "suppressed"
    assert fired["seating"] == "firing"


def test_the_worst_of_a_wedding_under_way_is_not_silenced() -> None:
    day = a_day()
    for matchers in (
        {"ruleId": PHOTOS},
        {"weddingId": day.wedding_id("w1")},
        {"severity": ["medium", "critical"]},
        {"ruleId": SLOWNESS, "weddingId": day.wedding_id("w1")},
    ):
        refused = ask(day, matchers, until="15:00")
        assert refused.status == 409, matchers
        assert refused["type"] == "urn:wedsync:problem:critical-silence"
    for matchers in (
        {"severity": ["low", "medium", "high"]},
        {"service": "gallery"},
        {"ruleId": "platform.telemetry_gap"},
    ):
        assert ask(day, matchers, until="15:00").status == 201, matchers


def test_outside_of_a_weddings_window_there_is_nothing_to_guard() -> None:
    day = a_day()
    assert (
        ask(day, {"ruleId": PHOTOS}, start="2026-06-22T10:00", until="2026-06-25T10:00").status
        == 201
    )
    assert (
        ask(day, {"ruleId": PHOTOS}, start="2026-06-18T10:00", until="2026-06-25T10:00").status
        == 409
    )
    assert a_weekday_ask().status == 201


def a_weekday_ask() -> Answer:
    return ask(a_weekday(), {"ruleId": PHOTOS}, until="2026-03-10T10:00")


def test_whoever_forces_it_says_why() -> None:
    day = a_day()
    assert ask(day, {"ruleId": PHOTOS}, until="15:00", force=True).status == 400
    forced = ask(day, {"ruleId": PHOTOS}, until="15:00", force=True, reason="the couple knows")
    assert forced.status == 201
    assert (forced["forced"], forced["reason"]) == (True, "the couple knows")
    day.at("14:05").push(photo_failures("w1", rate=3.0))
    assert [each["state"] for each in day.bundle.alerts()] == ["suppressed"]
    day.expects_only(between("14:00", "14:10"))


def test_a_silence_from_before_a_wedding_was_known_hides_none_of_its_worst() -> None:
    day = Day("2026-06-20", starts="10:00")
    silence(day, {"ruleId": [PHOTOS, SLOWNESS]}, until="23:00")
    day.register("w1", a_wedding_request())
    day.at("15:00").push(photo_failures("w1", rate=3.0))
    day.expects(between("15:00", "15:01"), page(tier=0, to="on_call_engineer"))


def test_a_rise_under_a_silence_is_heard_of_afterwards() -> None:
    day = a_weekday()
    for _ in day.every(seconds=60, until="10:05"):
        slow(day)
    day.expects(between("10:00", "10:05"), notice(severity="medium"))
    silence(day, {"severity": "high"}, until="10:15")
    for _ in day.every(seconds=60, until="10:20"):
        slow(day, 3500.0)
    day.expects_only(between("10:05:01", "10:14:59"))
    day.expects_only(between("10:15", "10:21"), notice(severity="high"))


def test_the_end_of_what_was_told_before_is_told_too() -> None:
    day = a_weekday()
    for _ in day.every(seconds=60, until="10:05"):
        slow(day)
    silence(day, {"ruleId": SLOWNESS}, until="11:00")
    for _ in day.every(seconds=60, until="10:20"):
        slow(day, 300.0)
    day.expects(between("10:05", "10:20"), resolved(to="on_call_engineer"))


def test_resolving_what_nobody_heard_of_tells_nobody() -> None:
    day = a_weekday()
    silence(day, {"ruleId": SLOWNESS}, until="11:00")
    for _ in day.every(seconds=60, until="10:05"):
        slow(day)
    (alert,) = day.bundle.alerts()
    assert day.bundle.post(f"/api/metrics/alerts/{alert['alertId']}/resolve").status == 200
    day.at("10:06").expects_only(between("10:00", "10:06"))


def test_what_is_no_silence_is_refused() -> None:
    day = a_day()
    for body in (
        {"matchers": {}, "endsAt": "2026-06-20T20:00:00Z"},
        {"matchers": {"severity": "low"}},
        {"matchers": {"severity": "low"}, "endsAt": "2026-06-20T11:00:00Z"},
        {"matchers": {"severity": "low"}, "endsAt": "2026-09-20T11:00:00Z"},
        {"matchers": {"severity": "dire"}, "endsAt": "2026-06-20T20:00:00Z"},
        {"matchers": {"name": "x"}, "endsAt": "2026-06-20T20:00:00Z"},
    ):
        assert day.bundle.post(SILENCES, body).status == 400, body
    assert ask(day, {"ruleId": "rule_none"}, until="15:00").status == 404
    assert ask(day, {"weddingId": "wed_none"}, until="15:00").status == 404


def test_silences_come_by_pages_in_the_order_in_which_they_were_made() -> None:
    day = a_weekday()
    made = [silence(day, {"ruleId": SLOWNESS}, until=f"1{hour}:00") for hour in (3, 1, 2)]
    first = day.bundle.get(SILENCES, limit="2")
    assert [each["silenceId"] for each in first.items] == made[:2]
    assert first["effectiveLimit"] == 2
    assert str(first.headers["link"]).endswith('rel="next"')
    rest = day.bundle.get(SILENCES, limit="2", cursor=str(first["nextCursor"]))
    assert [each["silenceId"] for each in rest.items] == made[2:]
    assert rest["nextCursor"] is None
    day.bundle.close()

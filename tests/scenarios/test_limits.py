"""A caller who asks too much is told so, and when to ask again; nobody else notices."""

from datetime import timedelta

import pytest

from infra.local.clock import ManualClock
from tests.builders import utc
from tests.harness import Answer, Bundle, a_point, a_wedding_request
from wedsync.tenancy import Role, Tenant

NOON = utc("2026-06-20T12:00")
PATH = "/api/weddings"
FIGURES = {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}


def limited() -> Bundle:
    return Bundle(at=NOON, limits=True)


def figures(answer: Answer) -> dict[str, int]:
    return {name: int(answer.headers[name]) for name in FIGURES}


def test_the_101st_request_of_a_minute_is_refused_until_there_is_room_again() -> None:
    with limited() as bundle:
        answers = [bundle.get(PATH) for _ in range(101)]
        assert [each.status for each in answers] == [200] * 100 + [429]
        assert [figures(each)["ratelimit-remaining"] for each in answers[:100]] == [
            *range(99, -1, -1)
        ]
        refused = answers[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused["type"] == "urn:wedsync:problem:too-many-requests"
        assert refused.headers["retry-after"] == "1"
        assert figures(refused) == {
            "ratelimit-limit": 100,
            "ratelimit-remaining": 0,
            "ratelimit-reset": 60,
        }
        bundle.clock.advance(1)
        assert [bundle.get(PATH).status for _ in range(2)] == [200, 429]
        bundle.clock.advance(60)
        assert [bundle.get(PATH).status for _ in range(101)] == [200] * 100 + [429]


def test_another_caller_notices_nothing() -> None:
    with limited() as bundle:
        assert [bundle.get(PATH).status for _ in range(101)][-1] == 429
        others = [
            bundle.key(Role.OPERATOR),
            bundle.key(Role.ADMIN, tenant=Tenant("rival")),
            bundle.key(Role.VENDOR, vendor_id="photo-1"),
        ]
        for key in others:
            answer = bundle.get(PATH, key=key)
            assert (answer.status, figures(answer)["ratelimit-remaining"]) == (200, 99)


def test_devices_have_a_bucket_of_their_own() -> None:
    with limited() as bundle:
        assert [bundle.get(PATH).status for _ in range(101)][-1] == 429
        device = bundle.key(Role.DEVICE)
        for number in range(120):
            point = a_point("guest.activity", bundle.now, kind="event", eventId=f"e{number}")
            answer = bundle.post("/api/metrics/ingest", point, key=device)
            assert (answer.status, figures(answer)["ratelimit-limit"]) == (202, 600)


def test_every_answer_tells_what_is_left_whatever_it_says() -> None:
    with limited() as bundle:
        viewer = bundle.key(Role.VIEWER)
        told = [
            bundle.get(f"{PATH}/wed_0", key=viewer),
            bundle.get(PATH, key=viewer, limit="0"),
            bundle.post(PATH, a_wedding_request(), key=viewer),
            bundle.get(PATH, key=viewer),
        ]
        assert [each.status for each in told] == [404, 400, 403, 200]
        assert [figures(each)["ratelimit-remaining"] for each in told] == [99, 98, 97, 96]


def test_a_refused_request_has_no_effect_and_its_key_stays_free() -> None:
    with limited() as bundle:
        for _ in range(100):
            bundle.get(PATH)
        once = {"idempotency-key": "once"}
        assert bundle.post(PATH, a_wedding_request(), headers=once).status == 429
        bundle.clock.advance(10)
        assert bundle.get(PATH).items == []
        answer = bundle.post(PATH, a_wedding_request(), headers=once)
        assert answer.status == 201
        assert "idempotency-replayed" not in answer.headers


def test_whoever_proves_nobody_and_whoever_is_not_limited_is_told_no_figures() -> None:
    with limited() as bundle:
        answer = bundle.request("GET", PATH, headers={"authorization": "Bearer nobody"})
        assert answer.status == 401
        assert not FIGURES & set(answer.headers)
    with Bundle(at=NOON) as free:
        answers = [free.get(PATH) for _ in range(150)]
        assert {each.status for each in answers} == {200}
        assert not any(FIGURES & set(each.headers) for each in answers)


@pytest.mark.parametrize("passes", ["real", "replaced"])
def test_limits_go_by_real_time_whatever_the_clock_is_told(passes: str) -> None:
    real = ManualClock(utc("2031-01-01T00:00"))
    with Bundle(at=NOON, limits=True, wall_clock=real) as bundle:
        assert [bundle.get(PATH).status for _ in range(101)][-1] == 429
        if passes == "real":
            real.set(real.now() + timedelta(seconds=1))
            assert bundle.get(PATH).status == 200
        else:
            bundle.advance(3600)
            assert bundle.get(PATH).status == 429

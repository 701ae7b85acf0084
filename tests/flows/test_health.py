"""Whoever asks is told whether the jobs of the clock keep up."""

from typing import cast

from tests.builders import utc
from tests.harness import Answer, Bundle


def states(answer: Answer) -> dict[str, str]:
    jobs = cast("list[dict[str, str]]", answer["jobs"])
    return {job["name"]: job["state"] for job in jobs}


def test_health_needs_no_caller_and_tells_of_jobs_that_fall_behind() -> None:
    with Bundle(at=utc("2026-06-20T11:58"), shards=1) as bundle:
        request = {"authorization": "Bearer nobody"}
        fresh = bundle.request("GET", "/api/health", headers=request)
        assert (fresh.status, fresh["status"], fresh["stage"]) == (200, "healthy", "prod")
        assert set(states(fresh).values()) == {"starting"}
        bundle.advance(600)
        running = bundle.get("/api/health")
        assert states(running) == {
            "weddingHours": "healthy",
            "hours": "healthy",
            "days": "starting",
        }
        bundle.clock.advance(16 * 60)  # nobody works
        behind = bundle.get("/api/health")
        assert behind["status"] == "degraded"
        assert states(behind)["weddingHours"] == "degraded"
        bundle.clock.advance(3 * 3600)
        assert states(bundle.get("/api/health"))["hours"] == "degraded"

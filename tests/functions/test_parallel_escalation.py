"""Calls that were all made before the level rose raise it once, however they are served."""

from datetime import timedelta

from tests.builders import utc
from tests.harness import Bundle


def test_eight_calls_that_arrived_together_raise_one_level_once() -> None:
    with Bundle(at=utc("2026-06-16T10:00")) as bundle:
        opened = bundle.post("/api/monitoring/incidents", {"title": "down", "severity": "critical"})
        path = f"/api/monitoring/incidents/{opened['incidentId']}/escalate"
        arrived = round(bundle.now.timestamp() * 1000)
        answers = []
        for _ in range(8):
            bundle.clock.advance(0.05)  # each waits for the one before
            answers.append(bundle.post(path, arrived_ms=arrived))
        assert [each.status for each in answers] == [200] * 8
        assert [each["escalated"] for each in answers] == [True] + [False] * 7
        assert {each["escalationLevel"] for each in answers} == {2}
        bundle.clock.set(bundle.now + timedelta(seconds=1))
        later = bundle.post(path)
        assert (later["escalated"], later["escalationLevel"]) == (True, 3)
        assert bundle.post(path).status == 409

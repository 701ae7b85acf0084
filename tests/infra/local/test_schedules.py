"""Jobs run on whole minutes, once for each, and are caught up once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.schedules import slot_before
from tests.infra.local.functions_under_test import (
    SATURDAY,
    Event,
    Scripted,
    a_cloud,
    a_job,
    a_machine,
    kept_failures,
)
from wedsync.cloud import Cloud


def times(job: Scripted) -> list[str]:
    return [str(event["time"])[11:] for event in job.events]


@pytest.mark.parametrize(
    ("at", "every", "inclusive", "expected"),
    [
        ("14:00:30", 1, True, "14:00:00"),
        ("14:00:00", 1, True, "14:00:00"),
        ("14:00:00", 1, False, "13:59:00"),
        ("14:07:00", 5, True, "14:05:00"),
        ("14:05:00", 5, False, "14:00:00"),
        ("23:59:59", 1440, True, "00:00:00"),
    ],
)
def test_slots_are_whole_multiples(at: str, every: int, *, inclusive: bool, expected: str) -> None:
    instant = datetime.fromisoformat(f"2026-06-20T{at}+00:00")
    slot = slot_before(instant, timedelta(minutes=every), inclusive=inclusive)
    assert slot.isoformat() == f"2026-06-20T{expected}+00:00"


@pytest.mark.parametrize(
    ("at", "inclusive", "expected"),
    [
        ("14:02:59", True, "13:03:00"),
        ("14:03:00", True, "14:03:00"),
        ("14:03:00", False, "13:03:00"),
    ],
)
def test_slots_may_lie_some_minutes_behind_the_multiples(
    at: str, *, inclusive: bool, expected: str
) -> None:
    instant = datetime.fromisoformat(f"2026-06-20T{at}+00:00")
    slot = slot_before(instant, timedelta(hours=1), after=timedelta(minutes=3), inclusive=inclusive)
    assert slot.isoformat() == f"2026-06-20T{expected}+00:00"


def test_a_job_runs_at_each_exact_minute() -> None:
    cloud, clock = a_cloud()
    seen: list[datetime] = []
    job = a_job(lambda *_: seen.append(clock.now()))
    assert a_machine(cloud, job).advance(150) == {"schedules-tick": 3}
    assert times(job) == ["14:01:00Z", "14:02:00Z", "14:03:00Z"]
    assert seen[0] == datetime(2026, 6, 20, 14, 1, tzinfo=UTC)


def test_a_job_due_at_the_start_runs_then() -> None:
    cloud, _ = a_cloud(at=datetime(2026, 6, 20, 14, tzinfo=UTC))
    job = a_job(every=5)
    machine = a_machine(cloud, job)
    machine.advance(0)
    machine.advance(0)
    assert times(job) == ["14:00:00Z"]


def test_jobs_of_one_instant_run_in_the_order_of_their_names() -> None:
    cloud, _ = a_cloud()
    order: list[str] = []
    jobs = [
        a_job(lambda *_, name=name: order.append(name), name=f"schedules.{name}")
        for name in ("b", "a")
    ]
    a_machine(cloud, *jobs).advance(60)
    assert order == ["a", "b"]


def test_downtime_is_caught_up_by_one_run(tmp_path: Path) -> None:
    cloud, _ = a_cloud(tmp_path / "db")
    a_machine(cloud, a_job()).advance(60)
    cloud.close()
    later, _ = a_cloud(tmp_path / "db", at=SATURDAY + timedelta(hours=2))
    job = a_job()
    machine = a_machine(later, job)
    machine.advance(0)
    assert times(job) == ["16:00:00Z"]
    machine.advance(30)
    assert times(job) == ["16:00:00Z", "16:01:00Z"]
    later.close()


def test_a_run_that_dies_comes_again_after_the_restart() -> None:
    cloud, _ = a_cloud()

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        a_machine(cloud, a_job(die)).advance(30)
    job = a_job()
    a_machine(cloud, job).advance(0)
    assert times(job) == ["14:01:00Z"]


def test_a_failed_run_is_tried_twice_more_and_then_kept() -> None:
    cloud, clock = a_cloud()
    at: list[int] = []

    def script(event: Event, _: Cloud) -> None:
        if str(event["time"]).endswith("15:00:00Z"):
            at.append(clock.now().minute)
            raise ValueError("no")

    job = a_job(script, every=60)
    a_machine(cloud, job).advance(2 * 3600)
    assert at == [0, 1, 3]
    assert times(job) == ["15:00:00Z", "15:00:00Z", "15:00:00Z", "16:00:00Z"]
    (failure,) = kept_failures(cloud)
    assert failure["reason"] == "ValueError: no"

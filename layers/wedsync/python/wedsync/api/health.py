"""Bodies of the health route."""

from datetime import datetime

from wedsync.api.shape import Reply
from wedsync.flows.health import JobHealth, JobState
from wedsync.weddings.phase import Stage


class JobReply(Reply):
    """One job of the clock, and the instant through which its work is complete."""

    name: str
    state: JobState
    through: datetime | None
    lag_seconds: float | None


class HealthReply(Reply):
    """The service answers, its tables answer, and this is how its jobs stand.

    It is degraded where a job is. ``emergencyMode``: some tenant is in it, and sheds what can wait.
    """

    status: JobState
    stage: Stage
    jobs: list[JobReply]
    emergency_mode: bool

    @classmethod
    def of(
        cls, jobs: tuple[JobHealth, ...], *, stage: Stage, emergency_mode: bool
    ) -> "HealthReply":
        """The health that these jobs amount to."""
        degraded = any(job.state is JobState.DEGRADED for job in jobs)
        return cls(
            status=JobState.DEGRADED if degraded else JobState.HEALTHY,
            stage=stage,
            emergency_mode=emergency_mode,
            jobs=[
                JobReply(
                    name=job.name,
                    state=job.state,
                    through=job.through,
                    lag_seconds=job.lag_seconds,
                )
                for job in jobs
            ],
        )

"""Whether the service runs; whoever asks need not say who it is."""

from wedsync.api.health import HealthReply
from wedsync.flows.health import job_health
from wedsync.resources import Resource
from wedsync.runtime.http import Injected, endpoint


@endpoint(
    "GET /api/health",
    summary="Tell how the service stands",
    uses=(Resource.WINDOWS.read(),),
    roles=(),
)
def handler(services: Injected) -> HealthReply:
    """Answer what is no tenant's: the jobs of the clock. 503 while the tables do not answer."""
    jobs = job_health(services, services.now())
    return HealthReply.of(jobs, stage=services.settings.stage)

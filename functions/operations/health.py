"""Whether the service runs; whoever asks need not say who it is."""

from wedsync.api.health import HealthReply
from wedsync.flows.health import job_health
from wedsync.resources import Resource
from wedsync.runtime.http import Injected, endpoint


@endpoint(
    "GET /api/health",
    summary="Tell how the service stands",
    uses=(Resource.WINDOWS.read(), Resource.TENANT_SETTINGS.read()),
    roles=(),
)
def handler(services: Injected) -> HealthReply:
    """Answer what is no tenant's: the jobs of the clock. 503 while the tables do not answer."""
    now = services.now()
    return HealthReply.of(
        job_health(services, now),
        stage=services.settings.stage,
        emergency_mode=any(each.is_on(now) for _, each in services.emergency.every()),
    )

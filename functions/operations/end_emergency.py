"""An operator switches emergency mode off."""

from wedsync.api.emergency import named_by
from wedsync.api.versions import IfMatch
from wedsync.errors import PreconditionFailed
from wedsync.flows.emergency_mode import switch_off
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/operations/emergency-mode",
    summary="Switch emergency mode off",
    uses=(Resource.TENANT_SETTINGS.read_write(), Resource.WAKE.send()),
    raises=(PreconditionFailed,),
    status=204,
)
def handler(caller: FromCaller, services: Injected, if_match: IfMatch = None) -> Answer[None]:
    """End the version that If-Match names, or the present one; what is over stays as it is."""
    switch_off(services, caller.tenant, by=caller.subject, check=named_by(if_match))
    return Answer(None)

"""Who is calling, and whether not too often: every request passes here first."""

from collections.abc import Mapping

from wedsync.errors import Unauthenticated
from wedsync.flows.rejected_keys import note_rejected_key
from wedsync.resources import Resource
from wedsync.runtime.events import authorizer
from wedsync.runtime.tokens import named_key, prove
from wedsync.stores.services import Services


@authorizer(
    summary="Prove the caller of an HTTP request",
    uses=(
        Resource.KEYS.read(),
        Resource.TOKEN_KEYS.read(),
        Resource.LIMITS.write(),
        Resource.REJECTIONS.write(),
    ),
    layers=("auth",),
)
def handler(headers: Mapping[str, str], services: Services) -> Mapping[str, str]:
    """Answer the caller as the endpoint's context; an empty one where none is proved.

    The request is counted here, once, whatever it asks for; the endpoint refuses what is too much.
    """
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    try:
        caller = prove(
            token, keys=services.keys, token_keys=services.token_keys, now=services.now()
        )
    except Unauthenticated:
        note_rejected_key(services, token, key_id=named_key(token, keys=services.keys))
        return {}
    rate = services.settings.rate_of(caller.role)
    allowance = None
    if rate is not None:
        allowance = services.limits.take(caller, rate, now=services.cloud.wall_clock.now())
    return {
        **(allowance.context() if allowance is not None else {}),
        "tenant": caller.tenant.id,
        "subject": caller.subject,
        "role": caller.role.value,
        "vendorId": caller.vendor_id or "",
        "name": caller.name or "",
    }

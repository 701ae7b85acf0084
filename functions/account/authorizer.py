"""Who is calling: every request passes here first."""

from collections.abc import Mapping

from wedsync.errors import Unauthenticated
from wedsync.resources import Resource
from wedsync.runtime.events import authorizer
from wedsync.runtime.tokens import prove
from wedsync.stores.services import Services


@authorizer(
    summary="Prove the caller of an HTTP request",
    uses=(Resource.KEYS.read(), Resource.TOKEN_KEYS.read()),
    layers=("auth",),
)
def handler(headers: Mapping[str, str], services: Services) -> Mapping[str, str]:
    """Answer the caller as the endpoint's context; an empty one where none is proved."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    try:
        caller = prove(
            token, keys=services.keys, token_keys=services.token_keys, now=services.now()
        )
    except Unauthenticated:
        return {}
    return {
        "tenant": caller.tenant.id,
        "subject": caller.subject,
        "role": caller.role.value,
        "vendorId": caller.vendor_id or "",
    }

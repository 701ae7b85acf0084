"""Room for what weddings load: set to a value, and put back to what it was.

Functions and the stream serve all tenants, so that only the runbooks of the operator's tenant pull
their levers; anybody else's recommend. What was before is known, and kept with the run, before
anything is changed. The cloud knows no conditional change: who sets the same lever between a look
and a change is overruled.
"""

import json

from wedsync.runbooks.model import LEVERS, Dimension, Scale
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def pulls_lever(services: Services, tenant: Tenant, action: Scale) -> bool:
    """Whether the step changes anything."""
    return action.dimension in LEVERS and tenant == services.settings.operator_tenant


def room_before(services: Services, action: Scale) -> str:
    """What there is, as ``put_room_back`` takes it. Raises CapacityRefused, CapacityBusy."""
    return json.dumps(_present(services, action))


def give_room(services: Services, action: Scale) -> str:
    """Set the lever; what came of it. Raises CapacityRefused, CapacityBusy."""
    if _present(services, action) == action.to:
        return f"{_name(action)} is {action.to}"
    _set(services, action, action.to)
    return f"{_name(action)} is set to {action.to}"


def put_room_back(services: Services, action: Scale, former: str) -> str:
    """Set it to what it was, unless somebody has set it since; what came of it."""
    before: int | None = json.loads(former)
    present = _present(services, action)
    told = "not limited" if before is None else str(before)
    if present == before:
        return f"{_name(action)} is {told}, as before"
    if present != action.to:
        return f"left: {_name(action)} was set to {present} since"
    _set(services, action, before)
    return f"{_name(action)} is {told} again"


def recommended(action: Scale) -> str:
    """What is told of a step that sets nothing, and why it does not."""
    lever = action.dimension in LEVERS
    why = "only the operator sets it" if lever else "there is no lever for it"
    return f"recommended: {_name(action)} to {action.to}; {why}"


def _present(services: Services, action: Scale) -> int | None:
    if action.dimension is Dimension.SHARDS:
        return services.capacity.shards(action.target)
    return services.capacity.reserved(action.target)


def _set(services: Services, action: Scale, to: int | None) -> None:
    if action.dimension is not Dimension.SHARDS:
        services.capacity.reserve(action.target, to)
    elif to is not None:
        services.capacity.reshard(action.target, to)


def _name(action: Scale) -> str:
    return f"{action.dimension} of {action.target}"

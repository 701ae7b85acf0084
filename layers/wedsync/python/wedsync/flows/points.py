"""Points as members of the envelope that they came in."""

import json

from wedsync.metrics.point import Point


def members(point: Point) -> dict[str, object]:
    """The point as one object of a record; what it does not say is left out."""
    said: dict[str, object] = {
        "v": 1,
        "name": point.name,
        "kind": point.kind.value,
        "ts": point.ts_ms,
        "values": list(point.values),
        "count": point.count,
        "dataType": point.data_type.value,
        "priority": point.priority.value,
        "dims": dict(point.dims),
    }
    optional = {
        "eventId": point.event_id,
        "tenantId": point.tenant_id,
        "weddingId": point.wedding_id,
        "vendorId": point.vendor_id,
        "guestId": point.guest_id,
        "source": point.source,
        "streamId": point.stream_id,
    }
    return said | {name: value for name, value in optional.items() if value is not None}


def text(point: Point) -> bytes:
    """The point as JSON: what is parked of a point that could be read and not counted."""
    return json.dumps(members(point)).encode()

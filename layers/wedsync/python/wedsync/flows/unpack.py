"""The records that producers wrote, out of those that the stream carries."""

from collections.abc import Iterator
from dataclasses import replace

from wedsync.cloud import Arrived
from wedsync.metrics.body import Poison
from wedsync.metrics.iot import signed_payload
from wedsync.metrics.kpl import user_records


def unpacked(carrier: Arrived) -> Iterator[tuple[Arrived, Poison | None]]:
    """Each record that this one carries, as its sender wrote it, or why it cannot be taken apart.

    The place of a user record in its aggregate joins the sequence number, and so the identity
    of points that have no other.
    """
    try:
        parts = user_records(carrier.data)
    except Poison as poison:
        yield carrier, poison
        return
    if parts is None:
        yield _unwrapped(carrier)
        return
    for index, part in enumerate(parts):
        yield _unwrapped(replace(carrier, data=part, sequence=f"{carrier.sequence}.{index}"))


def _unwrapped(record: Arrived) -> tuple[Arrived, Poison | None]:
    try:
        signed = signed_payload(record.data)
    except Poison as poison:
        return record, poison
    return (record if signed is None else replace(record, data=signed)), None

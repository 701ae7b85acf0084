"""The records that producers wrote, out of those that the stream carries."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wedsync.cloud import Arrived
from wedsync.metrics.body import Poison
from wedsync.metrics.kpl import user_records


def unpacked(records: Sequence[Arrived]) -> Iterator[tuple[Arrived, Poison | None]]:
    """Each record as its sender wrote it, aggregates taken apart, or why that cannot be done.

    The place of a user record in its aggregate joins the sequence number, and so the identity
    of points that have no other.
    """
    for record in records:
        try:
            parts = user_records(record.data)
        except Poison as poison:
            yield record, poison
            continue
        if parts is None:
            yield record, None
            continue
        for index, part in enumerate(parts):
            yield replace(record, data=part, sequence=f"{record.sequence}.{index}"), None

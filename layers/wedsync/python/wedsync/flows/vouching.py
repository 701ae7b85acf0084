"""What the platform itself puts on the stream: records that it signs, and so vouches for."""

from collections.abc import Iterator, Sequence

from wedsync.cloud import PutFailures, Record
from wedsync.cloud.limits import STREAM_CALL_BYTES, STREAM_RECORDS
from wedsync.errors import Unavailable
from wedsync.metrics.signature import device_secret, sign
from wedsync.stores.services import Services

PLATFORM = "platform"
"""The key id under which the platform signs."""
PUT_TRIES = 3


def platform_record(
    body: bytes, *, services: Services, device: str, batch: str, received_at_unix: int
) -> bytes:
    """A record that the platform vouches for: who sent it, and when it was received."""
    return sign(
        body,
        secret=device_secret(services.signing.value(), PLATFORM),
        key_id=PLATFORM,
        at_unix=received_at_unix,
        batch_id=f"{device}/{batch}",
    )


def put_all(services: Services, records: Sequence[Record]) -> None:
    """Put records on the stream, however many. Raises Unavailable where it does not take all.

    Those that it took stay in; whoever puts all of them again makes duplicates.
    """
    for call in _calls(records):
        _put(services, call)


def _put(services: Services, records: Sequence[Record]) -> None:
    for _ in range(PUT_TRIES):
        failures: PutFailures = services.metrics_stream.put(records)
        if not failures:
            return
        records = [records[failure.index] for failure in failures]
    raise Unavailable("the stream does not take the points now")


def _calls(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records in parts that fit a call."""
    call: list[Record] = []
    size = 0
    for record in records:
        needed = len(record.data) + len(record.partition_key.encode())
        if call and (len(call) == STREAM_RECORDS or size + needed > STREAM_CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(record)
        size += needed
    if call:
        yield call

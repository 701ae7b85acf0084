"""Aggregates of the Kinesis Producer Library: many user records in one record of the stream.

A magic number, a protocol buffer, and the MD5 of it:
https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
"""

from hashlib import md5

from wedsync.metrics.body import Poison
from wedsync.metrics.protobuf import Field, Malformed, content, fields

MAGIC = b"\xf3\x89\x9a\xc2"
MOST_USER_RECORDS = 10_000
_DIGEST_BYTES = 16
_RECORDS = 3
_DATA = 3


def user_records(data: bytes) -> tuple[bytes, ...] | None:
    """What the producer aggregated, in its order; ``None``: the record is no aggregate.

    Raises:
        Poison: begins as an aggregate and is damaged, holds too many records, or another
            aggregate.

    """
    if not data.startswith(MAGIC):
        return None
    message, digest = data[len(MAGIC) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if md5(message, usedforsecurity=False).digest() != digest:
        raise Poison("broken-aggregate", "the checksum of the aggregate does not fit it")
    records: list[bytes] = []
    try:
        for field in fields(message):
            if field[0] != _RECORDS:
                continue
            if len(records) == MOST_USER_RECORDS:
                raise Poison(
                    "too-many-records", f"an aggregate has at most {MOST_USER_RECORDS} records"
                )
            records.append(_data(field))
    except Malformed as error:
        raise Poison("broken-aggregate", f"the aggregate cannot be read: {error}") from error
    if any(record.startswith(MAGIC) for record in records):
        raise Poison("nested-aggregate", "an aggregate holds another one")
    return tuple(records)


def _data(record: Field) -> bytes:
    data = b""
    for field in fields(content(record)):
        if field[0] == _DATA:
            data = content(field)
    return data

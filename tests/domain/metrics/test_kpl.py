import base64
import contextlib
import struct
from hashlib import md5

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.body import Poison
from wedsync.metrics.kpl import MAGIC, MOST_USER_RECORDS, user_records
from wedsync.metrics.protobuf import Malformed, fields, packed_words, written


def aggregate(*datas: bytes) -> bytes:
    """An aggregate by our own hand, however large."""
    message = b"".join(written(3, written(1, 0) + written(3, data)) for data in datas)
    message = written(1, b"key") + message
    return MAGIC + message + md5(message, usedforsecurity=False).digest()


def peers_aggregate(*datas: bytes) -> bytes:
    """The same by the library that others use."""
    aggregator = RecordAggregator()
    for number, data in enumerate(datas):
        assert aggregator.add_user_record(f"wedding-{number % 3}", data, str(number)) is None
    _, _, record = aggregator.clear_and_get().get_contents()
    return bytes(record)


@given(st.lists(st.binary(min_size=1, max_size=80).filter(lambda b: not b.startswith(MAGIC)),
                min_size=1, max_size=40))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_what_the_peers_library_aggregated_comes_apart_again(datas: list[bytes]) -> None:
    assert user_records(peers_aggregate(*datas)) == tuple(datas)


def test_the_peers_library_reads_the_builder_of_these_tests_as_we_do() -> None:
    data = aggregate(b"one", b"two")
    record = {"data": base64.b64encode(data).decode(), "partitionKey": "key"}
    read = deaggregate_records(
        {
            "eventVersion": "1.0",
            "eventID": "shardId-0:1",
            "kinesis": {
                **record,
                "sequenceNumber": "1",
                "kinesisSchemaVersion": "1.0",
                "approximateArrivalTimestamp": 1.0,
            },
        }
    )
    texts = tuple(base64.b64decode(each["kinesis"]["data"]) for each in read)
    assert texts == user_records(data) == (b"one", b"two")


def test_any_other_record_is_no_aggregate() -> None:
    assert user_records(b'{"name":"a"}') is None
    assert user_records(MAGIC[:3]) is None


def _damaged(message: bytes) -> bytes:
    return MAGIC + message + md5(message, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (MAGIC, "broken-aggregate"),
        (aggregate(b"one")[:-1], "broken-aggregate"),
        (aggregate(b"one")[:-1] + b"x", "broken-aggregate"),
        (_damaged(b"\x1a\x7fshort"), "broken-aggregate"),
        (_damaged(b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "broken-aggregate"),
        (_damaged(b"\x1a" + b"\x80" * 11), "broken-aggregate"),
        (_damaged(b"\x1b\x1c"), "broken-aggregate"),
        (_damaged(b"\x18\x05"), "broken-aggregate"),
        (_damaged(written(3, written(3, 7))), "broken-aggregate"),
        (aggregate(b"one", aggregate(b"two")), "nested-aggregate"),
        (aggregate(*[b"x"] * (MOST_USER_RECORDS + 1)), "too-many-records"),
    ],
)
def test_an_aggregate_that_cannot_be_read_is_poison(data: bytes, reason: str) -> None:
    with pytest.raises(Poison) as caught:
        user_records(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=4))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_under_a_right_checksum_are_records_or_poison(
    message: bytes, at: int, patch: bytes
) -> None:
    good = aggregate(b"first", message)[len(MAGIC) : -16]
    for each in (message, good[:at] + patch + good[at:]):
        with contextlib.suppress(Poison):
            user_records(_damaged(each))


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_fields_are_read_or_malformed(message: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert sum(1 for _ in fields(message)) <= len(message)


def test_fixed_numbers_come_packed_or_one_by_one() -> None:
    packed = next(fields(written(6, struct.pack("<2Q", 1, 2**64 - 1))))
    single = next(fields(bytes([6 << 3 | 1]) + struct.pack("<Q", 7)))
    assert packed_words(packed) == (1, 2**64 - 1)
    assert packed_words(single) == (7,)

import base64
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.domain.metrics.test_kpl import aggregate
from wedsync.cloud import Arrived
from wedsync.flows.unpack import unpacked

SIGNED = b"WSYNC1 key 1 batch mac\n{}"
WRAPPED = json.dumps({"topic": "t", "payload": base64.b64encode(SIGNED).decode()}).encode()


def arrived(data: bytes) -> Arrived:
    return Arrived(stream="metrics", shard="0", sequence="7", data=data, arrived_at_ms=1)


def test_the_place_in_an_aggregate_joins_the_sequence_number() -> None:
    found = [*unpacked(arrived(aggregate(b"a", WRAPPED))), *unpacked(arrived(b"b"))]
    assert [(record.sequence, record.data) for record, _ in found] == [
        ("7.0", b"a"),
        ("7.1", SIGNED),
        ("7", b"b"),
    ]
    assert [poison for _, poison in found] == [None, None, None]


@given(st.binary(max_size=60), st.binary(max_size=60), st.sampled_from([b"", WRAPPED]))
@example(b"", b"", WRAPPED)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_unpacked_or_told_of(first: bytes, second: bytes, start: bytes) -> None:
    datas = [first + second, start[:-1] + second, aggregate(first, start + second)]
    for data in datas:
        found = list(unpacked(arrived(data)))
        assert found
        for record, poison in found:
            assert poison is not None or isinstance(record.data, bytes)

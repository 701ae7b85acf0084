import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.errors import TooLarge
from wedsync.metrics.body import LARGEST_BODY_BYTES, Poison, open_body, parse_json


def refusal(data: bytes) -> str:
    with pytest.raises(Poison) as caught:
        parse_json(data)
    return caught.value.reason


def test_a_plain_body_passes_as_it_is() -> None:
    assert open_body(b'{"a": 1}') == b'{"a": 1}'


def test_gzip_is_known_by_its_first_bytes() -> None:
    assert open_body(gzip.compress(b'{"a": 1}')) == b'{"a": 1}'


def test_a_gzip_of_several_members_is_one_body() -> None:
    assert open_body(gzip.compress(b"[1,") + gzip.compress(b"2]")) == b"[1,2]"


def test_a_bomb_is_refused_by_its_ratio_before_it_is_inflated() -> None:
    with pytest.raises(Poison) as caught:
        open_body(gzip.compress(b"0" * 5_000_000))
    assert caught.value.reason == "inflation-ratio"


def test_a_small_body_may_repeat_itself() -> None:
    assert len(open_body(gzip.compress(b"0" * 60_000))) == 60_000


def test_nothing_inflates_beyond_the_cap() -> None:
    noise = bytes(range(256)) * 40
    step = b"".join(gzip.compress(noise + bytes([n % 256])) for n in range(900))
    with pytest.raises(TooLarge):
        open_body(step)


def test_a_body_larger_than_the_cap_is_refused() -> None:
    with pytest.raises(TooLarge):
        open_body(b" " * (LARGEST_BODY_BYTES + 1))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), "nested-gzip"),
        (gzip.compress(b"0123456789" * 9, mtime=0)[:-9], "broken-gzip"),
        (gzip.compress(b"{}", mtime=0) + b"more", "broken-gzip"),
        (b"\x1f\x8b", "broken-gzip"),
        (b"\x1f\x8bnonsense", "broken-gzip"),
    ],
)
def test_a_broken_gzip_is_poison(raw: bytes, reason: str) -> None:
    with pytest.raises(Poison) as caught:
        open_body(raw)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b"[" * 1_000_000, "malformed-json"),
        (b"[" * 33 + b"]" * 33, "too-deep"),
        (b"[" * 500_000 + b"]" * 500_000, "too-deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too-deep"),
        (b'["\\\\",' + b"[" * 40 + b"]" * 40 + b"]", "too-deep"),
        (b'["]]]]]]]]",' + b"[" * 40 + b"]" * 40 + b"]", "too-deep"),
        (b"NaN", "not-finite"),
        (b"[-Infinity]", "not-finite"),
        (b"[1e999]", "not-finite"),
        (b"1" * 401, "number-too-long"),
        (b"1" * 5_000, "number-too-long"),
        (b"1." + b"1" * 5_000, "number-too-long"),
        (b'{"a":1,"a":2}', "duplicate-key"),
        (b'[{"b":{"a":1,"\\u0061":2}}]', "duplicate-key"),
        (b'"\\ud800"', "lone-surrogate"),
        (b'{"\\uDFFF":1}', "lone-surrogate"),
        (b'"\xed\xa0\x80"', "not-utf-8"),
        (b'"\xff"', "not-utf-8"),
        ("{}".encode("utf-16"), "not-utf-8"),
        ("{}".encode("utf-16-le"), "not-utf-8"),
        (b"\xef\xbb\xbf{}", "not-utf-8"),
        (b"{}{}", "malformed-json"),
        (b"{'a':1}", "malformed-json"),
        (b"[1,]", "malformed-json"),
    ],
)
def test_what_json_does_not_allow_is_poison(data: bytes, reason: str) -> None:
    assert refusal(data) == reason


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 32 + b"]" * 32,
        b'"' + b"[" * 100 + b'"',
        b'["\\"[[[[", "\\\\"]',
        b'"\\ud83d\\ude00"',
        b"1" * 400,
        b'{"a":{"a":1}}',
        '"é"'.encode(),
    ],
)
def test_unusual_json_is_still_json(data: bytes) -> None:
    assert parse_json(data) == json.loads(data)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(nested)
@settings(max_examples=100, deadline=None)
def test_whatever_json_can_say_is_read_as_the_standard_parser_reads_it(value: object) -> None:
    data = json.dumps(value).encode()
    assert parse_json(data) == json.loads(data)


@given(
    st.binary(max_size=60) | st.text(alphabet='[]{}":,\\u0dD8Ee+-1 ', max_size=60).map(str.encode)
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_a_value_or_poison(data: bytes) -> None:
    try:
        open_body(data)
        parse_json(data)
    except (Poison, TooLarge):
        pass

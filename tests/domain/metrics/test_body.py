import base64
import contextlib
import gzip
import json
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.errors import TooLarge, UnsupportedMediaType
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


def bare_deflate(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-15)


BODY = b'[{"name":"a","kind":"event","ts":1}]'
CODINGS = {
    "gzip": gzip.compress(BODY, mtime=0),
    "deflate": zlib.compress(BODY),
    "zstd": zstandard.compress(BODY),
}


@pytest.mark.parametrize("encoding", [None, "", "identity", "gzip", "x-gzip", "br", "GZIP", "zstd"])
@pytest.mark.parametrize("coding", CODINGS)
def test_what_the_first_bytes_say_counts_whatever_the_header_says(
    coding: str, encoding: str | None
) -> None:
    assert open_body(CODINGS[coding], encoding=encoding) == BODY


@pytest.mark.parametrize("level", [1, 3, 10, 19, 22])
def test_zstd_is_read_at_every_level_and_over_several_frames(level: int) -> None:
    compress = zstandard.ZstdCompressor(level=level).compress
    body = json.dumps(list(range(20_000))).encode()
    assert open_body(compress(body[:50_000]) + compress(body[50_000:])) == body


@pytest.mark.parametrize(
    ("raw", "encoding"), [(brotli.compress(BODY), "br"), (bare_deflate(BODY), "deflate")]
)
def test_a_coding_without_a_mark_is_taken_from_the_header(raw: bytes, encoding: str) -> None:
    assert open_body(raw, encoding=encoding) == BODY


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip", "zstd"])
def test_a_header_that_the_bytes_do_not_bear_out_is_passed_over(encoding: str) -> None:
    assert open_body(BODY, encoding=encoding) == BODY


def test_an_unknown_encoding_is_told_of() -> None:
    with pytest.raises(UnsupportedMediaType):
        open_body(b"\x00", encoding="compress")


@pytest.mark.parametrize("raw", [BODY, *CODINGS.values()])
def test_a_body_may_come_as_base64_text(raw: bytes) -> None:
    assert open_body(base64.encodebytes(raw)) == BODY
    assert open_body(base64.b64encode(raw)) == BODY


@pytest.mark.parametrize("raw", [b"eyJ", b"Hello", b"e30!", b"WSYNC1 a 1 b c", b"W", b"eAA="])
def test_what_is_no_base64_of_a_body_stays_as_it_is(raw: bytes) -> None:
    assert open_body(raw) == raw


ZEROS = b"0" * 5_000_000


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (zlib.compress(ZEROS), None),
        (zstandard.compress(ZEROS), None),
        (zstandard.compress(b"\x00" * 60_000_000), None),
        (bare_deflate(ZEROS), "deflate"),
        (brotli.compress(ZEROS), "br"),
    ],
)
def test_a_bomb_of_any_coding_is_refused_by_its_ratio(raw: bytes, encoding: str | None) -> None:
    with pytest.raises(Poison) as caught:
        open_body(raw, encoding=encoding)
    assert caught.value.reason == "inflation-ratio"


@pytest.mark.parametrize(
    ("raw", "encoding", "reason"),
    [
        (gzip.compress(CODINGS["gzip"], mtime=0), None, "nested-compression"),
        (gzip.compress(CODINGS["zstd"], mtime=0), None, "nested-compression"),
        (zstandard.compress(CODINGS["deflate"]), None, "nested-compression"),
        (brotli.compress(CODINGS["gzip"]), "br", "nested-compression"),
        (CODINGS["gzip"], "gzip, br", "nested-compression"),
        (gzip.compress(b"0123456789" * 9, mtime=0)[:-9], None, "broken-compression"),
        (CODINGS["gzip"] + b"more", None, "broken-compression"),
        (CODINGS["zstd"][:-3], None, "broken-compression"),
        (CODINGS["zstd"] + b"more", None, "broken-compression"),
        (CODINGS["deflate"][:-3], None, "broken-compression"),
        (CODINGS["deflate"] + b"more", None, "broken-compression"),
        (b"\x1f\x8b", None, "broken-compression"),
        (b"\x1f\x8bnonsense", None, "broken-compression"),
        (b"\x28\xb5\x2f\xfd", None, "broken-compression"),
        (b"\x78\x9cnonsense", None, "broken-compression"),
    ],
)
def test_a_broken_or_nested_compression_is_poison(
    raw: bytes, encoding: str | None, reason: str
) -> None:
    with pytest.raises(Poison) as caught:
        open_body(raw, encoding=encoding)
    assert caught.value.reason == reason


@given(
    st.sampled_from([b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"eyJ"]),
    st.binary(max_size=200),
    st.sampled_from([None, "br", "deflate", "zstd"]),
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_pass_the_gate_or_are_poison(
    mark: bytes, rest: bytes, encoding: str | None
) -> None:
    with contextlib.suppress(Poison, TooLarge):
        open_body(mark + rest, encoding=encoding)


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

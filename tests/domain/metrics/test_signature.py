import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.body import Poison
from wedsync.metrics.signature import device_secret, sign, split_signature, verify

MASTER = b"m" * 32
SECRET = device_secret(MASTER, "key-1")
BODY = b'{"name":"x"}\n{"name":"y"}'


def test_the_line_is_what_the_protocol_says() -> None:
    record = sign(BODY, secret=SECRET, key_id="key-1", at_unix=1_750_000_000, batch_id="b1")
    head = b"WSYNC1 key-1 1750000000 b1"
    digest = hashlib.sha256(BODY).hexdigest().encode()
    mac = hmac.new(SECRET, head + b"\n" + digest, hashlib.sha256).hexdigest().encode()
    assert record == head + b" " + mac + b"\n" + BODY


def test_a_signed_record_is_proved_and_gives_back_its_body() -> None:
    record = sign(BODY, secret=SECRET, key_id="key-1", at_unix=5, batch_id="b1")
    line, body = split_signature(record)
    assert line is not None
    assert (line.key_id, line.at_unix, line.batch_id, body) == ("key-1", 5, "b1", BODY)
    assert verify(line, body, SECRET)


def test_an_unsigned_record_is_left_as_it_is() -> None:
    assert split_signature(BODY) == (None, BODY)


@pytest.mark.parametrize("raw_digest", [False, True])
@pytest.mark.parametrize("raw_key", [False, True])
def test_either_reading_of_secret_and_digest_proves_the_same(
    *, raw_key: bool, raw_digest: bool
) -> None:
    key = bytes.fromhex(SECRET.decode()) if raw_key else SECRET
    digest = hashlib.sha256(BODY)
    covered = digest.digest() if raw_digest else digest.hexdigest().encode()
    mac = hmac.new(key, b"WSYNC1 key-1 5 b1\n" + covered, hashlib.sha256).hexdigest()
    line, body = split_signature(f"WSYNC1 key-1 5 b1 {mac}\n".encode() + BODY)
    assert line is not None
    assert verify(line, body, SECRET)


@pytest.mark.parametrize(
    "tampered",
    [
        (b"key-1", b"key-2"),
        (b" 5 ", b" 6 "),
        (b" b1 ", b" b2 "),
        (b'"name":"y"', b'"name":"z"'),
    ],
)
def test_nothing_under_the_mac_can_be_changed(tampered: tuple[bytes, bytes]) -> None:
    record = sign(BODY, secret=SECRET, key_id="key-1", at_unix=5, batch_id="b1")
    line, body = split_signature(record.replace(*tampered))
    assert line is not None
    assert not verify(line, body, SECRET)


def test_another_devices_secret_proves_nothing() -> None:
    record = sign(BODY, secret=SECRET, key_id="key-1", at_unix=5, batch_id="b1")
    line, body = split_signature(record)
    assert line is not None
    assert not verify(line, body, device_secret(MASTER, "key-2"))


@pytest.mark.parametrize(
    "record",
    [
        b"WSYNC1",
        b"WSYNC1 \n{}",
        b"WSYNC1 k 5 b zz\n{}",
        b"WSYNC1 k x b " + b"0" * 64 + b"\n{}",
        b"WSYNC1 k 5 b " + b"0" * 64 + b" more\n{}",
        b"WSYNC1 k 5 b " + b"0" * 64,
        b"WSYNC1 " + b"k" * 600 + b" 5 b " + b"0" * 64 + b"\n{}",
        b"WSYNC1  k 5 b " + b"0" * 64 + b"\n{}",
    ],
)
def test_a_line_that_cannot_be_read_is_poison(record: bytes) -> None:
    with pytest.raises(Poison) as caught:
        split_signature(record)
    assert caught.value.reason == "malformed-signature"


def test_a_key_id_that_the_line_cannot_hold_is_not_signed() -> None:
    with pytest.raises(ValueError, match="character"):
        sign(BODY, secret=SECRET, key_id="a b", at_unix=5, batch_id="b1")


@given(st.binary(max_size=60).map(lambda tail: b"WSYNC1" + tail) | st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_split_or_poison(record: bytes) -> None:
    try:
        line, body = split_signature(record)
    except Poison:
        return
    assert record.endswith(body)
    assert line is None or not verify(line, body, SECRET)

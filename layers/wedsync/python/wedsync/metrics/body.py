"""The gate that every body passes first: how large, how deep, and strictly JSON.

Nothing behind it needs to fear a bomb: inflating stops at the cap, nesting is bounded before
the parser runs, and what JSON cannot say (NaN, a key twice, half a surrogate) is found. Content
types are not looked at: browsers send JSON as text, and some clients state none.
"""

import base64
import json
import math
import re
from dataclasses import dataclass

from wedsync.errors import FieldError, Invalid, TooLarge, UnsupportedMediaType
from wedsync.metrics.inflate import Coding, Damaged, coding_of, inflated

LARGEST_BODY_BYTES = 8 * 1024 * 1024
HIGHEST_RATIO = 100
RATIO_APPLIES_ABOVE_BYTES = 64 * 1024
DEEPEST = 32
LONGEST_NUMBER_CHARS = 400

FRAME_MAGIC = b"WSCF"
"""How binary column frames begin (docs/frame.md)."""

# The first letters that {, [, frames and the marks of compression have in base64.
_BASE64_STARTS = frozenset({b"e", b"W", b"V", b"H", b"K"})
_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{4,}={0,2}[\r\n]*")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_EIGHT_DIGITS = re.compile(rb"[0-9]{8}")
_NUMBERS_TOLD = bytes(48 if each in b"0123456789+-.eE" else 32 for each in range(256))
_A_LONG_NUMBER = b"0" * 350
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class Poison(Invalid):
    """A body that no retry will make readable. ``reason`` is its stable code."""

    def __init__(self, reason: str, detail: str, *, pointer: str = "") -> None:
        """``detail`` is shown to whoever sent the body."""
        super().__init__(detail, errors=(FieldError(pointer=pointer, code=reason, detail=detail),))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands in a parsed value where something stood that JSON does not allow."""

    reason: str
    detail: str


def open_body(raw: bytes, *, encoding: str | None = None) -> bytes:
    """The body out of base64 and compression, whatever its content type.

    Its first bytes say how it is compressed. ``encoding`` (HTTP's ``Content-Encoding``) matters
    where they cannot: for brotli and bare deflate, as far as the bytes agree.

    Raises:
        TooLarge: larger than the cap, before or after inflating.
        Poison: a bomb by its ratio, damaged, or compressed within something compressed.
        UnsupportedMediaType: an encoding that is not known here.

    """
    if len(raw) > LARGEST_BODY_BYTES:
        raise TooLarge(f"a body holds at most {LARGEST_BODY_BYTES} bytes")
    claimed = _claimed(encoding)
    body = _out_of_base64(raw)
    coding = coding_of(body)
    if coding is not None:
        return _inflate(body, coding)
    if claimed in (Coding.BROTLI, Coding.DEFLATE):
        try:
            return _inflate(body, claimed)
        except Poison as poison:
            if poison.reason != "broken-compression":
                raise
    return body


def _claimed(encoding: str | None) -> Coding | None:
    """The coding that a header names. Something on the way may have undone it already."""
    names = [name.strip().lower().removeprefix("x-") for name in (encoding or "").split(",")]
    codings = [name for name in names if name not in ("", "identity")]
    if len(codings) > 1:
        raise Poison("nested-compression", "the body is compressed more than once")
    if not codings:
        return None
    try:
        return Coding(codings[0])
    except ValueError:
        known = ", ".join(Coding)
        raise UnsupportedMediaType(f"a body is compressed with one of {known}") from None


def _out_of_base64(raw: bytes) -> bytes:
    """What base64 text holds, if that is a body. No body that is one itself looks like it."""
    if raw[:1] not in _BASE64_STARTS or not _BASE64.fullmatch(raw):
        return raw
    try:
        body = base64.b64decode(raw)
    except ValueError:
        return raw
    is_one = body[:1] in (b"{", b"[") or body.startswith(FRAME_MAGIC) or coding_of(body)
    return body if is_one else raw


def _inflate(body: bytes, coding: Coding) -> bytes:
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in inflated(body, coding):
            size += len(piece)
            _bound(size, len(body))
            pieces.append(piece)
    except Damaged as damage:
        raise Poison("broken-compression", str(damage)) from damage
    content = b"".join(pieces)
    if coding_of(content) is not None:
        raise Poison("nested-compression", "the body is compressed more than once")
    return content


def _bound(inflated_bytes: int, raw_bytes: int) -> None:
    if inflated_bytes > LARGEST_BODY_BYTES:
        raise TooLarge(f"a body inflates to at most {LARGEST_BODY_BYTES} bytes")
    if inflated_bytes > max(RATIO_APPLIES_ABOVE_BYTES, HIGHEST_RATIO * raw_bytes):
        raise Poison("inflation-ratio", f"the body inflates more than {HIGHEST_RATIO}-fold")


def parse_json(data: bytes) -> object:
    """The value that strict JSON holds.

    Raises:
        Poison: not JSON, nested deeper than 32, a number too long or not finite, a key twice,
            half a surrogate, or an encoding other than UTF-8 without a byte order mark.

    """
    value, flaws = parse_with_flaws(data, every_number=True)
    if flaws:
        raise Poison(flaws[0].reason, flaws[0].detail)
    return value


def parse_with_flaws(data: bytes, *, every_number: bool = False) -> tuple[object, tuple[Flaw, ...]]:
    """The value, with a :class:`Flaw` wherever a part of it alone is not allowed.

    So one bad member of an array costs its neighbours nothing. Looking at each number as text
    costs half of the time; unless ``every_number`` is asked for it is left out where no run of
    digits can be too long, and a number beyond all doubles then comes out as infinity.

    Raises:
        Poison: the text as a whole cannot be read.

    """
    text = _text(data)
    _bound_depth(data)
    watch = _Watch()
    by_text = every_number or may_hold_long_number(data)
    decoder = json.JSONDecoder(
        object_pairs_hook=watch.members,
        parse_constant=watch.constant,
        parse_int=watch.integer if by_text else None,
        parse_float=watch.fraction if by_text else None,
    )
    try:
        value = decoder.decode(text)
    except ValueError as error:
        raise Poison("malformed-json", "the body is not JSON") from error
    if _SURROGATE_ESCAPE.search(data):
        value = _without_half_surrogates(value, watch.flaws)
    return value, tuple(watch.flaws)


class _Watch:
    """Turns the leniencies of the standard parser into flaws."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def _flaw(self, reason: str, detail: str) -> Flaw:
        flaw = Flaw(reason, detail)
        self.flaws.append(flaw)
        return flaw

    def members(self, pairs: list[tuple[str, object]]) -> dict[str, object] | Flaw:
        members = dict(pairs)
        if len(members) != len(pairs):
            return self._flaw("duplicate-key", "an object names one member twice")
        return members

    def constant(self, name: str) -> Flaw:
        return self._flaw("not-finite", f"{name} is no JSON number")

    def integer(self, text: str) -> int | Flaw:
        if len(text.removeprefix("-")) > LONGEST_NUMBER_CHARS:
            return self._flaw("number-too-long", "a number has too many digits")
        return int(text)

    def fraction(self, text: str) -> object:
        if len(text.removeprefix("-")) > LONGEST_NUMBER_CHARS:
            return self._flaw("number-too-long", "a number has too many digits")
        number = float(text)
        if math.isinf(number):
            return self._flaw("not-finite", "a number is larger than any double")
        return number


def may_hold_long_number(data: bytes) -> bool:
    """Whether 400 digits may stand in a row: every 50th byte of them would be one.

    So it is in columns of short numbers, now and then; there all of it is looked at.
    """
    if _EIGHT_DIGITS.search(data[::50]) is None:
        return False
    return _A_LONG_NUMBER in data.translate(_NUMBERS_TOLD)


def _text(data: bytes) -> str:
    if data.startswith(_BYTE_ORDER_MARKS) or b"\x00" in data:
        raise Poison("not-utf-8", "JSON is UTF-8 without a byte order mark")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Poison("not-utf-8", "the body is not UTF-8") from error


def _bound_depth(data: bytes) -> None:
    """Refuse deep nesting before the recursive parser sees it, at the speed of ``bytes``.

    What stands in strings is cut away; then each round removes the innermost brackets, so
    that the number of rounds is the depth. A body whose brackets do not pair is no JSON.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = data.translate(None, _NOT_STRUCTURE)
    brackets = b"".join(structure.split(b'"')[::2])
    for _ in range(DEEPEST):
        if not brackets:
            return
        inner = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(inner) == len(brackets):
            raise Poison("malformed-json", "the brackets of the body do not pair")
        brackets = inner
    if brackets:
        raise Poison("too-deep", f"JSON may nest {DEEPEST} levels")


def _without_half_surrogates(value: object, flaws: list[Flaw]) -> object:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            flaw = Flaw("lone-surrogate", "a text holds half a surrogate pair")
            flaws.append(flaw)
            return flaw
        return value
    if isinstance(value, list):
        return [_without_half_surrogates(each, flaws) for each in value]
    if isinstance(value, dict):
        members = {}
        for name, each in value.items():
            safe = _without_half_surrogates(name, flaws)
            if isinstance(safe, Flaw):
                return safe
            members[name] = _without_half_surrogates(each, flaws)
        return members
    return value

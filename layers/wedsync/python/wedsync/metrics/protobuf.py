"""Protocol buffers as far as foreign formats need them: fields by number, nothing generated.

The reader trusts nothing: a length never reaches past its message, a varint has at most ten
bytes, and groups, which no format here uses, are refused. So its time is that of the bytes.
"""

import struct
from collections.abc import Iterator
from typing import TypeAlias

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WORD = (1 << 64) - 1
_SIZES = {FIXED64: 8, FIXED32: 4}

Field: TypeAlias = tuple[int, int, int | bytes]
"""Number, wire type and value of a field; fixed ones are unsigned whole numbers."""


class Malformed(ValueError):
    """The bytes are no protocol buffer, or not the one that was looked for."""


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a message in the order that they were written in. Raises Malformed."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number < 1 << 29:
            raise Malformed(f"{number} is no field number")
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, at = _varint(message, at)
        elif (size := _SIZES.get(wire, -1)) < 0:
            raise Malformed(f"wire type {wire} is not read")
        if size > end - at:
            raise Malformed("a field is longer than its message")
        content = message[at : at + size]
        at += size
        yield number, wire, content if wire == BYTES else int.from_bytes(content, "little")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        try:
            byte = message[at]
        except IndexError:
            raise Malformed("the message ends within a number") from None
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WORD, at
    raise Malformed("a number has more than ten bytes")


def content(field: Field) -> bytes:
    """The bytes of a field that has a length. Raises Malformed for any other."""
    number, _, value = field
    if not isinstance(value, bytes):
        raise Malformed(f"field {number} is no message, text or bytes")
    return value


def text(field: Field) -> str:
    """A field as UTF-8 text. Raises Malformed."""
    try:
        return content(field).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"field {field[0]} is not UTF-8") from error


def unsigned(field: Field) -> int:
    """A field as a whole number from zero. Raises Malformed."""
    number, _, value = field
    if isinstance(value, bytes):
        raise Malformed(f"field {number} is no number")
    return value


def signed(field: Field) -> int:
    """A field as a whole number in two's complement (int64, sfixed64). Raises Malformed."""
    value = unsigned(field)
    return value - (1 << 64) if value >> 63 else value


def zigzag(field: Field) -> int:
    """A field as a whole number whose sign stands last (sint32). Raises Malformed."""
    value = unsigned(field)
    return (value >> 1) ^ -(value & 1)


def double(field: Field) -> float:
    """A field as a double. Raises Malformed."""
    number, wire, value = field
    if wire != FIXED64 or isinstance(value, bytes):
        raise Malformed(f"field {number} is no double")
    (number_read,) = struct.unpack("<d", value.to_bytes(8, "little"))
    return float(number_read)


def packed_varints(field: Field) -> tuple[int, ...]:
    """Repeated whole numbers, packed or one by one. Raises Malformed."""
    if field[1] == VARINT:
        return (unsigned(field),)
    message, values, at = content(field), [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
    return tuple(values)


def packed_words(field: Field) -> tuple[int, ...]:
    """Repeated fixed 64-bit numbers, packed or one by one. Raises Malformed."""
    return struct.unpack(f"<{_words(field)}Q", _raw_words(field))


def packed_doubles(field: Field) -> tuple[float, ...]:
    """Repeated doubles, packed or one by one. Raises Malformed."""
    return struct.unpack(f"<{_words(field)}d", _raw_words(field))


def _words(field: Field) -> int:
    count, odd = divmod(len(_raw_words(field)), 8)
    if odd:
        raise Malformed(f"field {field[0]} does not hold whole words")
    return count


def _raw_words(field: Field) -> bytes:
    _, wire, value = field
    if isinstance(value, bytes):
        return value
    if wire != FIXED64:
        raise Malformed(f"field {field[0]} has no 64 bits")
    return value.to_bytes(8, "little")


def written_varint(value: int) -> bytes:
    """A whole number from zero, as it is written."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def written(number: int, value: int | bytes) -> bytes:
    """A varint field, or one that has a length."""
    if isinstance(value, int):
        return written_varint(number << 3 | VARINT) + written_varint(value)
    return written_varint(number << 3 | BYTES) + written_varint(len(value)) + value

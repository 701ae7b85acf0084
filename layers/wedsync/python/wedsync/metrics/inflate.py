"""Compressed bodies, known by their first bytes and inflated piece by piece.

Each piece is bounded, so whoever counts the pieces may stop long before a bomb has gone off.
"""

import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from enum import StrEnum

_CHUNK_BYTES = 256 * 1024
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
_ZSTD_STEP_BYTES = 256  # of blocks that repeat one byte, these give 8 MiB at most
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


class Damaged(ValueError):
    """The bytes are not, or not completely, what their beginning says."""


class Coding(StrEnum):
    """How a body may be compressed, by its HTTP name."""

    GZIP = "gzip"
    DEFLATE = "deflate"
    ZSTD = "zstd"
    BROTLI = "br"


def coding_of(body: bytes) -> Coding | None:
    """The coding that the first bytes tell of. Brotli and bare deflate have no such mark."""
    if body.startswith(_GZIP):
        return Coding.GZIP
    if body.startswith(_ZSTD):
        return Coding.ZSTD
    return Coding.DEFLATE if body.startswith(_ZLIB) else None


def inflated(body: bytes, coding: Coding) -> Iterator[bytes]:
    """The content, in pieces of at most 8 MiB. Raises Damaged."""
    return _INFLATE[coding](body)


def _gzip(body: bytes) -> Iterator[bytes]:
    rest = body
    while rest:  # a gzip file may have several members
        rest = yield from _zlib_stream(rest, wbits=31)


def _deflate(body: bytes) -> Iterator[bytes]:
    """What HTTP calls deflate is zlib's format; some clients leave its frame away."""
    wbits = zlib.MAX_WBITS if body.startswith(_ZLIB) else -zlib.MAX_WBITS
    if (yield from _zlib_stream(body, wbits=wbits)):
        raise Damaged("something follows the compressed body")


def _zlib_stream(body: bytes, *, wbits: int) -> Generator[bytes, None, bytes]:
    """Yield the content of one stream; return what follows it."""
    stream = zlib.decompressobj(wbits=wbits)
    rest = body
    while not stream.eof:
        try:
            piece = stream.decompress(rest, _CHUNK_BYTES)
        except zlib.error as error:
            raise Damaged("the compressed body is damaged") from error
        if not piece and not stream.eof:
            raise Damaged("the compressed body ends early")
        rest = stream.unconsumed_tail
        yield piece
    return stream.unused_data


def _zstd(body: bytes) -> Iterator[bytes]:
    import zstandard

    context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    rest = body
    while rest:  # several frames may follow each other
        frame = context.decompressobj()
        for at in range(0, len(rest), _ZSTD_STEP_BYTES):
            try:
                yield frame.decompress(rest[at : at + _ZSTD_STEP_BYTES])
            except zstandard.ZstdError as error:
                raise Damaged("the compressed body is damaged") from error
            if frame.eof:
                rest = frame.unused_data + rest[at + _ZSTD_STEP_BYTES :]
                break
        else:
            raise Damaged("the compressed body ends early")


def _brotli(body: bytes) -> Iterator[bytes]:
    import brotli

    stream = brotli.Decompressor()
    given = body
    while not stream.is_finished():
        try:
            piece: bytes = stream.process(given, output_buffer_limit=_CHUNK_BYTES)
        except brotli.error as error:
            raise Damaged("the compressed body is damaged") from error
        if not piece and not stream.is_finished() and stream.can_accept_more_data():
            raise Damaged("the compressed body ends early")
        given = b""
        yield piece


_INFLATE: Mapping[Coding, Callable[[bytes], Iterator[bytes]]] = {
    Coding.GZIP: _gzip,
    Coding.DEFLATE: _deflate,
    Coding.ZSTD: _zstd,
    Coding.BROTLI: _brotli,
}

"""Opaque cursors that lead on in the very list that they were given for."""

import base64
import binascii
import hashlib
import json

from wedsync.errors import Invalid


def seal(scope: str, after: str | None) -> str | None:
    """The cursor that a caller is given; ``scope`` names the list, its owner and its filters."""
    if after is None:
        return None
    text = json.dumps([_mark(scope), after])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def open_cursor(scope: str, cursor: str | None) -> str | None:
    """Where to go on. Raises Invalid for anything that this list did not give out."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, after = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _unknown() from None
    if mark != _mark(scope) or not isinstance(after, str):
        raise _unknown()
    return after


def _unknown() -> Invalid:
    return Invalid.field("cursor", "unknown-cursor", "this cursor does not belong to this list")


def _mark(scope: str) -> str:
    return hashlib.blake2b(scope.encode(), digest_size=6).hexdigest()

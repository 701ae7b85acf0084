"""How an id is written: a prefix, the time of its making and randomness, in sortable letters.

The layout is that of a ULID (48 bits of milliseconds, 80 random bits, Crockford's base 32), in
lower case, so that ids sort as text by the time of their making and pass through any URL.
"""

RANDOM_BYTES = 10
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26


def sortable_id(prefix: str, *, made_at_ms: int, randomness: bytes) -> str:
    """``wed_01k…``: sorts by ``made_at_ms``, then by its ten random bytes."""
    number = (made_at_ms << 8 * RANDOM_BYTES) | int.from_bytes(randomness[:RANDOM_BYTES], "big")
    letters = (_LETTERS[(number >> shift) & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
    return f"{prefix}_{''.join(letters)}"

"""Numbers that were meant as a time, in another unit than milliseconds."""

_UNITS = (
    (range(10**9, 10**10), "seconds"),
    (range(10**15, 10**16), "microseconds"),
    (range(10**18, 10**19), "nanoseconds"),
)
"""From 2001 to 2286 in each; as milliseconds none of them is a time of this century."""


def unit_hint(ts: float) -> str:
    """What to add to the refusal of a ``ts`` that looks like a time in another unit."""
    for span, unit in _UNITS:
        if span.start <= ts < span.stop:
            return f": looks like epoch {unit}; milliseconds are expected"
    return ""

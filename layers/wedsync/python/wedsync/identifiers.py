"""Ids that come from outside, before they stand in a key."""

import re

_PLAUSIBLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}\Z")


def plausible(text: str) -> bool:
    """Whether this could be one of our ids: anything else is simply not found."""
    return _PLAUSIBLE.match(text) is not None

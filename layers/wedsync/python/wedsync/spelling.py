"""What somebody probably meant who wrote a name that nobody knows."""

import re
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

_LIKE = 0.6
_LONGEST = 64
_LOOKED_AT = 5
_MOST_TOLD = 20
_EXACT_BELOW = 4
_ONE_FOR_ANOTHER_FROM = 6
_FOLDED = str.maketrans("", "", "_- .")


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A question to follow a refusal, naming the nearest of what is known; nothing, if none is."""
    if len(name) > _LONGEST:
        return ""
    folded = {_folded(each): each for each in known}
    own = _folded(name)
    found = [each for each in folded if sorted(each) == sorted(own)]
    if not found:
        found = get_close_matches(own, list(folded), n=_LOOKED_AT, cutoff=_LIKE)
    if not found:
        return ""
    meant = min(found, key=lambda each: (-_likeness(own, each), _apart(own, each)))
    return f"; did you mean {folded[meant]}?"


def one_of(name: object, known: Collection[str]) -> str:
    """What would be valid in the place of this name, and which of it was probably meant."""
    shown = list(known)
    more = f" and {len(shown) - _MOST_TOLD} more" if len(shown) > _MOST_TOLD else ""
    question = did_you_mean(name, shown) if isinstance(name, str) else ""
    return f"must be one of {', '.join(shown[:_MOST_TOLD])}{more}{question}"


def misspelt(name: str, known: frozenset[str]) -> str | None:
    """The known name of which this one is surely a slip: of case, of a separator, of one letter.

    Asked of whatever strangers send, so it takes time by the length of the name alone. A short
    name may lack a letter or have one too many; that one stands for another makes it another name
    (``date`` is no slip of ``data``).
    """
    return None if len(name) > _LONGEST else _misspelt(name, known)


@lru_cache(maxsize=4096)
def _misspelt(name: str, known: frozenset[str]) -> str | None:
    if name in known:
        return None
    whole, lacking = _index(known)
    own = _folded(name)
    if (meant := whole.get(own)) is not None:
        return meant
    if (meant := lacking.get(own)) is not None:
        return meant
    for each in _lacking_one(own):
        meant = whole.get(each)
        if meant is None and len(own) >= _ONE_FOR_ANOTHER_FROM:
            meant = lacking.get(each)
        if meant is not None and len(_folded(meant)) >= _EXACT_BELOW:
            return meant
    return None


@lru_cache(maxsize=16)
def _index(known: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The known names by what they are without case and separators, and by that less a letter."""
    whole = {_folded(each): each for each in sorted(known)}
    lacking = {
        each: name
        for own, name in whole.items()
        if len(own) >= _EXACT_BELOW
        for each in _lacking_one(own)
    }
    return whole, lacking


def _lacking_one(text: str) -> Iterator[str]:
    return (text[:at] + text[at + 1 :] for at in range(len(text)))


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, other, one).ratio()


def _apart(one: str, other: str) -> int:
    """How far the numbers of two names lie apart, as far as both have one."""
    numbers = [re.sub(r"[^0-9]", "", each) for each in (one, other)]
    return abs(int(numbers[0]) - int(numbers[1])) if all(numbers) else 0


def _folded(name: str) -> str:
    return name.translate(_FOLDED).lower()

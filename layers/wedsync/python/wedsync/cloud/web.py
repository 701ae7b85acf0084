"""What is posted to other people's endpoints, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_RETRIED_BELOW_500 = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One POST to somebody's endpoint."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The endpoint answered. Its body is never read."""

    status: int

    @property
    def taken(self) -> bool:
        """Whether the endpoint has it now. A redirect is no answer: it is not followed."""
        return 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Whether the same call would be refused again."""
        return not self.taken and self.status < 500 and self.status not in _RETRIED_BELOW_500


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back: ``reason`` names neither addresses nor bodies.

    ``final``: the URL itself is refused, and would be every time.
    """

    reason: str
    final: bool = False


Outcome: TypeAlias = Answered | NoAnswer

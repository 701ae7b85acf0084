"""Where batches go, and what became of them."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Batch:
    """Points as they lie on disk: one JSON object a line. The id is the same at every try."""

    batch_id: str
    lines: bytes

    @property
    def first(self) -> dict[str, object]:
        """Its first point."""
        point: dict[str, object] = json.loads(self.lines.partition(b"\n")[0])
        return point


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is in good hands and may be forgotten. ``note`` tells of points that were refused."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """No repetition would help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Again:
    """Nobody knows, or not now: to be sent once more, not before ``after_seconds``."""

    reason: str
    after_seconds: float = 0.0


Outcome: TypeAlias = Accepted | Refused | Again
Encoder: TypeAlias = Callable[[Batch], bytes]
"""What a batch is sent as. Its points keep their order: their places are their identity."""


class Outlet(Protocol):
    """A way to the platform."""

    @property
    def most_batches(self) -> int:
        """How many batches one call may carry."""

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Send; answer what became of each. Raises nothing that a repetition may mend."""

    def close(self) -> None:
        """Hang up."""


def compressed_lines(batch: Batch) -> bytes:
    """The lines, compressed: the same bytes at every try."""
    return gzip.compress(batch.lines, compresslevel=6, mtime=0)

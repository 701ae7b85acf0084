"""Where batches go, and what became of them."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from wedsync.client.frames import frame_of


@dataclass(frozen=True, slots=True)
class Batch:
    """Points as they lie on disk: one JSON object a line. The id is the same at every try.

    ``framed``: every point fits a frame, and is sent in one, whenever it is sent.
    """

    batch_id: str
    lines: bytes
    framed: bool = False

    @property
    def first(self) -> dict[str, object]:
        """Its first point, as far as it can be read."""
        try:
            point = json.loads(self.lines.partition(b"\n")[0])
        except ValueError:
            return {}
        return point if isinstance(point, dict) else {}

    @property
    def frame(self) -> bytes | None:
        """The frame that it is sent as; ``None`` where it is sent as its lines.

        So are lines that a disk has damaged: the platform names those that are none.
        """
        return frame_of(self.lines, frame_id=self._frame_id) if self.framed else None

    @property
    def body(self) -> bytes:
        """What it is sent as: a frame, or the lines, compressed. Points keep their order."""
        frame = self.frame
        return gzip.compress(self.lines, compresslevel=6, mtime=0) if frame is None else frame

    @property
    def _frame_id(self) -> int:
        """The random bits of its id. 0 would be none."""
        return int(self.batch_id.rpartition("-")[2], 16) or 1


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


class Outlet(Protocol):
    """A way to the platform."""

    @property
    def most_batches(self) -> int:
        """How many batches one call may carry."""

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Send; answer what became of each. Raises nothing that a repetition may mend."""

    def close(self) -> None:
        """Hang up."""

"""Points on disk until they are accepted: files that only grow, one for each batch.

A file holds one JSON object a line and has the batch's id in its name, and whether its points are
sent as a frame (``*.frame.batch``) or as these lines (``*.batch``). That is settled when a point
is kept: a batch that was sent one way is never sent again the other way, also not by a later
version. Only the newest file of either form grows; the others are sealed, and are sent as they
are. After a crash a line that was begun and not ended is cut off (nobody was told that it was
kept), and the newest files are sealed.

The spool is bounded. When it is full it refuses new points (:class:`SpoolFull`) and keeps those
that it has: whoever sends decides what is worth less. What the platform refused for good stays
beside the batches as ``*.refused``, within the same bound, until somebody removes it.
"""

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from wedsync.client.frames import LONGEST_SPAN_MS, MOST_ROWS, Fit
from wedsync.client.outlet import Batch

MOST_BYTES = 64 * 1024 * 1024
POINTS_PER_BATCH = 500
BYTES_PER_BATCH = 200 * 1024
BYTES_PER_FRAME = 800 * 1024
"""Of lines. A frame has at most the bytes of their texts and 27 for each of its 5,000 rows, so it
fits a request and a record of 1 MiB, with its signature, however badly it compresses."""
_LINES, _FRAME = ".batch", ".frame.batch"
_NAME = re.compile(r"(\d{12})-([0-9a-f]{16})(?:\.frame)?\.batch")


class SpoolFull(Exception):
    """There is no room for these points; none of them was kept."""


class SpoolInUse(Exception):
    """Another process has this spool."""


class Spool:
    """A directory that belongs to one process at a time; its threads may share it."""

    def __init__(self, directory: Path | str, *, most_bytes: int = MOST_BYTES) -> None:
        """Take it, and repair what a crash left. Raises SpoolInUse."""
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._taken = (self._directory / "lock").open("ab")
        try:
            fcntl.flock(self._taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._taken.close()
            raise SpoolInUse(str(self._directory)) from None
        self._sealed = [path for path in self._batches() if _repaired(path)]
        refused = self._directory.glob("*.refused")
        self._bytes = sum(path.stat().st_size for path in (*self._sealed, *refused))
        self._next = 1 + max((int(path.name[:12]) for path in self._sealed), default=0)
        self._open: dict[str, _Growing] = {}

    def append(self, lines: Sequence[bytes], *, fits: Sequence[Fit | None] | None = None) -> None:
        """Keep these points, all or none; returning means that they are on disk.

        ``fits`` tells how each of them fits a frame (none: no one does). Raises SpoolFull, and
        OSError where the disk fails.
        """
        added = sum(len(line) + 1 for line in lines)
        with self._lock:
            if self._bytes + added > self._most_bytes:
                raise SpoolFull(f"{self._directory} holds {self._bytes} bytes")
            before = {each: each.size_bytes for each in self._open.values()}
            begun: list[_Growing] = []
            try:
                self._write(lines, [None] * len(lines) if fits is None else fits, begun)
            except OSError:
                self._undo(before, begun)
                raise
            self._bytes += added

    def seal(self) -> None:
        """Let the newest files grow no more, so that they can be sent."""
        with self._lock:
            self._seal_all()

    def sealed(self, most: int) -> list[Batch]:
        """The oldest batches that can be sent."""
        with self._lock:
            paths = self._sealed[:most]
        return [
            Batch(_id_of(path), path.read_bytes(), framed=path.name.endswith(_FRAME))
            for path in paths
        ]

    def remove(self, batch: Batch) -> None:
        """It was accepted."""
        with self._lock:
            path = self._forget(batch)
            path.unlink()
            self._bytes -= len(batch.lines)

    def refuse(self, batch: Batch) -> None:
        """It was refused for good: set it aside."""
        with self._lock:
            path = self._forget(batch)
            path.rename(path.with_suffix(".refused"))

    @property
    def has_sealed(self) -> bool:
        """Whether a batch can be sent."""
        with self._lock:
            return bool(self._sealed)

    @property
    def is_empty(self) -> bool:
        """Whether everything that was kept has been accepted or refused."""
        with self._lock:
            return not self._sealed and not self._open

    def close(self) -> None:
        """Let another process have it."""
        with self._lock:
            self._seal_all()
            self._taken.close()

    def _batches(self) -> list[Path]:
        return sorted(path for path in self._directory.iterdir() if _NAME.fullmatch(path.name))

    def _write(
        self, lines: Sequence[bytes], fits: Sequence[Fit | None], begun: list["_Growing"]
    ) -> None:
        for line, fit in zip(lines, fits, strict=True):
            form = _LINES if fit is None else _FRAME
            growing = self._open.get(form)
            if growing is not None and not growing.has_room(len(line) + 1, fit):
                growing.sync()
                self._seal(form)
                growing = None
            if growing is None:
                name = f"{self._next:012d}-{secrets.token_hex(8)}{form}"
                growing = self._open[form] = _Growing(self._directory / name)
                self._next += 1
                begun.append(growing)
            growing.write(line, fit)
        for growing in self._open.values():
            growing.sync()
        if begun:
            _sync_directory(self._directory)

    def _seal_all(self) -> None:
        for form in list(self._open):
            self._seal(form)

    def _seal(self, form: str) -> None:
        growing = self._open.pop(form)
        growing.close()
        self._sealed.append(growing.path)

    def _undo(self, before: Mapping["_Growing", int], begun: Sequence["_Growing"]) -> None:
        """Take back what a failed append has written; the files that it began with are sealed."""
        for each in begun:
            each.close()
            self._sealed = [path for path in self._sealed if path != each.path]
            each.path.unlink(missing_ok=True)
        for growing, size in before.items():
            growing.close()
            os.truncate(growing.path, size)
            self._sealed = [path for path in self._sealed if path != growing.path]
            self._sealed.append(growing.path)
        self._open = {}

    def _forget(self, batch: Batch) -> Path:
        path = next(path for path in self._sealed if _id_of(path) == batch.batch_id)
        self._sealed.remove(path)
        return path


class _Growing:
    """The newest file of a form."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Unbuffered: what a full disk refuses must not be tried once more when the file is closed.
        self._file = path.open("xb", buffering=0)
        self.size_bytes = 0
        self._rows = 0
        self._first_ms = self._last_ms = 0
        self._synced = True

    def has_room(self, size: int, fit: Fit | None) -> bool:
        """Whether a line of so many bytes, of this form, may still be written."""
        if fit is None:
            return self._rows < POINTS_PER_BATCH and self.size_bytes + size <= BYTES_PER_BATCH
        return (
            self._rows + fit.rows <= MOST_ROWS
            and self.size_bytes + size <= BYTES_PER_FRAME
            and max(self._last_ms, fit.ts_ms) - min(self._first_ms, fit.ts_ms) <= LONGEST_SPAN_MS
        )

    def write(self, line: bytes, fit: Fit | None) -> None:
        self._synced = False
        rest = memoryview(line + b"\n")
        while rest:
            rest = rest[self._file.write(rest) :]
        if fit is not None:
            self._first_ms = min(self._first_ms, fit.ts_ms) if self._rows else fit.ts_ms
            self._last_ms = max(self._last_ms, fit.ts_ms)
        self.size_bytes += len(line) + 1
        self._rows += 1 if fit is None else fit.rows

    def sync(self) -> None:
        if not self._synced:
            os.fsync(self._file.fileno())
            self._synced = True

    def close(self) -> None:
        self._file.close()


def _id_of(path: Path) -> str:
    return path.name.partition(".")[0]


def _repaired(path: Path) -> bool:
    """Cut off a line that was begun and not ended; whether anything is left."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole == 0:
        path.unlink()
        return False
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
    return True


def _sync_directory(directory: Path) -> None:
    """A new file is found after a power cut only if its directory is on disk as well."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

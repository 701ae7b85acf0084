"""Points on disk until they are accepted: files that only grow, one for each batch.

A file holds one JSON object a line and has the batch's id in its name. Only the newest one grows;
the others are sealed, and are sent as they are. After a crash a line that was begun and not ended
is cut off (nobody was told that it was kept), and the newest file is sealed.

The spool is bounded. When it is full it refuses new points (:class:`SpoolFull`) and keeps those
that it has: whoever sends decides what is worth less. What the platform refused for good stays
beside the batches as ``*.refused``, within the same bound, until somebody removes it.
"""

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from wedsync.client.outlet import Batch

MOST_BYTES = 64 * 1024 * 1024
POINTS_PER_BATCH = 500
BYTES_PER_BATCH = 200 * 1024
_NAME = re.compile(r"(\d{12})-([0-9a-f]{16})\.batch")


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
        self._open: _Growing | None = None

    def append(self, lines: Sequence[bytes]) -> None:
        """Keep these points, all or none; returning means that they are on disk.

        Raises SpoolFull, and OSError where the disk fails.
        """
        added = sum(len(line) + 1 for line in lines)
        with self._lock:
            if self._bytes + added > self._most_bytes:
                raise SpoolFull(f"{self._directory} holds {self._bytes} bytes")
            before = None if self._open is None else (self._open, self._open.size_bytes)
            begun: list[_Growing] = []
            try:
                self._write(lines, begun)
            except OSError:
                self._undo(before, begun)
                raise
            self._bytes += added

    def seal(self) -> None:
        """Let the newest file grow no more, so that it can be sent."""
        with self._lock:
            self._seal()

    def sealed(self, most: int) -> list[Batch]:
        """The oldest batches that can be sent."""
        with self._lock:
            paths = self._sealed[:most]
        return [Batch(_id_of(path), path.read_bytes()) for path in paths]

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
            return not self._sealed and self._open is None

    def close(self) -> None:
        """Let another process have it."""
        with self._lock:
            self._seal()
            self._taken.close()

    def _batches(self) -> list[Path]:
        return sorted(path for path in self._directory.iterdir() if _NAME.fullmatch(path.name))

    def _write(self, lines: Sequence[bytes], begun: list["_Growing"]) -> None:
        for line in lines:
            if self._open is not None and not self._open.has_room(len(line) + 1):
                self._open.sync()
                self._seal()
            if self._open is None:
                name = f"{self._next:012d}-{secrets.token_hex(8)}.batch"
                self._open = _Growing(self._directory / name)
                self._next += 1
                begun.append(self._open)
            self._open.write(line)
        if self._open is not None:
            self._open.sync()
        if begun:
            _sync_directory(self._directory)

    def _seal(self) -> None:
        if self._open is not None:
            self._open.close()
            self._sealed.append(self._open.path)
            self._open = None

    def _undo(self, before: tuple["_Growing", int] | None, begun: list["_Growing"]) -> None:
        """Take back what a failed append has written; the file that it began with is sealed."""
        for each in begun:
            each.close()
            self._sealed = [path for path in self._sealed if path != each.path]
            each.path.unlink(missing_ok=True)
        if before is not None:
            growing, size = before
            growing.close()
            os.truncate(growing.path, size)
            self._sealed = [path for path in self._sealed if path != growing.path]
            self._sealed.append(growing.path)
        self._open = None

    def _forget(self, batch: Batch) -> Path:
        path = next(path for path in self._sealed if _id_of(path) == batch.batch_id)
        self._sealed.remove(path)
        return path


class _Growing:
    """The newest file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Unbuffered: what a full disk refuses must not be tried once more when the file is closed.
        self._file = path.open("xb", buffering=0)
        self.size_bytes = 0
        self._points = 0

    def has_room(self, size: int) -> bool:
        return self._points < POINTS_PER_BATCH and self.size_bytes + size <= BYTES_PER_BATCH

    def write(self, line: bytes) -> None:
        rest = memoryview(line + b"\n")
        while rest:
            rest = rest[self._file.write(rest) :]
        self.size_bytes += len(line) + 1
        self._points += 1

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _id_of(path: Path) -> str:
    return path.stem


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

"""Where a server keeps its data: one directory, readable by its owner only."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DATABASE = "wedsync.sqlite"
_LOCK = "server.lock"
_OWNER_ONLY = 0o600


class DirectoryInUse(Exception):
    """Another server runs on this directory."""


class DataDirectory:
    """One server's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def database(self) -> Path:
        """The SQLite file, which only its owner can read."""
        path = self.path / _DATABASE
        path.touch(mode=_OWNER_ONLY)
        return path

    @property
    def log(self) -> Path:
        """Where the server writes its log."""
        return self.path / "wedsync.log"

    @property
    def identity(self) -> Path:
        """The tokens that the server shows in its ready line."""
        return self.path / "tokens.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Be the only server on this directory; the system lets go when the process dies."""
        with (self.path / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DirectoryInUse(str(self.path)) from error
            yield

    @contextlib.contextmanager
    def announced(self, url: str) -> Iterator[None]:
        """Let the user's own commands find the server that holds this directory, while it runs."""
        path = self.path.resolve()
        note = _notes() / f"{hashlib.sha256(bytes(path)).hexdigest()[:32]}.json"
        write_privately(note, {"url": url, "path": str(path)})
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    def is_held(self) -> bool:
        """Whether a server runs on this directory now."""
        try:
            with self.held():
                return False
        except DirectoryInUse:
            return True


def write_privately(path: Path, document: object) -> None:
    """Replace a file as a whole, readable by its owner only."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=_OWNER_ONLY)
    draft.write_text(json.dumps(document))
    draft.replace(path)


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[DataDirectory]:
    """The directory of a server; without a path one that goes when the server goes."""
    if path is not None:
        yield DataDirectory(path)
        return
    passing = DataDirectory(Path(tempfile.mkdtemp(prefix="wedsync-")))
    try:
        yield passing
    finally:
        shutil.rmtree(passing.path, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server of this user that runs now."""

    url: str
    directory: DataDirectory


def running_servers() -> tuple[RunningServer, ...]:
    """Every server of this user that runs now, by its address."""
    found = []
    for note in _notes().glob("*.json"):
        try:
            noted = json.loads(note.read_text())
            url, path = str(noted["url"]), Path(noted["path"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it has just gone
        if not path.is_dir():
            note.unlink(missing_ok=True)  # its server was killed, and its directory is gone
            continue
        directory = DataDirectory(path)
        if directory.is_held():
            found.append(RunningServer(url=url, directory=directory))
    return tuple(sorted(found, key=lambda each: each.url))


def _notes() -> Path:
    folder = Path(tempfile.gettempdir()) / f"wedsync-of-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder

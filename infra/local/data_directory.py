"""Where a server keeps its data: one directory, readable by its owner only."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DATABASE = "wedsync.sqlite"
_LOCK = "server.lock"
_OWNER_ONLY = 0o600
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class DirectoryInUse(Exception):
    """Another server runs on this directory."""


class Unusable(Exception):
    """A directory that cannot hold a store, or holds something else; says why."""


class DataDirectory:
    """One server's directory."""

    def __init__(self, path: Path) -> None:
        """Raises Unusable where there can be no such directory."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except FileExistsError:
            raise Unusable(f"{path} is a file; a directory is needed") from None
        except OSError as error:
            raise Unusable(f"{path} cannot be made: {error.strerror}") from None

    @property
    def has_store(self) -> bool:
        """Whether a server has kept something here."""
        return (self.path / _DATABASE).is_file()

    def require_usable(self) -> None:
        """Raise Unusable unless this process may write a store here, and there is no other thing.

        A store that somebody else writes just now is one.
        """
        try:
            with contextlib.closing(
                sqlite3.connect(self.database, timeout=0, isolation_level=None)
            ) as store:
                store.execute("BEGIN IMMEDIATE")
                store.execute("ROLLBACK")
        except OSError as error:
            raise Unusable(f"{self.path} cannot be written: {error.strerror}") from None
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in _BUSY:
                return
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise Unusable(f"{self.path / _DATABASE} is no store") from None
            raise Unusable(f"{self.path / _DATABASE} cannot be written: {error}") from None

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
        """Be the only server on this directory; the system lets go when the process dies.

        Raises DirectoryInUse, and Unusable where nothing can be written.
        """
        try:
            opened_lock = (self.path / _LOCK).open("w")
        except OSError as error:
            raise Unusable(f"{self.path} cannot be written: {error.strerror}") from None
        with opened_lock as lock:
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

"""Where a server keeps its data: one directory, readable by its owner only."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
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
    """The directory of a server; without a path one that goes when the server goes.

    A passing one is noted in the user's own directory, so that keys can be made for it.
    """
    if path is not None:
        yield DataDirectory(path)
        return
    passing = DataDirectory(Path(tempfile.mkdtemp(prefix="wedsync-")))
    write_privately(_note(), {"path": str(passing.path)})
    try:
        yield passing
    finally:
        shutil.rmtree(passing.path, ignore_errors=True)


def latest_passing() -> DataDirectory | None:
    """The directory of the newest server that was started without one and still runs."""
    try:
        path = Path(json.loads(_note().read_text())["path"])
    except (OSError, ValueError, KeyError):
        return None
    if not path.is_dir():
        return None
    directory = DataDirectory(path)
    return directory if directory.is_held() else None


def _note() -> Path:
    folder = Path(tempfile.gettempdir()) / f"wedsync-of-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder / "latest.json"

"""One SQLite file, or memory, that many threads and a few processes share."""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from types import TracebackType

from wedsync.cloud import Clock
from wedsync.errors import OutcomeUnknown, Throttled

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BUSY_SECONDS = 5.0
_ROLLED_BACK = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})


class Database:
    """One connection behind a lock.

    Whoever executes anything does so within ``asking`` or ``writing()``. Both raise Throttled where
    nothing happened, and OutcomeUnknown where it may have.

    With a write-ahead log and ``synchronous=NORMAL`` a commit reaches the operating system before
    it is acknowledged: killing the process loses nothing, losing power may lose the last commits
    but never the file's consistency. The file holds secrets, so a new one is its owner's alone.
    """

    def __init__(self, path: Path | None, *, clock: Clock) -> None:
        self.asking = _Asking()
        self.clock = clock
        if path is not None:
            path.touch(mode=0o600)
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        # Whoever drops a database has closed it: from 3.13 on, Python warns of any other end.
        self._close = weakref.finalize(self, self._connection.close)
        self.execute = self._connection.execute
        self.execute_many = self._connection.executemany
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")
        self.execute("PRAGMA temp_store=MEMORY")
        self.execute("PRAGMA cache_size=-65536")
        self._in_memory = path is None
        self._defined: set[str] = set()
        if self._in_memory:
            self._defined = _BLANK.copied_to(self._connection)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Everything inside happens, or nothing; no other writer comes between."""
        with self.asking:
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self.execute("ROLLBACK")
                raise

    def define(self, *statements: str) -> None:
        """Create tables and indexes; statements say IF NOT EXISTS. Raises as ``writing`` does."""
        missing = [statement for statement in statements if statement not in self._defined]
        if not missing:
            return
        with self.writing():
            for statement in missing:
                self.execute(statement)
        self._defined.update(missing)
        if self._in_memory:
            _BLANK.define(missing)

    def now_ms(self) -> int:
        """The clock in milliseconds."""
        return epoch_ms(self.clock.now())

    def close(self) -> None:
        """Let go of the file."""
        with self.asking:
            self._close()


class _Blank:
    """Tables that databases in memory have had, empty: copying is quicker than making them."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._defined: set[str] = set()
        self._connection: sqlite3.Connection | None = None

    def copied_to(self, connection: sqlite3.Connection) -> set[str]:
        """Copy the tables; the statements that made them."""
        with self._lock:
            if self._connection is not None:
                self._connection.backup(connection)
            return set(self._defined)

    def define(self, statements: Iterable[str]) -> None:
        """Make them here too."""
        with self._lock:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    ":memory:", isolation_level=None, check_same_thread=False
                )
                weakref.finalize(self, self._connection.close)
            for statement in statements:
                self._connection.execute(statement)
            self._defined.update(statements)


_BLANK = _Blank()


class _Asking:
    """One thread at a time asks SQLite, whose own failures are named as the seam names them."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
        if isinstance(error, sqlite3.OperationalError):
            code = error.sqlite_errorcode & 0xFF
            if code in _ROLLED_BACK:
                raise Throttled from error
            if code == sqlite3.SQLITE_IOERR:
                raise OutcomeUnknown from error


def epoch_ms(instant: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (instant - _EPOCH) // _MILLISECOND


def instant(at_ms: int) -> datetime:
    """The aware instant of some milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)

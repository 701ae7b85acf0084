"""The small things that are kept by name: objects, secrets, settings and runs of schedules."""

from datetime import datetime

from infra.local.store.database import Database, epoch_ms, instant
from wedsync.cloud import Ids
from wedsync.cloud.limits import check_object_name
from wedsync.resources import Resource

_SECRET_BYTES = 32


class LocalBucket:
    """A ``wedsync.cloud.Bucket``."""

    def __init__(self, database: Database, resource: Resource) -> None:
        self._database = database
        self._bucket = resource.slug
        database.define(
            "CREATE TABLE IF NOT EXISTS objects (bucket TEXT NOT NULL, name TEXT NOT NULL, "
            "data BLOB NOT NULL, PRIMARY KEY (bucket, name))"
        )

    def put(self, name: str, data: bytes) -> None:
        """Store or replace an object."""
        check_object_name(name)
        with self._database.asking:
            self._database.execute(
                "INSERT INTO objects (bucket, name, data) VALUES (?, ?, ?) "
                "ON CONFLICT (bucket, name) DO UPDATE SET data=excluded.data",
                (self._bucket, name, data),
            )

    def get(self, name: str) -> bytes | None:
        """The object, or None."""
        check_object_name(name)
        with self._database.asking:
            row = self._database.execute(
                "SELECT data FROM objects WHERE bucket=? AND name=?", (self._bucket, name)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def names(self) -> tuple[str, ...]:
        """The names of all objects, in order."""
        with self._database.asking:
            rows = self._database.execute(
                "SELECT name FROM objects WHERE bucket=? ORDER BY name", (self._bucket,)
            ).fetchall()
        return tuple(str(name) for (name,) in rows)


class LocalSecret:
    """A ``wedsync.cloud.Secret``, made at its first use and then kept."""

    def __init__(self, database: Database, resource: Resource, *, ids: Ids) -> None:
        self._database = database
        self._ids = ids
        self._name = resource.slug
        database.define(
            "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL)"
        )

    def value(self) -> bytes:
        """The value; two processes that make it at once agree on one."""
        with self._database.asking:
            return self._stored() or self._made()

    def _made(self) -> bytes:
        self._database.execute(
            "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            (self._name, self._ids.secret(_SECRET_BYTES)),
        )
        return self._stored()

    def _stored(self) -> bytes:
        row = self._database.execute(
            "SELECT value FROM secrets WHERE name=?", (self._name,)
        ).fetchone()
        return b"" if row is None else bytes(row[0])


class Settings:
    """Named texts that the machine keeps for itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.define(
            "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
        )

    def get(self, name: str) -> str | None:
        """A setting, or None."""
        with self._database.asking:
            row = self._database.execute(
                "SELECT value FROM settings WHERE name=?", (name,)
            ).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str) -> None:
        """Keep a setting."""
        with self._database.asking:
            self._database.execute(
                "INSERT INTO settings (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value=excluded.value",
                (name, value),
            )

    def keep(self, name: str, value: str) -> str:
        """The setting, which becomes ``value`` if there is none yet."""
        with self._database.asking:
            self._database.execute(
                "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                (name, value),
            )
            return self.get(name) or value


class ScheduleRuns:
    """When each scheduled job ran last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.define(
            "CREATE TABLE IF NOT EXISTS schedule_runs "
            "(job TEXT PRIMARY KEY, last_run_ms INTEGER NOT NULL)"
        )

    def last_run(self, job: str) -> datetime | None:
        """The instant of the last run, None before the first."""
        with self._database.asking:
            row = self._database.execute(
                "SELECT last_run_ms FROM schedule_runs WHERE job=?", (job,)
            ).fetchone()
        return None if row is None else instant(row[0])

    def set_last_run(self, job: str, at: datetime) -> None:
        """Remember a run."""
        with self._database.asking:
            self._database.execute(
                "INSERT INTO schedule_runs (job, last_run_ms) VALUES (?, ?) "
                "ON CONFLICT (job) DO UPDATE SET last_run_ms=excluded.last_run_ms",
                (job, epoch_ms(at)),
            )

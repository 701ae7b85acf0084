"""Backfilling from the command line: on a server's data, or on what is deployed."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from infra.local.clock import ManualClock, RandomIds, RealClock
from infra.local.data_directory import DataDirectory
from infra.local.engine import LocalCloud
from infra.local.local_routes import CLOCK_SETTING
from wedsync.cloud import Cloud
from wedsync.flows.backfill import Told
from wedsync.runtime.aws import on_aws
from wedsync.settings import Settings
from wedsync.stores.backfills import Cursor
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services

_STEPS = 20


@contextmanager
def on_data(path: Path) -> Iterator[Services]:
    """The stores of a server's directory, whether it runs or not, by the clock that it goes by."""
    directory = DataDirectory(path)
    clock = RealClock()
    with LocalCloud(directory.database, clock=clock, ids=RandomIds(clock)) as cloud:
        kept = cloud.settings.get(CLOCK_SETTING)
        if kept is None:
            yield Services(cloud, Settings())
            return
    stopped = ManualClock(datetime.fromisoformat(kept))
    with LocalCloud(directory.database, clock=stopped, ids=RandomIds(clock)) as cloud:
        yield Services(cloud, Settings())


def deployed() -> Services:
    """The stores that the environment names, as a deployed function's does."""
    opened: tuple[Cloud, Settings] = on_aws()
    return Services(*opened)


def job_of(*parts: str) -> str:
    """The name under which a job's cursor is kept: the same job goes on where it stopped."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def digest_of(path: Path) -> str:
    """What names a file: its content, and not where it lies."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, one at a time."""
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\r\n")


class Refusals:
    """Names what was refused, line by line, on the error output; of many the first ones."""

    def __init__(self, *, shown: int) -> None:
        self._left = shown

    def add(self, refused: Sequence[Rejection]) -> None:
        """Name these, as far as there is room for them."""
        for each in refused[: self._left]:
            sys.stderr.write(f"{each.place.rpartition(':')[2]}: {each.code}: {each.detail}\n")
        self._left -= min(self._left, len(refused))
        sys.stderr.flush()


def progress(what: str, *, total: int) -> Told:
    """Tell how far a job is on the error output, in twenty steps at most."""
    shown = 0

    def told(cursor: Cursor) -> None:
        nonlocal shown
        step = _STEPS * cursor.position // max(total, 1)
        if step == shown:
            return
        shown = step
        share = 100 * cursor.position // max(total, 1)
        sys.stderr.write(f"{cursor.position} of {total} {what} ({share} %)\n")
        sys.stderr.flush()

    return told

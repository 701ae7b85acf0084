import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wedsync.client import Batch, Spool, SpoolFull, SpoolInUse
from wedsync.client.frames import LONGEST_SPAN_MS, MOST_ROWS, Fit
from wedsync.client.spool import BYTES_PER_BATCH, BYTES_PER_FRAME, POINTS_PER_BATCH

Opened = Callable[..., Spool]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens the spool of this test; in the end, all are closed."""
    with contextlib.ExitStack() as stack:

        def opened(**options: int) -> Spool:
            return stack.enter_context(contextlib.closing(Spool(tmp_path, **options)))

        yield opened


def lines(spool: Spool) -> list[bytes]:
    return [line for batch in sealed(spool) for line in batch.lines.splitlines()]


def sealed(spool: Spool) -> list[Batch]:
    spool.seal()
    return spool.sealed(999)


def test_what_was_appended_is_there_after_a_restart_in_batches_of_the_same_id(
    opened: Opened,
) -> None:
    spool = opened()
    spool.append([b"1", b"2"])
    spool.append([b"3"])
    spool.seal()
    spool.append([b"4"])
    ids = [batch.batch_id for batch in spool.sealed(9)]
    spool.close()
    again = opened()
    assert lines(again) == [b"1", b"2", b"3", b"4"]
    assert [batch.batch_id for batch in again.sealed(9)][:1] == ids


def test_a_batch_has_its_bounds(opened: Opened) -> None:
    spool = opened()
    spool.append([b"1"] * (POINTS_PER_BATCH + 1))
    spool.append([b"x" * (BYTES_PER_BATCH - 10), b"y" * 20])
    spool.seal()
    sizes = [(batch.lines.count(b"\n"), len(batch.lines)) for batch in spool.sealed(9)]
    assert [count for count, _ in sizes] == [POINTS_PER_BATCH, 2, 1]
    assert all(size <= BYTES_PER_BATCH for _, size in sizes)
    assert sum(count for count, _ in sizes) == POINTS_PER_BATCH + 3


@pytest.mark.parametrize("torn", [b"{half", b""])
def test_a_line_that_a_crash_tore_is_cut_off(tmp_path: Path, opened: Opened, torn: bytes) -> None:
    spool = opened()
    spool.append([b"1", b"2"])
    spool.close()
    (path,) = tmp_path.glob("*.batch")
    path.write_bytes(path.read_bytes() + torn)
    (tmp_path / "000000000009-0123456789abcdef.batch").write_bytes(torn)
    again = opened()
    assert lines(again) == [b"1", b"2"]
    assert path.read_bytes() == b"1\n2\n"
    assert list(tmp_path.glob("*.batch")) == [path]


def test_what_fits_a_frame_has_files_of_its_own_and_so_it_stays(opened: Opened) -> None:
    spool = opened()
    spool.append([b"1", b"2", b"3"], fits=[Fit(1, 0), None, Fit(1, 0)])
    spool.append([b"4", b"5"], fits=[None, Fit(1, 0)])
    told = [(batch.framed, batch.lines) for batch in sealed(spool)]
    assert told == [(True, b"1\n3\n5\n"), (False, b"2\n4\n")]
    ids = [batch.batch_id for batch in spool.sealed(9)]
    spool.close()
    again = opened()
    assert [(batch.framed, batch.lines) for batch in again.sealed(9)] == told
    assert [batch.batch_id for batch in again.sealed(9)] == ids
    for batch in again.sealed(9):
        again.remove(batch)
    assert again.is_empty


def test_a_frame_has_its_bounds(opened: Opened) -> None:
    spool = opened()
    spool.append([b"1"] * 4, fits=[Fit(MOST_ROWS - 1, 0), Fit(1, 0), Fit(1, 0), Fit(MOST_ROWS, 0)])
    spool.append([b"2"] * 2, fits=[Fit(1, 0), Fit(1, -LONGEST_SPAN_MS)])
    spool.append([b"2"], fits=[Fit(1, 1)])
    spool.append([b"x" * (BYTES_PER_FRAME - 10), b"y" * 20], fits=[Fit(1, 1)] * 2)
    counts = [batch.lines.count(b"\n") for batch in sealed(spool)]
    assert counts == [2, 1, 1, 2, 2, 1]


def test_a_crash_cuts_a_line_off_each_of_the_two_newest_files(
    tmp_path: Path, opened: Opened
) -> None:
    spool = opened()
    spool.append([b"1", b"2"], fits=[Fit(1, 0), None])
    spool.close()
    for path in tmp_path.glob("*.batch"):
        path.write_bytes(path.read_bytes() + b"{half")
    again = opened()
    assert [(batch.framed, batch.lines) for batch in again.sealed(9)] == [
        (True, b"1\n"),
        (False, b"2\n"),
    ]


def test_an_id_is_never_used_again_though_the_batch_is_gone(opened: Opened) -> None:
    ids = set()
    for _ in range(3):
        spool = opened()
        spool.append([b"1"])
        spool.seal()
        (batch,) = spool.sealed(9)
        ids.add(batch.batch_id)
        spool.remove(batch)
        assert spool.is_empty
        spool.close()
    assert len(ids) == 3


def test_a_full_spool_refuses_and_keeps_what_it_has(opened: Opened) -> None:
    spool = opened(most_bytes=10)
    spool.append([b"1234", b"123"])
    with pytest.raises(SpoolFull):
        spool.append([b"1"])
    assert lines(spool) == [b"1234", b"123"]
    (batch,) = spool.sealed(9)
    spool.remove(batch)
    spool.append([b"123456789"])
    with pytest.raises(SpoolFull):
        spool.append([b""])


def test_what_was_refused_stays_and_counts(tmp_path: Path, opened: Opened) -> None:
    spool = opened(most_bytes=10)
    spool.append([b"12345"])
    spool.seal()
    (batch,) = spool.sealed(9)
    spool.refuse(batch)
    assert spool.is_empty
    assert [path.read_bytes() for path in tmp_path.glob("*.refused")] == [b"12345\n"]
    with pytest.raises(SpoolFull):
        spool.append([b"12345"])
    spool.close()
    with pytest.raises(SpoolFull):
        opened(most_bytes=10).append([b"12345"])


def test_a_spool_belongs_to_one_process(opened: Opened) -> None:
    spool = opened()
    spool.append([b"1"])
    with pytest.raises(SpoolInUse):
        opened()
    spool.close()
    opened().close()


def test_a_disk_that_fails_leaves_nothing_of_the_append_behind(
    tmp_path: Path, opened: Opened
) -> None:
    """The disk is full, as far as a process with a limit on its files can tell."""
    code = f"""
import resource, signal
from wedsync.client import Spool
from wedsync.client.frames import Fit
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool({str(tmp_path)!r})
spool.append([b"1" * 50, b"f" * 20], fits=[None, Fit(1, 0)])
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
for lines in ([b"2" * 200], [b"3" * 30, b"4" * 200]):
    try:
        spool.append([b"g" * 20, *lines], fits=[Fit(1, 0), *[None] * len(lines)])
    except OSError as error:
        print(error.errno)
spool.append([b"5" * 60])
spool.close()
"""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.split()) == 2, done
    assert lines(opened()) == [b"1" * 50, b"f" * 20, b"5" * 60]

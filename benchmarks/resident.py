"""``python -m benchmarks.resident FOLDER PACKS``: count a folder's events; peak memory in MB."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stages import Run, fold_all, judged, records_of
from wedsync.metrics.columns import Columns
from wedsync.metrics.reading import BodyReader

_STATUS = Path("/proc/self/status")


def main() -> None:
    """Hold one event at a time, as a function does; the items that it wrote stay."""
    folder, packs = Path(sys.argv[1]), int(sys.argv[2])
    fold_all(_batches(folder, BodyReader()), Run(), packs=packs)
    print(_peak_mb())


def _batches(folder: Path, reader: BodyReader) -> Iterator[Columns]:
    for place, path in enumerate(sorted(folder.iterdir())):
        yield judged(records_of(path.read_text()), reader, sequence=place * 1_000_000)


def _peak_mb() -> float:
    """Of this program alone: what Linux counts as usage begins with what its parent held."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""``python -m benchmarks.resident FOLDER PACKS``: count a folder's events; peak memory in MB."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stages import Run, fold_all, judged, records_of
from wedsync.metrics.columns import Columns
from wedsync.metrics.reading import BodyReader


def main() -> None:
    """Hold one event at a time, as a function does; the items that it wrote stay."""
    folder, packs = Path(sys.argv[1]), int(sys.argv[2])
    fold_all(_batches(folder, BodyReader()), Run(), packs=packs)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _batches(folder: Path, reader: BodyReader) -> Iterator[Columns]:
    for place, path in enumerate(sorted(folder.iterdir())):
        yield judged(records_of(path.read_text()), reader, sequence=place * 1_000_000)


if __name__ == "__main__":
    main()

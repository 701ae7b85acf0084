"""The log is a file: nobody has to read a pipe for the server to go on, and stdout stays clean."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_LONGEST_BYTES = 16 * 1024 * 1024
_STDOUT = 1


@contextlib.contextmanager
def log_instead_of_stdout(path: Path) -> Iterator[TextIO]:
    """Send whatever is printed or logged to a file; yields the true stdout for the ready line.

    A log that has grown long makes room for a new one, and is kept until the next time.
    """
    if path.exists() and path.stat().st_size > _LONGEST_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    sys.stdout.flush()
    with (
        os.fdopen(os.dup(_STDOUT), "w", encoding="utf-8") as stdout,
        path.open("a", encoding="utf-8") as log,
    ):
        os.dup2(log.fileno(), _STDOUT)
        handler = logging.StreamHandler(log)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            yield stdout
        finally:
            root.removeHandler(handler)
            sys.stdout.flush()
            os.dup2(stdout.fileno(), _STDOUT)

"""Blocks as columns over one table of strings, and what both forms of their bytes agree on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wedsync.metrics.grid import Grid
from wedsync.metrics.histogram import Ints
from wedsync.metrics.marks import Happenings, Marks

SEVERAL_MINUTES = -1
SCALES = (1.0, 10.0, 100.0, 1000.0)
UNSCALED = len(SCALES)
_SEPARATOR = "\x1e"


class Stack(NamedTuple):
    """Blocks one after the other over one sorted table of strings; ``*_lane`` says whose a row is.

    A minute of -1 stands for several.
    """

    minutes: Ints
    strings: tuple[str, ...]
    series: Grid
    series_lane: Ints
    overall: Grid
    overall_lane: Ints
    marks: Marks
    marks_lane: Ints
    happenings: Happenings
    happenings_lane: Ints


class Parts(NamedTuple):
    """What one block is made of."""

    minute: int
    strings: tuple[str, ...]
    series: Grid
    overall: Grid
    marks: Marks
    happenings: Happenings

    def stack(self) -> Stack:
        """A stack of this block alone."""
        return Stack(
            minutes=np.array([self.minute], np.int64),
            strings=self.strings,
            series=self.series,
            series_lane=np.zeros(len(self.series), np.int64),
            overall=self.overall,
            overall_lane=np.zeros(len(self.overall), np.int64),
            marks=self.marks,
            marks_lane=np.zeros(len(self.marks), np.int64),
            happenings=self.happenings,
            happenings_lane=np.zeros(len(self.happenings), np.int64),
        )


def joined(strings: Sequence[str]) -> bytes:
    """A table of strings as bytes.

    Raises:
        ValueError: a text holds the separator, which no accepted point does.

    """
    text = _SEPARATOR.join(strings)
    if text.count(_SEPARATOR) != max(len(strings) - 1, 0):
        raise ValueError("a text of a block holds a control character")
    return text.encode()


def parted(data: bytes) -> tuple[str, ...]:
    """The strings of a table."""
    return tuple(data.decode().split(_SEPARATOR)) if data else ()

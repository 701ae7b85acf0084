"""Items that grew too large: the full ones are sealed, and the next of the chain goes on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wedsync.metrics.fold import SlotContent, SlotMerge, SlotRows, merge_many

SEAL_BYTES = 300_000
"""Beyond this an item is sealed: a stored item has at most 400 KiB."""


def content_bytes(content: SlotContent) -> int:
    """What the content takes in an item."""
    return len(content.ids) + len(content.on_time) + len(content.late)


def merge_after(
    shares: Sequence[tuple[bytes, SlotContent | None, SlotRows]],
) -> list[SlotMerge]:
    """Merge each share into the open item of its chain, all at a go.

    Frames that a sealed item of the chain holds (the first of each three) are copies.
    """
    before = [
        (existing if not sealed else _with_ids(existing or SlotContent(), sealed, union=True), rows)
        for sealed, existing, rows in shares
    ]
    return [
        replace(merge, content=_with_ids(merge.content, sealed, union=False)) if sealed else merge
        for merge, (sealed, _, _) in zip(merge_many(before), shares, strict=True)
    ]


def joined_ids(*ids: bytes) -> bytes:
    """All of these frame ids as one sorted set."""
    every = [np.frombuffer(each, "<u8") for each in ids]
    return np.unique(np.concatenate(every)).astype("<u8").tobytes() if every else b""


def _with_ids(content: SlotContent, others: bytes, *, union: bool) -> SlotContent:
    """The content with these ids among its own, or without them."""
    own, other = np.frombuffer(content.ids, "<u8"), np.frombuffer(others, "<u8")
    ids = np.union1d(own, other) if union else np.setdiff1d(own, other)
    return replace(content, ids=ids.astype("<u8").tobytes())

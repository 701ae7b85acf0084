"""Items that grew too large: the full ones are sealed, and the next of the chain goes on."""

import numpy as np

from wedsync.metrics.fold import SlotContent, SlotMerge, SlotRows, merge_rows

SEAL_BYTES = 300_000
"""Beyond this an item is sealed: a stored item has at most 400 KiB."""


def content_bytes(content: SlotContent) -> int:
    """What the content takes in an item."""
    return len(content.ids) + len(content.on_time) + len(content.late)


def merge_after(sealed_ids: bytes, existing: SlotContent | None, rows: SlotRows) -> SlotMerge:
    """Merge a share into the open item of a chain; frames that a sealed one holds are copies."""
    if not sealed_ids:
        return merge_rows(existing, rows)
    before = SlotContent() if existing is None else existing
    sealed = np.frombuffer(sealed_ids, "<u8")
    own = np.frombuffer(before.ids, "<u8")
    known = np.union1d(sealed, own).astype("<u8").tobytes()
    merged = merge_rows(_with_ids(before, known), rows)
    kept = np.setdiff1d(np.frombuffer(merged.content.ids, "<u8"), sealed).astype("<u8").tobytes()
    return SlotMerge(
        content=_with_ids(merged.content, kept),
        accepted=merged.accepted,
        late=merged.late,
        duplicates=merged.duplicates,
        changed=merged.changed,
        new_ids=merged.new_ids,
    )


def joined_ids(*ids: bytes) -> bytes:
    """All of these frame ids as one sorted set."""
    every = [np.frombuffer(each, "<u8") for each in ids]
    return np.unique(np.concatenate(every)).astype("<u8").tobytes() if every else b""


def _with_ids(content: SlotContent, ids: bytes) -> SlotContent:
    return SlotContent(
        ids=ids,
        on_time=content.on_time,
        late=content.late,
        duplicates=content.duplicates,
        points_on_time=content.points_on_time,
        points_late=content.points_late,
        sent_on_time=content.sent_on_time,
        sent_late=content.sent_late,
    )

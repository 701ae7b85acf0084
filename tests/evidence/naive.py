"""The pager that everything is compared with: one notification for each threshold crossing."""

from tests.evidence.corpus import FIRST_MINUTE, Corpus, Event
from wedsync.alerting.streams.minute import Counts, time_bin

ERROR_SHARE = 0.10
SLOW_MS = 1000.0


def false_notifications(corpus: Corpus) -> int:
    """Count the minutes beyond a threshold that belong to no fault."""
    faulty: dict[int, set[int]] = {}
    for event in corpus.events:
        if event.is_fault:
            faulty.setdefault(event.stream, set()).update(_minutes(event))
    false = 0
    for number, minutes in enumerate(corpus.streams):
        in_fault = faulty.get(number, set())
        for at in range(corpus.days * 1440):
            counts = minutes.counts(at)
            if counts is not None and at not in in_fault and _crosses(counts):
                false += 1
    return false


def _minutes(event: Event) -> range:
    return range(event.start, event.end + 1)


def _crosses(counts: Counts) -> bool:
    """Ten percent failed, or the 95th percentile is beyond a second."""
    assert counts.minute >= FIRST_MINUTE
    if counts.failed > ERROR_SHARE * counts.total:
        return True
    timed = sum(count for _, count in counts.times)
    slow = sum(count for each, count in counts.times if each >= time_bin(SLOW_MS))
    return slow > 0.05 * timed

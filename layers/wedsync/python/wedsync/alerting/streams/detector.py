"""All detectors of one stream, and what all streams of a tenant say together."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from wedsync.alerting.streams.failures import failed_requests
from wedsync.alerting.streams.minute import Counts
from wedsync.alerting.streams.silence import traffic_drop
from wedsync.alerting.streams.slowness import slow_requests
from wedsync.alerting.streams.stream import Stream
from wedsync.alerting.streams.verdict import Verdict

GAP_STREAMS = 4
GAP_SHARE = 0.6
_EXPECTING = 4.0
"""A stream that expects so many requests in a minute is hardly ever without any."""


class Rule(StrEnum):
    """What is looked for."""

    FAILED_REQUESTS = "failed_requests"
    SLOW_REQUESTS = "slow_requests"
    TRAFFIC_DROP = "traffic_drop"


def judge(stream: Stream, read: Mapping[int, Counts]) -> dict[Rule, Verdict]:
    """Judge a stream by what has been read of the newest minutes.

    Failures and slowness show in a minute that is not over yet. Requests can be missed only in
    one that is: those that the stream has advanced through.
    """
    rows = stream.with_present(read)
    return {
        Rule.FAILED_REQUESTS: failed_requests(rows, stream.halves, stream.habit),
        Rule.SLOW_REQUESTS: slow_requests(rows, stream.habit),
        Rule.TRAFFIC_DROP: traffic_drop(stream.hour, stream.rhythm, stream.quiet_since),
    }


def unreported(
    streams: Mapping[str, Stream], read: Mapping[str, Mapping[int, Counts]], minutes: Iterable[int]
) -> frozenset[int]:
    """Find minutes in which most streams vanish together: it is the reporting that failed.

    Fewer than four streams that expect requests prove nothing about each other.
    """
    found: set[int] = set()
    for minute in minutes:
        expecting = [
            name for name, each in streams.items() if each.rhythm.expected(minute) >= _EXPECTING
        ]
        silent = sum(1 for name in expecting if minute not in read.get(name, {}))
        if len(expecting) >= GAP_STREAMS and silent >= GAP_SHARE * len(expecting):
            found.add(minute)
    return frozenset(found)


def minutes_unreported(streams: Iterable[Stream]) -> int:
    """For how many of the newest minutes most streams have been blind."""
    runs = sorted(_blind_run(stream) for stream in streams)
    return runs[len(runs) * 2 // 5] if len(runs) >= GAP_STREAMS else 0


def _blind_run(stream: Stream) -> int:
    run = 0
    for row in reversed(stream.hour):
        if not row.blind:
            break
        run += 1
    return run

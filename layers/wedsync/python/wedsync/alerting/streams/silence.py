"""Requests that stop coming: against the rhythm of the hour, the day and the week.

The number of requests in the last minutes, three up to forty of them, is compared with a negative
binomial around what was expected (Poisson where the stream's past varies no more than that). At
three requests a minute it takes five minutes without any before chance is out of the question;
the windows grow as a cumulative sum would (Page 1954), with the drop that is looked for fixed at
sixty percent.
"""

import math
from collections.abc import Sequence

from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.likelihood import at_most, one_in
from wedsync.alerting.streams.minute import Minute
from wedsync.alerting.streams.rhythm import Rhythm
from wedsync.alerting.streams.verdict import CLEAR, HOLD, Verdict, breach

CHANCE = math.log(1e-5)
_MOST_LEFT = ((7.0, 0.4), (1.0, 0.15), (0.0, 0.05))
"""A drop leaves at most this share of the expected requests, by how many days are known: the
first weekend may halve a stream at midnight."""
_TAUGHT_DAYS = 1.0
_LEAST_BLOCKS = 9
_WINDOWS = (3, 4, 5, 6, 8, 10, 15, 20, 30, 40)
_LOW = 0.55
_FEW = 8.0
_RECOVERED = 0.6
_PLANNED_MINUTES = 125
_MOST_LEFT_PLANNED = 0.05
_QUIET = 0.8
_QUIETER = 0.5


def traffic_drop(rows: Sequence[Minute], rhythm: Rhythm, quiet_since: int | None) -> Verdict:
    """Judge minutes that are over, the newest last; blind ones are left out.

    ``quiet_since``: when the requests stopped, if hardly any have come since.
    """
    seen = [row for row in rows if not row.blind]
    if not seen or rhythm.level is None or rhythm.blocks < _LEAST_BLOCKS:
        return HOLD
    newest, last = seen[-1], seen[-3:]
    total = sum(row.total for row in last)
    # No more is ever expected than the level.
    if min(newest.total, total / len(last)) >= _RECOVERED * rhythm.level > 0:
        return CLEAR
    expected = rhythm.expected(newest.minute)
    if newest.total >= _LOW * expected:
        enough = total >= _RECOVERED * sum(rhythm.expected(row.minute) for row in last)
        # Where nothing is expected, nothing proves nothing: only requests end a silence.
        return CLEAR if enough and total else HOLD
    left = next(share for days, share in _MOST_LEFT if rhythm.days >= days)
    total, mean, low = 0, 0.0, 0
    for count, row in enumerate(reversed(seen[-_WINDOWS[-1] :]), start=1):
        each = rhythm.expected(row.minute)
        total += row.total
        mean += each
        low += row.total < _LOW * each or each < _FEW
        if count not in _WINDOWS or low < count:
            continue
        if total > left * mean:
            continue
        chance = at_most(total, mean, rhythm.spread)
        if chance <= CHANCE and (rhythm.days >= _TAUGHT_DAYS or mean >= 30):
            planned = _looks_planned(newest.minute, quiet_since, total / mean, rhythm)
            return breach(
                axis="traffic",
                text=(
                    f"{total} requests in {count} minutes where {mean:.3g} were expected; chance "
                    f"explains that {one_in(chance)} times"
                    + ("; it began on the hour at a quiet time, as maintenance does" * planned)
                ),
                value=float(total),
                threshold=left * mean,
                severity=Severity.HIGH if planned else Severity.CRITICAL,
            )
    return HOLD


def _looks_planned(newest: int, began: int | None, left: float, rhythm: Rhythm) -> bool:
    """Tell whether it stopped altogether on the full hour of a quiet time, and lately.

    The half hour counts too, where the time is quieter still.
    """
    if began is None or left > _MOST_LEFT_PLANNED or newest - began >= _PLANNED_MINUTES:
        return False
    quiet = (rhythm.level or 0.0) / max(rhythm.busiest, 1e-9)
    return quiet < (_QUIET if began % 60 == 0 else _QUIETER if began % 30 == 0 else 0.0)

"""Failed requests: exact tests for what begins, burn rates for what smoulders.

**Exact.** Of the requests of a window so many have failed that chance, at the stream's usual
share, explains it less than once in a hundred thousand windows, and the failures fill several
minutes. The second half is what tells a fault from a bad minute or a deployment, which lasts three.

**Burn rate** (Google's SRE workbook, chapter 5: multiwindow, multi-burn-rate alerts): the
share of failures over the share that may fail, 0.1 % or whatever the stream has always needed.
14.4 over an hour and five minutes spends 2 % of a month's budget in that hour; 6 over six hours
and 30 minutes spends 5 % in those.
"""

import math
from collections.abc import Sequence

from wedsync.alerting.streams.habit import Habit
from wedsync.alerting.streams.likelihood import at_least, one_in, wilson
from wedsync.alerting.streams.minute import Minute
from wedsync.alerting.streams.verdict import CLEAR, HOLD, Verdict, breach

BUDGET_SHARE = 0.001
LEAST_FAILURES = 5
CHANCE = math.log(1e-5)
SEVERE_SHARE = 0.5
"""Where more than this share of requests certainly fails, three minutes are enough."""
_SEVERE_MINUTES = 3
_WINDOWS = ((5, 4, 0.04), (10, 6, 0.04), (15, 8, 0.03), (30, 12, 0.02))
"""Minutes, how many of them must be bad, and the least share of failures."""
_SPARSE = 20
_SPARSE_MINUTES = 3
"""Below 20 requests a minute single minutes may be without a failure by chance: three bad ones
are enough if they are spread over four."""
_LATELY, _BAD_LATELY = 6, 3
"""Of the newest six minutes three must be bad: what is over calls nobody again."""
_IN_PROPORTION = 0.5
"""A minute with less than this part of the window's failures is none of the fault's."""
_RECOVERED_MINUTES = 4
_TIMES_USUAL = 4.0
_BURNS = (("fast", 14.4, 60, 5, 5, 10), ("slow", 6.0, 360, 30, 14, 20))
"""Name, burn rate, long and short window in minutes, bad minutes of the short one (of ten for the
fast), failures."""


def failed_requests(
    rows: Sequence[Minute], halves: Sequence[tuple[int, int, int]], habit: Habit
) -> Verdict:
    """Judge the last minutes, the newest (perhaps not over yet) last."""
    answered = [row for row in rows[-30:] if row.judged]
    if not answered:
        return HOLD
    usual = habit.failure_share
    floor = max(0.02, 3 * usual)
    newest = answered[-1]
    if not newest.failed and (newest.judged >= 10 or len(answered) < 2 or not answered[-2].failed):
        return _recovery(answered, usual)
    return (
        _exact(answered, usual, floor)
        or _burning(rows, answered, halves, usual)
        or _recovery(answered, usual)
    )


def _recovery(answered: Sequence[Minute], usual: float) -> Verdict:
    last = answered[-_RECOVERED_MINUTES:]
    failed = sum(row.failed for row in last)
    judged = sum(row.judged for row in last)
    return CLEAR if failed <= max(1, judged * max(0.016, 2.5 * usual)) else HOLD


def is_bad(row: Minute, floor: float) -> bool:
    """Tell whether more than this share of a minute's requests failed."""
    return row.failed > 0 and row.failed > row.judged * floor


def _exact(answered: Sequence[Minute], usual: float, floor: float) -> Verdict | None:
    severe = answered[-_SEVERE_MINUTES:]
    windows = [(list(severe), _SEVERE_MINUTES, SEVERE_SHARE)]
    newest = answered[-1].minute
    for minutes, needed, share in _WINDOWS:
        window = [row for row in answered if row.minute > newest - minutes]
        windows.append((window, needed, share))
    lately = sum(1 for row in answered[-_LATELY:] if is_bad(row, floor))
    for window, needed, share in windows:
        judged = sum(row.judged for row in window)
        failed = sum(row.failed for row in window)
        marked = max(floor, _IN_PROPORTION * failed / judged)
        marks = [row.minute for row in window if is_bad(row, marked)]
        bad = len(marks)
        enough = needed
        if judged < _SPARSE * len(window) and bad and marks[-1] - marks[0] >= _SPARSE_MINUTES:
            enough = min(needed, _SPARSE_MINUTES)
        if bad < enough or lately < _BAD_LATELY:
            continue
        least = max(share, _TIMES_USUAL * usual)
        if failed < LEAST_FAILURES or failed < judged * least:
            continue
        if share == SEVERE_SHARE and wilson(failed, judged, 1.0)[0] < SEVERE_SHARE:
            continue
        chance = at_least(failed, judged, _cautious(usual))
        if chance <= CHANCE:
            percent = 100 * failed / judged
            return breach(
                axis="failures",
                text=(
                    f"{failed} of {judged} requests failed ({percent:.3g} %) in {bad} of the last "
                    f"{window[-1].minute - window[0].minute + 1} minutes; usual are "
                    f"{100 * usual:.2g} %, which explains that {one_in(chance)} times"
                ),
                value=percent,
                threshold=100 * least,
            )
    return None


def _cautious(usual: float) -> float:
    """What may be usual, at worst: the past is an estimate, and failures come in clusters."""
    return 1.5 * usual + 0.001


def _burning(
    rows: Sequence[Minute],
    answered: Sequence[Minute],
    halves: Sequence[tuple[int, int, int]],
    usual: float,
) -> Verdict | None:
    budget = max(BUDGET_SHARE, 1.5 * usual)
    judged_hour = sum(row.judged for row in rows)
    failed_hour = sum(row.failed for row in rows)
    newest = answered[-1].minute
    for name, rate, long_minutes, short_minutes, needed, least in _BURNS:
        judged, failed = judged_hour, failed_hour
        if long_minutes > 60:
            judged += sum(each[1] for each in halves)
            failed += sum(each[2] for each in halves)
        within = [row for row in answered if row.minute > newest - max(10, short_minutes)]
        bad = sum(1 for row in within if is_bad(row, rate * budget))
        short = [row for row in within if row.minute > newest - short_minutes]
        judged_short = sum(row.judged for row in short)
        failed_short = sum(row.failed for row in short)
        lately = sum(1 for row in within[-_LATELY:] if is_bad(row, rate * budget))
        if bad < needed or lately < _BAD_LATELY or failed_short < least or not judged:
            continue
        burn = min(failed / judged, failed_short / judged_short) / budget
        chance = at_least(failed_short, judged_short, _cautious(usual))
        if burn > rate and chance <= CHANCE:
            return breach(
                axis=f"{name}_burn",
                text=(
                    f"{failed} of {judged} requests failed in {long_minutes // 60} h and "
                    f"{failed_short} of {judged_short} in {short_minutes} min: the budget of "
                    f"{100 * budget:.2g} % is spent {burn:.3g} times as fast as it may be"
                ),
                value=burn,
                threshold=rate,
            )
    return None

"""Slow answers: counted against the stream's own objective, never by a noisy percentile.

Two tests, since slowness has two shapes. *Many are too slow*: the share of answers beyond the
objective (twice what nine of ten used to need) is many times the usual, which chance explains
less than once in ten million. *All are slower*: the mean of the logarithms has moved by an octave
or more, many standard errors beyond how far minutes' means wander anyway.
"""

import math
from collections.abc import Sequence

from wedsync.alerting.streams.habit import Habit
from wedsync.alerting.streams.likelihood import at_least, one_in
from wedsync.alerting.streams.minute import Minute, ms_of
from wedsync.alerting.streams.verdict import CLEAR, HOLD, Verdict, breach

CHANCE = math.log(1e-7)
LEAST_SLOW = 5
LEAST_SHARE = 0.12
LEAST_OCTAVES = 1.0
LEAST_ERRORS = 6.0
_LEAST_MS = 30.0
_BAD_SHARE = 0.08
_BAD_OCTAVES = 0.8
_SEVERE_MINUTES = 3
_SEVERE_OCTAVES = 2.3
"""Where answers take five times as long, three minutes are enough."""
_WINDOWS = ((5, 4), (10, 7), (15, 10))
_LATELY, _BAD_LATELY = 6, 3
_IN_PROPORTION, _OCTAVES_IN_PROPORTION = 0.3, 0.6
"""A minute with less than this part of the window's slowness is none of the fault's."""
_LASTING = 0.75
_HELD_REQUESTS = 100
"""A minute counts for so many requests at the most: what slows one of them slows its neighbours."""


def slow_requests(rows: Sequence[Minute], habit: Habit) -> Verdict:
    """Judge the last minutes, the newest last; nothing is known before there is a habit."""
    if habit.objective is None:
        return HOLD
    answered = [row for row in rows[-15:] if row.timed]
    if not answered:
        return HOLD
    if not _is_bad(answered[-1], habit):
        last = answered[-3:]
        return CLEAR if sum(1 for row in last if _is_bad(row, habit)) <= 1 else HOLD
    newest = answered[-1].minute
    if sum(1 for row in answered[-_LATELY:] if _is_bad(row, habit)) < _BAD_LATELY:
        return HOLD
    severe = answered[-_SEVERE_MINUTES:]
    found = _judged(severe, _SEVERE_MINUTES, habit, 1.1, _SEVERE_OCTAVES)
    for minutes, needed in _WINDOWS:
        window = [row for row in answered if row.minute > newest - minutes]
        found = found or _judged(window, needed, habit, LEAST_SHARE, LEAST_OCTAVES)
    return found or HOLD


def _is_bad(row: Minute, habit: Habit, *, share: float = 0.0, octaves: float = 0.0) -> bool:
    """Tell whether a minute is slow, and as slow as befits a window of such figures."""
    if row.slow > row.timed * max(_BAD_SHARE, 4 * habit.slow_share, _IN_PROPORTION * share):
        return True
    moved = row.octaves / row.timed - habit.centre
    return moved > max(_BAD_OCTAVES, _OCTAVES_IN_PROPORTION * octaves)


def _judged(
    window: Sequence[Minute], needed: int, habit: Habit, least_share: float, least_octaves: float
) -> Verdict | None:
    if len(window) < needed or habit.objective is None:
        return None
    timed = sum(row.timed for row in window)
    slow = sum(row.slow for row in window)
    mean = sum(row.octaves for row in window) / timed
    moved = mean - habit.centre
    bad = sum(1 for row in window if _is_bad(row, habit, share=slow / timed, octaves=moved))
    if bad < needed:
        return None
    within = f"{bad} of the last {window[-1].minute - window[0].minute + 1} minutes"
    share = max(least_share, 5 * habit.slow_share)
    if slow >= LEAST_SLOW and slow >= timed * share:
        held = sum(min(row.timed, _HELD_REQUESTS) for row in window)
        chance = at_least(round(slow * held / timed), held, 1.5 * habit.slow_share + 0.005)
        if chance <= CHANCE:
            return breach(
                axis="too_slow",
                text=(
                    f"{slow} of {timed} answers ({100 * slow / timed:.3g} %) took longer than "
                    f"{ms_of(habit.objective):.0f} ms in {within}; usual are "
                    f"{100 * habit.slow_share:.2g} %, which explains that {one_in(chance)} times"
                ),
                value=100 * slow / timed,
                threshold=100 * share,
            )
    error = math.sqrt(habit.width / timed + habit.wander / len(window))
    without = _without_the_slowest(window)
    lasts = without - habit.centre >= _LASTING * least_octaves
    if lasts and moved >= max(least_octaves, LEAST_ERRORS * error) and 2**mean >= _LEAST_MS:
        return breach(
            axis="slower",
            text=(
                f"{timed} answers took {2**moved:.3g} times as long as usual in {within} "
                f"({2**mean:.0f} ms on geometric average instead of {2**habit.centre:.0f}), "
                f"{moved / error:.2g} standard errors"
            ),
            value=2**mean,
            threshold=2 ** (habit.centre + least_octaves),
        )
    return None


def _without_the_slowest(window: Sequence[Minute]) -> float:
    """Find the mean of the octaves when the slowest minute is left out."""
    slowest = max(window, key=lambda row: row.octaves / row.timed)
    rest = [row for row in window if row is not slowest]
    return sum(row.octaves for row in rest) / max(1, sum(row.timed for row in rest))

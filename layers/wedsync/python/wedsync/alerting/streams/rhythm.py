"""How many requests a stream should see: its last minutes, its days and its weeks.

Rates are kept by quarter hour of the week, and of the day for the first week; a byte each, on a
logarithmic scale. An expectation is the lower of two: what the last half hour leads to, and what
the same time of former weeks (else days) saw. So a surge that ends, a weekend that is seen for
the first time, or maintenance at its usual hour is no lack of requests, at the price of being
slow to expect more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wedsync.alerting.streams.minute import Minute

QUARTER = 15
WEEK_SLOTS = 7 * 24 * 4
DAY_SLOTS = 24 * 4
UNSEEN = 255
BLOCK = 5
"""Minutes that the level is learned from at a time: one alone is too small at a few requests."""

_WAITING = 4
_PER_OCTAVE = 10.0
_FINEST = 20.0
_WEIGHT = 0.35
_LAG = 18
"""How many minutes old the level is, on average."""
_SPREAD_WEIGHT = 0.03
_LEAST_SPREAD = 0.005
_MOST_ABOVE = 1.3
"""What goes beyond is a surge, and says nothing about how far the traffic falls."""
_FIRST_SPREAD = 0.05
_LOW = 0.5
_ACCEPTED_BLOCKS = 48
_ACCEPTED_BLOCKS_UNTAUGHT = 12
"""Four hours at a low but living level are the new level; an hour, on the first day."""
_MOST_RISE_UNTAUGHT = 0.06
"""On the first day a surge looks like a rise: the level follows it by this share a block."""
_LEAST_RISE = 0.2
_TAUGHT_BLOCKS = 1440 // BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """What is known of a stream's traffic.

    ``level``: requests a minute, lately; None before the first block. ``spread``: the relative
    variance of five minutes around what was expected. ``quarter`` is the sum and the number of
    the minutes that have been seen of the present quarter hour; ``lately`` are the rates of the
    last ones, which wait for an hour so that a drop does not become usual while it lasts.
    """

    level: float | None = None
    spread: float = _FIRST_SPREAD
    blocks: int = 0
    low_blocks: int = 0
    week: bytes = bytes([UNSEEN]) * WEEK_SLOTS
    day: bytes = bytes([UNSEEN]) * DAY_SLOTS
    quarter: tuple[int, int] = (0, 0)
    lately: tuple[tuple[int, float], ...] = ()

    def expected(self, minute: int) -> float:
        """Requests that this minute should see at the least, on average."""
        if self.level is None:
            return 0.0
        usual = self.usual(minute)
        if usual is None:
            return self.level
        before = self._shape(minute - _LAG)
        lately = self.level
        if before:
            lately *= min(1.0, usual / before)
        return min(lately, usual)

    def usual(self, minute: int) -> float | None:
        """The lowest rate of former weeks (else days) around this time; None if there are none."""
        rates = [self._shape(minute + off) for off in (-8, 0, 8)]
        known = [rate for rate in rates if rate is not None]
        return min(known, default=None)

    @property
    def busiest(self) -> float:
        """The highest rate of any quarter hour that was seen."""
        return max((rate_of(code) for code in self.day if code != UNSEEN), default=0.0)

    @property
    def days(self) -> float:
        """How long it has been watched."""
        return self.blocks * BLOCK / 1440

    def _shape(self, minute: int) -> float | None:
        slot = minute // QUARTER
        for codes in (self.week, self.day):
            code = codes[slot % len(codes)]
            if code != UNSEEN:
                return rate_of(code)
        return None

    def after(self, rows: Sequence[Minute]) -> "Rhythm":
        """Learn a block of minutes; those that are blind teach nothing."""
        seen = [row for row in rows if not row.blind]
        total, count = self.quarter
        quarter = (total + sum(row.total for row in seen), count + len(seen))
        end = rows[-1].minute + 1
        if end % QUARTER:
            return replace(self._with_level(seen), quarter=quarter)
        lately = self.lately
        if quarter[1] > QUARTER // 2:
            lately = (*lately, ((end - 1) // QUARTER, round(quarter[0] / quarter[1], 3)))
        week, day = self.week, self.day
        for slot, rate in lately[:-_WAITING]:
            week = _blended(week, slot % WEEK_SLOTS, rate)
            day = _blended(day, slot % DAY_SLOTS, rate)
        return replace(
            self._with_level(seen),
            week=week,
            day=day,
            quarter=(0, 0),
            lately=lately[-_WAITING:],
        )

    def _with_level(self, rows: Sequence[Minute]) -> "Rhythm":
        if not rows:
            return self
        total = sum(row.total for row in rows)
        rate = total / len(rows)
        if self.level is None:
            return replace(self, level=rate, blocks=1)
        mean = sum(self.expected(row.minute) for row in rows)
        low = rate < _LOW * self.level and total < _LOW * mean
        taught = self.blocks >= _TAUGHT_BLOCKS
        patience = _ACCEPTED_BLOCKS if taught else _ACCEPTED_BLOCKS_UNTAUGHT
        accepted = self.low_blocks >= patience and total > 0
        if low and not accepted:
            return replace(self, blocks=self.blocks + 1, low_blocks=self.low_blocks + 1)
        spread = self.spread
        if mean > 0:
            over = min(total, _MOST_ABOVE * mean) - mean
            spread += _SPREAD_WEIGHT * ((over**2 - mean) / mean**2 - spread)
        change = _WEIGHT * (rate - self.level)
        if not taught:
            change = min(change, _MOST_RISE_UNTAUGHT * self.level + _LEAST_RISE)
        return replace(
            self,
            level=self.level + change,
            spread=max(_LEAST_SPREAD, spread),
            blocks=self.blocks + 1,
            low_blocks=0,
        )


def code_of(rate: float) -> int:
    """Write a rate as a byte: 0 is none, and the steps are 7 %."""
    return min(UNSEEN - 1, round(_PER_OCTAVE * math.log2(1.0 + _FINEST * rate)))


def rate_of(code: int) -> float:
    """Read the rate of a byte."""
    return float((2.0 ** (code / _PER_OCTAVE) - 1.0) / _FINEST)


def _blended(codes: bytes, slot: int, rate: float) -> bytes:
    former = codes[slot]
    blended = rate if former == UNSEEN else (rate_of(former) + rate) / 2
    return codes[:slot] + bytes([code_of(blended)]) + codes[slot + 1 :]

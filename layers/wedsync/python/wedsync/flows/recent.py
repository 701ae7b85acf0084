"""One wedding as its live answers need it: its stored hours, and the minutes after them.

Of its hours, those that are final are read together as one.
"""

from datetime import datetime

from wedsync.flows.earlier import earlier_hours
from wedsync.flows.reading import WindowReader
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.scores import wedding_scores
from wedsync.metrics.series import HEALTH_CHECK
from wedsync.metrics.shares import available_percent
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

WINDOW_MINUTES = 5
MOST_MINUTES = 75
"""Minutes that are read beyond the hours at the most, should compaction have stopped."""


class RecentWedding:
    """One wedding, from its stored hours and the minutes after them."""

    def __init__(
        self, services: Services, reader: WindowReader, wedding: Wedding, now: datetime
    ) -> None:
        """Reads at once; what is read of a pack serves every wedding with the same reader."""
        self._wedding = wedding
        self._now = now
        self._reader = reader
        self._current = minute_of(now)
        self._earlier = earlier_hours(services, reader.tenant, wedding)
        # Before the hours: what the frontier has passed by then is in them.
        frontier = (
            services.frontiers.of(Frontier.WEDDING_HOURS, reader.tenant)
            or self._current - 2 * WINDOW_MINUTES
        )
        self._hours = services.windows.hours(
            reader.tenant, wedding.wedding_id, first=self._earlier.through
        )
        self._through = {hour.hour: hour.through for hour in self._hours}
        first = max(frontier, self._current - MOST_MINUTES)
        # A point may be up to five minutes ahead of the clock.
        last = self._current + WINDOW_MINUTES
        read = reader.minutes_of_wedding(
            wedding.wedding_id, min(first, self._current - WINDOW_MINUTES), last
        )
        self._minutes = {each.minute: (each, each.both().only(wedding.wedding_id)) for each in read}
        self._beyond = [
            block
            for minute, (_, block) in self._minutes.items()
            if minute >= first and minute >= self._through.get(minute // MINUTES_PER_HOUR, first)
        ]
        self.facts = WeddingFacts.merge(
            block.facts(wedding.wedding_id)
            for block in (
                self._earlier.before,
                self._earlier.since,
                *(hour.block for hour in self._hours),
                *self._beyond,
            )
        )

    def last_minutes(self, count: int) -> Block:
        """The current minute and those before it, on time only."""
        return Block.merge(
            read.on_time.only(self._wedding.wedding_id)
            for minute, (read, _) in self._minutes.items()
            if self._current - count < minute <= self._current
        )

    def health_of_last_minute(self) -> float | None:
        """The score over the last full clock minute."""
        read, _ = self._minutes[self._current - 1]
        wedding_id = self._wedding.wedding_id
        return wedding_scores(read.on_time.only(wedding_id)).get(wedding_id)

    def uptime_percent(self) -> float | None:
        """The share of health checks that were well since the window opened."""
        opened = operational_window(self._wedding).start
        if self._now < opened:
            return None
        first = minute_of(opened)
        hour, into = divmod(first, MINUTES_PER_HOUR)
        whole = [each.block for each in self._hours if self._earlier.is_since(each.hour)]
        blocks = [self._earlier.since, *whole] + [
            block for block in self._beyond if block.minute is None or block.minute >= first
        ]
        if into and (hour in self._through or hour < self._earlier.through):
            through = self._through.get(hour, (hour + 1) * MINUTES_PER_HOUR)
            read = self._reader.minutes_of_wedding(self._wedding.wedding_id, first, through - 1)
            blocks += [each.both().only(self._wedding.wedding_id) for each in read]
        checks = Block.merge(blocks).select(HEALTH_CHECK, wedding_id=self._wedding.wedding_id)
        return available_percent(checks)

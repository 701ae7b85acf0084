"""Pages against labels: what was found, how soon, and who was called for nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.evidence.corpus import Event, Family
from wedsync.alerting.streams.likelihood import wilson

IN_TIME_MINUTES = 5.0
AFTERMATH_MINUTES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Somebody was called for a stream, at a time in minutes since the corpus began."""

    stream: int
    at: float
    rule: str


@dataclass(slots=True)
class Score:
    """How pages and labels meet. ``naive``: false notifications of one per crossing point."""

    stream_weeks: float = 0.0
    faults: Counter[Family] = field(default_factory=Counter)
    in_time: Counter[Family] = field(default_factory=Counter)
    late: Counter[Family] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    true_pages: int = 0
    false_pages: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    naive: int = 0
    missed: list[Event] = field(default_factory=list)
    wrong: list[Page] = field(default_factory=list)

    def add(
        self, events: Iterable[Event], pages: Sequence[Page], *, streams: int, days: int
    ) -> None:
        """Take in one corpus and the pages that its replay brought about."""
        self.stream_weeks += streams * days / 7
        by_stream: dict[int, list[Page]] = {}
        for page in sorted(pages, key=lambda page: page.at):
            by_stream.setdefault(page.stream, []).append(page)
        every = sorted(events, key=lambda event: event.start)
        told: set[Page] = set()
        for event in every:
            if not event.is_fault:
                continue
            self.faults[event.family] += 1
            own = [
                page
                for page in by_stream.get(event.stream, [])
                if event.start <= page.at <= event.end + AFTERMATH_MINUTES
            ]
            told.update(own)
            self.repeated += max(0, len(own) - 1)
            if not own:
                self.missed.append(event)
                continue
            delay = own[0].at - event.start
            self.delays.append(delay)
            if delay <= IN_TIME_MINUTES:
                self.in_time[event.family] += 1
            else:
                self.late[event.family] += 1
                self.missed.append(event)
        self.true_pages += len(told)
        for page in pages:
            if page not in told:
                self.wrong.append(page)
                self.false_pages[_cause(page, every)] += 1

    @property
    def recall(self) -> float:
        """The share of faults that were paged in time."""
        return sum(self.in_time.values()) / max(1, sum(self.faults.values()))

    @property
    def precision(self) -> float:
        """The share of pages that meet a fault."""
        every = self.true_pages + sum(self.false_pages.values())
        return self.true_pages / every if every else 1.0

    @property
    def false_a_week(self) -> float:
        """False pages per stream and week."""
        return sum(self.false_pages.values()) / max(1e-9, self.stream_weeks)

    @property
    def reduction(self) -> float:
        """How many of the naive baseline's false notifications are spared."""
        return 1.0 - sum(self.false_pages.values()) / self.naive if self.naive else 1.0

    def delay(self, share: float) -> float:
        """The delay within which this share of the faults that were found was paged."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def lines(self) -> list[str]:
        """The matrix as text."""
        lines = [f"{'family':<18}{'faults':>7}{'in time':>9}{'late':>6}{'never':>7}"]
        for family, count in sorted(self.faults.items()):
            timely, late = self.in_time[family], self.late[family]
            lines.append(
                f"{family.value:<18}{count:>7}{timely:>9}{late:>6}{count - timely - late:>7}"
            )
        lines += [
            f"false pages by cause: {dict(self.false_pages.most_common())}",
            _bounded(
                "recall within 5 minutes", sum(self.in_time.values()), sum(self.faults.values())
            ),
            _bounded(
                "page precision", self.true_pages, self.true_pages + sum(self.false_pages.values())
            ),
            (
                f"false pages per stream-week: {self.false_a_week:.3f}"
                f" ({sum(self.false_pages.values())} in {self.stream_weeks:.0f})"
            ),
            f"minutes to page: median {self.delay(0.5):.2f}, p95 {self.delay(0.95):.2f}",
            f"repeated pages within one fault: {self.repeated}",
            (
                f"false notifications, one per threshold crossing: {self.naive};"
                f" spared {100 * self.reduction:.2f} %"
            ),
        ]
        return lines


def _bounded(name: str, hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    share = 100 * hits / max(1, of)
    return f"{name}: {share:.2f} % ({hits} of {of}; 95 % of {100 * low:.2f} to {100 * high:.2f} %)"


def _cause(page: Page, events: Sequence[Event]) -> str:
    """What happened around a false page: the event that ended last before it, within the hour."""
    near = [
        event
        for event in events
        if event.stream == page.stream and event.start <= page.at <= event.end + 60
    ]
    if not near:
        return f"nothing ({page.rule})"
    return f"{near[-1].family.value} ({page.rule})"

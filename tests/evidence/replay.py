"""A corpus played on the pure detectors, minute by minute, with the life of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.evidence.corpus import FIRST_MINUTE, Corpus
from tests.evidence.score import Page
from wedsync.alerting.finding import Outcome
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.confirmation import Lasting, confirmation
from wedsync.alerting.streams.detector import judge, unreported
from wedsync.alerting.streams.minute import Counts, Minute
from wedsync.alerting.streams.stream import REREAD, Stream
from wedsync.alerting.streams.verdict import Verdict

CLOSED_AFTER = 70 / 60
"""In minutes from a minute's beginning: when it is over, and known."""
KEPT_MINUTES = 5.0
THRESHOLDS = "fixed thresholds"


@dataclass(slots=True)
class Watched:
    """One stream under the pager."""

    number: int
    stream: Stream | None = None
    read: dict[int, Counts] = field(default_factory=dict)
    clear_since: dict[str, float | None] = field(default_factory=dict)
    pending_since: float | None = None
    pages: list[Page] = field(default_factory=list)

    def tell(self, rule: str, verdict: Verdict, at: float) -> None:
        """Let a verdict open, keep or end what is open; the first to open pages."""
        if verdict.outcome is Outcome.BREACH:
            if verdict.severity is Severity.CRITICAL:
                if not self.clear_since:
                    self.pages.append(Page(stream=self.number, at=at, rule=rule))
                self.clear_since[rule] = None
        elif rule in self.clear_since:
            since = self.clear_since[rule]
            if verdict.outcome is Outcome.HOLD:
                self.clear_since[rule] = None
            elif since is None:
                self.clear_since[rule] = at
            elif at - since >= KEPT_MINUTES:
                del self.clear_since[rule]

    def thresholds(self, rows: tuple[Minute, ...], at: float) -> None:
        """Judge the last five minutes by the fixed thresholds, as far as they are confirmed."""
        total = sum(row.total for row in rows)
        failed = sum(row.failed for row in rows)
        stalled = sum(row.stalled for row in rows)
        critical = (failed > 0.1 * total and (failed >= 5 or total >= 100)) or (
            stalled > 0.05 * total and (stalled >= 5 or total >= 100)
        )
        if not critical:
            self.pending_since = None
            calm = failed <= 0.016 * total
            self.tell(THRESHOLDS, Verdict(outcome=Outcome.CLEAR if calm else Outcome.HOLD), at)
            return
        said = confirmation(rows)
        if said.lasting is Lasting.REFUTED:
            self.pending_since = None
            return
        if self.pending_since is None:
            self.pending_since = at
        if (at - self.pending_since) * 60 >= said.for_seconds:
            found = Verdict(outcome=Outcome.BREACH, severity=Severity.CRITICAL)
            self.tell(THRESHOLDS, found, at)


def replay(corpus: Corpus, *, first: int = 0, last: int | None = None) -> list[Page]:
    """Play it; the pages in the order of streams. Each minute's record comes as it begins."""
    watched = [Watched(number) for number in range(len(corpus.streams))]
    for at in range(first, corpus.days * 1440 if last is None else last):
        minute = FIRST_MINUTE + at
        for each in watched:
            counts = corpus.streams[each.number].counts(at)
            each.read.pop(minute - REREAD, None)
            if counts is not None:
                each.read[minute] = counts
                if each.stream is not None:
                    _on_arrival(each, each.stream, minute, float(at))
        _at_the_end(watched, minute, at + CLOSED_AFTER)
    return [page for each in watched for page in each.pages]


def _on_arrival(each: Watched, stream: Stream, minute: int, at: float) -> None:
    for rule, verdict in judge(stream, each.read).items():
        each.tell(rule, verdict, at)
    rows = stream.with_present(each.read)
    each.thresholds(tuple(row for row in rows if row.minute > minute - 5), at)


def _at_the_end(watched: list[Watched], minute: int, at: float) -> None:
    known = {str(each.number): each.stream for each in watched if each.stream is not None}
    blinded: frozenset[int] = frozenset()
    if sum(1 for each in watched if minute not in each.read) >= 3:
        reads: Mapping[str, Mapping[int, Counts]] = {
            str(each.number): each.read for each in watched
        }
        blinded = unreported(known, reads, range(minute - REREAD + 1, minute + 1))
    for each in watched:
        if each.stream is None:
            if minute in each.read:
                each.stream = Stream(through=minute - 1).step(each.read, minute, blinded)
            continue
        each.stream = each.stream.step(each.read, minute, blinded)
        for rule, verdict in judge(each.stream, each.read).items():
            each.tell(rule, verdict, at)
        if minute not in each.read:
            rows = tuple(row for row in each.stream.hour[-5:])
            each.thresholds(rows, at)

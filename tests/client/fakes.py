"""Outlets that do as they are told."""

import threading
from collections.abc import Callable, Sequence

from wedsync.client import Accepted, Again, Batch, Outcome

Answer = Callable[[Batch], Outcome]


class Told:
    """Answers what it is told to, and remembers every batch that came."""

    def __init__(self, answer: Answer = lambda _: Accepted(), *, most_batches: int = 20) -> None:
        self.answer = answer
        self.calls: list[list[Batch]] = []
        self.most_batches = most_batches
        self._lock = threading.Lock()

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        with self._lock:
            self.calls.append(list(batches))
        return [self.answer(batch) for batch in batches]

    def close(self) -> None:
        """It holds nothing."""

    @property
    def batches(self) -> list[Batch]:
        with self._lock:
            return [batch for call in self.calls for batch in call]


def never(batch: Batch) -> Outcome:
    del batch
    return Again("never")


def failing_at_first(times: int) -> Answer:
    """Every batch fails so many times."""
    seen: dict[str, int] = {}

    def answer(batch: Batch) -> Outcome:
        seen[batch.batch_id] = seen.get(batch.batch_id, 0) + 1
        return Again("not yet") if seen[batch.batch_id] <= times else Accepted()

    return answer

"""One invocation of a declared function, as Lambda makes it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakSet

from infra.local.arns import function_arn
from infra.local.own_readings import OwnRuns
from wedsync.cloud import Cloud, Ids
from wedsync.cloud.memory import memory_of
from wedsync.errors import Unavailable
from wedsync.runtime.declarations import Declaration, Function
from wedsync.settings import Settings

Event: TypeAlias = Mapping[str, object]
CloudOf: TypeAlias = Callable[[Declaration], Cloud]
"""Which cloud a function sees: a simulation puts one that fails between."""

_log = logging.getLogger("wedsync.local")


@dataclass(frozen=True, slots=True)
class Returned:
    """The function ended, and this is what it said."""

    value: object


@dataclass(frozen=True, slots=True)
class Raised:
    """The function ended with an error. ``unavailable``: because a dependency was down."""

    kind: str
    message: str
    unavailable: bool = False


Outcome: TypeAlias = Returned | Raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What Lambda tells a function of its invocation."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    timeout_ms: int
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """The declared time limit: nothing stops a function on this machine."""
        return self.timeout_ms


class Invoker:
    """Runs functions, and turns whatever they raise into an outcome."""

    def __init__(self, cloud_of: CloudOf, settings: Settings, ids: Ids, own_runs: OwnRuns) -> None:
        self.settings = settings
        self._own_runs = own_runs
        self._cloud_of = cloud_of
        self._ids = ids
        self._seen: WeakSet[Cloud] = WeakSet()

    def forget(self) -> None:
        """Clear what functions remember from call to call."""
        for cloud in tuple(self._seen):
            memory_of(cloud).forget()

    def invoke(self, function: Function, event: Event, *, request_id: str | None = None) -> Outcome:
        """Run to the end."""
        declaration = function.declaration
        context = Context(
            aws_request_id=request_id or self._ids.new_id("run"),
            function_name=declaration.name,
            invoked_function_arn=function_arn(declaration.name, self.settings),
            memory_limit_in_mb=declaration.memory_mb,
            timeout_ms=declaration.timeout_seconds * 1000,
        )
        begun = time.perf_counter()
        try:
            cloud = self._cloud_of(declaration)
            self._seen.add(cloud)
            outcome: Outcome = Returned(function.run(event, context, cloud, self.settings))
        except Exception as error:  # noqa: BLE001 - Lambda's boundary: its trigger goes on
            _log.exception("%s failed (%s)", declaration.name, context.aws_request_id)
            outcome = Raised(type(error).__name__, str(error), isinstance(error, Unavailable))
        self._own_runs.note(
            declaration,
            took_ms=(time.perf_counter() - begun) * 1000,
            failed=isinstance(outcome, Raised),
        )
        return outcome


def reported_failures(outcome: Outcome) -> tuple[str, ...] | None:
    """The ids that a batch function reports as failed; None: the batch failed as a whole.

    No answer, an empty one, and a list that is missing, null or empty are success. An answer of
    another shape, and an id that is missing, null or empty, fail the whole batch.
    """
    match outcome:
        case Returned(None):
            return ()
        case Returned(Mapping() as answer):
            entries = answer.get("batchItemFailures") or ()
        case _:
            return None
    if not isinstance(entries, list | tuple):
        return None
    names = [entry.get("itemIdentifier") for entry in entries if isinstance(entry, Mapping)]
    failed = tuple(name for name in names if isinstance(name, str) and name)
    return failed if len(failed) == len(entries) else None


def described(outcome: Outcome) -> str:
    """Why a batch was given up, in words for whoever looks for it."""
    if isinstance(outcome, Raised):
        return f"{outcome.kind}: {outcome.message}"
    return "the function reported failures"

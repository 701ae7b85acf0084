"""Idempotency-Key: the same request has one effect and one answer for 24 hours."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from wedsync.errors import (
    IdempotencyKeyReused,
    RequestInProgress,
    Unavailable,
    WedSyncError,
)
from wedsync.runtime import problem
from wedsync.runtime.log import logger
from wedsync.stores.idempotency import Claimed, InProgress, Replay, Reused

if TYPE_CHECKING:
    from collections.abc import Callable

    from wedsync.runtime.declarations import HttpTrigger
    from wedsync.runtime.invocation import Invocation


def once(
    running: Invocation, trigger: HttpTrigger, resolve: Callable[[], dict[str, object]]
) -> dict[str, object]:
    """Answer from memory where the key is known; otherwise resolve, and remember the answer.

    A crash between the effect and the remembered answer is repaired by the ids: those made under
    a key are derived from it and from when the request first arrived, so that a retry meets what
    it made before, and a request that takes the key again after its day meets nothing. A retry
    counts as having arrived when its first try did: its caller knows no more than then.
    """
    if running.idempotency_key is None or running.caller is None:
        return resolve()
    store = running.services.idempotency
    tenant = running.caller.tenant
    scope = f"{running.caller.subject}\n{trigger.method} {trigger.path}\n{running.idempotency_key}"
    digest = hashlib.sha256(running.path.encode() + b"\n" + running.body).hexdigest()
    arrived_at, now = running.arrived_at, running.services.now()
    match store.claim(tenant, scope, digest=digest, arrived_at=arrived_at, now=now):
        case Replay(answer):
            running.answer_headers["idempotency-replayed"] = "true"
            return problem.repeated(
                cast("dict[str, object]", json.loads(answer)), request_id=running.request_id
            )
        case Reused():
            raise IdempotencyKeyReused
        case InProgress():
            raise RequestInProgress
        case Claimed() as claim:
            running.arrived_at = datetime.fromtimestamp(claim.begun_ms / 1000, UTC)
            running.services.repeats(
                f"{tenant.id}\n{scope}\n{claim.begun_ms}", since=running.arrived_at
            )
            refused = False
            try:
                answered = resolve()
            except Unavailable:
                store.suspend(claim)  # part of it may have happened
                raise
            except WedSyncError as error:
                if not error.left_traces:
                    store.release(claim)
                    raise
                refused = True
                answered = problem.answer(error, path=running.path, request_id=running.request_id)
            answer = json.dumps(answered, ensure_ascii=False)
            try:
                store.remember(claim, answer, now=running.services.now(), refused=refused)
            except Unavailable as error:
                # It is done, and the caller is told so; a repetition meets what was made.
                logger().warning("answer not remembered", extra={"code": error.code})
            return answered

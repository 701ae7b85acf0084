"""Tokens over HTTP that are nobody's: counted for the operator, and at little cost.

A flood of them must cost no more than it tells: a process keeps as many of one token as count, and
some more than a rule needs of all.
"""

from collections import Counter
from contextlib import suppress
from hashlib import blake2b

from wedsync.alerting.refusals import MOST_OF_ONE, REJECTED_KEY, WINDOW, Refusal
from wedsync.errors import Unavailable
from wedsync.stores.services import Services

_MOST_KEPT = 200
"""By one process in one stretch of five minutes."""


def note_rejected_key(services: Services, token: str, *, key_id: str | None) -> None:
    """Somebody came with a token that proves nobody. ``key_id`` is that of the key it names.

    Where there is no such key, a few digits of the token's hash tell it from others: what somebody
    took for a key id may be a secret.
    """
    if not token:
        return
    now = services.now()
    tenant = services.settings.operator_tenant
    told_apart = blake2b(token.encode(), digest_size=4).hexdigest()
    sender = key_id or f"token {told_apart}"
    stretch = int(now.timestamp() // WINDOW.total_seconds())
    mark = (tenant, REJECTED_KEY, stretch)
    kept = services.memory.noted(mark, Counter) or Counter[str]()
    if kept[sender] >= MOST_OF_ONE or kept.total() >= _MOST_KEPT:
        return
    kept[sender] += 1
    services.memory.note(mark, kept)
    refusal = Refusal(
        place=f"http:{services.new_id('refused')}",
        code=REJECTED_KEY,
        key_id=sender,
        arrived_at=now,
    )
    # Who is refused is refused also while nobody can take it down.
    with suppress(Unavailable):
        services.refusals.note(tenant, [refusal])

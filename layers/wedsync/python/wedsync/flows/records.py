"""What a wedding's hours leave for judging its day, kept when their minutes are gone."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from wedsync.flows.closing import PackHour
from wedsync.flows.times import MINUTES_PER_HOUR, minute_start
from wedsync.metrics.block import Block
from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.scores import wedding_scores
from wedsync.metrics.success import hour_record
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

NEAR = timedelta(days=1)
"""Hours this near to a wedding's window leave a record: a window may be moved on its day."""


def keep_records(
    services: Services,
    tenant: Tenant,
    read: PackHour,
    weddings: Mapping[str, tuple[PackHour, ...]],
    registered: Mapping[str, Wedding],
) -> None:
    """Store what an hour that is over leaves of the weddings whose window is near.

    ``weddings``: the packs' hours that each of them lies in. Made anew whenever the hour is, and
    overwritten by version only, so it holds what came late as soon as the hour does.
    """
    near = {each: weddings[each] for each, wedding in registered.items() if _near(wedding, read)}
    if not near:
        return
    scores = _scores(read, near)
    for wedding_id, parts in near.items():
        facts = WeddingFacts.merge(part.whole.facts(wedding_id) for part in parts)
        record = hour_record(read.hour, scores.get(wedding_id, {}), facts)
        if record.tells:
            version = sum(part.version for part in parts)
            services.windows.put_record(
                tenant, wedding_id, record, version=version, now=services.now()
            )


def _near(wedding: Wedding, read: PackHour) -> bool:
    start = minute_start(read.hour * MINUTES_PER_HOUR)
    window = operational_window(wedding)
    return window.overlaps(start - NEAR, start + timedelta(hours=1) + NEAR)


def _scores(
    read: PackHour, near: Mapping[str, tuple[PackHour, ...]]
) -> dict[str, dict[int, float]]:
    """The scores of each wedding's minutes; of those that lie in one pack, all at once."""
    found: defaultdict[str, dict[int, float]] = defaultdict(dict)
    first = read.hour * MINUTES_PER_HOUR
    for minute, block in read.on_time.items():
        for wedding_id, score in wedding_scores(block).items():
            if len(near.get(wedding_id, ())) == 1:
                found[wedding_id][minute - first] = score
    for wedding_id, parts in near.items():
        if len(parts) > 1:
            shares = [_minutes(part, wedding_id) for part in parts]
            for minute in sorted({minute for share in shares for minute in share}):
                block = Block.merge(share[minute] for share in shares if minute in share)
                merged = wedding_scores(block)
                if wedding_id in merged:
                    found[wedding_id][minute - first] = merged[wedding_id]
    return found


def _minutes(part: PackHour, wedding_id: str) -> dict[int, Block]:
    return {minute: block.only(wedding_id) for minute, block in part.on_time.items()}

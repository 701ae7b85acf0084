"""How well the platform served each wedding in one minute."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.grid import no_grid
from wedsync.metrics.health import health_score
from wedsync.metrics.marks import no_happenings, no_marks
from wedsync.metrics.selection import find
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK, is_server_error
from wedsync.metrics.shares import share
from wedsync.metrics.summary import Summary


def scored_in(block: Block, wedding_ids: Iterable[str]) -> Block:
    """What a block holds that scores of these weddings are made from, alone."""
    numbers = [find(block.strings, each) for each in (API_REQUEST, HEALTH_CHECK)]
    asked = np.zeros(len(block.strings) + 1, np.bool_)
    asked[[each for each in numbers if each is not None]] = True
    among = np.zeros(len(block.strings) + 1, np.bool_)  # -1, no wedding, falls on the last
    numbers = [find(block.strings, each) for each in wedding_ids]
    among[[each for each in numbers if each is not None]] = True
    return Block(
        minute=block.minute,
        strings=block.strings,
        series=block.series.take(asked[block.series.metric] & among[block.series.wedding]),
        overall=no_grid(),
        marks=no_marks(),
        happenings=no_happenings(),
    ).compact()


def wedding_scores(block: Block) -> dict[str, float]:
    """The health of every wedding that this minute tells enough of, all at a go."""
    requests: dict[str, Summary] = {}
    failed: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    well: Counter[str] = Counter()
    asked = block.select(API_REQUEST)
    if asked:
        requests = {each: found for (each,), found in asked.by("wedding_id").items() if each}
        for (wedding_id, status), summary in asked.by("wedding_id", "status").items():
            if wedding_id and is_server_error(status):
                failed[wedding_id] += summary.count
    checks = block.select(HEALTH_CHECK)
    if checks:
        for (wedding_id, outcome), summary in checks.by("wedding_id", "outcome").items():
            if wedding_id:
                checked[wedding_id] += summary.count
                well[wedding_id] += summary.count * (outcome == "ok")
    scores: dict[str, float] = {}
    for wedding_id in sorted({*requests, *checked}):
        of = requests.get(wedding_id)
        score = health_score(
            None if of is None else of.quantile(0.95),
            None if of is None else share(failed[wedding_id], of.count),
            share(well[wedding_id], checked[wedding_id]),
        ).score
        if score is not None:
            scores[wedding_id] = score
    return scores

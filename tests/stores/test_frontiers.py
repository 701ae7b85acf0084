"""A frontier never moves back, and forgets nothing that is left before it."""

from tests.functions.stage import TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.stores.frontiers import Frontier, Left, Progress

LEFT = Left(minute=90, tenant=TENANT, place="3")
OTHERS = Left(minute=70, tenant=OTHER_TENANT)


def test_what_is_left_holds_back_its_tenant_alone(stage: Stage) -> None:
    store = stage.services.frontiers
    assert store.progress(Frontier.HOURS) == Progress()
    assert store.of(Frontier.HOURS, TENANT) is None
    store.advance(Frontier.HOURS, 120, left=[LEFT])
    assert store.get(Frontier.HOURS) == store.of(Frontier.HOURS, OTHER_TENANT) == 120
    assert store.of(Frontier.HOURS, TENANT) == store.progress(Frontier.HOURS).complete == 90
    assert store.get(Frontier.DAYS) is None
    store.advance(Frontier.HOURS, 110)
    assert store.get(Frontier.HOURS) == 120
    assert store.of(Frontier.HOURS, TENANT) == 90
    store.advance(Frontier.HOURS, 120, done=[LEFT])
    assert store.of(Frontier.HOURS, TENANT) == 120


def test_who_is_overtaken_forgets_nothing_that_either_has_left(stage: Stage) -> None:
    store = stage.services.frontiers
    store.advance(Frontier.DAYS, 60)
    read = store.progress(Frontier.DAYS)
    store.advance(Frontier.DAYS, 180, left=[LEFT], since=read)
    after = store.advance(Frontier.DAYS, 120, left=[OTHERS], since=read)
    assert after == store.progress(Frontier.DAYS)
    assert (after.minute, after.left) == (180, frozenset({LEFT, OTHERS}))


def test_who_is_overtaken_takes_away_nothing_from_then_on(stage: Stage) -> None:
    store = stage.services.frontiers
    read = store.advance(Frontier.DAYS, 60, left=[OTHERS])
    store.advance(Frontier.DAYS, 180, left=[LEFT], since=read)
    once = store.advance(Frontier.DAYS, 90, done=[OTHERS], since=read)
    again = store.advance(Frontier.DAYS, 120, done=[LEFT, OTHERS], since=once)
    assert again.left == store.progress(Frontier.DAYS).left == {LEFT, OTHERS}
    now = store.advance(Frontier.DAYS, 180, done=[LEFT, OTHERS])
    assert (now.minute, now.left) == (180, frozenset())


def test_a_great_deal_may_be_left(stage: Stage) -> None:
    many = {Left(minute=n, tenant=TENANT, place=f"wedding#{n:060d}") for n in range(6000)}
    stage.services.frontiers.advance(Frontier.HOURS, 9000, left=many)
    assert stage.services.frontiers.progress(Frontier.HOURS).left == many

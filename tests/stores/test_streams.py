"""Streams are kept whole, and replaced only by who saw what stands there."""

from dataclasses import replace
from datetime import timedelta

from tests.domain.alerting.streams.traffic import DAY, a_stream
from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.stores.streams import STREAMS_PER_SHARD, Board, StreamStore, shard_of

STREAM = a_stream(50, minutes=DAY + 437, failed_every=7).known
NAMES = ("gallery", "checkout", "seating", "\U0001f490")


def a_board() -> Board:
    return Board({name: replace(STREAM, seen=number) for number, name in enumerate(NAMES)})


def test_what_is_kept_is_read_as_it_was(stage: Stage) -> None:
    store = stage.services.streams
    store.replace(TENANT, a_board(), now=NOW)
    assert store.board(TENANT).streams == a_board().streams
    assert store.some(TENANT, ["gallery", "unknown"]) == {"gallery": replace(STREAM, seen=0)}
    assert store.board(OTHER_TENANT).streams == {}


def test_who_comes_second_replaces_nothing(stage: Stage) -> None:
    store = stage.services.streams
    store.replace(TENANT, a_board(), now=NOW)
    read = store.board(TENANT)
    later = {name: replace(each, through=each.through + 1) for name, each in read.streams.items()}
    store.replace(TENANT, Board(later, read.versions), now=NOW)
    store.replace(TENANT, read, now=NOW)
    assert store.board(TENANT).streams == later


def test_a_shard_whose_streams_are_all_forgotten_is_emptied(stage: Stage) -> None:
    store = stage.services.streams
    store.replace(TENANT, a_board(), now=NOW)
    store.replace(TENANT, Board({}, store.board(TENANT).versions), now=NOW)
    assert store.board(TENANT).streams == {}


def test_streams_that_nobody_steps_are_gone_after_five_weeks(stage: Stage) -> None:
    store = stage.services.streams
    store.replace(TENANT, a_board(), now=NOW - timedelta(days=36))
    assert store.board(TENANT).streams == {}


def test_made_up_services_cannot_outgrow_an_item(stage: Stage) -> None:
    store: StreamStore = stage.services.streams
    names = [name for name in (f"s{number}" for number in range(2400)) if shard_of(name) == 3]
    assert len(names) > STREAMS_PER_SHARD
    store.replace(TENANT, Board(dict.fromkeys(names, STREAM)), now=NOW)
    assert len(store.board(TENANT).streams) == STREAMS_PER_SHARD

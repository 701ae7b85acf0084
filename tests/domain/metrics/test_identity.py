from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.identity import Origin, frame_id

KEY = b"k" * 32
ORIGIN = Origin(tenant="t1", device="d1", batch_id="b1", stream="s", shard="0", sequence="7")


def identity(origin: Origin = ORIGIN, event_id: str = "e1", ts_ms: int = 5) -> int:
    (found,) = origin.event_ids(KEY, [event_id], np.array([ts_ms])).tolist()
    return int(found)


def test_an_event_is_itself_wherever_and_beside_whatever_it_is_sent_again() -> None:
    again = Origin(tenant="t1", device="d1", batch_id="b2", stream="r", shard="9", sequence="8")
    assert identity(again) == identity()
    beside = again.event_ids(KEY, ["a much longer one é", "e1", "x"], np.array([1, 5, 5]))
    assert int(beside[1]) == identity()


def test_the_same_event_id_at_another_time_is_another_point() -> None:
    assert identity(ts_ms=6) != identity()


def test_no_tenant_and_no_device_can_hit_anothers_point() -> None:
    others = (Origin(tenant="t2", device="d1"), Origin(tenant="t1", device="d2"))
    words = np.array([7], np.uint64)
    for other in (*others, Origin(tenant="t1"), Origin(tenant="t", device="1d1")):
        assert identity(other) != identity()
        assert other.frame_id(KEY, 7) != ORIGIN.frame_id(KEY, 7)
        assert other.event_words(KEY, words, np.array([5])) != ORIGIN.event_words(
            KEY, words, np.array([5])
        )


def test_no_two_event_ids_of_a_million_have_the_same_identity() -> None:
    texts = [f"{prefix}-{number:x}" for prefix in ("7", "8", "") for number in range(250_000)]
    times = np.repeat(np.array([1, 2, 3]), 250_000)
    assert len(np.unique(ORIGIN.event_ids(KEY, texts, times))) == len(texts)
    words = ORIGIN.event_words(KEY, np.arange(250_000, dtype=np.uint64), times[:250_000])
    assert len(np.unique(words)) == len(words)


def test_a_signed_batch_sent_again_under_new_sequence_numbers_is_the_same() -> None:
    again = Origin(tenant="t1", device="d1", batch_id="b1", stream="s", shard="1", sequence="99")
    assert again.record_id(KEY) == ORIGIN.record_id(KEY)


def test_an_unsigned_record_is_known_by_its_place_on_the_stream() -> None:
    places = [
        Origin(tenant="t1", stream="s", shard=shard, sequence=sequence).record_id(KEY)
        for shard in ("0", "1")
        for sequence in ("7", "8")
    ]
    assert len(set(places)) == 4


def test_another_key_gives_other_ids() -> None:
    assert frame_id(b"a", "x") != frame_id(b"b", "x")


@given(st.lists(st.lists(st.text(max_size=3), max_size=3).map(tuple), unique=True, max_size=8))
@settings(max_examples=100, deadline=None)
def test_parts_never_run_into_each_other(every: list[tuple[str, ...]]) -> None:
    assert all(frame_id(KEY, *a) != frame_id(KEY, *b) for a, b in combinations(every, 2))

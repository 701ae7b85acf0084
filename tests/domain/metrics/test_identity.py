from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.identity import Origin, frame_id

KEY = b"k" * 32
ORIGIN = Origin(tenant="t1", device="d1", batch_id="b1", stream="s", shard="0", sequence="7")


def identity(
    origin: Origin = ORIGIN, event_id: str | None = "e1", ts_ms: int = 5, index: int = 0
) -> int:
    return origin.frame_id(KEY, event_id=event_id, ts_ms=ts_ms, index=index)


def test_an_event_is_itself_wherever_it_is_sent_again() -> None:
    again = Origin(tenant="t1", device="d1", batch_id="b2", stream="r", shard="9", sequence="8")
    assert identity(again, index=3) == identity()


def test_the_same_event_id_at_another_time_is_another_point() -> None:
    assert identity(ts_ms=6) != identity()


def test_no_tenant_and_no_device_can_hit_anothers_point() -> None:
    assert identity(Origin(tenant="t2", device="d1")) != identity()
    assert identity(Origin(tenant="t1", device="d2")) != identity()
    assert identity(Origin(tenant="t1")) != identity()


def test_a_signed_batch_sent_again_under_new_sequence_numbers_is_the_same() -> None:
    again = Origin(tenant="t1", device="d1", batch_id="b1", stream="s", shard="1", sequence="99")
    assert identity(again, None) == identity(event_id=None)
    assert identity(event_id=None, index=1) != identity(event_id=None)


def test_an_unsigned_point_is_known_by_its_place_on_the_stream() -> None:
    places = [
        identity(Origin(tenant="t1", stream="s", shard=shard, sequence=sequence), None, index=index)
        for shard in ("0", "1")
        for sequence in ("7", "8")
        for index in (0, 1)
    ]
    assert len(set(places)) == 8


def test_another_key_gives_other_ids() -> None:
    assert frame_id(b"a", "x") != frame_id(b"b", "x")


@given(st.lists(st.lists(st.text(max_size=3), max_size=3).map(tuple), unique=True, max_size=8))
@settings(max_examples=100, deadline=None)
def test_parts_never_run_into_each_other(every: list[tuple[str, ...]]) -> None:
    assert all(frame_id(KEY, *a) != frame_id(KEY, *b) for a, b in combinations(every, 2))

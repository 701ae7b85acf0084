import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.point import Kind
from wedsync.metrics.series import (
    Series,
    decode_dims,
    encode_dims,
    is_server_error,
    pack_of,
    total_of,
)

text = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), min_size=1, max_size=4
)
dims = st.dictionaries(text, text, max_size=3).map(lambda held: tuple(sorted(held.items())))
series = st.builds(
    Series,
    wedding_id=st.none() | text,
    vendor_id=st.none() | text,
    metric=text,
    kind=st.sampled_from(Kind),
    dims=dims,
)


@given(dims)
@settings(max_examples=100, deadline=None)
def test_dimensions_come_back_from_their_text(held: tuple[tuple[str, str], ...]) -> None:
    assert decode_dims(encode_dims(held)) == held


@given(series, series)
@settings(max_examples=200, deadline=None)
def test_only_equal_series_encode_alike(one: Series, other: Series) -> None:
    assert (one.encoded() == other.encoded()) == (one == other)


def test_packs_are_the_same_on_every_machine_and_run() -> None:
    assert [pack_of(f"wedding-{n}", 64) for n in range(4)] == [17, 39, 27, 21]


def test_weddings_spread_over_the_packs() -> None:
    counts = [0] * 16
    for n in range(3200):
        counts[pack_of(f"w{n}", 16)] += 1
    assert min(counts) > 140
    assert max(counts) < 260


def test_a_tenant_has_a_pack() -> None:
    with pytest.raises(ValueError, match="at least one"):
        pack_of("w", 0)


@pytest.mark.parametrize(
    ("metric", "kind", "held", "kept"),
    [
        ("api.request", Kind.TIMER, {"status": "503", "route": "/"}, {"outcome": "error"}),
        ("api.request", Kind.TIMER, {"status": "404"}, {"outcome": "ok"}),
        ("api.request", Kind.TIMER, {}, {"outcome": "ok"}),
        ("health.check", Kind.EVENT, {"component": "db", "outcome": "ok", "x": "y"},
         {"component": "db", "outcome": "ok"}),
        ("photo.upload", Kind.TIMER, {"outcome": "failed", "device": "ios"}, {"outcome": "failed"}),
        ("api.connections", Kind.GAUGE, {"service": "api", "host": "h"}, {"service": "api"}),
        ("host.cpu", Kind.GAUGE, {"host": "h"}, {"host": "h"}),
        ("vendor.heartbeat", Kind.EVENT, {"x": "y"}, {}),
        ("table.units", Kind.COUNTER, {"table": "t", "operation": "read", "x": "y"},
         {"table": "t", "operation": "read"}),
        ("function.run", Kind.TIMER, {"function": "f", "outcome": "ok", "host": "h"},
         {"function": "f", "outcome": "ok"}),
        ("queue.lag", Kind.GAUGE, {"queue": "q", "service": "s"}, {"queue": "q"}),
    ],
)  # fmt: skip
def test_a_total_keeps_only_what_it_is_asked_for(
    metric: str, kind: Kind, held: dict[str, str], kept: dict[str, str]
) -> None:
    one = Series(
        wedding_id="w", vendor_id="v", metric=metric, kind=kind, dims=tuple(sorted(held.items()))
    )
    assert total_of(one) == Series(
        wedding_id=None, vendor_id=None, metric=metric, kind=kind, dims=tuple(sorted(kept.items()))
    )


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        ("500", True),
        ("599", True),
        ("499", False),
        ("", False),
        ("5xx", False),
        ("²", False),
        (None, False),
    ],
)
def test_a_server_error_is_a_status_of_500_and_above(status: str | None, *, failed: bool) -> None:
    assert is_server_error(status) is failed

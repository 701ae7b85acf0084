"""Minutes that are called quiet hold nothing that any rule could find."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_wedding
from tests.domain.metrics.test_block import T0, a_block, a_point
from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.rules import judge
from wedsync.flows.observe import observe_services, observe_weddings
from wedsync.flows.quiet import is_quiet, is_quiet_block
from wedsync.flows.reading import SMALL_BYTES, MinuteRead
from wedsync.flows.times import at_ms
from wedsync.metrics.block import Block
from wedsync.metrics.point import Kind, Point
from wedsync.weddings.context import wedding_context

MINUTE = T0 // 60_000
NOW = at_ms(T0) + timedelta(seconds=30)
WEDDING = a_wedding(on=NOW.date(), zone="UTC", ceremony=None, guests=20)
SERVICE = ("service", "api")


def request(ms: float, status: str) -> Point:
    return a_point(value=ms, dims=(SERVICE, ("status", status)))


def gauge(name: str, value: float, **dims: str) -> Point:
    return a_point(name, value, kind=Kind.GAUGE, dims=tuple(sorted(dims.items())))


def outcome(name: str, value: str) -> Point:
    dims = (("component", "database"), ("outcome", value))
    return a_point(name, 1.0, kind=Kind.EVENT, dims=dims)


@pytest.mark.parametrize(
    ("point", "quiet"),
    [
        (request(2000, "200"), True),
        (request(2000, "499"), True),
        (request(2001, "200"), False),
        (request(10, "500"), False),
        (request(10, "odd"), True),
        (outcome("photo.upload", "completed"), True),
        (outcome("photo.upload", "failed"), False),
        (outcome("health.check", "ok"), True),
        (outcome("health.check", "failed"), False),
        (a_point("health.check", 1.0, kind=Kind.EVENT), False),
        (gauge("system.response_time", 2000.0, service="api"), True),
        (gauge("system.response_time", 2000.5, service="api"), False),
        (gauge("photo.upload.failure_rate", 1.0), True),
        (gauge("photo.upload.failure_rate", 1.01), False),
        (gauge("host.cpu", 80.0, host="h1"), True),
        (gauge("host.memory", 80.1, host="h1"), False),
        (gauge("host.disk", 99.0, host="h1"), False),
        (a_point("guests.seated", 1e9), True),
    ],
    ids=lambda each: f"{each.name} {each.values[0]}" if isinstance(each, Point) else str(each),
)
def test_a_minute_is_quiet_up_to_the_mildest_threshold(point: Point, *, quiet: bool) -> None:
    assert is_quiet_block(a_block(point, request(5, "200"))) is quiet


def test_nothing_at_all_is_quiet() -> None:
    assert is_quiet_block(Block.empty())


def test_large_minutes_are_told_as_small_ones_are() -> None:
    for block in (a_block(request(5, "200")), a_block(request(5, "500"))):
        small, large = block.encode(), b"x" * (SMALL_BYTES + 1)
        told = [
            is_quiet(
                MinuteRead(
                    minute=MINUTE, on_time=block, late=Block.empty(), version=1, encoded=encoded
                )
            )
            for encoded in (small, large)
        ]
        assert told == [is_quiet_block(block)] * 2


MEASURED = (
    *(request(ms, status) for ms in (5, 1990, 2000, 2010) for status in ("200", "404", "502")),
    *(
        outcome(name, value)
        for name in ("photo.upload", "health.check")
        for value in ("ok", "completed", "failed")
    ),
    *(gauge("system.response_time", ms, service="api") for ms in (5.0, 2000.0, 2100.0)),
    *(gauge("photo.upload.failure_rate", share) for share in (0.0, 1.0, 2.0)),
    *(gauge("host.cpu", share, host="api") for share in (3.0, 80.0, 81.0)),
)
QUIET = [each for each in MEASURED if is_quiet_block(a_block(each))]


@given(
    minutes=st.lists(
        st.lists(st.sampled_from(QUIET), min_size=1, max_size=30), min_size=1, max_size=5
    )
)
@settings(max_examples=150, deadline=None)
def test_no_rule_finds_a_breach_in_quiet_minutes(minutes: list[list[Point]]) -> None:
    found: list[Finding] = []
    for wedding_id in (WEDDING.wedding_id, None):
        read = [
            MinuteRead(minute=number, on_time=block, late=Block.empty(), version=1, encoded=b"x")
            for number, block in (
                (MINUTE - before, _at(points, wedding_id, before))
                for before, points in enumerate(minutes)
            )
        ]
        assert all(is_quiet_block(each.on_time) for each in read)
        observed = (
            observe_weddings([WEDDING.wedding_id], read, NOW)
            if wedding_id
            else observe_services([read], NOW, ["api", "database", "unnamed"])
        )
        for each in observed:
            context = wedding_context(WEDDING, NOW) if wedding_id else None
            found += judge(each, context=context, guest_count=20, any_wedding_today=True, now=NOW)
    assert len(found) >= 5
    assert Outcome.BREACH not in {finding.outcome for finding in found}


def _at(points: list[Point], wedding_id: str | None, minutes_before: int) -> Block:
    return a_block(
        *(
            a_point(
                each.name,
                each.values[0],
                kind=each.kind,
                dims=each.dims,
                wedding_id=wedding_id,
                ts_ms=T0 - 60_000 * minutes_before,
            )
            for each in points
        )
    )

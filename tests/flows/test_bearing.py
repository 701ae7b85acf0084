"""What is said of a point by itself holds of every window that it may lie in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_wedding, utc
from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.rules import judge
from wedsync.flows.bearing import trouble_above
from wedsync.flows.observe import observe_services, observe_weddings
from wedsync.flows.reading import MinuteRead
from wedsync.metrics.block import Block
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.fold import merge_rows, slots
from wedsync.metrics.point import Kind, Point
from wedsync.weddings.context import wedding_context

NOW = utc("2026-06-20T16:04:30")
MINUTE = int(NOW.timestamp()) // 60
WEDDING = a_wedding(wedding_id="w", on=NOW.date(), zone="UTC", guests=500)
_DIMS: dict[str, dict[str, tuple[str, ...]]] = {
    "api.request": {"service": ("s",), "status": ("200", "404", "503", "odd")},
    "photo.upload": {"outcome": ("started", "completed", "failed")},
    "guest_list.load": {"outcome": ("completed", "failed", "odd")},
    "timeline.sync": {"outcome": ("started", "ok", "failed")},
    "health.check": {"component": ("s",), "outcome": ("ok", "failed", "slow")},
    "system.response_time": {"service": ("s",)},
    "photo.upload.failure_rate": {},
    "host.cpu": {"host": ("s",)},
    "guest.activity": {"action": ("rsvp",)},
    "backup.run": {"outcome": ("failed",)},
    "host.fans": {"host": ("s",)},
}
_GAUGES = {"system.response_time", "photo.upload.failure_rate", "host.cpu", "host.fans"}
_VALUES = st.sampled_from((0.0, 0.5, 1.0, 1.5, 79.0, 80.5, 99.0, 1900.0, 1999.0, 2000.5, 7000.0))


@st.composite
def points(draw: st.DrawFn) -> Point:
    name = draw(st.sampled_from(sorted(_DIMS)))
    dims = {
        dim: draw(st.sampled_from(values))
        for dim, values in _DIMS[name].items()
        if draw(st.booleans())
    }
    return Point(
        name=name,
        kind=Kind.GAUGE if name in _GAUGES else Kind.TIMER,
        ts_ms=(MINUTE - draw(st.integers(0, 5))) * 60_000 + draw(st.integers(0, 29_000)),
        values=tuple(draw(st.lists(_VALUES, min_size=1, max_size=3))),
        count=draw(st.sampled_from((1, 1, 7, 120))),
        dims=tuple(sorted(dims.items())),
    )


def findings(window: list[Point], wedding_id: str | None) -> list[Finding]:
    """What the rules make of these points, for one wedding or for what belongs to none."""
    accepted = [
        Accepted(
            point=replace(point, wedding_id=wedding_id),
            frame_id=number + 1,
            copy=number,
            tenant="t",
            arrival_ms=point.ts_ms,
            late=False,
        )
        for number, point in enumerate(window)
    ]
    blocks: dict[int, list[Block]] = {}
    for share in slots(Columns.of(accepted), packs=lambda *_: 1):
        block = Block.decode(merge_rows(None, share).content.on_time)
        blocks.setdefault(share.key.minute, []).append(block)
    minutes = [
        MinuteRead(minute=at, on_time=Block.merge(blocks.get(at, ())), late=Block.empty())
        for at in range(MINUTE - 5, MINUTE + 1)
    ]
    if wedding_id is None:
        observations = observe_services([minutes], NOW, {"s", "unnamed"})
    else:
        observations = observe_weddings([wedding_id], minutes, NOW)
    return [
        finding
        for observation in observations
        for on in (WEDDING.date, WEDDING.date + timedelta(days=20))
        for finding in judge(
            observation,
            context=None if wedding_id is None else wedding_context(replace(WEDDING, date=on), NOW),
            guest_count=WEDDING.guest_count,
            any_wedding_today=True,
            now=NOW,
        )
    ]


def is_trouble(point: Point) -> bool:
    bound = trouble_above(point.name, dict(point.dims))
    return bound is not None and max(point.values) > bound


@settings(max_examples=150, deadline=None)
@given(st.lists(points(), max_size=12), st.sampled_from(("w", None)))
def test_where_nothing_speaks_against_it_no_rule_objects(
    window: list[Point], wedding_id: str | None
) -> None:
    well = [point for point in window if not is_trouble(point)]
    assert [each for each in findings(well, wedding_id) if each.outcome is Outcome.BREACH] == []


@settings(max_examples=150, deadline=None)
@given(st.lists(points(), max_size=12), st.sampled_from(("w", None)))
def test_what_no_rule_looks_at_changes_no_finding(
    window: list[Point], wedding_id: str | None
) -> None:
    heard = [point for point in window if trouble_above(point.name, dict(point.dims)) is not None]
    assert findings(window, wedding_id) == findings(heard, wedding_id)


@pytest.mark.parametrize(
    ("name", "dims", "value", "trouble"),
    [
        ("api.request", {"status": "503"}, 1.0, True),
        ("api.request", {"status": "404"}, 1900.0, False),
        ("api.request", {}, 2000.5, True),
        ("photo.upload", {"outcome": "failed"}, 1.0, True),
        ("photo.upload", {"outcome": "completed"}, 90_000.0, False),
        ("health.check", {"outcome": "ok"}, 1.0, False),
        ("health.check", {}, 1.0, True),
        ("system.response_time", {}, 2001.0, True),
        ("photo.upload.failure_rate", {}, 0.9, False),
        ("host.disk", {"host": "h"}, 81.0, True),
        ("host.disk", {"host": "h"}, 70.0, False),
    ],
)
def test_each_thing_that_rules_look_at_has_its_bound(
    name: str,
    dims: dict[str, str],
    value: float,
    trouble: bool,  # noqa: FBT001 - a column of the table
) -> None:
    bound = trouble_above(name, dims)
    assert bound is not None
    assert (value > bound) is trouble


@pytest.mark.parametrize("name", ["guest.activity", "backup.run", "host.fans", "my.own"])
def test_no_rule_looks_at_the_rest(name: str) -> None:
    assert trouble_above(name, {"outcome": "failed"}) is None

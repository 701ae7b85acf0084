"""What Prometheus reads: its own parser takes it, and the numbers are those that were sent."""

from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from tests.promlint import lint
from wedsync.metrics.catalog import CATALOG
from wedsync.metrics.exposition import BOUNDS_SECONDS, Family, FamilyKind, Sample, exposition
from wedsync.metrics.point import Kind

NOON = utc("2026-06-20T12:00")
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(bundle: Bundle) -> str:
    found = bundle.get("/api/metrics/prometheus")
    assert found.status == 200
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    return cast("str", found.body)


def numbers(text: str) -> Numbers:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Numbers, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def a_busy_bundle() -> Bundle:
    bundle = Bundle(at=NOON, shards=1)
    wedding_id = bundle.register(a_wedding_request())
    for ms in (4, 5, 40, 400, 4000, 40000):
        bundle.put(
            a_point(
                "api.request",
                bundle.now,
                value=ms,
                dims={"service": "edge", "status": "200"},
                weddingId=wedding_id,
            )
        )
    bundle.put(
        a_point("photo.upload", bundle.now, value=700, dims={"outcome": "failed"}),
        a_point("vendor.heartbeat", bundle.now, kind="event", vendorId="photo-1"),
        a_point("host.cpu", bundle.now, kind="gauge", value=75, dims={"host": 'a"b\\c'}),
        a_point("system.response_time", bundle.now, kind="gauge", value=250),
        a_point("cake.slices", bundle.now, kind="counter", value=3),
        a_point("cake.slices", bundle.now, kind="counter", value=4),
        a_point("cake_slices", bundle.now, kind="counter", value=5),
        a_point("cake.wait", bundle.now, kind="timer", value=1500),
        a_point("cake.height", bundle.now, kind="gauge", value=-1.5),
        a_point("cake.cut", bundle.now, kind="event"),
        a_point("api.request", bundle.now, kind="counter", value=2),
    )
    bundle.advance(60)
    return bundle


def test_the_exposition_parses_and_tells_what_was_sent() -> None:
    with a_busy_bundle() as bundle:
        found = numbers(scraped(bundle))
        ok = {"outcome": "ok"}
        name = "wedsync_api_request_duration_seconds"
        below = [of(found, f"{name}_bucket", le=str(float(b)), **ok) for b in BOUNDS_SECONDS]
        assert below == [2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5]
        assert of(found, f"{name}_bucket", le="+Inf", **ok) == 6
        assert of(found, f"{name}_count", **ok) == 6
        assert of(found, f"{name}_sum", **ok) == 44.449
        assert of(found, "wedsync_vendor_heartbeat_total") == 1
        assert of(found, "wedsync_host_cpu_ratio", host='a"b\\c') == 0.75
        assert of(found, "wedsync_system_response_time_seconds") == 0.25
        assert of(found, "wedsync_other_total", metric="cake.slices") == 7
        assert of(found, "wedsync_other_total", metric="cake_slices") == 5
        assert of(found, "wedsync_other_total", metric="api.request", outcome="ok") == 2
        assert of(found, "wedsync_other_value", metric="cake.height") == -1.5
        assert of(found, "wedsync_other_events_total", metric="cake.cut") == 1
        assert of(found, "wedsync_other_duration_seconds_count", metric="cake.wait") == 1
        assert of(found, "wedsync_alerts", severity="critical") == 1
        assert of(found, "wedsync_active_weddings") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a_b 1\n", "no help text"),
        ("# HELP a_ms_total A\n# TYPE a_ms_total counter\na_ms_total 1\n", "abbreviated units"),
        ("# HELP a_milliseconds A\n# TYPE a_milliseconds gauge\na_milliseconds 1\n", "base unit"),
        ("# HELP a_days A\n# TYPE a_days gauge\na_days 1\n", "base unit"),
        ("# HELP a A\n# TYPE a counter\na 1\n", "_total suffix"),
        ("# HELP a_total A\n# TYPE a_total gauge\na_total 1\n", "_total suffix"),
        ("# HELP a_count A\n# TYPE a_count gauge\na_count 1\n", "_count or _sum"),
        ("# HELP a_bucket A\n# TYPE a_bucket gauge\na_bucket 1\n", "_bucket suffix"),
        ('# HELP a A\n# TYPE a gauge\na{le="1"} 1\n', "label le"),
        ('# HELP a A\n# TYPE a gauge\na{quantile="1"} 1\n', "label quantile"),
        ("# HELP a_gauge A\n# TYPE a_gauge gauge\na_gauge 1\n", "its type"),
        ("# HELP a:b A\n# TYPE a:b gauge\na:b 1\n", "colon"),
        ("# HELP aB A\n# TYPE aB gauge\naB 1\n", "snake_case"),
        ('# HELP a A\n# TYPE a gauge\na{bC="1"} 1\n', "snake_case"),
        ('# HELP a A\n# TYPE a gauge\na{b=""} 1\na 1\n', "not unique"),
        ("# HELP a A\n# TYPE a gauge\na 1\n# HELP b B\n# TYPE b gauge\nb 1\na 2\n", "two places"),
        ('# HELP a A\n# TYPE a gauge\na{b.c="1"} 1\n', "text format"),
        ('# HELP a A\n# TYPE a gauge\na{__b="1"} 1\n', "text format"),
        ("# HELP a A\n# TYPE a gauge\na 1", "no end"),
        (
            (
                '# HELP a A\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\n'
                "a_sum 1\na_count 1\n"
            ),
            "do not add up",
        ),
    ],
)
def test_the_linter_finds_what_promtool_would(text: str, told: str) -> None:
    problems = lint(text)
    assert any(told in each for each in problems), problems


def test_the_linter_finds_nothing_in_what_is_clean() -> None:
    text = (
        "# HELP a_requests_total A\n# TYPE a_requests_total counter\n"
        'a_requests_total{code="2"} 1\na_requests_total 3\n'
        "# HELP a_duration_seconds A\n# TYPE a_duration_seconds histogram\n"
        'a_duration_seconds_bucket{le="1.0"} 1\na_duration_seconds_bucket{le="+Inf"} 2\n'
        "a_duration_seconds_sum 3.5\na_duration_seconds_count 2\n"
    )
    assert lint(text) == []


def test_it_keeps_the_rules_of_promtool() -> None:
    """Every metric of the catalogue, and others of every kind."""
    with a_busy_bundle() as bundle:
        for metric in CATALOG:
            dims = {
                dim: "x" for dim in metric.dims if dim not in ("vendorId", "guestId", "outcome")
            }
            outcomes = metric.outcomes or ("ok",)
            told = {**dims, "outcome": outcomes[0]} if "outcome" in metric.dims else dims
            bundle.put(a_point(metric.name, bundle.now, kind=metric.kind, dims=told))
        for kind in Kind:
            for dims in ({}, {"outcome": ""}, {"service": "", "le": "1"}):
                bundle.put(a_point("oddMetric.per/s", bundle.now, kind=kind, dims=dims))
        bundle.advance(60)
        text = scraped(bundle)
    assert lint(text) == []
    for metric in CATALOG:
        assert f"wedsync_{metric.name.replace('.', '_')}" in text


ODD_DIMS = {
    "le": "1",
    "quantile": "0.9",
    "metric": "m",
    "cakeFlavour": "lemon",
    "cake-flavour": "plum",
    "Table": "7",
    "1st": "x",
    "__name__": "y",
    "a.b:c/d": "z",
    "empty": "",
}


@pytest.mark.parametrize("kind", list(Kind))
def test_whatever_pipelines_derive_by_whatever_dimensions_can_be_scraped(kind: Kind) -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        everything = {"type": "filter", "where": {"field": "name", "equals": "cakes"}}
        body = {"source": {"names": ["cakes"]}, "transforms": [everything]}
        assert bundle.put_document("/api/metrics/pipelines/odd", body).status == 200
        for dims in (ODD_DIMS, {}, {"empty": ""}):
            bundle.put(a_point("cakes", bundle.now, kind=kind, value=2, dims=dims))
        bundle.advance(60)
        text = scraped(bundle)
    assert lint(text) == []
    labels = {
        "dim_le": "1",
        "dim_quantile": "0.9",
        "dim_metric": "m",
        "cake_flavour": "plum;lemon",
        "table": "7",
        "dim_1st": "x",
        "dim___name__": "y",
        "a_b_c_d": "z",
    }
    found = {
        frozenset(sample.labels.items()) - {("le", "+Inf")}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("metric") == "derived.odd"
    }
    assert frozenset({**labels, "metric": "derived.odd"}.items()) in found
    alike = {
        Kind.COUNTER: ("wedsync_other_total", 4.0),
        Kind.EVENT: ("wedsync_other_events_total", 2.0),
        Kind.TIMER: ("wedsync_other_duration_seconds_count", 2.0),
        Kind.GAUGE: ("wedsync_other_value", 2.0),
    }
    name, value = alike[kind]
    assert of(numbers(text), name, metric="derived.odd") == value


def test_counts_are_of_the_day_and_begin_again_at_midnight_utc() -> None:
    with Bundle(at=utc("2026-06-20T23:30"), shards=1) as bundle:

        def count() -> float | None:
            bundle.clock.advance(10)
            found = numbers(scraped(bundle))
            return found.get(("wedsync_vendor_heartbeat_total", frozenset()))

        for _ in range(2):
            bundle.put(a_point("vendor.heartbeat", bundle.now, kind="event", vendorId="v"))
            bundle.advance(60)
        assert count() == 2
        bundle.advance(1700)
        assert count() is None
        bundle.put(a_point("vendor.heartbeat", bundle.now, kind="event", vendorId="v"))
        bundle.advance(3 * 3600)
        assert count() == 1


def test_another_tenants_figures_are_not_told() -> None:
    from wedsync.tenancy import Tenant

    with a_busy_bundle() as bundle:
        rival = bundle.key(tenant=Tenant("rival"))
        text = cast("str", bundle.get("/api/metrics/prometheus", key=rival).body)
        assert "api_request" not in text


def test_values_and_help_are_escaped() -> None:
    family = Family(
        name="cakes",
        kind=FamilyKind.GAUGE,
        help="two\nlines \\ and more",
        samples=[Sample({"flavour": 'le"mon\\\n'}, float("inf"))],
    )
    assert exposition([family]) == (
        "# HELP cakes two\\nlines \\\\ and more\n"
        "# TYPE cakes gauge\n"
        'cakes{flavour="le\\"mon\\\\\\n"} +Inf\n'
    )
    assert exposition([Family(name="none", kind=FamilyKind.GAUGE, help="Nothing")]) == ""

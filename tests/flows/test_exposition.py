"""What Prometheus reads: its own parser takes it, and the numbers are those that were sent."""

import re
from typing import cast

from prometheus_client.parser import text_string_to_metric_families

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.metrics.exposition import BOUNDS_SECONDS, Family, FamilyKind, Sample, exposition

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


def test_it_keeps_the_rules_of_promtool() -> None:
    """Names, help and type before samples, units, counters, buckets: as its linter has them."""
    with a_busy_bundle() as bundle:
        text = scraped(bundle)
    assert text.endswith("\n")
    named: list[str] = []
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        named.append(name)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert family.documentation
        assert text.index(f"# HELP {name} ") < text.index(f"# TYPE {name} ")
        assert family.type in {"counter", "gauge", "histogram"}
        parts = set(name.split("_"))
        assert not parts & {"counter", "gauge", "histogram", "summary", "ms", "milliseconds"}, name
        assert not parts & {"percent", "minutes", "hours", "days", "sec", "s"}, name
        if family.type != "counter":
            assert not name.endswith(("_total", "_count", "_sum", "_bucket"))
        seen = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(seen) == len(set(seen))
        for sample in family.samples:
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in sample.labels)
            assert ("le" in sample.labels) == sample.name.endswith("_bucket")
            assert "quantile" not in sample.labels
    assert len(named) == len(set(named))


def test_buckets_are_cumulative_and_end_with_all() -> None:
    with a_busy_bundle() as bundle:
        families = list(text_string_to_metric_families(scraped(bundle)))
    histograms = [family for family in families if family.type == "histogram"]
    assert len(histograms) == 3
    for family in histograms:
        series: dict[frozenset[tuple[str, str]], list[float]] = {}
        totals = {}
        for sample in family.samples:
            rest = frozenset((k, v) for k, v in sample.labels.items() if k != "le")
            if sample.name.endswith("_bucket"):
                series.setdefault(rest, []).append(sample.value)
            elif sample.name.endswith("_count"):
                totals[rest] = sample.value
        assert series.keys() == totals.keys()
        for labels, buckets in series.items():
            assert buckets == sorted(buckets)
            assert buckets[-1] == totals[labels]


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

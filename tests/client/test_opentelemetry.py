"""The real OpenTelemetry SDK and its exporter, against a real server."""

import contextlib
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from tests.client.test_against_the_server import Platform
from tests.client.test_against_the_server import platform as _platform
from tests.infra.local.processes import eventually

platform = _platform
CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA


@contextlib.contextmanager
def counting(
    platform: Platform, name: str, temporality: AggregationTemporality
) -> Iterator[tuple[MeterProvider, MetricExporter]]:
    exporter = OTLPMetricExporter(
        endpoint=f"{platform.url}/v1/metrics",
        headers={"x-api-key": platform.token("device")},
        compression=Compression.Gzip,
        preferred_temporality={Counter: temporality, Histogram: temporality},
    )
    provider = MeterProvider(
        metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=600_000)],
        resource=Resource({"service.name": name, "wedding.id": platform.wedding_id}),
        views=[
            View(
                instrument_name="*.exponential",
                aggregation=ExponentialBucketHistogramAggregation(),
            )
        ],
    )
    yield provider, exporter
    provider.shutdown()


@pytest.mark.parametrize("temporality", [CUMULATIVE, DELTA], ids=["cumulative", "delta"])
def test_whatever_the_sdk_exports_again_and_again_counts_once(
    platform: Platform, temporality: AggregationTemporality
) -> None:
    name = f"otel.{temporality.name.lower()}"
    with counting(platform, name, temporality) as (provider, _):
        meter = provider.get_meter("tests")
        seated = meter.create_counter(f"{name}.seated")
        waits = [meter.create_histogram(f"{name}.{form}") for form in ("plain", "exponential")]
        for turn in range(1, 5):
            seated.add(turn, {"n": "0"})
            for each in waits:
                each.record(100.0 * turn, {"n": "0"})
            assert provider.force_flush()
    # Ended, it has exported once more; of what it tells again nothing counts again.
    eventually(lambda: platform.counted(f"{name}.seated") == {"0": 10.0})
    eventually(lambda: platform.counted(f"{name}.plain") == {"0": pytest.approx(1000.0)})
    found = platform.counted(f"{name}.exponential")
    assert found == {"0": pytest.approx(1000.0, rel=0.05)}

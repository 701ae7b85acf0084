"""Exports as the real OpenTelemetry SDK makes them, and as other clients may."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import Aggregation, ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

DELTA, CUMULATIVE = 1, 2
MINUTE_NS = 60_000_000_000
START_NS = 1_781_964_000_000_000_000


class Sdk:
    """A process that counts with the SDK; ``export`` gives what its exporter would send."""

    def __init__(self, *, delta: bool = False, exponential: bool = False) -> None:
        import opentelemetry.sdk.metrics as instruments

        temporality = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
        kinds = (instruments.Counter, instruments.Histogram, instruments.UpDownCounter)
        self._reader = InMemoryMetricReader(preferred_temporality=dict.fromkeys(kinds, temporality))
        aggregation: Aggregation = ExponentialBucketHistogramAggregation()
        self._provider = MeterProvider(
            metric_readers=[self._reader],
            resource=Resource({"service.name": "gallery", "service.instance.id": "1"}),
            views=[View(instrument_name="*.exp", aggregation=aggregation)] if exponential else (),
            shutdown_on_exit=False,
        )
        self.meter = self._provider.get_meter("tests", "1")

    def export(self) -> bytes:
        """What has been recorded, as protocol buffers."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return bytes(encode_metrics(data).SerializeToString())

    def document(self) -> dict[str, Any]:
        """The same as JSON, as protobuf's own library writes it: 64-bit numbers as texts."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return dict(MessageToDict(encode_metrics(data)))


def as_json(body: bytes) -> bytes:
    """An export in protocol buffers as JSON, by protobuf's own library."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    message = ExportMetricsServiceRequest.FromString(body)
    return json.dumps(MessageToDict(message, use_integers_for_enums=True)).encode()


def export(*metrics: Mapping[str, object], **resource: str) -> dict[str, object]:
    """An export of one resource and one scope."""
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": attributes(resource)},
                "scopeMetrics": [{"scope": {"name": "tests"}, "metrics": list(metrics)}],
            }
        ]
    }


def attributes(labels: Mapping[str, str]) -> list[object]:
    return [
        {"key": key.replace("__", "."), "value": {"stringValue": value}}
        for key, value in labels.items()
    ]


def at(minutes: float) -> dict[str, object]:
    """The times of a data point: it began at the start, and is so many minutes old."""
    return {
        "startTimeUnixNano": str(START_NS),
        "timeUnixNano": str(START_NS + int(minutes * MINUTE_NS)),
    }


def a_sum(
    name: str, *points: Mapping[str, object], temporality: int = CUMULATIVE, monotonic: bool = True
) -> dict[str, object]:
    return {
        "name": name,
        "sum": {
            "aggregationTemporality": temporality,
            "isMonotonic": monotonic,
            "dataPoints": list(points),
        },
    }


def a_histogram(
    name: str, *points: Mapping[str, object], temporality: int = CUMULATIVE, unit: str = "ms"
) -> dict[str, object]:
    return {
        "name": name,
        "unit": unit,
        "histogram": {"aggregationTemporality": temporality, "dataPoints": list(points)},
    }


def bins(bounds: Sequence[float], counts: Sequence[int], **rest: object) -> dict[str, object]:
    return {
        "explicitBounds": list(bounds),
        "bucketCounts": [str(count) for count in counts],
        "count": str(sum(counts)),
        **rest,
    }

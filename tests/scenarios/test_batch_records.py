"""Every batch leaves one line in the log, which CloudWatch reads as metrics."""

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request

NOON = utc("2026-06-20T14:05")


def test_a_batch_tells_what_it_came_to(caplog: pytest.LogCaptureFixture) -> None:
    with Bundle(at=NOON) as bundle:
        wedding = bundle.register(a_wedding_request())
        failed = [
            a_point("photo.upload", bundle.now, dims={"outcome": "failed"}, weddingId=wedding)
            for _ in range(20)
        ]
        late = {**failed[0], "ts": int(str(failed[0]["ts"])) - 30 * 60_000, "eventId": "late"}
        caplog.clear()
        caplog.set_level("INFO")
        bundle.put(*failed, failed[0], late, {"name": "a b"})
        bundle.drain()
    (told,) = [vars(each) for each in caplog.records if each.getMessage() == "batch processed"]
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "WedSync"
    units = {each["Name"]: each["Unit"] for each in metrics["Metrics"]}
    assert units["processingTime"] == "Milliseconds"
    assert (told["dataPoints"], told["duplicates"], told["rejected"]) == (21, 1, 1)
    assert told["qualityScore"] == round(20 / 22, 4)
    assert told["anomaliesDetected"] == 1
    assert told["alerts"] == ["platform.photo_upload_failures"]
    assert told["trends"] == []
    assert told["processedAt"] == "2026-06-20T14:05:00+00:00"

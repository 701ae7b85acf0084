"""Frames and columns on the stream and over HTTP: counted once, as points of JSON are."""

import base64
import gzip
import json
import random
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from infra.local.first_start import MadeKey, make_key
from tests.builders import utc
from tests.harness import Answer, Bundle, a_wedding_request
from wedsync.metrics.frame import FrameColumns, encode
from wedsync.tenancy import Role

DAY = utc("2026-06-20T12:00")
INGEST = "/api/metrics/ingest"


def a_frame(
    bundle: Bundle,
    wedding_id: str,
    *,
    frame_id: int = 7,
    points: int = 10,
    behind_ms: int = 0,
    created_ahead_ms: int = 0,
    **members: object,
) -> bytes:
    now_ms = int(bundle.now.timestamp() * 1000)
    columns = FrameColumns(
        places=[(wedding_id, None, None)],
        metrics=[("photo.upload", "timer")],
        dims=[(("outcome", "completed"),)],
        series=[(0, 0, 0)],
        series_of=np.zeros(points, np.int64),
        ts_ms=np.full(points, now_ms - behind_ms),
        value=np.full(points, 850.0),
    )
    return encode(
        replace(columns, **members),  # type: ignore[arg-type]
        frame_id=frame_id,
        created_at_ms=now_ms + created_ahead_ms,
        compress=False,
    )


def send(bundle: Bundle, device: MadeKey, batch_id: str, body: bytes) -> None:
    data = bundle.signed(body, device=device, batch_id=batch_id)
    bundle.put_record(data, partition_key="gateway")


def uploaded(bundle: Bundle, wedding_id: str) -> object:
    bundle.drain()
    return cast("dict[str, object]", bundle.get(f"/api/metrics/wedding/{wedding_id}")["metrics"])[
        "photosUploaded"
    ]


def refusals(bundle: Bundle) -> list[tuple[object, object]]:
    bundle.drain()
    return [
        (each.get("index"), each["code"])
        for each in bundle.get("/api/metrics/ingest/rejections").items
    ]


def test_a_frame_counts_once_however_often_and_under_whatever_batch_it_comes() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        device = bundle.key(Role.DEVICE)
        frame = a_frame(bundle, wedding)
        send(bundle, device, "b1", frame)
        send(bundle, device, "b2", frame)
        send(bundle, device, "b3", gzip.compress(frame))
        send(bundle, device, "b5", base64.b64encode(frame))
        send(bundle, device, "b4", a_frame(bundle, wedding, frame_id=8))
        assert uploaded(bundle, wedding) == 20
        send(bundle, device, "b5", frame)
        assert uploaded(bundle, wedding) == 20


def test_a_frame_of_another_device_is_another_frame() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        for _ in range(2):
            device = make_key(bundle.cloud, tenant=bundle.tenant, role=Role.DEVICE, vendor_id=None)
            send(bundle, device, "b", a_frame(bundle, wedding))
        assert uploaded(bundle, wedding) == 20


def test_a_frame_created_ahead_of_its_arrival_is_parked_whole() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        bundle.put(a_frame(bundle, wedding, created_ahead_ms=300_001))
        assert refusals(bundle) == [(None, "created-ahead")]
        bundle.put(a_frame(bundle, wedding, created_ahead_ms=299_000))
        assert uploaded(bundle, wedding) == 10


def test_late_points_and_points_of_another_tenant_in_a_frame_are_named_by_their_index() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        now_ms = int(bundle.now.timestamp() * 1000)
        times = np.array([now_ms, now_ms - 86_400_001, now_ms + 300_001])
        bundle.put(a_frame(bundle, wedding, points=3, ts_ms=times))
        bundle.put(a_frame(bundle, wedding, points=1, frame_id=9, tenant="somebody"))
        assert sorted(refusals(bundle), key=str) == [
            (0, "other-tenant"),
            (1, "too-late"),
            (2, "in-the-future"),
        ]
        assert uploaded(bundle, wedding) == 1


def test_columns_with_a_frame_id_count_once() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        now_ms = int(bundle.now.timestamp() * 1000)
        body = json.dumps(
            {
                "frameId": "f1",
                "createdAt": now_ms,
                "columns": {
                    "name": "photo.upload",
                    "kind": "timer",
                    "ts": [now_ms, now_ms],
                    "value": [1, 2],
                    "weddingId": wedding,
                    "dims": {"of": [{"outcome": "completed"}]},
                },
            }
        ).encode()
        bundle.put(body, body)
        bundle.put(body)
        assert uploaded(bundle, wedding) == 2


def test_a_point_far_ahead_of_the_creation_of_its_frame_is_refused() -> None:
    """Readers look for a minute's points in the packs of frames that may hold them."""
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        now_ms = int(bundle.now.timestamp() * 1000)
        times = np.array([now_ms, now_ms - 1, now_ms - 600_000])
        frame = a_frame(bundle, wedding, points=3, ts_ms=times, created_ahead_ms=-300_001)
        bundle.put(frame)
        assert refusals(bundle) == [(0, "ahead-of-frame")]
        assert uploaded(bundle, wedding) == 2


def test_a_frame_whose_texts_fill_more_than_an_item_counts_once() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        now_ms = int(bundle.now.timestamp() * 1000)
        points = 900
        chance = random.Random(1)

        def a_text() -> str:
            return "".join(map(chr, chance.choices(range(0x4E00, 0x9000), k=250)))

        frame = a_frame(
            bundle,
            wedding,
            points=points,
            dims=[(("outcome", "completed"), ("x", a_text())) for _ in range(points)],
            series=[(0, 0, number) for number in range(points)],
            series_of=np.arange(points),
            ts_ms=np.full(points, now_ms),
        )
        send(bundle, bundle.key(Role.DEVICE), "b1", frame)
        # The copies of a batch do not change where the frame is cut.
        send(bundle, bundle.key(Role.DEVICE), "b2", frame)
        assert uploaded(bundle, wedding) == points
        send(bundle, bundle.key(Role.DEVICE), "b3", frame)
        assert uploaded(bundle, wedding) == points


def posted(bundle: Bundle, body: bytes) -> Answer:
    return bundle.post(INGEST, body)


@pytest.mark.parametrize("drained", [True, False])
def test_http_takes_frames_and_knows_them_again(*, drained: bool) -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        frame = a_frame(bundle, wedding, event=np.arange(10, dtype=np.uint64))
        first = posted(bundle, frame)
        assert (first.status, first["accepted"], first["duplicates"]) == (202, 10, 0)
        if drained:
            bundle.drain()
        again = posted(bundle, frame)
        known = 10 if drained else 0
        assert (again["accepted"], again["duplicates"]) == (10 - known, known)
        assert uploaded(bundle, wedding) == 10


def test_an_event_is_the_same_point_as_a_row_over_http_and_in_any_other_batch() -> None:
    with Bundle(at=DAY) as bundle:
        wedding = bundle.register(a_wedding_request())
        now_ms = int(bundle.now.timestamp() * 1000)
        row = {
            "name": "photo.upload",
            "kind": "timer",
            "ts": now_ms,
            "values": [5, 6],
            "eventId": "e1",
            "weddingId": wedding,
            "dims": {"outcome": "completed"},
        }
        first = bundle.post(INGEST, [row, {**row, "eventId": "e2"}, row])
        assert (first["accepted"], first["duplicates"]) == (2, 1)
        bundle.drain()
        again = bundle.post(INGEST, [{**row, "eventId": "e3"}, row])
        assert (again["accepted"], again["duplicates"]) == (1, 1)
        assert uploaded(bundle, wedding) == 6

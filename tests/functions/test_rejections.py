"""Every kind of poison lies in the failure store, under its reason, and costs only itself."""

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from tests.domain.metrics.exports import a_histogram, a_sum, bins, export
from tests.domain.metrics.test_kpl import aggregate
from tests.functions.cases import sample
from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT, VENDOR, Web, opened, point
from wedsync import flows, metrics
from wedsync.metrics.frame import FrameColumns, encode
from wedsync.metrics.kpl import MOST_USER_RECORDS
from wedsync.metrics.running_totals import MOST_RUNS
from wedsync.metrics.signature import device_secret, sign
from wedsync.tenancy import Role

PATH = "/api/metrics/ingest/rejections"
SERIES = "/api/metrics/series"
INGEST = "/api/metrics/ingest"
KEY = {"idempotency-key": "the very same"}


@pytest.fixture
def web() -> Iterator[Web]:
    with opened() as web:
        yield web


def _point(**members: object) -> bytes:
    return json.dumps(point(**members)).encode()


def _raw(members: str) -> bytes:
    """A point with members that only text can hold."""
    return _point()[:-1] + b", " + members.encode() + b"}"


def a_frame() -> bytes:
    one = FrameColumns(
        places=[("wed", None, None)],
        metrics=[("photo.upload", "timer")],
        dims=[()],
        series=[(0, 0, 0)],
        series_of=np.zeros(1, np.int64),
        ts_ms=np.array([1]),
        value=np.ones(1),
    )
    return encode(one, frame_id=1, created_at_ms=1, compress=False)


_LARGE = bytes(random.Random(1).choices(b"00000001", k=84_000)) * 100
_MS = int(NOW.timestamp() * 1000)

RECORDS: dict[str, bytes] = {
    "malformed-signature": b"WSYNC1 half a line\n" + _point(),
    "nested-compression": gzip.compress(gzip.compress(_point())),
    "broken-compression": gzip.compress(_point())[:-9],
    "inflation-ratio": gzip.compress(b" " * 3_000_000),
    "too-large": gzip.compress(_LARGE, 6),
    "malformed-json": b'{"name": "photo.up',
    "not-utf-8": b"\xff\xfe{}",
    "too-deep": b"[" * 50 + b"]" * 50,
    "not-a-record": b'"text"',
    "no-points": b"[]",
    "too-many-points": _point(value=None, values=[1] * 501),
    "broken-aggregate": aggregate(_point())[:-1] + b"?",
    "nested-aggregate": aggregate(aggregate(_point())),
    "too-many-records": aggregate(*[b""] * (MOST_USER_RECORDS + 1)),
    "malformed-frame": a_frame()[:-1],
    "malformed-tables": a_frame().replace(b'"timer"', b'"timer,'),
    "malformed-columns": b'{"columns": {"name": 7}}',
    "uneven-columns": b'{"columns": {"name": "x", "kind": "timer", "ts": [1], "value": []}}',
    "broken-payload": b'{"payload": "V1NZTkMxIGtleQ==!!"}',
}
POINTS: dict[str, bytes] = {
    "duplicate-key": _raw('"name": "another"'),
    "not-finite": _raw('"count": Infinity'),
    "number-too-long": _raw(f'"count": {"9" * 500}'),
    "lone-surrogate": _raw('"source": "\\ud800"'),
    "not-an-object": b"7",
    "unknown-version": _point(v=2),
    "unknown-kind": _point(kind="thermometer"),
    "unknown-member": _point(weddingID="w"),
    "unknown-outcome": _point(dims={"outcome": "complete"}),
    "unknown-data-type": _point(dataType="horoscope"),
    "unknown-priority": _point(priority="whenever"),
    "missing": b'{"kind": "event"}',
    "bad-name": _point(name="a b"),
    "reserved-name": _point(name="derived.mine"),
    "bad-operation": _point(operation="double"),
    "bad-calculate": _point(operation="calculate", calculate="current * 2"),
    "bad-ts": _point(ts="yesterday"),
    "bad-value": _point(value="much"),
    "ambiguous-value": _point(values=[1]),
    "value-out-of-range": _point(value=1e16),
    "bad-count": _point(count=0),
    "bad-wedding-id": _point(weddingId=""),
    "bad-dims": _point(dims=[1]),
    "too-many-dims": _point(dims={f"d{n}": "x" for n in range(99)}),
    "in-the-future": _point(ts=_MS + 6 * 60_000),
    "too-late": _point(ts=_MS - 25 * 3_600_000),
}
_TIMES = {"startTimeUnixNano": _MS * 10**6 - 10**9, "timeUnixNano": _MS * 10**6}
_LATER = {**_TIMES, "timeUnixNano": _MS * 10**6 + 10**9}
_A_TOTAL = {**_TIMES, "asInt": 1}
EXPORTS: dict[str, list[dict[str, object]]] = {
    "malformed-otlp": [a_sum("served", {**_A_TOTAL, "attributes": 7})],
    "bad-start": [a_sum("served", {**_A_TOTAL, "startTimeUnixNano": _MS * 10**6 + 1})],
    "bad-number": [a_sum("served", {**_A_TOTAL, "asInt": "much"})],
    "went-back": [a_sum("served", {**_A_TOTAL, "asInt": -1})],
    "unknown-temporality": [a_sum("served", _A_TOTAL, temporality=0)],
    "bad-histogram": [a_histogram("answer", {**_TIMES, **bins([1], [1])})],
    "changed-series": [
        a_histogram("answer", {**_TIMES, **bins([1], [1, 1])}),
        a_histogram("answer", {**_LATER, **bins([2], [2, 2])}),
    ],
    "too-many-series": [a_sum(f"served.{n}", _A_TOTAL) for n in range(MOST_RUNS + 1)],
}


def put(web: Web, *records: bytes) -> list[dict[str, object]]:
    """Put records between two good ones; what the failure store says afterwards."""
    for data in (_point(eventId="first"), *records, _point(eventId="last")):
        web.bundle.put_record(data, partition_key="p")
    web.bundle.drain()
    query = "name=photo.upload&stat=count&window=1m&timeRange=5m"
    lines = cast(
        "list[dict[str, list[list[int]]]]", web.ask("GET", SERIES, query=query).json["series"]
    )
    assert [count for line in lines for _, count in line["points"]] == [2], (
        "a good record was lost with it"
    )
    return web.ask("GET", PATH, role=Role.VIEWER).items


@pytest.mark.parametrize("code", RECORDS)
def test_a_record_that_cannot_be_read_is_kept_with_its_reason(web: Web, code: str) -> None:
    (row,) = put(web, RECORDS[code])
    assert (row["code"], row["index"]) == (code, None)
    assert row["reason"]
    assert (
        str(row["raw"]).encode("utf-8", "replace")[:4]
        == (RECORDS[code].decode(errors="replace").encode()[:4])
    )


@pytest.mark.parametrize("code", POINTS)
def test_a_point_that_cannot_be_counted_is_kept_with_its_reason(web: Web, code: str) -> None:
    (row,) = put(web, b"[" + POINTS[code] + b"]")
    assert (row["code"], row["index"]) == (code, 0)
    assert row["reason"]
    assert row["raw"]


OF_SECONDS = point(ts=_MS // 1000)
AN_OUTCOME = point(dims={"outcome": "complete"})
COLUMNS = {"name": "photo.upload", "kind": "timer", "value": [1]}


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        (OF_SECONDS, "/ts", "looks like epoch seconds; milliseconds are expected"),
        ([OF_SECONDS], "/0/ts", "looks like epoch seconds"),
        ({"data": [OF_SECONDS]}, "/data/0/ts", "looks like epoch seconds"),
        (b"\n%b\n\n%b" % (_raw('"v": 2'), json.dumps(OF_SECONDS).encode()), "/1/ts", "line 4: "),
        ({"columns": {**COLUMNS, "ts": [_MS // 1000]}}, "/columns/ts/0", "looks like epoch"),
        (
            {"columns": {**COLUMNS, "ts": [_MS], "weddingID": "w"}},
            "/columns/weddingID",
            "did you mean weddingId?",
        ),
        ({"columns": {**COLUMNS, "ts": ["x"]}}, "/columns/ts/0", "docs/ingest.md"),
        ({"columns": {"name": "a", "ts": [_MS]}}, "/columns/kind", "kind is required"),
        (AN_OUTCOME, "/dims/outcome", "started, completed, failed; did you mean completed?"),
        (point(kind="tmer"), "/kind", "did you mean timer?"),
        (point(priority="hgih"), "/priority", "did you mean high?"),
    ],
)
def test_a_refusal_leads_to_the_member_and_says_what_was_probably_meant(
    web: Web, body: object, pointer: str, said: str
) -> None:
    told = web.ask("POST", INGEST, body)
    assert told.is_a_problem(400)
    (error,) = [each for each in told.errors if each["pointer"] == pointer]
    assert said in error["detail"]
    web.bundle.put_record(
        body if isinstance(body, bytes) else json.dumps(body).encode(), partition_key="p"
    )
    web.bundle.drain()
    rows = [each for each in web.ask("GET", PATH).items if each["pointer"] == pointer]
    assert [said in str(each["reason"]) for each in rows] == [True, True]


@pytest.mark.parametrize("code", EXPORTS)
def test_a_data_point_that_cannot_be_counted_is_kept_with_its_reason(web: Web, code: str) -> None:
    device = web.bundle.key(Role.DEVICE, tenant=TENANT)
    body = json.dumps(export(*EXPORTS[code])).encode()
    (row,) = put(web, web.bundle.signed(body, device=device))
    assert (row["code"], row["index"]) == (code, len(EXPORTS[code]) - 1)
    assert row["reason"]
    assert row["raw"]


@pytest.mark.parametrize(
    ("code", "role", "members"),
    [
        ("other-tenant", Role.DEVICE, {"tenantId": OTHER_TENANT.id}),
        ("other-vendor", Role.VENDOR, {"vendorId": "band-2"}),
        ("other-wedding", Role.VENDOR, {"vendorId": VENDOR}),
    ],
)
def test_what_its_sender_may_not_say_is_kept_for_its_sender(
    web: Web, code: str, role: Role, members: dict[str, object]
) -> None:
    told = {"weddingId": web.a_wedding(vendors=[]), **members}
    vendor_id = VENDOR if role is Role.VENDOR else None
    device = web.bundle.key(role, tenant=TENANT, vendor_id=vendor_id)
    web.bundle.put_signed(point(**told), device=device)
    web.bundle.drain()
    (row,) = web.ask("GET", PATH).items
    assert row["code"] == code


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        (lambda body: gzip.compress(body)[:-9], "broken-compression"),
        (lambda _: b"{", "malformed-json"),
    ],
)
def test_what_a_proved_device_sends_wrong_is_shown_to_its_own_tenant(
    web: Web, flaw: Callable[[bytes], bytes], code: str
) -> None:
    device = web.bundle.key(Role.DEVICE, tenant=OTHER_TENANT)
    web.bundle.put_record(web.bundle.signed(flaw(_point()), device=device), partition_key="p")
    web.bundle.drain()
    assert [row["code"] for row in web.ask("GET", PATH, tenant=OTHER_TENANT).items] == [code]
    assert web.ask("GET", PATH).items == []


def test_a_record_under_a_key_that_nobody_has_is_shown_to_the_operator(web: Web) -> None:
    """The secret of any key id follows from the master secret; only the key is missing."""
    secret = device_secret(web.services.signing.value(), "key_nobody")
    data = sign(_point(), secret=secret, key_id="key_nobody", at_unix=1, batch_id="b")
    assert [row["code"] for row in put(web, data)] == ["unknown-key"]


def test_a_wrong_signature_is_shown_to_the_operator(web: Web) -> None:
    device = web.bundle.key(Role.DEVICE, tenant=OTHER_TENANT)
    (row,) = put(web, web.bundle.signed(_point(), device=device).replace(b"850", b"851"))
    assert row["code"] == "wrong-signature"
    assert web.ask("GET", PATH, tenant=OTHER_TENANT).items == []


def test_no_kind_of_poison_is_without_a_test_here() -> None:
    named = re.compile(r'(?:Poison|[Ff]law)\(\s*"([a-z0-9-]+)"')
    sources = [
        *Path(str(metrics.__file__)).parent.glob("*.py"),
        Path(str(flows.__file__)).parent / "provenance.py",
    ]
    found = set(named.findall("".join(path.read_text() for path in sources)))
    assert len(found) > 20
    # Unsigned records are taken in this file.
    assert found - {*RECORDS, *POINTS, *EXPORTS} == {"wrong-signature", "unknown-key", "unsigned"}


@pytest.mark.parametrize("good", [[], [point(eventId="good")]])
def test_a_request_that_is_repeated_under_its_key_parks_once(
    web: Web, good: list[dict[str, object]]
) -> None:
    """Whether it was taken in part or not at all."""
    body = [*good, point(kind="thermometer"), point(eventId="x", ts=_MS - 25 * 3_600_000)]
    first = web.ask("POST", INGEST, body, headers=KEY)
    web.bundle.clock.set(NOW + timedelta(minutes=3))
    again = web.ask("POST", INGEST, body, headers=KEY)
    assert again.status == first.status
    assert {**again.json, "requestId": ""} == {**first.json, "requestId": ""}
    assert first.status == 202 or again.is_a_problem(400)
    assert first.status == (202 if good else 400)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(web.ask("GET", PATH).items) == 2


@pytest.mark.parametrize("minutes", [2, 60, 20 * 60])
def test_a_request_whose_answer_was_lost_parks_once_and_judges_as_before(
    web: Web, minutes: int
) -> None:
    """A point that was in time at the first try is in time at the second."""
    nearly_too_late = point(eventId="x", ts=_MS - 24 * 3_600_000 + 1)
    body = json.dumps([nearly_too_late, point(kind="thermometer")])
    headers = {**sample_headers(), **KEY}
    event = {**sample("metrics-ingest"), "body": body, "headers": headers}
    stage = Stage(web.bundle.cloud, web.bundle.clock)
    first = stage.run("metrics-ingest", event, deaf_to=frozenset({"remember"}))
    web.bundle.clock.set(NOW + timedelta(minutes=minutes))
    again = stage.run("metrics-ingest", event)
    assert (first["statusCode"], again["statusCode"]) == (202, 202)
    assert len(web.ask("GET", PATH).items) == 1


def sample_headers() -> dict[str, str]:
    return cast("dict[str, str]", sample("metrics-ingest")["headers"])

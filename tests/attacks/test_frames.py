"""Frames and exports that were cut, forged or stolen: refused with a reason, and nobody else is."""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import pytest
import zstandard

from infra.local.first_start import MadeKey, make_key
from tests.builders import utc
from tests.domain.metrics.exports import Sdk
from tests.harness import Answer, Bundle, a_point
from wedsync.flows.vouching import PLATFORM
from wedsync.metrics.frame import FrameColumns, FrameReader, encode
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.signature import sign
from wedsync.tenancy import Role, Tenant

START = utc("2026-06-20T11:00:30")
NOW_MS = round(START.timestamp() * 1000)
INGEST, EXPORT = "/api/metrics/ingest", "/v1/metrics"
REJECTIONS = "/api/metrics/ingest/rejections"
HEADER = struct.Struct("<4sBBBBQqqHHII")
LAST_MS = 253_402_300_799_999
MOST_ENTRIES = 5_000


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    with Bundle(at=START, shards=1) as made:
        yield made


def a_frame(
    *, frame_id: int = 7, created_at_ms: int = NOW_MS, compress: bool = False, **members: object
) -> bytes:
    values = members.pop("value", np.array([1.0, 2.0]))
    assert isinstance(values, np.ndarray)
    told: dict[str, object] = {
        "places": [(None, None, "attacker")],
        "metrics": [("forged", "counter")],
        "dims": [(("n", "1"),)],
        "series": [(0, 0, 0)],
        "series_of": np.zeros(len(values), np.int64),
        "ts_ms": np.full(len(values), NOW_MS),
        "value": values,
        **members,
    }
    columns = FrameColumns(**told)  # type: ignore[arg-type] # members by their names
    return encode(columns, frame_id=frame_id, created_at_ms=created_at_ms, compress=compress)


def by_zstd(frame: bytes) -> bytes:
    """The same frame, compressed the other way."""
    head = bytearray(frame[: HEADER.size])
    head[7] |= 2
    return bytes(head) + zstandard.ZstdCompressor().compress(frame[HEADER.size :])


def forged(frame: bytes, **header: int) -> bytes:
    names = (
        *("version", "code", "decimals", "flags", "frame_id", "created", "base"),
        *("points", "series", "tables", "size"),
    )
    magic, *said = HEADER.unpack_from(frame)
    told = dict(zip(names, said, strict=True)) | header
    return HEADER.pack(magic, *told.values()) + frame[HEADER.size :]


def with_tables(tables: bytes) -> bytes:
    """A frame of one point with these tables, whatever they hold."""
    body = tables + struct.pack("<HHHHii", 0, 0, 0, 0, 0, 1)
    packed = zlib.compress(body, 9)
    head = (b"WSCF", 1, 2, 0, 1, 7, -1, NOW_MS, 1, 1, len(tables), len(body))
    return HEADER.pack(*head) + packed


def good(bundle: Bundle, number: int) -> dict[str, object]:
    return a_point("neighbour", bundle.now, kind="counter", eventId=f"good-{number}")


def counted(bundle: Bundle, name: str, *, key: MadeKey | None = None) -> float:
    bundle.drain()
    bundle.clock.advance(2)
    query = {"name": name, "stat": "count", "window": "1m", "timeRange": "5m"}
    answer = bundle.request("GET", "/api/metrics/series", key=key, query=query)
    lines = cast("list[dict[str, list[tuple[int, float]]]]", answer["series"])
    return sum(value for line in lines for _, value in line["points"])


def parked(bundle: Bundle) -> list[tuple[str, object]]:
    """The code of every rejection, and its index."""
    found: list[tuple[str, object]] = []
    query = {"limit": "200"}
    while True:
        page = bundle.request("GET", REJECTIONS, query=query)
        found += [(str(each["code"]), each.get("index")) for each in page.items]
        following = page.members.get("next")
        if not following:
            return found
        query["cursor"] = str(following)


def put_among_good_ones(bundle: Bundle, records: Sequence[bytes]) -> None:
    """All in one batch of the stream, each record between good ones, which count nevertheless."""
    bundle.put(good(bundle, 0))
    for number, data in enumerate(records, start=1):
        bundle.put_record(data, partition_key="p")
        bundle.put(good(bundle, number))
    assert counted(bundle, "neighbour") == len(records) + 1


FORMS = {
    "plain": a_frame(),
    "zlib": a_frame(compress=True, value=np.arange(300) / 7),
    "zstd": by_zstd(a_frame(value=np.arange(300) / 7)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_that_was_cut_at_any_byte_is_refused_whole(form: str) -> None:
    reader, whole = FrameReader(Lexicon()), FORMS[form]
    for end in range(4, len(whole)):
        read = reader.read([(0, whole[:end]), (1, whole), (2, whole + bytes(end % 9 + 1))])
        assert read.poison.keys() == {0, 2}, end
        assert read.poison[0].detail
        assert read.rows is not None
        assert set(read.rows.record.tolist()) == {1}


def test_cut_frames_are_parked_and_stop_none_of_their_neighbours(bundle: Bundle) -> None:
    whole = FORMS["plain"]
    put_among_good_ones(bundle, [whole[:end] for end in range(1, len(whole))])
    assert counted(bundle, "forged") == 0
    assert {code for code, _ in parked(bundle)} <= {"malformed-frame", "malformed-json"}
    assert len(parked(bundle)) == len(whole) - 1


def test_cut_frames_are_refused_over_http_with_a_reason(bundle: Bundle) -> None:
    whole = FORMS["plain"]
    for end in range(1, len(whole)):
        refused(bundle.request("POST", INGEST, body=whole[:end]))
    assert bundle.request("POST", INGEST, body=whole)["accepted"] == 2


def refused(answer: Answer) -> None:
    assert 400 <= answer.status < 500, answer
    assert answer["detail"]


SIZE = HEADER.unpack_from(FORMS["plain"])[-1]
FORGED = {
    "no points": forged(FORMS["plain"], points=0),
    "more points than there are": forged(FORMS["plain"], points=3),
    "points beyond the limit": forged(FORMS["plain"], points=65_535),
    "points and a size to match": forged(FORMS["plain"], points=5_000, size=SIZE + 4_998 * 10),
    "no series": forged(FORMS["plain"], series=0),
    "more series than there are": forged(FORMS["plain"], series=2),
    "series from the tables": forged(FORMS["plain"], series=2, tables=50),
    "tables beyond the frame": forged(FORMS["plain"], tables=0xFFFF_FFFF),
    "no tables": forged(FORMS["plain"], tables=0),
    "a size beyond all": forged(FORMS["plain"], size=0xFFFF_FFFF),
    "a larger size, compressed": forged(FORMS["zlib"], size=8_000_000, tables=7_990_000),
    "both compressions": forged(FORMS["zlib"], flags=3),
    "compressed, and is not": forged(FORMS["plain"], flags=1),
    "zstd, and is not": forged(FORMS["plain"], flags=2),
    "columns that are not there": forged(FORMS["plain"], flags=124),
    "an unknown flag": forged(FORMS["plain"], flags=128),
    "an unknown value code": forged(FORMS["plain"], code=3),
    "decimals of doubles": forged(FORMS["zlib"], decimals=1),
    "more decimals than digits": forged(FORMS["plain"], decimals=10),
    "another version": forged(FORMS["plain"], version=2),
    "created before time": forged(FORMS["plain"], created=-2),
    "created after time": forged(FORMS["plain"], created=LAST_MS + 1),
    "times from before time": forged(FORMS["plain"], base=-(1 << 62)),
    "times from after time": forged(FORMS["plain"], base=(1 << 63) - 1),
    "places without end": with_tables(
        json.dumps(
            [[f"{each:x}" for each in range(200_000)], [["a", "event"]], [[]], [], None]
        ).encode()
    ),
    "dimensions without end": with_tables(
        json.dumps(
            [["w"], [["a", "event"]], [["a", f"{each:x}"] for each in range(9_999)], [], None]
        ).encode()
    ),
    "metrics without end": with_tables(
        json.dumps(
            [["w"], [[f"a{each}", "event"] for each in range(9_999)], [[]], [], None]
        ).encode()
    ),
    "guests without end": with_tables(
        json.dumps(
            [["w"], [["a", "event"]], [[]], [f"{each}" for each in range(9_999)], None]
        ).encode()
    ),
    "tables that never end": with_tables(b"[" * 100_000),
    "a bomb": with_tables(b" " * 8_000_000),
    "texts of other things": with_tables(b'[[7],[["a","event"]],[[]],[],null]'),
    "a text that is too long": with_tables(
        json.dumps([["w" * 201], [["a", "event"]], [[]], [], None]).encode()
    ),
    "half a text": with_tables(b'[["\xff"],[["a","event"]],[[]],[],null]'),
    "half a pair": with_tables(b'[["\\ud800"],[["a","event"]],[[]],[],null]'),
    "another guest than is told": a_frame(guests=["g"], guest=np.array([0, 7])),
}


def test_what_a_forged_frame_says_of_itself_is_not_believed(bundle: Bundle) -> None:
    put_among_good_ones(bundle, list(FORGED.values()))
    rows = parked(bundle)
    assert [index for _, index in rows] == [None] * len(FORGED), "each is parked whole"
    assert counted(bundle, "forged") == 0


@pytest.mark.parametrize("attack", FORGED)
def test_a_forged_frame_is_refused_over_http_with_a_reason(bundle: Bundle, attack: str) -> None:
    refused(bundle.request("POST", INGEST, body=FORGED[attack]))
    assert bundle.request("POST", INGEST, body=a_frame())["accepted"] == 2


@pytest.mark.parametrize("at", range(4, HEADER.size))
def test_a_byte_of_the_header_may_be_anything_and_the_next_frame_is_read(at: int) -> None:
    reader = FrameReader(Lexicon())
    for byte in range(256):
        data = bytearray(FORMS["plain"])
        data[at] = byte
        read = reader.read([(0, bytes(data)), (1, FORMS["plain"])])
        assert (0 in read.poison) != (0 in read.heads)
        assert 1 in read.heads


def test_columns_with_a_table_that_has_no_end_are_refused(bundle: Bundle) -> None:
    texts = [f"w{each}" for each in range(MOST_ENTRIES + 1)]
    columns = {"name": "a", "kind": "event", "ts": [NOW_MS]}
    for extra in (
        {"weddingId": {"of": texts, "at": [0]}},
        {"dims": {"of": [{"n": text} for text in texts], "at": [0]}},
    ):
        answer = bundle.request(
            "POST", INGEST, body=json.dumps({"columns": columns | extra}).encode()
        )
        refused(answer)
        assert "5000" in str(answer["detail"])


NUMBERS = {
    "not a number": float("nan"),
    "no end": float("inf"),
    "no end below": float("-inf"),
    "too large": 1.1e15,
    "as large as can be": 1.7e308,
}


@pytest.mark.parametrize("wrong", NUMBERS)
@pytest.mark.parametrize("single", [False, True])
def test_a_number_that_cannot_be_counted_costs_its_point_alone(
    bundle: Bundle, wrong: str, *, single: bool
) -> None:
    values = np.array([1.0, NUMBERS[wrong], 0.1 + 0.2])
    if single:
        with np.errstate(over="ignore"):
            values = np.array([1.0, NUMBERS[wrong], 0.5], np.float32).astype(np.float64)
    bundle.put(a_frame(value=values), good(bundle, 0))
    assert (counted(bundle, "forged"), counted(bundle, "neighbour")) == (2, 1)
    assert parked(bundle) == [("value-out-of-range", 1)]
    answer = bundle.request("POST", INGEST, body=a_frame(frame_id=8, value=values))
    assert answer["accepted"] == 2
    rejected = cast("list[dict[str, object]]", answer["rejected"])
    assert [(each["index"], each["code"]) for each in rejected] == [(1, "value-out-of-range")]


@pytest.mark.parametrize(
    ("base", "offset", "code"),
    [
        (0, -1, "bad-ts"),
        (LAST_MS, 1, "bad-ts"),
        (LAST_MS, (1 << 31) - 1, "bad-ts"),
        (LAST_MS, 0, "in-the-future"),
        (0, 0, "too-late"),
        (-(1 << 31), -(1 << 31), "bad-ts"),
    ],
)
def test_a_time_that_is_none_costs_its_point_alone(
    bundle: Bundle, base: int, offset: int, code: str
) -> None:
    frame = bytearray(forged(a_frame(created_at_ms=-1), base=base))
    # Two offsets of four bytes stand before two values of as many.
    struct.pack_into("<ii", frame, len(frame) - 16, offset, offset)
    bundle.put(bytes(frame), good(bundle, 0))
    assert (counted(bundle, "forged"), counted(bundle, "neighbour")) == (0, 1)
    # What is long past is parked as what is not kept any more, or as what comes too late.
    found = {(told.replace("too-old", "too-late"), index) for told, index in parked(bundle)}
    assert found == {(code, 0), (code, 1)}


@pytest.mark.parametrize("counts", [[0, 1], [1_000_000_001, 1], [0xFFFF_FFFF, 1]])
def test_a_count_out_of_range_costs_its_point_alone(bundle: Bundle, counts: list[int]) -> None:
    bundle.put(a_frame(count=np.array(counts)), good(bundle, 0))
    assert (counted(bundle, "forged"), counted(bundle, "neighbour")) == (1, 1)
    assert parked(bundle) == [("bad-count", 0)]


# Who says it.


def a_device(bundle: Bundle, tenant: Tenant | None = None) -> MadeKey:
    owner = bundle.tenant if tenant is None else tenant
    return make_key(bundle.cloud, tenant=owner, role=Role.DEVICE, vendor_id=None)


def test_a_frame_under_a_wrong_signature_is_shown_to_the_operator_alone(bundle: Bundle) -> None:
    mine, its = a_device(bundle), a_device(bundle, Tenant("rival"))
    body = a_frame()
    signed = bundle.signed(body, device=mine)
    line, _, _ = signed.partition(b"\n")
    borrowed = bundle.signed(body, device=its).replace(its.key_id.encode(), mine.key_id.encode())
    platform = sign(
        body,
        secret=str(mine.signing_secret).encode(),
        key_id=PLATFORM,
        at_unix=NOW_MS // 1000,
        batch_id="b/1",
    )
    attacks = [
        signed[:-1] + b"\1",
        line[:-1] + (b"0" if line[-1:] != b"0" else b"1") + b"\n" + body,
        line + b"\n" + a_frame(frame_id=8),
        borrowed,
        platform,
        signed.replace(mine.key_id.encode(), b"nobody"),
    ]
    put_among_good_ones(bundle, attacks)
    assert {code for code, _ in parked(bundle)} == {"wrong-signature"}
    assert len(parked(bundle)) == len(attacks)
    assert counted(bundle, "forged") == 0


def test_another_tenants_key_counts_for_its_own_tenant_and_spends_nobodys_frame_ids(
    bundle: Bundle,
) -> None:
    rival = Tenant("rival")
    mine, its = a_device(bundle), a_device(bundle, rival)
    stolen, claimed = a_frame(), a_frame(frame_id=8, tenant=bundle.tenant.id)
    for body in (stolen, claimed):
        bundle.put_record(bundle.signed(body, device=its), partition_key="p")
    bundle.drain()
    bundle.put_record(bundle.signed(stolen, device=mine), partition_key="p")
    assert counted(bundle, "forged") == 2
    key = bundle.key(tenant=rival)
    assert counted(bundle, "forged", key=key) == 2
    assert parked(bundle) == [], "what a rival's device claims is shown to the rival"
    rows = bundle.get(REJECTIONS, key=key).items
    assert [each["code"] for each in rows] == ["other-tenant"] * 2


def test_over_http_a_frame_counts_for_its_caller_whatever_it_claims(bundle: Bundle) -> None:
    key = bundle.key(tenant=Tenant("rival"))
    answer = bundle.request("POST", INGEST, body=a_frame(tenant=bundle.tenant.id), key=key)
    refused(answer)
    assert counted(bundle, "forged") == 0


def test_a_request_has_its_bounds(bundle: Bundle) -> None:
    assert bundle.request("POST", INGEST, body=b"WSCF" + bytes(1 << 20)).status == 413
    assert bundle.request("POST", EXPORT, body=bytes((1 << 20) + 1)).status == 413


# Exports.


def an_export() -> bytes:
    sdk = Sdk(delta=True)
    sdk.meter.create_counter("served").add(3, {"kind": "cake"})
    sdk.meter.create_histogram("wait", unit="s").record(0.5)
    return sdk.export()


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def fixed(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 1) + value


def of_data_point(kind: int, point: bytes, *around: bytes) -> bytes:
    metric = field(1, b"served") + field(kind, field(1, point) + b"".join(around))
    return field(1, field(2, field(2, metric)))


AT = fixed(3, struct.pack("<Q", NOW_MS * 10**6))
NAN, INF = struct.pack("<d", float("nan")), struct.pack("<d", float("inf"))
DELTA = varint(2 << 3) + b"\1"
BEYOND = varint((1 << 64) - 1)
FORGED_EXPORTS = {
    "not a number": of_data_point(5, AT + fixed(4, NAN)),
    "no end": of_data_point(5, AT + fixed(4, INF)),
    "no time": of_data_point(5, fixed(4, struct.pack("<d", 1.0))),
    "a time after all": of_data_point(5, fixed(3, b"\xff" * 8) + fixed(4, struct.pack("<d", 1.0))),
    "a count beyond all": of_data_point(
        9, AT + fixed(4, b"\xff" * 8) + field(6, b"\xff" * 8), DELTA
    ),
    "bins that do not add up": of_data_point(
        9, AT + fixed(4, struct.pack("<Q", 9)) + field(6, struct.pack("<Q", 1)), DELTA
    ),
    "bounds that are none": of_data_point(
        9,
        AT + fixed(4, struct.pack("<Q", 2)) + field(6, struct.pack("<QQ", 1, 1)) + field(7, NAN),
        DELTA,
    ),
    "a scale beyond all": of_data_point(
        10,
        AT
        + fixed(4, struct.pack("<Q", 1))
        + varint(6 << 3)
        + varint(0xFFFF_FFFE)
        + field(8, varint(1 << 3) + varint(0xFFFF_FFFE) + field(2, b"\1")),
        DELTA,
    ),
    "an offset beyond all": of_data_point(
        10,
        AT + fixed(4, struct.pack("<Q", 1)) + field(8, varint(1 << 3) + BEYOND + field(2, b"\1")),
        DELTA,
    ),
    "a length beyond the export": varint(1 << 3 | 2) + varint(1 << 40) + b"x",
    "a number without end": b"\x0a" + b"\xff" * 50,
    "attributes without end": of_data_point(
        5,
        AT
        + fixed(4, struct.pack("<d", 1.0))
        + b"".join(
            field(7, field(1, b"%x" % each) + field(2, field(1, b"v"))) for each in range(9_999)
        ),
    ),
    "groups": of_data_point(5, varint(99 << 3 | 3) * 1_000),
}


def test_an_export_that_was_cut_at_any_byte_is_taken_in_part_or_refused(bundle: Bundle) -> None:
    whole = an_export()
    for end in range(1, len(whole)):
        answer = bundle.request("POST", EXPORT, body=whole[:end])
        assert answer.status < 500, (end, answer)
    put_among_good_ones(bundle, [whole[:end] for end in range(1, len(whole))])


@pytest.mark.parametrize("attack", FORGED_EXPORTS)
def test_a_forged_export_is_refused_or_named_and_counts_for_nothing(
    bundle: Bundle, attack: str
) -> None:
    answer = bundle.request("POST", EXPORT, body=FORGED_EXPORTS[attack])
    assert answer.status == 200 or 400 <= answer.status < 500, answer
    put_among_good_ones(bundle, [FORGED_EXPORTS[attack]])
    assert counted(bundle, "served") == 0
    assert parked(bundle), "it is kept with its reason"

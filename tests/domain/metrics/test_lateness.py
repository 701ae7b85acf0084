import json

import pytest

from wedsync.metrics.intake import FUTURE, TOO_LATE, Intake, Sender
from wedsync.metrics.reading import BodyReader

MINUTE = 60_000
ARRIVAL = 1_750_000_000_000
ON_TIME, LATE = False, True


@pytest.mark.parametrize(
    ("late_by_ms", "expected"),
    [
        (-5 * MINUTE - 1, FUTURE),
        (-5 * MINUTE, ON_TIME),
        (0, ON_TIME),
        (15 * MINUTE, ON_TIME),
        (15 * MINUTE + 1, LATE),
        (24 * 60 * MINUTE, LATE),
        (24 * 60 * MINUTE + 1, TOO_LATE),
    ],
)
def test_lateness_has_three_bounds(late_by_ms: int, expected: object) -> None:
    reader = BodyReader()
    point = {"name": "x", "kind": "timer", "ts": ARRIVAL - late_by_ms, "value": 1}
    sender = Sender(
        tenant="t1", device="", vendor_id=None, batch_id=None, stream="s", shard="0",
        sequence="1", arrival_ms=ARRIVAL,
    )  # fmt: skip
    intake = Intake(
        reader.read([(0, json.dumps(point).encode())]), {0: sender}, reader.lexicon,
        valid_tenant=bool,
    )  # fmt: skip
    columns, refused = intake.judged({}, b"key", kept_since_ms=0)
    if columns is None:
        assert [each.reason for each in refused] == [expected]
    else:
        assert refused == []
        assert columns.late.tolist() == [expected]

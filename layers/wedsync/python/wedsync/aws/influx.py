"""The history in InfluxDB 3, over its HTTP API (``/api/v3``).

InfluxDB knows no version of a point: of two with the same tags and time, the later written stands.
The one job that copies history writes what it has just read, so an older point can follow a newer
one only where two runs of it cross; the next change, or a backfill, repairs that.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast
from urllib.parse import quote, unquote, urlsplit

import urllib3

from wedsync.cloud import Measured, Refusal, Secret, Span
from wedsync.cloud.limits import check_measured, check_span
from wedsync.errors import OutcomeUnknown, Throttled

MEASUREMENT = "rollup"
VERSION = "version"
_PLAIN = "*.:@-_"
_TIMEOUT = urllib3.Timeout(connect=1, read=10)
_REFUSED_FOR_NOW = frozenset({401, 403, 404, 408, 429, 503})
"""Also a wrong token and a missing database: an operator mends those, and the points are kept."""


class InfluxSeries:
    """A ``wedsync.cloud.TimeSeries`` in a database of InfluxDB 3."""

    def __init__(self, url: str, *, token: Secret) -> None:
        """``url`` is ``https://host:port/database``."""
        parts = urlsplit(url)
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._database = parts.path.strip("/")
        self._token = token
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        """One call; a line that the database cannot read is refused, all others are in."""
        check_measured(points)
        if not points:
            return ()
        body = "".join(f"{_line(point)}\n" for point in points).encode()
        query = f"db={quote(self._database)}&precision=millisecond&accept_partial=true"
        status, answer = self._post(f"/api/v3/write_lp?{query}", body, "text/plain")
        return _refusals(answer, len(points)) if status == 400 else ()

    def read(self, span: Span) -> tuple[Measured, ...]:
        """One query; its values are parameters, never part of its text."""
        check_span(span)
        names = sorted(span.dimensions)
        terms = "".join(f' AND "{name}" = ${name}' for name in names)
        question = {
            "db": self._database,
            "q": f'SELECT * FROM "{MEASUREMENT}" WHERE time >= {_instant(span.start_ms)} '  # noqa: S608 - checked names
            f"AND time < {_instant(span.end_ms)}{terms} ORDER BY time",
            "format": "json",
            "params": {name: _tag(span.dimensions[name]) for name in names},
        }
        body = json.dumps(question).encode()
        status, answer = self._post("/api/v3/query_sql", body, "application/json")
        if status == 400:
            raise ValueError(f"InfluxDB refused a query: {answer[:200]!r}")
        return tuple(_point(row) for row in json.loads(answer))

    def _post(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        """Post, and answer what is 2xx or 400. Raises Throttled or OutcomeUnknown for the rest."""
        token = self._token.value().decode().strip()
        headers = {"authorization": f"Bearer {token}", "content-type": content_type}
        try:
            answer = self._pool.request(
                "POST", f"{self._base}{path}", body=body, headers=headers, redirect=False
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as e:
            raise Throttled from e
        except urllib3.exceptions.HTTPError as error:
            raise OutcomeUnknown from error
        if 200 <= answer.status < 300 or answer.status == 400:
            return answer.status, answer.data
        raise Throttled if answer.status in _REFUSED_FOR_NOW else OutcomeUnknown


def _line(point: Measured) -> str:
    """Line protocol. Whole numbers end in ``i``; tags stand percent-encoded, so nothing escapes."""
    tags = ",".join(f"{name}={_tag(value)}" for name, value in sorted(point.dimensions.items()))
    numbers = {**point.numbers, VERSION: point.version}
    fields = ",".join(f"{name}={_field(number)}" for name, number in numbers.items())
    return f"{MEASUREMENT},{tags} {fields} {point.at_ms}"


def _tag(value: str) -> str:
    return quote(value, safe=_PLAIN)


def _field(number: float) -> str:
    return f"{number}i" if isinstance(number, int) else repr(number)


def _instant(ms: int) -> str:
    return f"'{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z'"


def _refusals(answer: bytes, count: int) -> tuple[Refusal, ...]:
    """What a partial write names line by line; all lines where it names none."""
    try:
        told = json.loads(answer)
    except ValueError:
        told = {}
    reason = str(told.get("error", "refused")) if isinstance(told, dict) else "refused"
    lines = told.get("data") if isinstance(told, dict) else None
    if not isinstance(lines, list) or not lines:
        return tuple(Refusal(index, reason) for index in range(count))
    return tuple(
        Refusal(int(each["line_number"]) - 1, str(each.get("error_message", reason)))
        for each in lines
    )


def _point(row: Mapping[str, object]) -> Measured:
    at = datetime.fromisoformat(str(row["time"])[:26]).replace(tzinfo=UTC)
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    return Measured(
        dimensions={name: unquote(value) for name, value in texts.items() if name != "time"},
        at_ms=round(at.timestamp() * 1000),
        version=cast("int", row.get(VERSION, 1)),
        numbers={
            name: value
            for name, value in row.items()
            if isinstance(value, int | float) and name != VERSION
        },
    )

"""Batches to the platform over HTTPS: ``POST /api/metrics/ingest``."""

import http.client
import json
import zlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from wedsync.client.outlet import Accepted, Again, Batch, Outcome, Refused

_ROUTE = "/api/metrics/ingest"
_WORTH_A_REPETITION = frozenset({401, 403, 404, 408, 409, 425, 429})
"""Beside all of 5xx. A key that is not known yet, or no more, is for somebody to put right."""
_WITHOUT_RETRY_AFTER_SECONDS = 30.0


class HttpOutlet:
    """Sends one batch a request, under an Idempotency-Key that is the batch's id.

    A frame is known by its own id. So its key has a checksum with it: what another version of
    zlib makes of the same points is other bytes, which the platform refuses under a key that it
    has seen.
    """

    def __init__(self, url: str, *, token: str, timeout_seconds: float = 10.0) -> None:
        """``url`` is the platform's; ``token`` that of a key which may ingest."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no address of a platform")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + _ROUTE
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._connection: http.client.HTTPConnection | None = None

    @property
    def most_batches(self) -> int:
        """A request carries one batch; a failure costs no more than that."""
        return 1

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Send each batch by itself."""
        return [self._put(batch) for batch in batches]

    def close(self) -> None:
        """Hang up; the next batch connects anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _put(self, batch: Batch) -> Outcome:
        body = batch.body
        kind, key = "application/x-ndjson", batch.batch_id
        if batch.framed:
            kind, key = "application/octet-stream", f"{key}-{zlib.crc32(body):08x}"
        headers = {
            "authorization": f"Bearer {self._token}",
            "content-type": kind,
            "idempotency-key": key,
            "user-agent": "wedsync-client/1",
        }
        connection = self._connected()
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Again(f"{type(error).__name__}: {error}")
        return _outcome(response.status, response.headers.get("retry-after"), answer)

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=self._timeout_seconds)
        return self._connection


def _outcome(status: int, retry_after: str | None, body: bytes) -> Outcome:
    told = f"{status} {body[:500].decode(errors='replace')}"
    if 200 <= status < 300:
        rejected = _rejected(body)
        return Accepted(f"refused: {rejected}" if rejected else "")
    if status in _WORTH_A_REPETITION or status >= 500:
        stated = retry_after is not None and retry_after.isdecimal()
        waits = _WITHOUT_RETRY_AFTER_SECONDS if status in (401, 403, 404) else 0.0
        return Again(told, float(retry_after or 0) if stated else waits)
    return Refused(told)


def _rejected(body: bytes) -> list[object]:
    try:
        answer = json.loads(body)
    except ValueError:
        return []
    rejected = answer.get("rejected") if isinstance(answer, dict) else None
    return rejected if isinstance(rejected, list) else []

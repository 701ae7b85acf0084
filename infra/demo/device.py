"""A device: signs records and puts them on the stream through an ordinary Kinesis client."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from infra.demo.server import Ready
from infra.demo.traffic import members
from wedsync.metrics.point import Point
from wedsync.metrics.signature import sign

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_POINTS_PER_RECORD = 500
_RECORDS_PER_CALL = 100
_TRIES = 5


class StreamRefused(Exception):
    """Some records were refused at every try."""


class Device:
    """One sender with the key of the ready line."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._batch = count(1)
        self._kinesis = boto3.client(
            "kinesis",
            endpoint_url=ready.kinesis_endpoint,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",  # noqa: S106 - the local stream proves records, not calls
            config=Config(retries={"max_attempts": 4, "mode": "standard"}),
        )

    def send(self, points: Iterable[Point], *, at_unix: int) -> int:
        """Put the points, those of one wedding together; how many. Raises StreamRefused."""
        by_key: dict[str, list[Point]] = {}
        for point in points:
            by_key.setdefault(point.pack_key, []).append(point)
        records = [
            self._record(key, group[start : start + _POINTS_PER_RECORD], at_unix)
            for key, group in by_key.items()
            for start in range(0, len(group), _POINTS_PER_RECORD)
        ]
        for start in range(0, len(records), _RECORDS_PER_CALL):
            self._put(records[start : start + _RECORDS_PER_CALL])
        return sum(map(len, by_key.values()))

    def close(self) -> None:
        """Hang up."""
        self._kinesis.close()

    def _record(
        self, key: str, points: Sequence[Point], at_unix: int
    ) -> PutRecordsRequestEntryTypeDef:
        body = json.dumps([members(point) for point in points], separators=(",", ":")).encode()
        return {
            "PartitionKey": key or "demo",
            "Data": sign(
                body,
                secret=self._ready.signing_secret.encode(),
                key_id=self._ready.key_id,
                at_unix=at_unix,
                batch_id=f"demo-{next(self._batch)}",
            ),
        }

    def _put(self, records: Sequence[PutRecordsRequestEntryTypeDef]) -> None:
        """A put may take some records and refuse others: those are put again."""
        for _ in range(_TRIES):
            answer = self._kinesis.put_records(StreamName=self._ready.stream, Records=list(records))
            records = [
                record
                for record, result in zip(records, answer["Records"], strict=True)
                if "ErrorCode" in result
            ]
            if not records:
                return
        raise StreamRefused(f"{len(records)} records")

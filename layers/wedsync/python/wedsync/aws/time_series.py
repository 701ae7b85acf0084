"""The history in Timestream for LiveAnalytics.

Every point is one multi-measure record whose ``Version`` is the point's. Late points are taken
as long as the table writes to its magnetic store; without that, what is older than the memory
store keeps is refused for good.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from wedsync.aws.faults import Caller, code_of
from wedsync.cloud import Measured, Refusal, Span
from wedsync.cloud.limits import check_measured, check_span

if TYPE_CHECKING:
    from mypy_boto3_timestream_query import TimestreamQueryClient
    from mypy_boto3_timestream_query.type_defs import ColumnInfoTypeDef, QueryResponseTypeDef
    from mypy_boto3_timestream_write import TimestreamWriteClient
    from mypy_boto3_timestream_write.type_defs import (
        DimensionTypeDef,
        MeasureValueTypeDef,
        RecordTypeDef,
    )

MEASURE = "rollup"
VERSION = "version"
"""The version is written as a measure too: a query does not tell the record's own."""


class TimestreamSeries:
    """A ``wedsync.cloud.TimeSeries`` in a table of Timestream."""

    def __init__(
        self,
        writing: "TimestreamWriteClient",
        querying: "TimestreamQueryClient",
        *,
        name: str,
        caller: Caller,
    ) -> None:
        """``name`` is ``database/table``."""
        self._writing = writing
        self._querying = querying
        self._database, _, self._table = name.partition("/")
        self._call = caller

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        """One call. That an older or equal version is refused is as it should be.

        Writing a record again is the same as once, so a lost answer is no doubt.
        """
        check_measured(points)
        if not points:
            return ()
        common = _shared(points)
        try:
            self._call(
                lambda: self._writing.write_records(
                    DatabaseName=self._database,
                    TableName=self._table,
                    CommonAttributes={
                        "Dimensions": _dimensions(common),
                        "MeasureName": MEASURE,
                        "MeasureValueType": "MULTI",
                        "TimeUnit": "MILLISECONDS",
                    },
                    Records=[_record(point, common) for point in points],
                ),
                repeatable=True,
            )
        except ClientError as error:
            if code_of(error) != "RejectedRecordsException":
                raise
            return _refusals(error)
        return ()

    def read(self, span: Span) -> tuple[Measured, ...]:
        """All pages of one query."""
        check_span(span)
        statement = _statement(self._database, self._table, span)
        found: list[Measured] = []
        token: str | None = None
        while True:
            answer = self._call(lambda token=token: self._page(statement, token), repeatable=True)  # type: ignore[misc] # token is bound now
            found += _points(answer)
            token = answer.get("NextToken")
            if token is None:
                return tuple(found)

    def _page(self, statement: str, token: str | None) -> "QueryResponseTypeDef":
        if token is None:
            return self._querying.query(QueryString=statement)
        return self._querying.query(QueryString=statement, NextToken=token)


def _shared(points: Sequence[Measured]) -> dict[str, str]:
    """The dimensions that all points have alike: they are sent, and paid for, once."""
    shared = dict(points[0].dimensions)
    for point in points[1:]:
        for name in tuple(shared):
            if point.dimensions.get(name) != shared[name]:
                del shared[name]
    return shared


def _dimensions(dimensions: Mapping[str, str]) -> "list[DimensionTypeDef]":
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _record(point: Measured, common: Mapping[str, str]) -> "RecordTypeDef":
    own = {name: value for name, value in point.dimensions.items() if name not in common}
    values: list[MeasureValueTypeDef] = [
        {
            "Name": name,
            "Value": repr(number),
            "Type": "BIGINT" if isinstance(number, int) else "DOUBLE",
        }
        for name, number in {**point.numbers, VERSION: point.version}.items()
    ]
    record: RecordTypeDef = {
        "Time": str(point.at_ms),
        "Version": point.version,
        "MeasureValues": values,
    }
    if own:
        record["Dimensions"] = _dimensions(own)
    return record


def _refusals(error: ClientError) -> tuple[Refusal, ...]:
    """The refused records but for those of which a newer version is there already."""
    rejected = cast("list[dict[str, object]]", error.response.get("RejectedRecords") or [])
    return tuple(
        Refusal(cast("int", each["RecordIndex"]), str(each.get("Reason", "no reason is told")))
        for each in rejected
        if each.get("ExistingVersion") is None
    )


def _statement(database: str, table: str, span: Span) -> str:
    named = "".join(
        f' AND "{name}" = {_quoted(value)}' for name, value in sorted(span.dimensions.items())
    )
    return (
        f'SELECT * FROM "{database}"."{table}" '  # noqa: S608 - names are checked, values quoted
        f"WHERE measure_name = {_quoted(MEASURE)} "
        f"AND time >= from_milliseconds({span.start_ms}) "
        f"AND time < from_milliseconds({span.end_ms}){named} ORDER BY time"
    )


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _points(answer: "QueryResponseTypeDef") -> list[Measured]:
    columns = answer["ColumnInfo"]
    return [
        _point(columns, [each.get("ScalarValue") for each in row["Data"]]) for row in answer["Rows"]
    ]


def _point(columns: "Sequence[ColumnInfoTypeDef]", values: Sequence[str | None]) -> Measured:
    dimensions: dict[str, str] = {}
    numbers: dict[str, int | float] = {}
    at_ms = version = 0
    for column, value in zip(columns, values, strict=True):
        name = column.get("Name", "")
        if value is None or name == "measure_name":
            continue
        match column["Type"].get("ScalarType"):
            case "TIMESTAMP":
                at_ms = _epoch_ms(value)
            case "BIGINT" if name == VERSION:
                version = int(value)
            case "BIGINT":
                numbers[name] = int(value)
            case "DOUBLE":
                numbers[name] = float(value)
            case _:
                dimensions[name] = value
    return Measured(dimensions=dimensions, at_ms=at_ms, version=version, numbers=numbers)


def _epoch_ms(text: str) -> int:
    """``2026-06-20 12:00:00.000000000``, which is UTC."""
    at = datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)

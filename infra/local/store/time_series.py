"""Measured points by dimensions and time."""

import json
from collections.abc import Mapping, Sequence

from infra.local.store.database import Database
from wedsync.cloud import Measured, Refusal, Span
from wedsync.cloud.limits import check_measured, check_span
from wedsync.resources import Resource


class LocalTimeSeries:
    """A ``wedsync.cloud.TimeSeries``. It refuses nothing that the seam's own rules let pass."""

    def __init__(self, database: Database, resource: Resource) -> None:
        self._database = database
        self._store = resource.slug
        database.define(
            "CREATE TABLE IF NOT EXISTS measured (store TEXT NOT NULL, dimensions TEXT NOT NULL, "
            "at_ms INTEGER NOT NULL, version INTEGER NOT NULL, numbers TEXT NOT NULL, "
            "PRIMARY KEY (store, dimensions, at_ms))",
            "CREATE INDEX IF NOT EXISTS measured_by_time ON measured (store, at_ms)",
        )

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        """Keep up to 100 points; of two with one name the greater version stands."""
        check_measured(points)
        with self._database.writing():
            self._database.execute_many(
                "INSERT INTO measured (store, dimensions, at_ms, version, numbers) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (store, dimensions, at_ms) DO UPDATE "
                "SET version=excluded.version, numbers=excluded.numbers "
                "WHERE excluded.version > measured.version",
                [
                    (
                        self._store,
                        _sorted(point.dimensions),
                        point.at_ms,
                        point.version,
                        json.dumps(dict(point.numbers)),
                    )
                    for point in points
                ],
            )
        return ()

    def read(self, span: Span) -> tuple[Measured, ...]:
        """The points of a span, in the order of time."""
        check_span(span)
        terms = "".join(f" AND json_extract(dimensions, '$.{name}')=?" for name in span.dimensions)
        with self._database.asking:
            rows = self._database.execute(
                "SELECT dimensions, at_ms, version, numbers FROM measured "  # noqa: S608 - checked names
                f"WHERE store=? AND at_ms>=? AND at_ms<?{terms} ORDER BY at_ms, dimensions",
                (self._store, span.start_ms, span.end_ms, *span.dimensions.values()),
            ).fetchall()
        return tuple(
            Measured(
                dimensions=json.loads(dimensions),
                at_ms=at_ms,
                version=version,
                numbers=json.loads(numbers),
            )
            for dimensions, at_ms, version, numbers in rows
        )


def _sorted(dimensions: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(dimensions.items())))

"""Bodies of the catalogue of metrics."""

from wedsync.api.shape import Reply
from wedsync.metrics.catalog import CATALOG
from wedsync.metrics.point import Kind


class CatalogMetricReply(Reply):
    """One metric: its kind and unit, its dimensions, and the figures that it feeds."""

    name: str
    kind: Kind
    unit: str
    dims: list[str]
    meaning: str


class CatalogReply(Reply):
    """The metrics that built-in figures are made of. Others are taken and can be queried too."""

    items: list[CatalogMetricReply]

    @classmethod
    def whole(cls) -> "CatalogReply":
        """All of them."""
        return cls(
            items=[
                CatalogMetricReply(
                    name=metric.name,
                    kind=metric.kind,
                    unit=metric.unit,
                    dims=list(metric.dims),
                    meaning=metric.meaning,
                )
                for metric in CATALOG
            ]
        )

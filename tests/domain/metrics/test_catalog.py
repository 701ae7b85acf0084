from wedsync.metrics.catalog import BY_NAME, CATALOG
from wedsync.metrics.envelope import read_point
from wedsync.metrics.point import Kind


def test_every_catalogued_metric_is_one_that_can_be_sent() -> None:
    for metric in CATALOG:
        dims = dict.fromkeys(metric.dims, "x")
        point = read_point(
            {"name": metric.name, "kind": str(metric.kind), "ts": 5, "value": 1, "dims": dims}
        )
        assert (point.name, point.kind) == (metric.name, metric.kind)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(CATALOG)


def test_the_figures_have_the_kinds_that_their_formulas_need() -> None:
    assert BY_NAME["api.request"].kind is Kind.TIMER
    assert BY_NAME["host.cpu"].kind is Kind.GAUGE
    assert BY_NAME["vendor.heartbeat"].kind is Kind.EVENT

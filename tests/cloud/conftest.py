"""One seam, two implementations: what stands here opens either."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.cloud.fake_aws import REGION, create
from wedsync.aws.clients import Clients
from wedsync.aws.cloud import AwsCloud
from wedsync.cloud import Cloud
from wedsync.resources import Resource

USED = (
    Resource.ALERTS,
    Resource.METRICS_STREAM,
    Resource.TIER_0,
    Resource.WAKE,
    Resource.QUARANTINE,
    Resource.SIGNING,
    Resource.HISTORY,
    Resource.CAPACITY,
)
SATURDAY = datetime(2026, 6, 13, 14, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def clients() -> Clients:
    """Clients are slow to make; they are used inside mock_aws only."""
    return Clients(region=REGION)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SATURDAY)


@pytest.fixture
def local(clock: ManualClock) -> Iterator[LocalCloud]:
    with LocalCloud(None, clock=clock, ids=SeededIds(1)) as cloud:
        yield cloud


@pytest.fixture
def names() -> Iterator[Mapping[Resource, str]]:
    """What moto calls the resources that these tests use."""
    with mock_aws():
        yield {resource: create(resource) for resource in USED}


@pytest.fixture
def aws(names: Mapping[Resource, str], clients: Clients, clock: ManualClock) -> AwsCloud:
    return AwsCloud(names, clients=clients, clock=clock, ids=SeededIds(1))


@pytest.fixture(params=["local", "aws"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    opened: Cloud = request.getfixturevalue(request.param)
    return opened

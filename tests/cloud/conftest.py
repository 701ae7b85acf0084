"""One seam, two implementations: what stands here opens either."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from wedsync.aws.cloud import AwsCloud
from wedsync.cloud import Cloud
from wedsync.resources import Resource, ResourceKind

SATURDAY = datetime(2026, 6, 13, 14, 5, tzinfo=UTC)
REGION = "eu-west-1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SATURDAY)


@pytest.fixture
def local(clock: ManualClock) -> Iterator[LocalCloud]:
    with LocalCloud(None, clock=clock, ids=SeededIds(1)) as cloud:
        yield cloud


@pytest.fixture
def aws(clock: ManualClock) -> Iterator[AwsCloud]:
    with mock_aws():
        yield AwsCloud(create_resources(), region=REGION, clock=clock, ids=SeededIds(1))


@pytest.fixture(params=["local", "aws"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    opened: Cloud = request.getfixturevalue(request.param)
    return opened

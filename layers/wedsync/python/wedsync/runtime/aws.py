"""The cloud and the settings of a deployed function, opened at its first invocation."""

import functools

from wedsync.cloud import Cloud
from wedsync.settings import Settings, from_environment


@functools.cache
def on_aws() -> tuple[Cloud, Settings]:
    """Once a process: boto3's clients are its dearest part."""
    from wedsync.aws.cloud import AwsCloud

    settings = from_environment()
    return AwsCloud(names=settings.names, region=settings.region), settings

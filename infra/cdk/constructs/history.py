"""The long-range store beside the rollups, as the deployment chose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, CfnDeletionPolicy, Stack
from aws_cdk.aws_timestream import CfnDatabase, CfnInfluxDBCluster, CfnTable

from infra.cdk.acknowledgements import acknowledge
from infra.cdk.addresses import HISTORY_TABLE
from wedsync.resources import Resource
from wedsync.settings import History

if TYPE_CHECKING:
    from infra.cdk.deployment import Deployment, InfluxNetwork
    from wedsync.runtime.declarations import Declaration

CLOSED = (
    "history is timestream: Timestream for LiveAnalytics takes no new customers since 2025-06-20. "
    "An account that did not use it before cannot deploy this stack; "
    "choose -c history=influxdb3 or -c history=dynamodb."
)
_MEMORY_HOURS = 24
_MAGNETIC_DAYS = 730
_MAINTENANCE_MODE = "W3697"
_INFLUXDB_PORT = 8181
_INFLUXDB_DATABASE = "wedsync"
_INFLUXDB_3_CORE = "InfluxDBV3Core"


def add_history(stack: Stack, *, deployment: Deployment, key_arn: str) -> str | None:
    """Create the chosen store, and give the URL of what is reached by one.

    DynamoDB rollups are written in any case and need nothing here.
    """
    match deployment.history:
        case History.TIMESTREAM:
            _add_timestream(stack, deployment, key_arn)
            return None
        case History.INFLUXDB3:
            return _add_influxdb3(stack, deployment)
        case History.DYNAMODB:
            return None


def _add_timestream(stack: Stack, deployment: Deployment, key_arn: str) -> None:
    """Make a table that takes late points: beyond the memory store they go to the magnetic one."""
    Annotations.of(stack).add_warning_v2("wedsync:timestream-closed", CLOSED)
    database = CfnDatabase(
        stack, "HistoryDatabase", database_name=deployment.prefix, kms_key_id=key_arn
    )
    table = CfnTable(
        stack,
        "HistoryTable",
        database_name=database.ref,
        table_name=HISTORY_TABLE,
        retention_properties={
            "MemoryStoreRetentionPeriodInHours": str(_MEMORY_HOURS),
            "MagneticStoreRetentionPeriodInDays": str(_MAGNETIC_DAYS),
        },
        magnetic_store_write_properties={"EnableMagneticStoreWrites": True},
    )
    for each in (database, table):
        # Said once, by the annotation above, in words that name the way out.
        acknowledge(each, f"CloudFormation-Validate::{_MAINTENANCE_MODE}", reason=CLOSED)
        each.add_metadata("cfn-lint", {"config": {"ignore_checks": [_MAINTENANCE_MODE]}})
        if deployment.keeps_data:
            each.cfn_options.deletion_policy = CfnDeletionPolicy.RETAIN
            each.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN


def _add_influxdb3(stack: Stack, deployment: Deployment) -> str:
    """Make an InfluxDB 3 Core cluster in subnets that exist already.

    CloudFormation knows no key of the customer for it (the service encrypts with its own), makes
    no network and no database in it: the first write does. The functions that use the history
    stand in the same subnets, which must lead to DynamoDB, S3 and Secrets Manager as well; an
    operator puts a token that may write and query into the history's own secret.
    """
    network = deployment.influxdb3
    if network is None:
        raise ValueError("history influxdb3 needs a network")
    cluster = CfnInfluxDBCluster(
        stack,
        "HistoryCluster",
        name=deployment.prefix,
        db_instance_type=network.instance_type,
        db_parameter_group_identifier=_INFLUXDB_3_CORE,
        port=_INFLUXDB_PORT,
        publicly_accessible=False,
        vpc_subnet_ids=list(network.subnets),
        vpc_security_group_ids=list(network.security_groups),
    )
    if deployment.keeps_data:
        cluster.cfn_options.deletion_policy = CfnDeletionPolicy.RETAIN
        cluster.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    return f"https://{cluster.attr_endpoint}:{_INFLUXDB_PORT}/{_INFLUXDB_DATABASE}"


def in_the_network_of_history(
    declaration: Declaration, deployment: Deployment
) -> InfluxNetwork | None:
    """Say where a function has to stand to reach the history; None: it may stand anywhere."""
    uses_it = any(grant.resource is Resource.HISTORY for grant in declaration.uses)
    return deployment.influxdb3 if uses_it and deployment.history is History.INFLUXDB3 else None

"""What must survive a deployment: the key, tables, stream, buckets, secrets, history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    Table,
    TableEncryption,
)
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kinesis import Stream, StreamEncryption
from aws_cdk.aws_kms import Key
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    LifecycleRule,
    ObjectOwnership,
)
from aws_cdk.aws_secretsmanager import CfnSecret

from infra.cdk.acknowledgements import acknowledge
from infra.cdk.addresses import physical_name
from infra.cdk.constructs.history import add_history
from wedsync.resources import Resource, ResourceKind
from wedsync.settings import History

if TYPE_CHECKING:
    from aws_cdk import Environment
    from constructs import Construct

    from infra.cdk.deployment import Deployment

_UNTURNED = {
    Resource.HISTORY_TOKEN: "The database makes its tokens; an operator puts one here.",
    Resource.TOKEN_KEYS: (
        "The set of pinned keys holds old and new keys side by side; an operator turns it."
    ),
    Resource.SIGNING: ("Every device's secret is derived from it: a new value would lock all out."),
    Resource.SEALING: (
        "Contacts' secrets are sealed with it: a new value would make all of them unreadable."
    ),
}
_NO_KEYS_YET = '{"keys": []}'
_LOST_AFTER_DAYS = 90


class DataStack(Stack):
    """Every stored thing that :class:`Resource` names, encrypted with one key of the customer."""

    def __init__(self, scope: Construct, *, deployment: Deployment, env: Environment) -> None:
        """Create all stored resources."""
        super().__init__(
            scope,
            f"{deployment.prefix}-data",
            env=env,
            description="WedSync monitoring: stored data",
            termination_protection=deployment.keeps_data,
        )
        self._deployment = deployment
        self._removal = RemovalPolicy.RETAIN if deployment.keeps_data else RemovalPolicy.DESTROY
        self._logs: Bucket | None = None
        self.secret_arns: dict[Resource, str] = {}
        self.key = self._make_key()
        for resource in Resource:
            match resource.kind:
                case ResourceKind.TABLE:
                    self._add_table(resource)
                case ResourceKind.STREAM:
                    self._add_stream(resource)
                case ResourceKind.BUCKET:
                    self._add_bucket(resource)
                case ResourceKind.SECRET:
                    self._add_secret(resource)
                case (
                    ResourceKind.TOPIC
                    | ResourceKind.QUEUE
                    | ResourceKind.TIME_SERIES
                    | ResourceKind.READINGS
                    | ResourceKind.CAPACITY
                ):
                    pass
        self.history_url = add_history(self, deployment=deployment, key_arn=self.key.key_arn)

    def _make_key(self) -> Key:
        key = Key(
            self,
            "Key",
            alias=f"alias/{self._deployment.prefix}",
            description="Encrypts all data of this installation",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:"
        ours = [f"{logs}{place}/{self._deployment.prefix}-*" for place in LOG_PLACES]
        key.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
                actions=[
                    "kms:Decrypt*",
                    "kms:Describe*",
                    "kms:Encrypt*",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ours}},
            )
        )
        topics = (
            f"arn:{Aws.PARTITION}:sns:{Aws.REGION}:{Aws.ACCOUNT_ID}:{self._deployment.prefix}-*"
        )
        key.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal("sns.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={"ArnLike": {"aws:SourceArn": topics}},
            )
        )
        return key

    def _add_table(self, resource: Resource) -> None:
        table = Table(
            self,
            resource.name,
            table_name=physical_name(self._deployment, resource),
            partition_key=_string("pk"),
            sort_key=_string("sk"),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            deletion_protection=self._deployment.keeps_data,
            removal_policy=self._removal,
        )
        for index in resource.indexes:
            table.add_global_secondary_index(
                index_name=index.name,
                partition_key=_string(index.partition),
                sort_key=_string(index.sort),
            )

    def _add_stream(self, resource: Resource) -> None:
        stream = Stream(
            self,
            resource.name,
            stream_name=physical_name(self._deployment, resource),
            shard_count=self._deployment.shards,
            retention_period=Duration.hours(24),
            encryption=StreamEncryption.KMS,
            encryption_key=self.key,
            removal_policy=self._removal,
        )
        acknowledge(
            stream,
            "AwsSolutions-KDS3",
            reason="The customer's own key, turned every year, can be taken away; AWS's cannot.",
        )
        CfnOutput(self, f"{resource.name}Name", value=physical_name(self._deployment, resource))

    def _add_bucket(self, resource: Resource) -> None:
        Bucket(
            self,
            resource.name,
            bucket_name=physical_name(self._deployment, resource),
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=self._access_logs(),
            server_access_logs_prefix=f"{resource.slug}/",
            lifecycle_rules=[_expire_after(_LOST_AFTER_DAYS)],
            removal_policy=self._removal,
        )

    def _access_logs(self) -> Bucket:
        if self._logs is None:
            self._logs = Bucket(
                self,
                "AccessLogs",
                block_public_access=BlockPublicAccess.BLOCK_ALL,
                encryption=BucketEncryption.S3_MANAGED,
                enforce_ssl=True,
                lifecycle_rules=[_expire_after(self._deployment.log_retention_days)],
                removal_policy=self._removal,
            )
        return self._logs

    def _add_secret(self, resource: Resource) -> None:
        of_influxdb = resource is Resource.HISTORY_TOKEN
        if of_influxdb and self._deployment.history is not History.INFLUXDB3:
            return
        document = resource is Resource.TOKEN_KEYS
        secret = CfnSecret(
            self,
            resource.name,
            name=physical_name(self._deployment, resource),
            kms_key_id=self.key.key_arn,
            secret_string=_NO_KEYS_YET if document else None,
            generate_secret_string=None
            if document
            else CfnSecret.GenerateSecretStringProperty(
                password_length=64, exclude_punctuation=True
            ),
        )
        secret.apply_removal_policy(self._removal)
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            reason=_UNTURNED[resource],
        )
        self.secret_arns[resource] = secret.ref


LOG_PLACES = ("/aws/lambda", "/aws/vendedlogs")
"""The log groups of this installation lie here, under its prefix."""


def _string(name: str) -> Attribute:
    return Attribute(name=name, type=AttributeType.STRING)


def _expire_after(days: int) -> LifecycleRule:
    return LifecycleRule(
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(days),
        abort_incomplete_multipart_upload_after=Duration.days(1),
    )

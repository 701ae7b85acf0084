"""The templates hold exactly what the registry and the resources declare."""

from __future__ import annotations

import importlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from infra.grants import as_deployed
from tests.infra.cdk.templates import Synthesised, allowed, text
from wedsync.resources import Access, Resource, ResourceKind
from wedsync.runbooks.model import TARGETS, Dimension
from wedsync.runtime.declarations import (
    AuthorizerTrigger,
    HttpTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
)
from wedsync.settings import CLIENT_RATE, DEVICE_RATE, History, from_environment

if TYPE_CHECKING:
    from wedsync.runtime.declarations import Declaration

KINDS = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
}
HISTORY_KINDS = {
    "bundle": {"AWS::Timestream::Database", "AWS::Timestream::Table"},
    "every_kind": {"AWS::Timestream::InfluxDBCluster"},
    "staging": set[str](),
}
HISTORY = {
    "wedsync-dev": History.TIMESTREAM,
    "wedsync-prod": History.INFLUXDB3,
    "wedsync-staging": History.DYNAMODB,
}
"""What stands behind the prefix of each synthesis."""
ON_TABLE = {
    Access.READ: {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"},
    Access.WRITE: {"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
}
ON_BUCKET = {Access.READ: "s3:GetObject", Access.WRITE: "s3:PutObject"}
ON_CAPACITY = {
    Access.READ: ({"lambda:GetFunctionConcurrency"}, "kinesis:DescribeStreamSummary"),
    Access.WRITE: (
        {"lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"},
        "kinesis:UpdateShardCount",
    ),
}
SENDING = {
    ResourceKind.STREAM: ("kinesis", "kinesis:PutRecords", "stream/"),
    ResourceKind.TOPIC: ("sns", "sns:Publish", ""),
    ResourceKind.QUEUE: ("sqs", "sqs:SendMessage", ""),
}
ANYWHERE = {
    ResourceKind.READINGS: {("cloudwatch:GetMetricData", "*"), ("cloudwatch:ListMetrics", "*")}
}
POLLING_A_STREAM = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
}
POLLING_A_QUEUE = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
LONG = {
    "<AWS::Partition>": "aws",
    "<AWS::Region>": "ap-southeast-2",
    "<AWS::AccountId>": "123456789012",
}
INLINE_POLICIES_CHARACTERS = 10_240
"""What the inline policies of one role may have, white space not counted."""
HERE = "<AWS::Region>:<AWS::AccountId>"


def having(synthesised: Synthesised, trigger: type) -> list[Declaration]:
    return [each for each in synthesised.declarations if isinstance(each.trigger, trigger)]


def prefix(synthesised: Synthesised) -> str:
    (data,) = (name for name in synthesised.templates if name.endswith("-data"))
    return data.removesuffix("-data")


def test_every_function_is_there_once_and_no_other(synthesised: Synthesised) -> None:
    found = Counter(
        each.properties["Handler"] for each in synthesised.of_kind("AWS::Lambda::Function")
    )
    assert found == Counter(each.handler for each in synthesised.declarations)


def test_a_function_runs_as_it_is_declared(synthesised: Synthesised) -> None:
    for declaration in synthesised.declarations:
        properties = synthesised.function(declaration).properties
        assert properties["MemorySize"] == declaration.memory_mb
        assert properties["Timeout"] == declaration.timeout_seconds
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        layers = sorted(text(each) for each in cast("list[object]", properties["Layers"]))
        wanted = sorted({"vendor", "wedsync", *declaration.layers})
        assert layers == [f"<LayerVersion{name}>" for name in wanted]


def test_every_handler_can_be_imported(bundle: Synthesised) -> None:
    for each in bundle.of_kind("AWS::Lambda::Function"):
        module, _, name = str(each.properties["Handler"]).rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_environment_holds_all_settings_and_the_used_resources(
    synthesised: Synthesised,
) -> None:
    for declaration in synthesised.declarations:
        function = synthesised.function(declaration)
        environment = cast("dict[str, dict[str, object]]", function.properties["Environment"])
        variables = {name: text(value) for name, value in environment["Variables"].items()}
        settings = from_environment({**variables, "AWS_REGION": "us-east-1"})
        granted = {grant.resource for grant in as_deployed(declaration.uses, settings.history)}
        named = set(settings.names)
        assert named - {Resource.HISTORY} == granted - {Resource.HISTORY}
        reaches = granted & {Resource.HISTORY, Resource.HISTORY_TOKEN}
        assert (Resource.HISTORY in named) == bool(reaches)
        assert prefix(synthesised) == f"wedsync-{settings.stage}"
        assert settings.stream_name == f"{prefix(synthesised)}-metrics"
        assert (settings.client_rate, settings.device_rate) == (CLIENT_RATE, DEVICE_RATE)


def test_who_collects_is_told_the_api_and_whether_it_is_measured_by_route(
    synthesised: Synthesised,
) -> None:
    (stage,) = synthesised.of_kind("AWS::ApiGatewayV2::Stage")
    settings = cast("dict[str, object]", stage.properties["DefaultRouteSettings"])
    detail = "routes" if settings["DetailedMetricsEnabled"] else "api"
    environments = [
        cast("dict[str, dict[str, object]]", each.properties["Environment"])["Variables"]
        for each in synthesised.of_kind("AWS::Lambda::Function")
    ]
    told = {
        text(variables[resource.variable])
        for variables in environments
        for resource in (Resource.VITALS, Resource.USAGE)
        if resource.variable in variables
    }
    (name,) = told
    start, api, measured = name.split("/")
    assert (start, measured) == (prefix(synthesised), detail)
    assert "Api" in api


def test_routes_are_the_declared_ones_and_any_method_of_their_paths(
    synthesised: Synthesised,
) -> None:
    triggers = [cast("HttpTrigger", each.trigger) for each in having(synthesised, HttpTrigger)]
    paths = {trigger.path for trigger in triggers} - {"$default"}
    wanted = Counter(f"{each.method} {each.path}" for each in triggers if each.path in paths)
    wanted.update(f"ANY {path}" for path in paths)
    wanted["$default"] = 1
    routes = synthesised.of_kind("AWS::ApiGatewayV2::Route")
    assert Counter(each.properties["RouteKey"] for each in routes) == wanted
    assert len(routes) <= 300, "more than an API holds without a raised quota"


def test_the_gateway_tells_of_a_known_path_which_methods_it_takes(
    synthesised: Synthesised,
) -> None:
    triggers = [cast("HttpTrigger", each.trigger) for each in having(synthesised, HttpTrigger)]
    telling = {
        f"integrations/<{each.logical_id}>": each.properties.get("RequestParameters")
        for each in synthesised.of_kind("AWS::ApiGatewayV2::Integration")
    }
    for route in synthesised.of_kind("AWS::ApiGatewayV2::Route"):
        method, _, path = str(route.properties["RouteKey"]).partition(" ")
        methods = sorted(each.method for each in triggers if each.path == path)
        wanted = {"overwrite:header.x-methods-of-path": ", ".join(methods)}
        told = telling[text(route.properties["Target"])]
        assert told == (wanted if method == "ANY" else None)


def test_a_route_leads_to_its_function_which_lets_the_api_call_it(synthesised: Synthesised) -> None:
    integrations = {
        (each.stack, each.logical_id): each.properties
        for each in synthesised.of_kind("AWS::ApiGatewayV2::Integration")
    }
    leads_to: dict[str, set[object]] = {}
    for route in synthesised.of_kind("AWS::ApiGatewayV2::Route"):
        name = text(route.properties["Target"]).removeprefix("integrations/").strip("<>")
        integration = integrations[route.stack, name]
        assert integration["PayloadFormatVersion"] == "2.0"
        uri = text(integration["IntegrationUri"])
        leads_to.setdefault(f"{route.stack} {uri}", set()).add(route.properties["RouteKey"])
    for declaration in having(synthesised, HttpTrigger):
        trigger = cast("HttpTrigger", declaration.trigger)
        function = synthesised.function(declaration)
        routes = leads_to[f"{function.stack} <{function.logical_id}.Arn>"]
        if trigger.path == "$default":
            assert {key for key in routes if not str(key).startswith("ANY ")} == {"$default"}
        else:
            assert routes == {f"{trigger.method} {trigger.path}"}
        (permission,) = (
            each
            for each in synthesised.of_kind("AWS::Lambda::Permission")
            if each.stack == function.stack
            and text(each.properties["FunctionName"]) == f"<{function.logical_id}>"
        )
        ending = "/*/*" + trigger.path.replace("$default", "")
        assert text(permission.properties["SourceArn"]).endswith(ending)


def test_a_route_asks_for_a_caller_unless_it_is_declared_public(synthesised: Synthesised) -> None:
    public = {
        "$default" if trigger.path == "$default" else f"{trigger.method} {trigger.path}"
        for each in having(synthesised, HttpTrigger)
        if not (trigger := cast("HttpTrigger", each.trigger)).roles
    }
    for route in synthesised.of_kind("AWS::ApiGatewayV2::Route"):
        key = str(route.properties["RouteKey"])
        open_to_all = "$default" if key.startswith("ANY ") else key
        assert route.properties["AuthorizationType"] == (
            "NONE" if open_to_all in public else "CUSTOM"
        )


def test_the_authorizer_is_asked_for_every_request_and_remembers_none(
    synthesised: Synthesised,
) -> None:
    (authorizer,) = synthesised.of_kind("AWS::ApiGatewayV2::Authorizer")
    assert len(having(synthesised, AuthorizerTrigger)) == 1
    assert "IdentitySource" not in authorizer.properties
    assert authorizer.properties["AuthorizerResultTtlInSeconds"] == 0
    assert authorizer.properties["EnableSimpleResponses"] is True
    assert authorizer.properties["AuthorizerPayloadFormatVersion"] == "2.0"


def test_event_sources_are_the_declared_ones(synthesised: Synthesised) -> None:
    sources = {
        text(each.properties["FunctionName"]): each.properties
        for each in synthesised.of_kind("AWS::Lambda::EventSourceMapping")
    }
    declarations = having(synthesised, StreamTrigger) + having(synthesised, QueueTrigger)
    assert len(sources) == len(declarations)
    for declaration in declarations:
        source = sources[f"<{synthesised.function(declaration).logical_id}>"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        match declaration.trigger:
            case StreamTrigger() as trigger:
                assert text(source["EventSourceArn"]).endswith(f"-{trigger.stream.slug}")
                assert source["BisectBatchOnFunctionError"] is True
                assert source["MaximumRetryAttempts"] == trigger.retries == 10
                assert source["MaximumRecordAgeInSeconds"] == trigger.max_age_seconds == 6 * 3600
                waits = 3 if prefix(synthesised).endswith("-staging") else 1
                assert source["MaximumBatchingWindowInSeconds"] == waits
                destination = cast("dict[str, dict[str, object]]", source["DestinationConfig"])
                assert text(destination["OnFailure"]["Destination"]).startswith(
                    f"arn:<AWS::Partition>:s3:::{prefix(synthesised)}-{trigger.failures_to.slug}-"
                )
            case QueueTrigger() as trigger:
                assert text(source["EventSourceArn"]).endswith(f"-{trigger.queue.slug}")


def test_topics_feed_the_declared_queues_and_no_other(synthesised: Synthesised) -> None:
    found = {
        (text(each.properties["TopicArn"]), text(each.properties["Endpoint"])): each.properties
        for each in synthesised.of_kind("AWS::SNS::Subscription")
    }
    wanted = {
        (topic, trigger.queue): trigger.only
        for each in having(synthesised, QueueTrigger)
        if isinstance(trigger := each.trigger, QueueTrigger)
        for topic in trigger.topics
    }
    assert len(found) == len(wanted)
    for (topic, queue), only in wanted.items():
        (properties,) = (
            properties
            for (source, endpoint), properties in found.items()
            if source.startswith(f"<{topic.name.replace('_', '')}")
            and endpoint.startswith(f"<{queue.name.replace('_', '')}")
        )
        assert properties["Protocol"] == "sqs"
        policy = None if only is None else {name: list(values) for name, values in only.items()}
        assert properties.get("FilterPolicy") == policy


def test_the_bundle_tells_contacts_through_fed_queues(bundle: Synthesised) -> None:
    assert len(bundle.of_kind("AWS::SNS::Subscription")) == 4


def test_only_its_own_topics_may_send_to_a_queue(synthesised: Synthesised) -> None:
    fed = {
        trigger.queue: len(trigger.topics)
        for each in having(synthesised, QueueTrigger)
        if isinstance(trigger := each.trigger, QueueTrigger) and trigger.topics
    }
    let_in = []
    for each in synthesised.of_kind("AWS::SQS::QueuePolicy"):
        document = cast("dict[str, list[dict[str, object]]]", each.properties["PolicyDocument"])
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
                assert statement["Action"] == "sqs:SendMessage"
                condition = cast("dict[str, dict[str, object]]", statement["Condition"])
                sources = condition["ArnEquals"]["aws:SourceArn"]
                let_in.append(len(sources) if isinstance(sources, list) else 1)
    assert sorted(let_in) == sorted(fed.values())


def test_schedules_are_the_declared_ones_and_tell_the_time_they_were_due(
    synthesised: Synthesised,
) -> None:
    schedules = synthesised.of_kind("AWS::Scheduler::Schedule")
    targets = Counter(
        text(cast("dict[str, object]", each.properties["Target"])["Arn"]) for each in schedules
    )
    assert targets == Counter(
        f"<{synthesised.function(each).logical_id}.Arn>"
        for each in having(synthesised, ScheduleTrigger)
    )
    for each in schedules:
        target = cast("dict[str, dict[str, object]]", each.properties["Target"])
        assert str(target["Input"]) == '{"time": "<aws.scheduler.scheduled-time>"}'
        assert "issed" in text(target["DeadLetterConfig"]["Arn"])


def granted(declaration: Declaration, start: str, bucket: str) -> set[tuple[str, str]]:
    """What a declaration must lead to, less keys, logs and traces."""
    wanted: set[tuple[str, str]] = set()
    for grant in as_deployed(declaration.uses, HISTORY[start]):
        for access in grant.access:
            if grant.resource.kind is ResourceKind.CAPACITY:
                wanted |= granted_on_capacity(access, start)
                continue
            wanted |= ANYWHERE.get(grant.resource.kind) or granted_on(
                grant.resource, access, start, bucket
            )
    match declaration.trigger:
        case StreamTrigger(stream=stream):
            arn = f"arn:<AWS::Partition>:kinesis:{HERE}:stream/{start}-{stream.slug}"
            wanted |= {(action, arn) for action in POLLING_A_STREAM}
            wanted |= {("s3:ListBucket", bucket), ("s3:PutObject", f"{bucket}/*")}
        case QueueTrigger(queue=queue):
            arn = f"arn:<AWS::Partition>:sqs:{HERE}:{start}-{queue.slug}"
            wanted |= {(action, arn) for action in POLLING_A_QUEUE}
        case ScheduleTrigger():
            wanted.add(("sqs:SendMessage", "missed"))
        case _:
            pass
    return wanted


def granted_on(resource: Resource, access: Access, start: str, bucket: str) -> set[tuple[str, str]]:
    name = f"{start}-{resource.slug}"
    match resource.kind:
        case ResourceKind.TABLE:
            table = f"arn:<AWS::Partition>:dynamodb:{HERE}:table/{name}"
            indexes = resource.indexes if access is Access.READ else ()
            return {(action, table) for action in ON_TABLE[access]} | {
                ("dynamodb:Query", f"{table}/index/{index.name}") for index in indexes
            }
        case ResourceKind.BUCKET:
            listing = {("s3:ListBucket", bucket)} if access is Access.READ else set()
            return {(ON_BUCKET[access], f"{bucket}/*")} | listing
        case ResourceKind.TIME_SERIES:
            table = f"arn:<AWS::Partition>:timestream:{HERE}:database/{start}/table/points"
            verb = {Access.READ: "Select", Access.WRITE: "WriteRecords"}[access]
            return {(f"timestream:{verb}", table), ("timestream:DescribeEndpoints", "*")}
        case ResourceKind.SECRET:
            return {("secretsmanager:GetSecretValue", f"secret {resource.name}")}
        case ResourceKind.TOPIC if access is Access.WRITE:
            return {("sns:Subscribe", f"arn:<AWS::Partition>:sns:{HERE}:{name}")}
        case kind:
            service, action, place = SENDING[kind]
            return {(action, f"arn:<AWS::Partition>:{service}:{HERE}:{place}{name}")}


def granted_on_capacity(access: Access, start: str) -> set[tuple[str, str]]:
    on_function, on_stream = ON_CAPACITY[access]
    functions = f"arn:<AWS::Partition>:lambda:{HERE}:function:{start}"
    return {
        (on_stream, f"arn:<AWS::Partition>:kinesis:{HERE}:stream/{start}-metrics"),
        *(
            (action, f"{functions}-{each}")
            for action in on_function
            for each in TARGETS[Dimension.RESERVED_CONCURRENCY]
        ),
    }


def test_a_role_allows_exactly_what_its_function_declares(synthesised: Synthesised) -> None:
    start = prefix(synthesised)
    bucket = f"arn:<AWS::Partition>:s3:::{start}-quarantine-<AWS::AccountId>-<AWS::Region>"
    for declaration in synthesised.declarations:
        function = synthesised.function(declaration)
        pairs = set()
        for action, resource in allowed(synthesised.role_of(function)):
            service = action.split(":")[0]
            if service == "kms":
                assert "Key" in resource
            elif service == "logs":
                log = cast("dict[str, object]", function.properties["LoggingConfig"])["LogGroup"]
                assert resource == text(log).replace(">", ".Arn>")
            elif service == "secretsmanager":
                (named,) = (
                    each.name
                    for each in Resource
                    if each.kind is ResourceKind.SECRET and each.name.replace("_", "") in resource
                )
                pairs.add((action, f"secret {named}"))
            elif "issed" in resource:
                pairs.add((action, "missed"))
            elif service not in {"ec2", "xray"}:
                pairs.add((action, resource))
        assert pairs == granted(declaration, start, bucket), declaration.name


def test_what_can_be_given_room_is_a_function_that_is_deployed_under_this_name(
    bundle: Synthesised,
) -> None:
    start = prefix(bundle)
    names = {each.properties["FunctionName"] for each in bundle.of_kind("AWS::Lambda::Function")}
    assert {f"{start}-{name}" for name in TARGETS[Dimension.RESERVED_CONCURRENCY]} <= names
    for function in bundle.of_kind("AWS::Lambda::Function"):
        assert "ReservedConcurrentExecutions" not in function.properties


def test_each_function_has_a_role_of_its_own(synthesised: Synthesised) -> None:
    roles = [
        (each.stack, text(each.properties["Role"]))
        for each in synthesised.of_kind("AWS::Lambda::Function")
    ]
    assert len(set(roles)) == len(roles)
    schedules = len(having(synthesised, ScheduleTrigger))
    assert len(synthesised.of_kind("AWS::IAM::Role")) == len(roles) + schedules


def test_what_a_role_allows_fits_into_its_policies(synthesised: Synthesised) -> None:
    for role in synthesised.of_kind("AWS::IAM::Role"):
        policies = cast("list[dict[str, object]]", role.properties.get("Policies", []))
        size = sum(len(_as_iam_counts(each["PolicyDocument"])) for each in policies)
        assert size <= INLINE_POLICIES_CHARACTERS, (role.logical_id, size)


def _as_iam_counts(document: object) -> str:
    """The document without white space, with names as long as AWS may put them."""

    def put(value: object) -> object:
        if isinstance(value, list):
            return [put(each) for each in value]
        if not isinstance(value, dict):
            return value
        if next(iter(value)).startswith(("Fn::", "Ref")):
            known = text(value)
            for name, long in LONG.items():
                known = known.replace(name, long)
            return re.sub("<[^>]*>", "x" * 80, known)
        return {name: put(each) for name, each in value.items()}

    return json.dumps(put(document), separators=(",", ":"))


def test_no_role_has_a_wildcard_but_where_iam_knows_no_resource_and_for_objects(
    synthesised: Synthesised,
) -> None:
    for role in synthesised.of_kind("AWS::IAM::Role"):
        for action, resource in allowed(role):
            assert "*" not in action
            if "*" in resource:
                anywhere = action.startswith(("ec2:", "xray:"))
                anywhere = anywhere or action == "timestream:DescribeEndpoints"
                anywhere = anywhere or action.startswith("cloudwatch:")
                assert anywhere or resource.endswith("<AWS::Region>/*")


def test_what_uses_an_influxdb_stands_in_its_network_and_nothing_else_does(
    every_kind: Synthesised, bundle: Synthesised
) -> None:
    for declaration in every_kind.declarations:
        function = every_kind.function(declaration)
        uses_it = Resource.HISTORY in {grant.resource for grant in declaration.uses}
        assert ("VpcConfig" in function.properties) == uses_it
        actions = {action for action, _ in allowed(every_kind.role_of(function))}
        assert ("ec2:CreateNetworkInterface" in actions) == uses_it
        if uses_it:
            environment = cast("dict[str, dict[str, object]]", function.properties["Environment"])
            url = text(environment["Variables"]["WEDSYNC_HISTORY"])
            assert url.startswith("https://<")
            assert url.endswith(":8181/wedsync")
    for each in bundle.of_kind("AWS::Lambda::Function"):
        assert "VpcConfig" not in each.properties


def test_every_resource_of_the_enum_is_made_once(synthesised: Synthesised) -> None:
    start = prefix(synthesised)
    made = {
        ResourceKind.TABLE: ("AWS::DynamoDB::Table", "TableName"),
        ResourceKind.STREAM: ("AWS::Kinesis::Stream", "Name"),
        ResourceKind.TOPIC: ("AWS::SNS::Topic", "TopicName"),
        ResourceKind.QUEUE: ("AWS::SQS::Queue", "QueueName"),
        ResourceKind.BUCKET: ("AWS::S3::Bucket", "BucketName"),
        ResourceKind.SECRET: ("AWS::SecretsManager::Secret", "Name"),
    }
    extra = {ResourceKind.BUCKET: 1}  # where the other buckets' access is logged
    for kind, (cloudformation, member) in made.items():
        names = [
            text(each.properties[member]).split("-<AWS")[0]
            for each in synthesised.of_kind(cloudformation)
            if member in each.properties
        ]
        wanted = [
            f"{start}-{each.slug}"
            for each in Resource
            if each.kind is kind
            and (each is not Resource.HISTORY_TOKEN or HISTORY[start] is History.INFLUXDB3)
        ]
        if kind is ResourceKind.QUEUE:
            wanted = [*wanted, *(f"{name}-dead" for name in wanted), f"{start}-missed"]
        assert sorted(names) == sorted(wanted)
        assert len(synthesised.of_kind(cloudformation)) == len(wanted) + extra.get(kind, 0)


def test_tables_have_the_keys_and_indexes_of_their_resource(synthesised: Synthesised) -> None:
    tables = {
        str(each.properties["TableName"]): each.properties
        for each in synthesised.of_kind("AWS::DynamoDB::Table")
    }
    for resource in (each for each in Resource if each.kind is ResourceKind.TABLE):
        table = tables[f"{prefix(synthesised)}-{resource.slug}"]
        assert table["KeySchema"] == [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ]
        indexes = cast("list[dict[str, object]]", table.get("GlobalSecondaryIndexes", []))
        assert [each["IndexName"] for each in indexes] == [each.name for each in resource.indexes]
        assert all(each["Projection"] == {"ProjectionType": "ALL"} for each in indexes)
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_whatever_holds_data_is_encrypted_with_the_customers_key(synthesised: Synthesised) -> None:
    def key(value: object) -> bool:
        return "Key" in text(value)

    for each in synthesised.resources():
        of = cast("dict[str, dict[str, object]]", each.properties)
        match each.kind:
            case "AWS::DynamoDB::Table":
                assert of["SSESpecification"]["SSEType"] == "KMS"
                assert key(of["SSESpecification"]["KMSMasterKeyId"])
                assert of["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
            case "AWS::Kinesis::Stream":
                assert key(of["StreamEncryption"]["KeyId"])
            case "AWS::SNS::Topic" | "AWS::SQS::Queue":
                assert key(of["KmsMasterKeyId"])
            case (
                "AWS::Logs::LogGroup" | "AWS::SecretsManager::Secret" | "AWS::Timestream::Database"
            ):
                assert key(of["KmsKeyId"])
            case "AWS::S3::Bucket":
                assert set(of["PublicAccessBlockConfiguration"].values()) == {True}
                assert "ServerSideEncryptionConfiguration" in of["BucketEncryption"]
            case _:
                pass


def test_topics_queues_and_buckets_refuse_plain_text(synthesised: Synthesised) -> None:
    guarded = {
        "AWS::SNS::Topic": "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue": "AWS::SQS::QueuePolicy",
        "AWS::S3::Bucket": "AWS::S3::BucketPolicy",
    }
    for kind, policy in guarded.items():
        policies = synthesised.of_kind(policy)
        assert len(policies) == len(synthesised.of_kind(kind))
        for each in policies:
            document = cast("dict[str, list[dict[str, object]]]", each.properties["PolicyDocument"])
            assert {"Bool": {"aws:SecureTransport": "false"}} in [
                statement.get("Condition")
                for statement in document["Statement"]
                if statement["Effect"] == "Deny"
            ]


@pytest.mark.parametrize("name", HISTORY_KINDS)
def test_nothing_else_is_made(name: str, request: pytest.FixtureRequest) -> None:
    synthesised = request.getfixturevalue(name)
    assert {each.kind for each in synthesised.resources()} - KINDS == HISTORY_KINDS[name]


def test_a_closed_timestream_is_warned_of(bundle: Synthesised, staging: Synthesised) -> None:
    assert any("no new customers since 2025-06-20" in message for message in bundle.messages)
    assert not any("Timestream" in message for message in staging.messages)


def test_late_points_reach_timestream(bundle: Synthesised) -> None:
    (table,) = bundle.of_kind("AWS::Timestream::Table")
    assert table.properties["MagneticStoreWriteProperties"] == {"EnableMagneticStoreWrites": True}


def test_production_keeps_its_data_and_other_stages_do_not(
    every_kind: Synthesised, bundle: Synthesised
) -> None:
    kept = {"AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::S3::Bucket", "AWS::KMS::Key"}
    for synthesised, policy in ((every_kind, "Retain"), (bundle, "Delete")):
        for each in synthesised.resources():
            if each.kind in kept:
                assert each.definition["DeletionPolicy"] == policy
    for table in every_kind.of_kind("AWS::DynamoDB::Table"):
        assert table.properties["DeletionProtectionEnabled"] is True


def test_no_stack_comes_near_the_limit_of_resources(synthesised: Synthesised) -> None:
    for name, template in synthesised.templates.items():
        assert len(template["Resources"]) < 500, name


def test_nothing_had_to_be_looked_up_in_an_account(synthesised: Synthesised) -> None:
    assert synthesised.missing == ()

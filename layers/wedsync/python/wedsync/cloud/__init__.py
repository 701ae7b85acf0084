"""The seam to the outside: small protocols and the plain values they exchange.

Two implementations exist: ``wedsync.aws`` on boto3, and the local engine on SQLite. Stores are
written once, on what stands here; the same contract tests run against both.
"""

from wedsync.cloud.conditions import Absent, Condition, Equals, LessThan, holds
from wedsync.cloud.protocols import (
    Bucket,
    Clock,
    Cloud,
    ConditionFailed,
    Ids,
    Queue,
    Secret,
    Stream,
    Table,
    Topic,
    Web,
)
from wedsync.cloud.values import (
    EVERYTHING,
    EXPIRES_AT,
    Arrived,
    Attribute,
    Delayed,
    Item,
    Key,
    Message,
    Page,
    PutFailure,
    PutFailures,
    Record,
    Sort,
    Subscriber,
)
from wedsync.cloud.web import Answered, Call, NoAnswer, Outcome

__all__ = [
    "EVERYTHING",
    "EXPIRES_AT",
    "Absent",
    "Answered",
    "Arrived",
    "Attribute",
    "Bucket",
    "Call",
    "Clock",
    "Cloud",
    "Condition",
    "ConditionFailed",
    "Delayed",
    "Equals",
    "Ids",
    "Item",
    "Key",
    "LessThan",
    "Message",
    "NoAnswer",
    "Outcome",
    "Page",
    "PutFailure",
    "PutFailures",
    "Queue",
    "Record",
    "Secret",
    "Sort",
    "Stream",
    "Subscriber",
    "Table",
    "Topic",
    "Web",
    "holds",
]

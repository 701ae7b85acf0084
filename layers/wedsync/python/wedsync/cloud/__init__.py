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
    TimeSeries,
    Topic,
)
from wedsync.cloud.values import (
    EVERYTHING,
    EXPIRES_AT,
    Arrived,
    Attribute,
    Delayed,
    Item,
    Key,
    Measured,
    Message,
    Page,
    PutFailure,
    PutFailures,
    Record,
    Refusal,
    Sort,
    Span,
)

__all__ = [
    "EVERYTHING",
    "EXPIRES_AT",
    "Absent",
    "Arrived",
    "Attribute",
    "Bucket",
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
    "Measured",
    "Message",
    "Page",
    "PutFailure",
    "PutFailures",
    "Queue",
    "Record",
    "Refusal",
    "Secret",
    "Sort",
    "Span",
    "Stream",
    "Table",
    "TimeSeries",
    "Topic",
    "holds",
]

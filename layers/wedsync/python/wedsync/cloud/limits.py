"""What the services of AWS refuse, refused alike by every implementation of the seam.

Sources: the quotas of Amazon DynamoDB (item 400 KB, partition key 2,048 bytes, sort key 1,024
bytes, numbers of 38 digits, no empty key, 100 keys a batch), Kinesis Data Streams (500 records
and 5 MiB a call, 1 MiB a record), SNS and SQS (256 KiB a message, 100 characters a subject, 900
seconds of delay), S3 (names of 1,024 bytes) and Timestream (100 records a call, 128 dimensions,
names of 60 bytes, values of dimensions of 2 KB, 256 measures a record, versions of 64 bits).
"""

import math
import re
from collections.abc import Mapping, Sequence

from wedsync.cloud.conditions import Absent, Condition
from wedsync.cloud.values import (
    EXPIRES_AT,
    Attribute,
    Delayed,
    Item,
    Key,
    Measured,
    Message,
    Record,
    Sort,
    Span,
    Subscriber,
)
from wedsync.resources import Index

ITEM_BYTES = 400 * 1024
PARTITION_KEY_BYTES = 2048
SORT_KEY_BYTES = 1024
NUMBER_DIGITS = 38
BATCH_KEYS = 100
STREAM_RECORDS = 500
STREAM_RECORD_BYTES = 1024 * 1024
STREAM_CALL_BYTES = 5 * 1024 * 1024
STREAM_KEY_CHARACTERS = 256
MESSAGE_BYTES = 256 * 1024
SUBJECT_CHARACTERS = 99
DELAY_SECONDS = 900
OBJECT_NAME_BYTES = 1024
MEASURED_POINTS = 100
DIMENSIONS = 128
DIMENSION_NAME_BYTES = 60
DIMENSION_VALUE_BYTES = 2048
NUMBERS = 256
_VERSIONS = 1 << 63
_DIMENSION = re.compile(rf"(?!time\Z|version\Z)[a-z][a-z0-9_]{{0,{DIMENSION_NAME_BYTES - 1}}}")
_NUMBER_LIMIT = 10**NUMBER_DIGITS
_ATTRIBUTE_NAME = re.compile(r"(?!(?:aws|amazon)\.)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,99}")


def check_key(key: Key) -> None:
    """Raise ValueError for a key that cannot be stored."""
    check_text("pk", key.pk, PARTITION_KEY_BYTES)
    check_text("sk", key.sk, SORT_KEY_BYTES)


def check_text(name: str, text: str, limit_bytes: int) -> None:
    """Raise ValueError for a text that is empty or too long to be a key."""
    size = len(text.encode())
    if not 1 <= size <= limit_bytes:
        raise ValueError(f"{name} must have 1 to {limit_bytes} bytes, not {size}")


def check_keys(keys: Sequence[Key]) -> None:
    """Raise ValueError for keys that cannot be read in one batch."""
    if len(keys) > BATCH_KEYS:
        raise ValueError(f"at most {BATCH_KEYS} keys can be read at once, not {len(keys)}")
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice in the batch")
    for key in keys:
        check_key(key)


def check_item(item: Item, indexes: Sequence[Index] = ()) -> None:
    """Raise ValueError for an item that cannot be stored in a table with these indexes."""
    check_key(item.key)
    attributes = item.attributes
    for name, value in attributes.items():
        check_attribute(name, value)
    if not isinstance(attributes.get(EXPIRES_AT, 0), int):
        raise ValueError(f"{EXPIRES_AT} must be whole seconds")
    for index in indexes:
        _check_indexed(attributes, index.partition, PARTITION_KEY_BYTES)
        _check_indexed(attributes, index.sort, SORT_KEY_BYTES)
    if (size := item_bytes(item.key, attributes)) > ITEM_BYTES:
        raise ValueError(f"the item has {size} bytes; at most {ITEM_BYTES} can be stored")


def check_attribute(name: str, value: Attribute) -> None:
    """Raise ValueError for an attribute that cannot be stored or compared."""
    if name in ("", "pk", "sk"):
        raise ValueError(f"{name or 'the empty name'} cannot be an attribute")
    if isinstance(value, bool) or not isinstance(value, str | int | bytes):
        raise ValueError(f"{name} has the type {type(value).__name__}")
    if isinstance(value, int) and abs(value) >= _NUMBER_LIMIT:
        raise ValueError(f"{name} has more than {NUMBER_DIGITS} digits")


def check_advance(name: str, *, by: int, at_least: int, at_most: int) -> None:
    """Raise ValueError for a number that cannot be raised so, whatever is stored."""
    for number in (by, at_least, at_most, at_most + by):
        check_attribute(name, number)
    if by < 1 or at_most < at_least:
        raise ValueError(f"{name} is raised by 1 or more, up to what lies not below its beginning")


def check_condition(condition: Condition | None) -> None:
    """Raise ValueError for a condition on something that no stored item can have."""
    if condition is not None and not isinstance(condition, Absent):
        check_attribute(condition.name, condition.value)


def check_query(partition: str, sort: Sort, limit: int | None) -> None:
    """Raise ValueError for a query that cannot be asked."""
    check_text("partition", partition, PARTITION_KEY_BYTES)
    for text in (sort.begins_with, sort.at_least, sort.at_most):
        if text is not None:
            check_text("sort", text, SORT_KEY_BYTES)
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")


def check_records(records: Sequence[Record]) -> None:
    """Raise ValueError for records that cannot be put in one call."""
    if len(records) > STREAM_RECORDS:
        raise ValueError(f"at most {STREAM_RECORDS} records can be put at once, not {len(records)}")
    total = 0
    for record in records:
        if not 1 <= len(record.partition_key) <= STREAM_KEY_CHARACTERS:
            raise ValueError(f"a partition key has 1 to {STREAM_KEY_CHARACTERS} characters")
        size = len(record.data) + len(record.partition_key.encode())
        if size > STREAM_RECORD_BYTES:
            raise ValueError(f"a record has {size} bytes; at most {STREAM_RECORD_BYTES} can be put")
        total += size
    if total > STREAM_CALL_BYTES:
        raise ValueError(f"the records have {total} bytes; at most {STREAM_CALL_BYTES} fit a call")


def check_resharding(present: int, wanted: int) -> None:
    """Raise ValueError for a number of shards that a stream cannot go to at once."""
    fewest, most = -(-present // 2), 2 * present
    if not fewest <= wanted <= most:
        raise ValueError(
            f"a stream of {present} shards goes to {fewest} to {most} at once, not to {wanted}"
        )


def check_message(message: Message) -> None:
    """Raise ValueError for a message that a topic would refuse."""
    if not _SUBJECT.fullmatch(message.subject):
        raise ValueError(f"a subject is one line of 1 to {SUBJECT_CHARACTERS} characters")
    size = len(message.body.encode())
    if not size:
        raise ValueError("the body of a message is not empty")
    for name, value in message.attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name) or value == "":
            raise ValueError(f"{name!r} is not a message attribute with a value")
        size += len(name.encode()) + len(str(value).encode())
    if size > MESSAGE_BYTES:
        raise ValueError(f"the message has {size} bytes; at most {MESSAGE_BYTES} can be sent")


def check_delayed(message: Delayed) -> None:
    """Raise ValueError for a message that a queue would refuse."""
    if not 0 <= message.delay_seconds <= DELAY_SECONDS:
        raise ValueError(f"a delay has 0 to {DELAY_SECONDS} s, not {message.delay_seconds}")
    size = len(message.body.encode())
    if not 1 <= size <= MESSAGE_BYTES:
        raise ValueError(f"a message has 1 to {MESSAGE_BYTES} bytes, not {size}")


def is_email(text: str) -> bool:
    """Whether this may be an e-mail address."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """Whether this is a telephone number as E.164 writes it."""
    return _PHONE.fullmatch(text) is not None


def check_subscriber(subscriber: Subscriber) -> None:
    """Raise ValueError for an address that a topic cannot deliver to."""
    fits = {"email": is_email, "sms": is_phone}.get(subscriber.protocol)
    if fits is None or not fits(subscriber.address):
        raise ValueError(f"this is no address for {subscriber.protocol}")
    if not subscriber.only or not all(subscriber.only.values()):
        raise ValueError("a subscriber says which messages it wants")


def check_object_name(name: str) -> None:
    """Raise ValueError for a name that no object can have."""
    check_text("the name of an object", name, OBJECT_NAME_BYTES)


def check_measured(points: Sequence[Measured]) -> None:
    """Raise ValueError for points that cannot be written in one call."""
    if len(points) > MEASURED_POINTS:
        raise ValueError(f"at most {MEASURED_POINTS} points can be written, not {len(points)}")
    named = {(point.at_ms, *sorted(point.dimensions.items())) for point in points}
    if len(named) != len(points):
        raise ValueError("a point stands twice in the batch")
    for point in points:
        _check_dimensions(point.dimensions)
        if not 1 <= len(point.numbers) <= NUMBERS:
            raise ValueError(f"a point has 1 to {NUMBERS} numbers, not {len(point.numbers)}")
        if not all(math.isfinite(number) for number in point.numbers.values()):
            raise ValueError("a point has finite numbers")
        if not 1 <= point.version < _VERSIONS:
            raise ValueError(f"a version has 1 to 63 bits, unlike {point.version}")


def check_span(span: Span) -> None:
    """Raise ValueError for a span that cannot be asked for."""
    _check_dimensions(span.dimensions)
    if span.end_ms <= span.start_ms:
        raise ValueError("a span ends after its start")


def _check_dimensions(dimensions: Mapping[str, str]) -> None:
    if not 1 <= len(dimensions) <= DIMENSIONS:
        raise ValueError(f"a point has 1 to {DIMENSIONS} dimensions, not {len(dimensions)}")
    for name, value in dimensions.items():
        if not _DIMENSION.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a dimension")
        check_text(f"the dimension {name}", value, DIMENSION_VALUE_BYTES)


def item_bytes(key: Key, attributes: Mapping[str, Attribute]) -> int:
    """The size that DynamoDB counts: names and values, numbers at about half a byte a digit."""
    size = len("pksk") + len(key.pk.encode()) + len(key.sk.encode())
    for name, value in attributes.items():
        size += len(name.encode())
        match value:
            case str():
                size += len(value.encode())
            case bytes():
                size += len(value)
            case int():
                size += len(str(abs(value))) // 2 + 2
    return size


def _check_indexed(attributes: Mapping[str, Attribute], name: str, limit_bytes: int) -> None:
    value = attributes.get(name)
    if value is None:
        return
    if not isinstance(value, str):
        raise ValueError(f"{name} keys an index: it must be text")
    check_text(name, value, limit_bytes)

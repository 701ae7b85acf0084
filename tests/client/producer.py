"""A process that sends numbered points until it is killed: ``python -m tests.client.producer``.

Every third has an event id, and goes as JSON; the others are framed.

It prints the number of each point once ``send`` has returned. Its stream takes a part of each
call only, and now and then loses its answer.
"""

import json
import random
import sys
from pathlib import Path
from typing import cast

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from tests.client.points import point
from wedsync.client import Client, Spool
from wedsync.client.kinesis import KinesisOutlet


class Unreliable:
    """A Kinesis client that fails: part of a call, all of it, or after it was carried out."""

    def __init__(self, kinesis: object, seed: int) -> None:
        self._kinesis = kinesis
        self._random = random.Random(seed)

    def put_records(self, *, StreamName: str, Records: list[object]) -> dict[str, object]:  # noqa: N803 - as it is called
        failing = [self._random.random() < 0.4 for _ in Records]
        good = [record for record, fails in zip(Records, failing, strict=True) if not fails]
        answer: dict[str, object] = {"Records": []}
        if good:
            answer = self._kinesis.put_records(StreamName=StreamName, Records=good)  # type: ignore[attr-defined] # the real one
        if self._random.random() < 0.2:
            raise ReadTimeoutError(endpoint_url="the stream")
        taken = iter(cast("list[object]", answer["Records"]))
        failure = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}
        return {"Records": [failure if fails else next(taken) for fails in failing]}


def main() -> None:
    ready, wedding_id, spool, first, last = json.loads(sys.argv[1]), *sys.argv[2:]
    kinesis = boto3.client(
        "kinesis",
        endpoint_url=ready["kinesisEndpoint"],
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106 - signatures are not verified
        config=Config(retries={"total_max_attempts": 1}),
    )
    unreliable = Unreliable(kinesis, int(first))
    outlet = KinesisOutlet(
        unreliable,  # type: ignore[arg-type] # what is used of a client
        ready["stream"],
        key_id=ready["device"]["keyId"],
        secret=ready["device"]["signingSecret"],
    )
    with Client(outlet, Spool(Path(spool)), linger_seconds=0.01) as client:
        for number in range(int(first), int(last)):
            own = {} if number % 3 else {"eventId": f"n-{number}"}
            client.send({**point(wedding_id, "numbered", number), **own})
            print(number, flush=True)  # noqa: T201 - what the test reads
        client.flush(timeout_seconds=60)


if __name__ == "__main__":
    main()

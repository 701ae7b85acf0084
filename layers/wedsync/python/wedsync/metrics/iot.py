"""Records that a rule of AWS IoT Core forwards.

What devices publish as JSON, a rule may wrap (``SELECT * AS payload, topic() AS topic,
timestamp() AS timestamp, clientid() AS clientId``): that is an envelope with a ``payload`` like
any other. No rule can sign. A device that signs publishes bytes; these arrive as they are
(``SELECT *``), or as base64 among what the rule says of them, and then the signed record counts
alone: its own signature proves it, and nothing proves the rest.
"""

import base64
import re

from wedsync.metrics.body import Poison, parse_json

_SIGNED_PAYLOAD = re.compile(rb'"payload"\s*:\s*"V1NZTkMxI')
"""Base64 of a signature line's beginning: ``WSYNC1`` and a blank."""


def signed_payload(data: bytes) -> bytes | None:
    """The signed record that a rule wrapped; ``None``: there is none in this one.

    Raises:
        Poison: it looks like one and cannot be unwrapped.

    """
    if not data.lstrip().startswith(b"{") or _SIGNED_PAYLOAD.search(data) is None:
        return None
    document = parse_json(data)
    payload = document.get("payload") if isinstance(document, dict) else None
    if not isinstance(payload, str):
        return None
    try:
        return base64.b64decode(payload, validate=True)
    except ValueError as error:
        raise Poison("broken-payload", "the payload is no base64") from error

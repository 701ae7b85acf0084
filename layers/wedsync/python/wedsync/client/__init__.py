"""A client for whoever sends points: nothing that it took is lost, and nothing counts twice.

::

    from wedsync.client import Client, HttpOutlet, Spool

    outlet = HttpOutlet("https://…", token="wsk_…")
    with Client(outlet, Spool("/var/lib/camera/spool")) as client:
        client.send({"name": "photo.upload", "kind": "timer", "value": 640,
                     "weddingId": "wed_…", "dims": {"outcome": "completed"}})

``send`` returns when the points are on disk. From then on they survive ``kill -9`` and a network
that is gone for hours; a thread sends them in batches, tries again with growing, random pauses,
and takes a batch off the disk only after it was accepted. A batch keeps its id at every try, so
however often it arrives, it counts once. Points travel as binary frames, or as JSON where a frame
cannot hold them (:mod:`wedsync.client.frames`). :mod:`wedsync.client.kinesis` puts signed batches
straight on the stream.

It needs the standard library alone, and boto3 for the stream.
"""

from wedsync.client.client import Client, SendingEnded
from wedsync.client.http import HttpOutlet
from wedsync.client.outlet import Accepted, Again, Batch, Outcome, Outlet, Refused
from wedsync.client.spool import Spool, SpoolFull, SpoolInUse

__all__ = [
    "Accepted",
    "Again",
    "Batch",
    "Client",
    "HttpOutlet",
    "Outcome",
    "Outlet",
    "Refused",
    "SendingEnded",
    "Spool",
    "SpoolFull",
    "SpoolInUse",
]

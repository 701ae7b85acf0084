"""Posting to endpoints that tenants chose, so that none of them leads back inside.

A name is resolved once; every address that it has must be public, and the connection goes to one
of these very addresses while TLS still asks for the name: an answer of the name service that
changes in between changes nothing. Redirects are not followed, the answer's body is not read, and
all of it together takes five seconds at most.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from threading import Thread
from typing import TypeAlias

import urllib3
from urllib3 import exceptions

from wedsync.cloud import Answered, Call, NoAnswer, Outcome
from wedsync.cloud.endpoints import HTTPS_PORT, Address, Endpoint, endpoint_of, is_public

PATIENCE_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_AGENT = "WedSync/1"

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses that a name has now, IPv4 first. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    ordered = sorted(found, key=lambda each: each[0] != socket.AF_INET)
    return tuple(dict.fromkeys(str(each[4][0]) for each in ordered))


class GuardedWeb:
    """A ``wedsync.cloud.Web``.

    ``loopback``: this machine may be posted to as well; only a local server says so. ``resolve``,
    ``permits``, ``trust`` and ``https_port`` stand in for the name service, for the rule of public
    addresses, for the usual authorities and for the port that leads out.
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        resolve: Resolver = resolved,
        permits: Callable[[Address], bool] = is_public,
        trust: ssl.SSLContext | None = None,
        https_port: int = HTTPS_PORT,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._loopback = loopback
        self._resolve = resolve
        self._permits = permits
        self._trust = trust
        self._https_port = https_port
        self._patience_seconds = patience_seconds

    def post(self, call: Call) -> Outcome:
        """Post once. Whatever goes wrong is an outcome."""
        try:
            endpoint = endpoint_of(call.url, loopback=self._loopback)
        except ValueError as error:
            return NoAnswer(str(error), final=True)
        came: list[Outcome] = []
        # Timeouts of sockets begin anew with every byte, and names have none: a thread is given up.
        poster = Thread(target=lambda: came.append(self._post(endpoint, call)), daemon=True)
        poster.start()
        poster.join(self._patience_seconds)
        return came[0] if came else NoAnswer(f"no answer within {self._patience_seconds:g} s")

    def _post(self, endpoint: Endpoint, call: Call) -> Outcome:
        try:
            addresses = self._resolve(endpoint.host, endpoint.port)
        except (OSError, UnicodeError):
            return NoAnswer("the host has no address")
        if not addresses or not all(self._may_reach(endpoint, each) for each in addresses):
            return NoAnswer("the host has an address that is not public", final=True)
        outcome: Outcome = NoAnswer("the host has no address")
        for address in addresses:
            outcome = self._post_to(address, endpoint, call)
            if not (isinstance(outcome, NoAnswer) and outcome.reason == _NOBODY_THERE):
                break
        return outcome

    def _may_reach(self, endpoint: Endpoint, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return address.is_loopback if endpoint.local else self._permits(address)

    def _post_to(self, address: str, endpoint: Endpoint, call: Call) -> Outcome:
        timeout = urllib3.Timeout(
            connect=min(_CONNECT_SECONDS, self._patience_seconds), read=self._patience_seconds
        )
        port = endpoint.port if endpoint.local else self._https_port
        pool = (
            urllib3.HTTPSConnectionPool(
                address,
                port,
                timeout=timeout,
                ssl_context=self._trust,
                cert_reqs="CERT_REQUIRED",
                server_hostname=endpoint.host,
                assert_hostname=endpoint.host,
            )
            if endpoint.secure
            else urllib3.HTTPConnectionPool(address, port, timeout=timeout)
        )
        usual = endpoint.port == (443 if endpoint.secure else 80)
        name = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        host = name if usual else f"{name}:{endpoint.port}"
        with pool:
            try:
                answer = pool.urlopen(
                    "POST",
                    endpoint.target,
                    body=call.body,
                    headers={"user-agent": _AGENT, **call.headers, "host": host},
                    redirect=False,
                    retries=False,
                    assert_same_host=False,
                    preload_content=False,
                )
            except (exceptions.HTTPError, OSError) as error:
                return NoAnswer(_said(error))
            answer.close()
            return Answered(answer.status)


_NOBODY_THERE = "nobody listens there"


def _said(error: exceptions.HTTPError | OSError) -> str:
    """What happened, without an address in it."""
    match error:
        case exceptions.SSLError():
            return "TLS failed: no certificate of this host that anybody trusts"
        case exceptions.NewConnectionError():
            return _NOBODY_THERE
        case exceptions.TimeoutError():
            return "no answer in time"
        case _:
            return "the connection broke"

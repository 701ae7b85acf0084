"""Where may be posted to, and what came of it: over real HTTP and TLS on this machine."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.receivers import Receiver, a_receiver
from wedsync.cloud import Answered, Call, NoAnswer
from wedsync.cloud.endpoints import endpoint_of, is_public
from wedsync.web import GuardedWeb

HOST = "hooks.example.com"


def a_call(url: str) -> Call:
    return Call(url=url, headers={"x-own": "1"}, body=b"{}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://mia@hooks.example.com/",
        "https://mia:pass@hooks.example.com/",
        "https://localhost/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com /",
        "https://hooks.example.com/\r\nx: y",
        "https://héllo.example.com/",
        "https://-a.example.com/",
        "https:///x",
        "//hooks.example.com/",
        "hooks.example.com",
        "",
        "https://hooks.example.com:99999/",
        "https://[::1",
        "https://hooks.example.com/" + "x" * 2000,
        "file:///etc/passwd",
        "http://localhost:8080/",
    ],
)
def test_a_url_that_may_lead_inside_is_refused_before_anything_is_resolved(url: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError(host, port)

    with pytest.raises(ValueError, match=r"URL"):
        endpoint_of(url, loopback=False)
    outcome = GuardedWeb(resolve=never).post(a_call(url))
    assert isinstance(outcome, NoAnswer)
    assert outcome.final


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com", "https://hooks.example.com:443/a?b=c", "HTTPS://A.B./"]
)
def test_a_name_of_the_internet_over_tls_may_be_posted_to(url: str) -> None:
    endpoint = endpoint_of(url, loopback=False)
    assert (endpoint.port, endpoint.secure, endpoint.local) == (443, True, False)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - to be refused
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:53aa:64c::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_no_address_of_an_inside_is_public_however_it_is_wrapped(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["not an address"], []]
)
def test_a_name_with_any_address_inside_is_never_connected_to(addresses: list[str]) -> None:
    outcome = GuardedWeb(resolve=lambda *_: addresses).post(a_call(f"https://{HOST}/"))
    assert outcome == NoAnswer("the host has an address that is not public", final=True)


def test_a_name_that_cannot_be_resolved_may_be_tried_again() -> None:
    def fails(*_: object) -> list[str]:
        raise socket.gaierror

    outcome = GuardedWeb(resolve=fails).post(a_call(f"https://{HOST}/"))
    assert outcome == NoAnswer("the host has no address")


def test_this_machine_is_reached_only_where_its_own_setting_says_so(receiver: Receiver) -> None:
    assert GuardedWeb(loopback=True).post(a_call(f"{receiver.url}/a?b=c")) == Answered(200)
    outcome = GuardedWeb().post(a_call(f"{receiver.url}/a"))
    assert isinstance(outcome, NoAnswer)
    assert outcome.final
    (got,) = receiver.got
    assert (got.path, got.body, got.headers["x-own"]) == ("/a?b=c", b"{}", "1")


def test_a_local_name_that_leads_elsewhere_is_not_followed() -> None:
    web = GuardedWeb(loopback=True, resolve=lambda *_: ["10.0.0.1"])
    assert isinstance(web.post(a_call("http://localhost:1/")), NoAnswer)


@pytest.mark.parametrize("status", [200, 204, 302, 307, 404, 500])
def test_an_answer_is_its_status_and_no_redirect_is_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.statuses.append(status)
    assert GuardedWeb(loopback=True).post(a_call(f"{receiver.url}/")) == Answered(status)
    assert len(receiver.got) == 1


def test_where_nobody_listens_nothing_is_told_of_addresses() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = GuardedWeb(loopback=True).post(a_call(f"http://127.0.0.1:{port}/"))
    assert outcome == NoAnswer("nobody listens there")


@pytest.mark.parametrize("drips", [False, True])
def test_an_endpoint_that_hangs_or_drips_is_given_up(*, drips: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def hang() -> None:
            connection, _ = server.accept()
            held.append(connection)
            for byte in b"HTTP/1.1 200 OK\r\n" if drips else b"":
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.03)

        thread = threading.Thread(target=hang, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        began = time.monotonic()
        outcome = GuardedWeb(loopback=True, patience_seconds=0.15).post(a_call(url))
        took = time.monotonic() - began
        assert isinstance(outcome, NoAnswer)
        assert not outcome.final
        assert took < 1
        thread.join(2)
        for each in held:
            each.close()


def test_what_speaks_no_http_is_an_outcome_as_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def chatter() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"hello there\r\n\r\n")

        thread = threading.Thread(target=chatter, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        outcome = GuardedWeb(loopback=True).post(a_call(url))
        thread.join(2)
    assert outcome == NoAnswer("the connection broke")


@contextmanager
def over_tls(name: str, folder: Path) -> Iterator[tuple[Receiver, int, ssl.SSLContext]]:
    """A receiver with a certificate for a name, and what trusts that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at)
        .not_valid_after(at.replace(year=2099))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "both.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + pem
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "both.pem")
    with a_receiver(serving) as receiver:
        yield (
            receiver,
            int(receiver.url.rpartition(":")[2]),
            ssl.create_default_context(cadata=pem.decode()),
        )


def test_tls_asks_for_the_name_while_the_connection_goes_to_the_pinned_address(
    tmp_path: Path,
) -> None:
    with over_tls(HOST, tmp_path) as (receiver, port, trust):
        asked: list[str] = []

        def resolve(host: str, _: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        def post(url: str) -> object:
            web = GuardedWeb(resolve=resolve, permits=lambda _: True, trust=trust, https_port=port)
            return web.post(a_call(url))

        assert post(f"https://{HOST}/in?x=1") == Answered(200)
        assert asked == [HOST]
        (got,) = receiver.got
        assert got.path == "/in?x=1"
        assert got.headers["host"] == HOST
        other = post("https://other.example.com/")
        assert isinstance(other, NoAnswer)
        assert other.reason.startswith("TLS failed")
        untrusted = GuardedWeb(resolve=resolve, permits=lambda _: True, https_port=port)
        assert isinstance(untrusted.post(a_call(f"https://{HOST}/")), NoAnswer)
        assert len(receiver.got) == 1

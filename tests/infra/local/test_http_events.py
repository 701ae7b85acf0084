"""Requests become the gateway's events, and answers become responses."""

import base64
import gzip
from typing import cast

import pytest

from infra.local.http_events import Request, gateway_event, reply_of
from tests.infra.local.functions_under_test import SATURDAY, Event


def a_request(
    target: str = "/api/x",
    *headers: tuple[str, str],
    method: str = "POST",
    query: str = "",
    body: bytes = b"",
) -> Request:
    return Request(
        method=method,
        target=target.encode(),
        query=query.encode(),
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers],
        body=body,
        source_ip="127.0.0.1",
    )


def event_of(request: Request) -> Event:
    return gateway_event(request, request_id="req_1", now=SATURDAY)


def test_a_request_becomes_the_gateways_event() -> None:
    request = a_request(
        "/api/weddings/w%201",
        ("Host", "localhost:8080"),
        ("X-Twice", "a"),
        ("x-twice", "b"),
        ("Cookie", "one=1; two=2"),
        ("User-Agent", "test"),
        ("Content-Type", "application/json; charset=utf-8"),
        query="a=1&a=2&b=%20c&empty=",
        body='{"ö": 1}'.encode(),
    )
    assert event_of(request) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/api/weddings/w 1",
        "rawQueryString": "a=1&a=2&b=%20c&empty=",
        "cookies": ["one=1", "two=2"],
        "headers": {
            "host": "localhost:8080",
            "x-twice": "a,b",
            "user-agent": "test",
            "content-type": "application/json; charset=utf-8",
        },
        "queryStringParameters": {"a": "1,2", "b": " c", "empty": ""},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost:8080",
            "domainPrefix": "localhost:8080",
            "http": {
                "method": "POST",
                "path": "/api/weddings/w 1",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "requestId": "req_1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "20/Jun/2026:14:00:30 +0000",
            "timeEpoch": 1781964030000,
        },
        "body": '{"ö": 1}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("content_type", "encoding", "body", "is_base64"),
    [
        ("application/json", None, b"{}", False),
        ("text/plain;charset=UTF-8", None, b"{}", False),
        ("application/merge-patch+json", None, b"{}", False),
        ("application/json", None, b"\xff", True),
        ("application/json", "gzip", b"text", True),
        ("application/octet-stream", None, b"text", True),
        ("application/x-www-form-urlencoded", None, b"a=1", True),
        (None, None, b"{}", True),
    ],
)
def test_only_text_travels_as_text(
    content_type: str | None, encoding: str | None, body: bytes, *, is_base64: bool
) -> None:
    given = {"content-type": content_type, "content-encoding": encoding}
    headers = [(name, value) for name, value in given.items() if value is not None]
    event = event_of(a_request("/", *headers, body=body))
    text = str(event["body"])
    assert event["isBase64Encoded"] is is_base64
    assert (base64.b64decode(text) if is_base64 else text.encode()) == body


def test_a_request_without_a_body_has_none() -> None:
    event = event_of(a_request(method="GET"))
    assert "body" not in event
    assert "queryStringParameters" not in event
    assert "cookies" not in event


def test_an_answer_without_a_status_is_json() -> None:
    reply = reply_of({"hello": 1})
    assert (reply.status, reply.body) == (200, b'{"hello": 1}')
    assert ("content-type", "application/json") in reply.headers


@pytest.mark.parametrize("status", [204, 304])
def test_what_has_no_body_is_not_described_as_one(status: int) -> None:
    reply = reply_of({"statusCode": status, "headers": {"ETag": 'W/"a"'}, "body": ""})
    assert (reply.status, dict(reply.headers), reply.body) == (status, {"etag": 'W/"a"'}, b"")


def test_cookies_and_bytes_are_written_as_they_are() -> None:
    answer: Event = {
        "statusCode": 201,
        "headers": {"Content-Type": "image/png"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    reply = reply_of(answer)
    assert (reply.status, reply.body) == (201, b"\x00\xff")
    assert [value for name, value in reply.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert ("content-length", "2") in reply.headers


@pytest.mark.parametrize(
    ("accepts", "size", "content_type", "compressed"),
    [
        ("gzip, br", 2000, "application/json", True),
        ("br, GZIP;q=0.5", 2000, "application/problem+json", True),
        ("*", 2000, "text/html", True),
        ("gzip;q=0", 2000, "application/json", False),
        ("br", 2000, "application/json", False),
        (None, 2000, "application/json", False),
        ("gzip", 100, "application/json", False),
        ("gzip", 2000, "image/png", False),
    ],
)
def test_an_answer_is_compressed_where_it_is_asked_for_and_worth_it(
    accepts: str | None, size: int, content_type: str, *, compressed: bool
) -> None:
    answer = {"statusCode": 200, "headers": {"content-type": content_type}, "body": "x" * size}
    reply = reply_of(answer, accept_encoding=accepts)
    headers = cast("dict[str, str]", dict(reply.headers))
    assert (headers.get("content-encoding") == "gzip") is compressed
    assert (gzip.decompress(reply.body) if compressed else reply.body) == b"x" * size
    assert headers["content-length"] == str(len(reply.body))

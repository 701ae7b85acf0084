"""No input brings a function down: whatever comes is answered, or refused in the one form."""

import base64
import contextlib
import gzip
import hashlib
import json
from collections.abc import Iterator
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.cases import (
    CONTACT_ID,
    INCIDENT_ID,
    RULE_ID,
    RUNBOOK_ID,
    WEDDING,
    a_contact,
    a_registered_wedding,
    a_stored_runbook,
    a_waiting_run,
    an_incident,
    an_open_incident,
    an_own_rule,
    sample,
)
from tests.functions.stage import FUNCTIONS, NOW, TENANT, Stage, on_moto
from tests.functions.test_roles import BODIES, ROUTES, path_of
from tests.functions.web import (
    Told,
    Web,
    contact,
    incident,
    opened,
    pipeline,
    point,
    policy,
    roster,
    rule,
    runbook,
    silence,
    wedding,
)
from tests.functions.web import settings as a_tenants_settings
from wedsync.tenancy import Role

WITH_BODY = [name for name in ROUTES if name in BODIES]
JSON_ROUTES = [name for name in WITH_BODY if name not in {"metrics-ingest", "metrics-otlp"}]
LISTS = {
    "weddings-listing": "demo#weddings None",
    "alerts-listing": "demo#alerts",
    "metrics-rejections": "demo#rejections",
    "incidents-active": "demo#active",
    "incidents-listing": "demo#incidents",
    "routing-list-contacts": "demo#contacts",
    "routing-notifications": "demo#notifications",
    "rules-silences": "demo#silences",
    "runbooks-listing": "demo#runbooks",
}
"""Every list with the scope that its cursors are bound to."""
BY_KEY = {"metrics-rejections", "routing-list-contacts", "rules-silences"}
"""Those in the order of the table itself, not of an index."""


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with opened() as web:
        stage = Stage(web.bundle.cloud, web.bundle.clock)
        an_open_incident(stage)
        a_waiting_run(stage)
        yield web


@pytest.fixture(autouse=True)
def _what_the_samples_are_about(web: Web) -> None:
    """A former test may have removed or ended it."""
    bundle = web.bundle
    if bundle.services.weddings.find(bundle.tenant, WEDDING.wedding_id) is None:
        a_registered_wedding(Stage(bundle.cloud, bundle.clock))
    if bundle.services.routing.find_contact(bundle.tenant, CONTACT_ID) is None:
        a_contact(Stage(bundle.cloud, bundle.clock))
    stored = bundle.services.incidents.get(bundle.tenant, INCIDENT_ID)
    if bundle.services.runbooks.find(bundle.tenant, RUNBOOK_ID) is None:
        a_stored_runbook(Stage(bundle.cloud, bundle.clock))
    if not stored.value.is_active:
        bundle.services.incidents.save(bundle.tenant, an_incident(), expected=stored.version)
    if bundle.services.rules.find(bundle.tenant, RULE_ID) is None:
        bundle.services.rules.add(bundle.tenant, an_own_rule())


def send(web: Web, name: str, body: object, **headers: str) -> Told:
    role = Role.ADMIN if name == "account-change-settings" else Role.OPERATOR
    told = web.ask(ROUTES[name].method, path_of(name), body, headers=headers, role=role)
    if name == "operations-begin-emergency" and told.status == 200:
        # All else is tried in ordinary times.
        assert web.ask("DELETE", path_of(name), role=role).status == 204
    return told


BOMBS: dict[str, bytes] = {
    "arrays in arrays": b"[" * 100_000,
    "arrays that close": b"[" * 33 + b"]" * 33,
    "objects in objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "brackets that do not pair": b'{"a":[}',
    "5,000 digits": b'{"guestCount":' + b"9" * 5000 + b"}",
    "5,000 decimals": b'{"guestCount":0.' + b"9" * 5000 + b"}",
    "NaN": b'{"guestCount":NaN}',
    "Infinity": b'{"guestCount":Infinity}',
    "minus Infinity": b'{"guestCount":-Infinity}',
    "beyond all doubles": b'{"guestCount":1e999}',
    "a key twice": b'{"title":"a","title":"b"}',
    "half a surrogate": b'{"title":"\\ud800"}',
    "half a surrogate in a key": b'{"\\udfff":1}',
    "a surrogate in UTF-8": b'{"title":"\xed\xa0\x80"}',
    "UTF-16": '{"title":"a"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"title":"a"}'.encode("utf-16-le"),
    "a byte order mark": b'\xef\xbb\xbf{"title":"a"}',
    "Latin-1": '{"title":"é"}'.encode("latin-1"),
    "a NUL": b'{"title":"a\x00"}',
    "no JSON": b"<xml/>",
    "half of it": b'{"title":',
    "two documents": b'{"title":"a"} {"title":"b"}',
    "single quotes": b"{'title':1}",
    "a comma too many": b'{"title":"a",}',
    "a comment": b'{/**/"title":"a"}',
    "white space": b" \n\t ",
    "an array": b"[]",
    "null": b"null",
    "a number": b"0",
    "a text": b'"title"',
    "true": b"true",
    "an empty object": b"{}",
    "a gzip bomb": gzip.compress(b"[" + b" " * 16_000_000 + b"]", 1),
    "gzip in gzip": gzip.compress(gzip.compress(b"{}")),
    "damaged gzip": gzip.compress(b'{"title":"a"}')[:-6] + b"broken",
    "half of gzip": gzip.compress(b'{"title":"abcdefgh"}' * 9)[:20],
    "gzip's beginning": b"\x1f\x8b",
    "a megabyte and more": b'{"title":"' + b"x" * 1_100_000 + b'"}',
    "nine megabytes": b" " * 9_000_000,
}
HARMLESS = {
    (name, "an empty object")
    for name in (
        "weddings-change",
        "incidents-change",
        "rules-change",
        "metrics-otlp",
        "runbooks-execute",
    )
}
"""A merge patch may be empty, and so may an export, or what is said of a run."""


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_body_that_cannot_be_read_is_refused(web: Web, bomb: str) -> None:
    for name in WITH_BODY:
        told = send(web, name, BOMBS[bomb])
        if (name, bomb) in HARMLESS:
            assert told.status in {200, 202}, name
        else:
            assert told.is_a_problem(), name
            assert told.status in {400, 413}, (name, told.text)


@pytest.mark.parametrize("name", [each for each in WITH_BODY if each != "metrics-otlp"])
def test_no_body_where_one_is_needed_is_refused(web: Web, name: str) -> None:
    assert send(web, name, None).is_a_problem(400)


@pytest.mark.parametrize("name", WITH_BODY)
@pytest.mark.parametrize("body", ["!!!!", "a", "====", "\ud800", "é", "Zm9v\n", " Zm9v"], ids=ascii)
def test_what_is_not_base64_is_refused(web: Web, name: str, body: str) -> None:
    event = sample(name)
    event |= {"body": body, "isBase64Encoded": True}
    answer = Stage(web.bundle.cloud, web.bundle.clock).run(name, event)
    assert answer["statusCode"] == 400


@pytest.mark.parametrize("name", WITH_BODY)
def test_half_a_surrogate_from_the_gateway_is_refused(web: Web, name: str) -> None:
    event = sample(name) | {"body": '{"title":"\ud800"}'}
    assert Stage(web.bundle.cloud, web.bundle.clock).run(name, event)["statusCode"] == 400


@pytest.mark.parametrize("kind", ["text/plain", "text/plain;charset=UTF-8", "", "nonsense", None])
@pytest.mark.parametrize("name", WITH_BODY)
def test_the_content_type_does_not_matter(web: Web, name: str, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    assert send(web, name, BODIES[name], **headers).status < 300
    body = gzip.compress(json.dumps(BODIES[name]).encode())
    assert send(web, name, body, **headers).status < 300


@pytest.mark.parametrize("name", [each for each in ROUTES if each not in WITH_BODY])
def test_a_body_that_nobody_asked_for_does_no_harm(web: Web, name: str) -> None:
    for body in (b"[]", b'{"a":1}', b"{", b"[" * 50_000, b"\xff", b" " * 9_000_000):
        assert send(web, name, body).status < 500


@pytest.mark.parametrize(
    "name",
    [each for each in ROUTES if each not in WITH_BODY and ROUTES[each].method != "GET"],
)
def test_a_member_that_would_do_nothing_is_refused_by_its_name(web: Web, name: str) -> None:
    told = send(web, name, {"note": "on my way", "a/b": 1})
    assert told.is_a_problem(400)
    assert [error["pointer"] for error in told.errors] == ["/note", "/a~1b"]
    for wrong in ([1], "text", 7, False):
        told = send(web, name, wrong)
        assert told.is_a_problem(400)
        assert [error["code"] for error in told.errors] == ["no-body"]
    nothings: tuple[object, ...] = (None, {}, b"null", b" {} ")
    for nothing in nothings:
        gone = {204, 404} if ROUTES[name].method == "DELETE" else {200, 202, 409}
        assert send(web, name, nothing).status in gone


def test_who_sends_no_body_is_shown_one(web: Web) -> None:
    told = web.ask("POST", path_of("runbooks-execute"))
    assert told.is_a_problem(400)
    assert told.json["detail"] == 'a body is required, such as {"dryRun": true}'


def test_points_are_not_wrapped(web: Web) -> None:
    told = web.ask("POST", "/api/metrics/ingest", {"points": []})
    assert told.is_a_problem(400)
    assert told.errors[0]["pointer"] == "/points"
    assert "a body is a point, an array of points, or lines" in told.errors[0]["detail"]


def test_a_patch_of_a_member_that_nobody_knows_names_the_one_that_was_meant(web: Web) -> None:
    told = web.ask("PATCH", f"/api/weddings/{web.a_wedding()}", {"coupelName": "A & B"})
    assert told.is_a_problem(400)
    assert told.json["detail"] == "/coupelName: no such member; did you mean coupleName?"


@pytest.mark.parametrize("title", ["", " ", "\n\t", "\u2003"])
def test_a_title_says_something(web: Web, title: str) -> None:
    told = send(web, "incidents-create", incident(title=title))
    assert told.is_a_problem(400)
    assert [error["pointer"] for error in told.errors] == ["/title"]


def test_a_wedding_that_nobody_knows_is_refused_by_the_member_that_names_it(web: Web) -> None:
    told = send(web, "incidents-create", incident(weddingId="wed_0"))
    assert told.is_a_problem(404)
    assert [error["pointer"] for error in told.errors] == ["/weddingId"]
    told = web.ask("GET", path_of("metrics-series"), query="name=x&weddingId=wed_0")
    assert told.is_a_problem(404)
    assert [error["pointer"] for error in told.errors] == ["weddingId"]


WRONG: list[object] = [
    None,
    True,
    -1,
    0.5,
    10**30,
    "",
    "\x00",
    "x" * 100_000,
    [],
    [[]],
    {},
    {"a": 1},
    [None],
]


def members(value: object, pointer: str = "") -> Iterator[str]:
    """A pointer to every member of a document."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type] # lists
    for name, each in entries:
        yield f"{pointer}/{name}"
        if isinstance(each, dict | list):
            yield from members(each, f"{pointer}/{name}")


def replaced(document: object, pointer: str, value: object) -> object:
    """The document with one member replaced."""
    copy = deepcopy(document)
    *path, last = pointer.split("/")[1:]
    place = copy
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place[part]  # type: ignore[index] # a document
    place[int(last) if isinstance(place, list) else last] = value  # type: ignore[index] # a document
    return copy


QUIET_HOURS = {"starts": "22:00", "ends": "07:00", "timeZone": "Europe/Madrid"}
DOCUMENTS = {
    "weddings-timeline": BODIES["weddings-timeline"],
    "account-change-settings": a_tenants_settings(),
    "operations-begin-emergency": BODIES["operations-begin-emergency"],
    "routing-change-policy": policy(),
    "metrics-change-pipeline": pipeline(),
    "routing-change-roster": roster(),
    "rules-create": rule(),
    "rules-change": rule(),
    "rules-silence": silence(),
    "rules-rehearse": BODIES["rules-rehearse"],
    "alerts-feedback": BODIES["alerts-feedback"],
    "routing-create-contact": contact(quietHours=QUIET_HOURS),
    "routing-change-contact": contact(quietHours=QUIET_HOURS),
    "weddings-create": wedding(),
    "weddings-change": wedding(),
    "incidents-create": incident(weddingId="wed_sample"),
    "incidents-change": {
        "title": "Uploads stall",
        "description": "since two",
        "severity": "high",
        "assigned_to": {"name": "Mia", "role": "cto", "contact_info": "+34 600 000 000"},
    },
    "incidents-update": {"text": "on it", "status": "investigating"},
    "incidents-write-postmortem": {
        "summary": "Uploads failed",
        "rootCause": "Too few workers",
        "lessons": "Photos come when the dancing begins",
        "actionItems": [
            {"title": "More workers", "owner": "Mia", "dueOn": "2026-06-26", "done": True}
        ],
    },
    "runbooks-change": runbook(),
    "runbooks-execute": {"dryRun": True},
    "metrics-ingest": [point(weddingId="wed_sample", guestId="g", source="s", priority="low")],
}


@pytest.mark.parametrize(
    ("name", "pointer"),
    [(name, pointer) for name, document in DOCUMENTS.items() for pointer in members(document)],
)
def test_any_member_of_a_wrong_type_is_refused_by_its_name(
    web: Web, name: str, pointer: str
) -> None:
    refused = 0
    for wrong in WRONG:
        told = send(web, name, replaced(DOCUMENTS[name], pointer, wrong))
        assert told.status < 500, (pointer, wrong, told.text)
        if told.status >= 400:
            assert told.is_a_problem()
            assert told.status in {400, 404}
            pointers = [error["pointer"] for error in told.errors]
            assert told.status == 404 or any(
                each.startswith(pointer) or pointer.startswith(each) for each in pointers
            ), (wrong, pointers)
            refused += 1
    assert refused or pointer == "/system_state" or pointer.startswith(("/system_state/", "/0/"))


@pytest.mark.parametrize("name", JSON_ROUTES)
def test_members_that_nobody_knows_are_refused(web: Web, name: str) -> None:
    told = send(web, name, {**DOCUMENTS[name], "nobody/knows~this": 1})  # type: ignore[dict-item] # objects
    assert told.is_a_problem(400)
    assert [error["pointer"] for error in told.errors] == ["/nobody~1knows~0this"]


def test_ingest_ignores_members_that_it_does_not_know(web: Web) -> None:
    told = send(web, "metrics-ingest", point(eventId="more", nobodyKnows=1))
    assert told.status == 202


def test_everything_that_is_wrong_is_named_at_once(web: Web) -> None:
    item = {"kind": "dance", "endsAt": "2026-06-20T23:00:00"}
    body = wedding(guestCount="many", venue={"timeZone": 3}, timeline=[item], more=1)
    told = send(web, "weddings-create", body)
    pointers = {error["pointer"] for error in told.errors}
    assert {
        "/guestCount",
        "/venue/timeZone",
        "/timeline/0/kind",
        "/timeline/0/startsAt",
        "/more",
    } <= pointers


TOO_LARGE_TO_KEEP = {
    "a wedding of 500 KB": (
        "weddings-create",
        wedding(
            vendors=[
                {"vendorId": f"{n}", "name": "é" * 190, "category": "é" * 190} for n in range(200)
            ],
            timeline=[
                {
                    "id": f"{n}",
                    "kind": "other",
                    "title": "\U0001f600" * 190,
                    "startsAt": "2026-06-20T16:00:00",
                }
                for n in range(200)
            ],
        ),
    ),
    "a state of 300 KB": ("incidents-create", incident(system_state="x" * 300_000)),
    "a state of 300 KB in members": (
        "incidents-create",
        incident(system_state={f"{n}": "x" * 100 for n in range(3000)}, severity="critical"),
    ),
    "an id that fits no key": (
        "metrics-ingest",
        [point(weddingId="w" * 3000, eventId="e" * 3000, vendorId="v" * 3000, name="n" * 3000)],
    ),
}


@pytest.mark.parametrize("what", TOO_LARGE_TO_KEEP)
def test_what_is_too_large_to_keep_is_refused(web: Web, what: str) -> None:
    name, body = TOO_LARGE_TO_KEEP[what]
    told = send(web, name, body)
    assert told.is_a_problem()
    assert told.status in {400, 413}


_LONG = [f"{number}".ljust(200, "\U0001f600") for number in range(50)]
_VALUES = [f"{number}".ljust(256, "x") for number in range(50)]
_COMPARISON: dict[str, object] = {
    "metric": "photo.upload",
    "stat": "count",
    "op": ">",
    "threshold": 1,
    "window": "5m",
    "filters": {f"d{number}": _VALUES for number in range(10)},
}
TOO_MUCH_IN_ONE: dict[str, object] = {
    "rules-create": rule(condition={"all": [_COMPARISON] * 4}),
    "rules-change": {"condition": {"all": [_COMPARISON] * 4}},
    "rules-silence": silence(matchers={"service": _LONG}),
    "runbooks-change": runbook(
        match={"services": _LONG},
        steps=[
            {
                "stepId": f"step-{number}",
                "title": "A step",
                "action": {
                    "kind": "notify",
                    "roles": ["platform_lead"],
                    "text": "\U0001f600" * 500,
                },
            }
            for number in range(20)
        ],
    ),
    "routing-create-contact": contact(weddingIds=_LONG),
    "routing-change-roster": roster(
        overrides=[
            {
                "role": "on_call_engineer".ljust(40, "x"),
                "contactId": "con_sample",
                "startsAt": f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}T10:00:00Z",
                "endsAt": f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}T11:00:00Z",
            }
            for number in range(200)
        ],
        rotations=[
            {
                "role": "on_call_engineer",
                "members": ["con_sample"] * 50,
                "startsOn": "2026-06-01",
                "handOver": "08:00",
                "shiftDays": 7,
            }
        ]
        * 50,
    ),
    "incidents-write-postmortem": {
        "summary": "\U0001f600" * 4000,
        "rootCause": "\U0001f600" * 4000,
        "lessons": "\U0001f600" * 4000,
        "actionItems": [{"title": title, "owner": title} for title in _LONG],
    },
}
"""All of it is well formed, and yet no document that one item, or one list, should hold."""


@pytest.mark.parametrize("name", TOO_MUCH_IN_ONE)
def test_a_document_that_says_too_much_is_refused_as_too_large(web: Web, name: str) -> None:
    told = send(web, name, TOO_MUCH_IN_ONE[name])
    assert told.is_a_problem(413), told.text


BAD_QUERIES = {
    "weddings-listing": [
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=" + "9" * 5000,
        "limit=1,2",
        "limit=",
        "limit=%F0%28",
        "status=bogus",
        "status=",
        "date=2026-02-30",
        "date=2026-6-1",
        "date=tomorrow",
        "date=2026-06-20T00:00:00Z",
        "date=%D9%A2026-06-20",
    ],
    "alerts-listing": [
        "weddingId=",
        "weddingId=" + "w" * 201,
        "state=bogus",
        "severity=bogus",
        "severity=CRITICAL",
        "limit=0",
    ],
    "metrics-rejections": ["limit=0", "limit=NaN"],
    "incidents-active": ["limit=0", "limit=1.5"],
    "incidents-listing": [
        "status=bogus",
        "status=acknowledged",
        "status=open,resolved",
        "severity=",
        "severity=HIGH",
        "weddingId=",
        "weddingId=" + "w" * 201,
        "limit=0",
        "limit=all",
    ],
    "metrics-series": [
        "",
        "name=",
        "name=x&window=7s",
        "name=x&stat=p42",
        "name=x&timeRange=1y",
        "name=x&timeRange=0m",
        "name=x&timeRange=-5m",
        "name=x&timeRange=99999999999w",
        "name=x&timeRange=99999w",
        "name=x&timeRange=1h&from=2026-06-20T00:00:00Z",
        "name=x&from=2026-06-20T00:00:00Z&to=2026-06-19T00:00:00Z",
        "name=x&from=2026-06-20",
        "name=x&from=0001-01-01T00:00:00Z",
        "name=x&from=9999-12-31T23:59:59-14:00",
        "name=" + "x" * 5000,
    ],
    "weddings-monitoring": [
        "at=0001-01-01T00:00:00Z",
        "at=0001-01-01T00:00:00%2B14:00",
        "at=9999-12-31T23:59:59Z",
        "at=9999-12-31T23:59:59-14:00",
        "at=2026-06-20T16:00:00",
        "at=2026-06-20T25:00:00Z",
        "at=2026-06-20T16:00:60Z",
        "at=2026-06-20T16:00:00%2B25:00",
        "at=2026-06-20",
        "at=2026-W25-6T16:00:00Z",
        "at=1781964300",
        "at=now",
        "at=",
    ],
}


@pytest.mark.parametrize(
    ("name", "query"), [(name, query) for name, queries in BAD_QUERIES.items() for query in queries]
)
def test_a_bad_query_is_refused_by_its_name(web: Web, name: str, query: str) -> None:
    told = web.ask("GET", path_of(name), query=query)
    assert told.is_a_problem(400)
    assert told.errors[0]["pointer"].split("/")[0] in {
        "limit",
        "name",
        *query.replace("&", "=").split("="),
    }


@pytest.mark.parametrize(
    ("name", "query", "meant"),
    [
        ("metrics-series", "name=x&start=2026-06-20T00:00:00Z", "did you mean from?"),
        ("metrics-series", "name=x&timeRange=1h&wedding=wed_1", "did you mean weddingId?"),
        ("alerts-listing", "status=firing", "did you mean state?"),
        ("incidents-listing", "state=open", "did you mean status?"),
        ("routing-notifications", "contacId=con_1", "did you mean contactId?"),
        ("weddings-listing", "vendor=photo-1&limit=1", "did you mean vendorId?"),
        ("weddings-listing", "&colour=red", "no such query parameter (there are date, status,"),
        ("metrics-wedding", "at=2026-06-20", "this route has no query parameters"),
        ("weddings-create", "dryRun=true", "this route has no query parameters"),
    ],
)
def test_a_parameter_that_nobody_reads_is_refused(
    web: Web, name: str, query: str, meant: str
) -> None:
    told = web.ask(ROUTES[name].method, path_of(name), BODIES.get(name), query=query)
    assert told.is_a_problem(400)
    (error,) = told.errors
    assert error["code"] == "unknown-parameter"
    assert f"{error['pointer']}=" in query
    assert meant in error["detail"]
    assert told.json["detail"] == f"{error['pointer']}: {error['detail']}"


def test_who_may_not_ask_is_not_told_which_parameters_there_are(web: Web) -> None:
    told = web.ask("GET", path_of("metrics-series"), role=None, query="colour=red")
    assert told.is_a_problem(401)


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2200-12-31T23:59:59-14:00"])
def test_the_first_and_the_last_instant_are_answered(web: Web, at: str) -> None:
    for function, name in (("weddings-monitoring", "at"), ("metrics-series", "from")):
        query = {name: at, **({"name": "x"} if name == "from" else {})}
        assert web.ask("GET", path_of(function), query=query).status < 500


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _forged(scope: str, place: object) -> str:
    mark = hashlib.blake2b(scope.encode(), digest_size=6).hexdigest()
    return _cursor([mark, place if isinstance(place, int | str) else _cursor(place)])


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_of_another_list_tenant_or_maker_is_refused(web: Web, name: str) -> None:
    own = LISTS[name]
    indexed = name not in BY_KEY
    cursors = [
        "",
        "x",
        "null",
        "\x00",
        "é",
        "=",
        "[" * 1000,
        "A" * 100_000,
        _cursor([]),
        _cursor({}),
        _cursor([1, 2]),
        _cursor(["mark", "after"]),
        base64.urlsafe_b64encode(b"[" * 700).decode(),
        base64.urlsafe_b64encode(b"[" * 70_000).decode(),
        *(_forged(scope, ["a", "b", "c"]) for scope in LISTS.values() if scope != own),
        _forged(own.replace("demo", "rival"), ["a", "b", "c"] if indexed else ["a"]),
        _forged(own, "!!"),
        _forged(own, ""),
        _forged(own, 7),
        _forged(own, []),
        _forged(own, ["a"] if indexed else ["a", "b", "c"]),
        _forged(own, ["", "", ""]),
        _forged(own, [None, None, None]),
        _forged(own, ["\ud800"] * (3 if indexed else 1)),
        _forged(own, ["z" * 2000] * (3 if indexed else 1)),
    ]
    for cursor in cursors:
        told = web.ask("GET", path_of(name), query={"cursor": cursor})
        assert told.is_a_problem(400), cursor
        assert told.errors[0]["pointer"] == "cursor"


@pytest.mark.parametrize("name", LISTS)
def test_a_forged_place_shows_nothing_of_others(web: Web, name: str) -> None:
    place = ["2026", "rival#weddings", "wed_0"] if name not in BY_KEY else ["2026"]
    told = web.ask("GET", path_of(name), query={"cursor": _forged(LISTS[name], place)})
    assert told.status in {200, 400}
    assert "rival" not in told.text


@pytest.mark.parametrize("name", LISTS)
def test_dynamodb_refuses_a_forged_place_as_well(name: str) -> None:
    places = [["a", "b", "c"], ["z" * 300] * 3, ["a"], ["\x00"] * 3, ["\U0001f600"] * 3]
    with on_moto() as stage:
        for place in places:
            event = sample(name)
            event["queryStringParameters"] = {"cursor": _forged(LISTS[name], place)}
            answer = stage.run(name, event)
            assert answer["statusCode"] in {200, 400}, answer["body"]


def test_a_cursor_for_one_date_does_not_lead_on_for_another() -> None:
    with opened() as web:
        for _ in range(2):
            web.a_wedding()
        listed = web.ask("GET", "/api/weddings", query="date=2026-06-20&limit=1")
        cursor = str(listed.json["nextCursor"])
        for query in ({"cursor": cursor}, {"cursor": cursor, "date": "2026-06-21"}):
            assert web.ask("GET", "/api/weddings", query=query).is_a_problem(400)


ODD_HEADERS = [
    {"content-encoding": "gzip"},
    {"content-encoding": "br"},
    {"content-type": "\xff"},
    {"if-match": "*" * 5000},
    {"if-match": '""'},
    {"cookie": "=;;;"},
    {"x-forwarded-for": "x" * 8000},
    {"accept": "nothing/at-all"},
]


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=str)
def test_odd_headers_bring_nothing_down(web: Web, headers: dict[str, str]) -> None:
    for name in ROUTES:
        assert send(web, name, BODIES.get(name), **headers).status < 500


@pytest.mark.parametrize("request_id", ["", "a b", "<script>", "x" * 500, "\n", "é", None, 7])
def test_an_odd_request_id_is_not_echoed(web: Web, request_id: object) -> None:
    event = sample("weddings-listing")
    event["requestContext"] = {**event["requestContext"], "requestId": request_id}  # type: ignore[dict-item] # an object
    answer = Stage(web.bundle.cloud, web.bundle.clock).run("weddings-listing", event)
    assert answer["headers"]["x-request-id"] == "5f0c7c1e-0000-4000-8000-000000000001"  # type: ignore[index] # an object


_leaves = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["2026-06-20", "2026-06-20T16:00:00", "critical", "Europe/Madrid", "today"])
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def _spoiled(draw: st.DrawFn) -> tuple[str, object]:
    """A valid document with some of its members replaced, removed or added."""
    name = draw(st.sampled_from(sorted(DOCUMENTS)))
    document: object = deepcopy(DOCUMENTS[name])
    for _ in range(draw(st.integers(1, 3))):
        pointer = draw(st.sampled_from(sorted(members(document)) or ["/more"]))
        with contextlib.suppress(LookupError, TypeError):
            document = replaced(document, pointer, draw(_values))
    return name, document


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=_spoiled())
def test_documents_spoiled_at_random_bring_nothing_down(web: Web, case: tuple[str, object]) -> None:
    name, document = case
    told = send(web, name, json.dumps(document).encode())
    assert told.status < 500, told.text
    if told.status >= 400:
        assert told.is_a_problem()


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(ROUTES)),
    query=st.dictionaries(
        st.sampled_from(
            ["limit", "cursor", "date", "status", "state", "severity", "at", "from", "to", "name"]
        ),
        st.text(max_size=20),
        max_size=4,
    ),
)
def test_queries_at_random_bring_nothing_down(web: Web, name: str, query: dict[str, str]) -> None:
    query = {key: value.encode(errors="replace").decode() for key, value in query.items()}
    told = web.ask(ROUTES[name].method, path_of(name), BODIES.get(name), query=query)
    assert told.status < 500, told.text


def test_the_samples_of_this_module_are_good(web: Web) -> None:
    assert web.bundle.now == NOW
    assert {*DOCUMENTS, "metrics-otlp"} == {name for name in FUNCTIONS if name in BODIES}
    for name, document in DOCUMENTS.items():
        told = send(web, name, document)
        # A change of packs that a former test has made may not be in force yet.
        waits = name == "account-change-settings" and told.status == 409
        assert told.status < 300 or waits, name
    assert web.bundle.tenant == TENANT

"""What goes over the wire beside the figures: problems, pages, versions, places, ids."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from tests.functions.cases import (
    a_pipeline,
    a_silence,
    a_stored_runbook,
    a_waiting_run,
    an_alert,
    an_incident,
    an_open_incident,
    counted_points,
    sample,
)
from tests.functions.stage import NOW, TENANT, Stage, on_sqlite
from tests.functions.test_roles import BODIES, QUERIES, ROUTES, path_of
from tests.functions.web import (
    BESIDE_A_READ,
    OTHER_TENANT,
    Told,
    Web,
    incident,
    opened,
    point,
    wedding,
)
from wedsync.alerting.severity import Severity
from wedsync.resources import Resource
from wedsync.stores.rejections import Rejection
from wedsync.tenancy import Role

WEDDINGS = "/api/weddings"
ALERTS = "/api/metrics/alerts"
REJECTIONS = "/api/metrics/ingest/rejections"
INCIDENTS = "/api/monitoring/incidents"
ACTIVE = f"{INCIDENTS}/active"
INCIDENT_MEMBERS = {
    "incidentId",
    "title",
    "description",
    "severity",
    "weddingId",
    "wedding_impact",
    "affected_services",
    "user_impact_estimate",
    "system_state",
    "status",
    "escalationLevel",
    "acknowledgedAt",
    "acknowledgedBy",
    "alerts",
    "updates",
    "assigned_to",
    "createdAt",
    "epoch",
}
CONTEXT_MEMBERS = {
    "weddingId",
    "phase",
    "isWeekend",
    "isSaturdayLocal",
    "isWeddingDay",
    "isSeason",
    "daysToWedding",
}
"""What a wedding's context tells at least."""
LOOKING = [
    name
    for name, trigger in ROUTES.items()
    if trigger.method == "GET" and name != "metrics-prometheus"
]
"""The routes that answer a GET in JSON."""


@pytest.fixture
def web() -> Iterator[Web]:
    with opened() as web:
        yield web


@pytest.fixture
def busy() -> Iterator[Web]:
    with _busy() as web:
        yield web


@pytest.fixture(scope="module")
def shown() -> Iterator[Web]:
    """The same, for those who change nothing that another looks at."""
    with _busy() as web:
        web.ask("POST", "/api/metrics/ingest", [point(), point()])
        web.bundle.drain()
        yield web


@pytest.fixture(scope="module")
def worn() -> Iterator[Web]:
    """The same, for those who do not care in which state they find it."""
    with _busy() as web:
        yield web


@contextmanager
def _busy() -> Iterator[Web]:
    """A wedding, an alert, an incident, and some points."""
    with opened() as web:
        stage = Stage(web.bundle.cloud, web.bundle.clock)
        an_open_incident(stage)
        counted_points(stage)
        a_silence(stage)
        a_pipeline(stage)
        a_stored_runbook(stage)
        a_waiting_run(stage)
        yield web


class TestProblems:
    def test_a_problem_says_what_is_wrong_where_and_under_which_id(self, web: Web) -> None:
        told = web.ask("POST", WEDDINGS, wedding(guestCount=0))
        assert told.json == {
            "type": "urn:wedsync:problem:invalid-request",
            "title": "The request is not valid",
            "status": 400,
            "detail": "/guestCount: from 1 to 10000",
            "instance": WEDDINGS,
            "requestId": "request-1",
            "error": "/guestCount: from 1 to 10000",
            "errors": [
                {"pointer": "/guestCount", "code": "out-of-range", "detail": "from 1 to 10000"}
            ],
        }
        assert told.headers["content-type"] == "application/problem+json"
        assert told.headers["x-request-id"] == "request-1"
        assert told.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        ("members", "pointer"),
        [
            ({"coupleName": None}, "/coupleName"),
            ({"venue": {"timeZone": "Europe/Nowhere"}}, "/venue/timeZone"),
            ({"venue": {}}, "/venue/timeZone"),
            ({"venue": {"timeZone": "UTC", "lat": 91}}, "/venue/lat"),
            ({"date": "2026-02-30"}, "/date"),
            ({"date": "0001-01-01", "timeline": [], "events": []}, "/date"),
            ({"date": "9999-12-31", "timeline": [], "events": []}, "/date"),
            ({"vendors": [{"vendorId": "a"}, {"vendorId": "a"}]}, "/vendors/1/vendorId"),
            ({"vendors": [{"vendorId": "a", "x": 1}]}, "/vendors/0/x"),
            (
                {
                    "timeline": [
                        {
                            "id": "a",
                            "kind": "dance",
                            "title": "t",
                            "startsAt": "2026-06-20T16:00:00",
                        }
                    ]
                },
                "/timeline/0/kind",
            ),
            (
                {
                    "events": [
                        {
                            "name": "a",
                            "startsAt": "2026-06-20T16:00:00",
                            "endsAt": "2026-06-20T15:00:00",
                        }
                    ]
                },
                "/events/0/endsAt",
            ),
            (
                {
                    "events": [
                        {
                            "name": "a",
                            "startsAt": "0001-01-01T00:00:00+14:00",
                            "endsAt": "2026-06-20T15:00:00",
                        }
                    ]
                },
                "/events/0/startsAt",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_the_pointer_leads_to_the_member(
        self, web: Web, members: dict[str, object], pointer: str
    ) -> None:
        told = web.ask("POST", WEDDINGS, wedding(**members))
        assert told.is_a_problem(400)
        assert [error["pointer"] for error in told.errors] == [pointer]

    def test_the_pointer_into_points_names_the_point(self, web: Web) -> None:
        told = web.ask("POST", "/api/metrics/ingest", [point(kind="dance")])
        assert told.is_a_problem(400)
        assert told.errors[0]["pointer"].startswith("/0")

    def test_a_path_of_another_method_is_405_and_any_other_404(self, web: Web) -> None:
        for method in ("PUT", "POST", "OPTIONS"):
            told = web.ask(method, f"{WEDDINGS}/wed_0", headers={"x-methods-of-path": "FROM ME"})
            assert told.is_a_problem(405)
            assert told.headers["allow"] == "DELETE, GET, PATCH"
            told = web.ask(method, "/api/nothing", headers={"x-methods-of-path": "FROM ME"})
            assert told.is_a_problem(404)
            assert "allow" not in told.headers
        for path, allowed in ((ACTIVE, "GET"), (INCIDENTS, "GET, POST")):
            assert web.ask("PUT", path).headers["allow"] == allowed
        for path in ("/", "", "/api", "/api/weddings/", "/api//weddings", "/API/weddings"):
            assert web.ask("GET", path).is_a_problem(404)

    @pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": 1}', b"[1]"])
    def test_what_no_route_takes_is_told_so_whatever_it_sends(self, web: Web, body: bytes) -> None:
        assert web.ask("POST", "/api/nothing", body).is_a_problem(404)
        assert web.ask("PUT", WEDDINGS, body).is_a_problem(405)

    def test_what_no_route_takes_needs_no_caller_to_be_told(self, web: Web) -> None:
        assert web.ask("GET", "/api/nothing", role=None).is_a_problem(404)


class TestRequestIds:
    @pytest.mark.parametrize("name", ROUTES)
    def test_every_answer_carries_its_own(self, worn: Web, name: str) -> None:
        """Whatever it is, as another answer may have changed what is asked about."""
        told = [
            worn.ask(
                ROUTES[name].method, path_of(name), BODIES.get(name), query=QUERIES.get(name, "")
            )
            for _ in range(2)
        ]
        ids = {each.headers["x-request-id"] for each in told}
        assert len(ids) == 2
        assert all(re.fullmatch(r"request-\d+", each) for each in ids)
        assert all(each.headers["server-timing"].startswith("app;dur=") for each in told)


class TestVersions:
    def test_a_new_wedding_says_where_it_is_and_which_version(self, web: Web) -> None:
        told = web.ask("POST", WEDDINGS, wedding())
        assert told.status == 201
        assert told.headers["location"] == f"{WEDDINGS}/{told.json['weddingId']}"
        assert told.headers["etag"] == '"1"'
        read = web.ask("GET", told.headers["location"])
        assert read.own == told.json
        assert read.headers["etag"] == '"1"'

    def test_a_change_moves_the_version_on(self, web: Web) -> None:
        path = f"{WEDDINGS}/{web.a_wedding()}"
        for version, match in ((2, '"1"'), (3, "*"), (4, None)):
            headers = {} if match is None else {"if-match": match}
            told = web.ask("PATCH", path, {"guestCount": version}, headers=headers)
            assert (told.status, told.headers["etag"]) == (200, f'"{version}"')
            assert told.json["guestCount"] == version

    @pytest.mark.parametrize("match", ['"2"', '"0"', "1", 'W/"1"', "", '""'])
    def test_a_change_of_another_version_is_refused(self, web: Web, match: str) -> None:
        path = f"{WEDDINGS}/{web.a_wedding()}"
        before = web.ask("GET", path).json
        told = web.ask("PATCH", path, {"guestCount": 3}, headers={"if-match": match})
        assert told.is_a_problem(412)
        assert web.ask("GET", path).json == before

    def test_a_patch_takes_members_away_and_merges_objects(self, web: Web) -> None:
        path = f"{WEDDINGS}/{web.a_wedding()}"
        told = web.ask("PATCH", path, {"style": None, "venue": {"lat": None, "name": "Barn"}})
        venue = cast("dict[str, object]", told.json["venue"])
        assert told.json["style"] is None
        assert (venue["lat"], venue["lon"], venue["name"]) == (None, -3.7, "Barn")

    @pytest.mark.parametrize(
        "patch", [{"weddingId": "x"}, {"version": 9}, {"createdAt": None}, {"date": None}]
    )
    def test_a_patch_cannot_change_what_is_not_the_callers(
        self, web: Web, patch: dict[str, object]
    ) -> None:
        told = web.ask("PATCH", f"{WEDDINGS}/{web.a_wedding()}", patch)
        assert told.is_a_problem(400)
        assert told.errors[0]["pointer"] == f"/{next(iter(patch))}"


def _weddings(web: Web, count: int) -> set[str]:
    return {web.a_wedding(coupleName=f"couple {n}") for n in range(count)}


def _alerts(web: Web, count: int) -> set[str]:
    made = set()
    for n in range(count):
        name = f"{n:016x}"
        at = NOW - timedelta(seconds=n // 3)
        alert = replace(an_alert(), alert_id=f"{name}-1", fingerprint=name, started_at=at)
        web.services.alerts.keep(TENANT, alert, former=None)
        made.add(alert.alert_id)
    return made


def _rejections(web: Web, count: int) -> set[str]:
    rows = [
        Rejection(
            place=f"metrics:0:{n}",
            index=n,
            code="bad",
            detail="bad",
            pointer="",
            raw=b"x",
            arrived_at=NOW - timedelta(seconds=n // 3),
        )
        for n in range(count)
    ]
    web.services.rejections.park(TENANT, rows)
    return {row.place for row in rows}


def _incidents(web: Web, count: int) -> set[str]:
    made = set()
    for n in range(count):
        one = replace(an_incident(), incident_id=f"inc_{n:020x}-1", wedding_id=None)
        web.services.incidents.begin(TENANT, one, after=None)
        made.add(one.incident_id)
    return made


class TestOrdersOfTheDay:
    """Of an item only its start is asked for."""

    STARTS = (
        {"startsAt": "2026-06-20T14:00:00"},
        {"startsAt": "2026-06-20T15:00:00", "kind": "ceremony"},
        {"startsAt": "2026-06-20T17:00:00", "title": "Cake"},
        {"startsAt": "2026-06-20T18:00:00", "id": "other-2"},
    )
    NAMES = (
        ("other", "other", "Other"),
        ("ceremony", "ceremony", "Ceremony"),
        ("other-3", "other", "Cake"),
        ("other-2", "other", "Other"),
    )

    @staticmethod
    def names(told: Told) -> tuple[tuple[object, object, object], ...]:
        assert told.status in {200, 201}, told.text
        items = cast("list[dict[str, object]]", told.json["timeline"])
        return tuple((each["id"], each["kind"], each["title"]) for each in items)

    def test_items_are_named_where_a_new_wedding_leaves_it_open(self, web: Web) -> None:
        told = web.ask("POST", WEDDINGS, wedding(timeline=self.STARTS))
        assert self.names(told) == self.NAMES

    @pytest.mark.parametrize(("method", "place"), [("PATCH", ""), ("PUT", "/timeline")])
    def test_the_same_change_gives_the_same_names_again(
        self, web: Web, method: str, place: str
    ) -> None:
        target = f"{WEDDINGS}/{web.a_wedding()}{place}"
        for _ in range(2):
            told = web.ask(method, target, {"timeline": self.STARTS})
            assert self.names(told) == self.NAMES

    def test_an_item_of_no_kind_opens_the_day_only_where_there_is_no_ceremony(
        self, web: Web
    ) -> None:
        for timeline, opens in ((self.STARTS, "13:00"), (self.STARTS[:1], "12:00")):
            wedding_id = web.a_wedding(venue={"timeZone": "UTC"}, timeline=timeline, events=[])
            told = web.ask("GET", f"{WEDDINGS}/{wedding_id}/monitoring")
            assert told.json["windowStart"] == f"2026-06-20T{opens}:00Z"

    def test_an_event_needs_no_more_than_its_start_either(self, web: Web) -> None:
        starts = [{"startsAt": "2026-06-19T20:00:00Z"}, {"startsAt": "2026-06-21T10:00:00Z"}]
        told = web.ask("POST", WEDDINGS, wedding(events=starts))
        events = cast("list[dict[str, str]]", told.json["events"])
        assert [(each["name"], each["endsAt"]) for each in events] == [
            ("Event 1", "2026-06-19T20:00:00Z"),
            ("Event 2", "2026-06-21T10:00:00Z"),
        ]


class TestPages:
    @pytest.mark.parametrize(
        ("path", "name", "arrange"),
        [
            (WEDDINGS, "weddingId", _weddings),
            (ALERTS, "alertId", _alerts),
            (REJECTIONS, "place", _rejections),
            (INCIDENTS, "incidentId", _incidents),
            (ACTIVE, "incidentId", _incidents),
        ],
    )
    @pytest.mark.parametrize("by_link", [True, False])
    def test_a_list_is_walked_without_a_gap_or_a_repetition(
        self,
        web: Web,
        path: str,
        name: str,
        arrange: Callable[[Web, int], set[str]],
        *,
        by_link: bool,
    ) -> None:
        made = arrange(web, 120)
        seen: list[str] = []
        sizes: list[int] = []
        query = "limit=50"
        while query:
            told = web.ask("GET", path, query=query)
            items = cast(
                "list[dict[str, str]]", told.json if path == ACTIVE else told.json["items"]
            )
            seen += [each[name] for each in items]
            sizes.append(len(items))
            query = _linked(told, path)
            if path != ACTIVE:
                cursor = told.json["nextCursor"]
                assert bool(cursor) == bool(query)
                if not by_link:
                    query = f"limit=50&cursor={cursor}" if cursor else ""
        assert sizes == [50, 50, 20]
        assert len(seen) == len(set(seen))
        assert set(seen) == made

    def test_a_wedding_that_comes_in_between_moves_nothing(self, web: Web) -> None:
        made = _weddings(web, 6)
        first = web.ask("GET", WEDDINGS, query="limit=3")
        web.a_wedding(date="2026-06-01", timeline=[], events=[])
        second = web.ask("GET", WEDDINGS, query=_linked(first, WEDDINGS))
        assert {str(each["weddingId"]) for each in (*first.items, *second.items)} == made

    def test_a_link_leads_on_in_the_same_query(self, web: Web) -> None:
        _weddings(web, 3)
        web.a_wedding(date="2026-06-21", timeline=[], events=[])
        query, seen = "date=2026-06-20&status=today&vendorId=photo-1&limit=2", 0
        while query:
            told = web.ask("GET", WEDDINGS, query=query)
            assert told.status == 200
            assert {each["date"] for each in told.items} == {"2026-06-20"}
            seen += len(told.items)
            query = _linked(told, WEDDINGS)
            assert not query or {"date=2026-06-20", "status=today", "vendorId=photo-1"} <= set(
                query.split("&")
            )
        assert seen == 3

    def test_a_link_keeps_the_filters_of_alerts(self, web: Web) -> None:
        _alerts(web, 3)
        told = web.ask("GET", ALERTS, query="state=firing&severity=critical&limit=2")
        assert {"state=firing", "severity=critical"} <= set(_linked(told, ALERTS).split("&"))

    @pytest.mark.parametrize("path", [WEDDINGS, ALERTS, INCIDENTS, REJECTIONS])
    @pytest.mark.parametrize(
        ("asked", "used"),
        [("", 50), ("limit=1", 1), ("limit=200", 200), ("limit=201", 200), ("limit=99999", 200)],
    )
    def test_the_limit_that_was_used_is_told(
        self, web: Web, path: str, asked: str, used: int
    ) -> None:
        assert web.ask("GET", path, query=asked).json["effectiveLimit"] == used

    def test_the_last_page_leads_nowhere(self, web: Web) -> None:
        _weddings(web, 2)
        told = web.ask("GET", WEDDINGS, query="limit=2")
        told = (
            web.ask("GET", WEDDINGS, query=_linked(told, WEDDINGS))
            if _linked(told, WEDDINGS)
            else told
        )
        assert told.json["nextCursor"] is None
        assert "link" not in told.headers

    def test_weddings_come_by_date_and_alerts_newest_first(self, web: Web) -> None:
        for day in ("2026-07-04", "2026-06-27", "2026-07-11"):
            web.a_wedding(date=day, timeline=[], events=[])
        dates = [each["date"] for each in web.ask("GET", WEDDINGS).items]
        assert dates == ["2026-06-27", "2026-07-04", "2026-07-11"]
        _alerts(web, 7)
        started = [str(each["startedAt"]) for each in web.ask("GET", ALERTS).items]
        assert started == sorted(started, reverse=True)


class TestTimes:
    @pytest.mark.parametrize(
        "at", ["2026-06-20T16:05:00%2B02:00", "2026-06-20T16:05:00+02:00", "2026-06-20T14:05:00Z"]
    )
    def test_a_query_names_an_instant_in_any_offset(self, web: Web, at: str) -> None:
        told = web.ask("GET", f"{WEDDINGS}/{web.a_wedding()}/monitoring", query=f"at={at}")
        assert told.json["at"] == "2026-06-20T14:05:00Z"
        assert told.json["local"] == "2026-06-20T16:05:00+02:00"


def _there(web: Web, name: str) -> str:
    """The path of a read whose thing is there."""
    match name:
        case "routing-read-contact":
            made = web.ask(
                "POST", path_of("routing-create-contact"), BODIES["routing-create-contact"]
            )
            return made.headers["location"]
        case "routing-read-policy":
            return path_of(name, "normal")
    return path_of(name)


class TestFreshness:
    """Every read tells since when it holds and how good the data is that it comes from."""

    @pytest.mark.parametrize("name", LOOKING)
    def test_every_read_tells_it_as_headers_and_where_there_is_room_as_members(
        self, shown: Web, name: str
    ) -> None:
        shown.bundle.restart()
        told = shown.ask("GET", _there(shown, name), query=QUERIES.get(name, ""))
        assert told.status == 200
        assert told.headers["x-as-of"] == "2026-06-20T14:05:00Z"
        assert told.headers["x-cache"] == "miss"
        assert told.headers["cache-control"].startswith("private")
        quality = json.loads(told.headers.get("x-data-quality", "null"))
        if ROUTES[name].roles:
            assert quality["accepted"] >= 2
            assert quality["duplicates"] == 1
            assert set(quality) == {
                *("score", "freshnessSeconds", "completeness", "lateShare", "rejectedShare"),
                *("accepted", "late", "duplicates", "rejected"),
            }
        if ROUTES[name].exact:
            assert not BESIDE_A_READ & set(re.findall(r'"(\w+)":', told.text))
            return
        beside = {member: told.json[member] for member in BESIDE_A_READ}
        assert beside == {
            "asOf": "2026-06-20T14:05:00Z",
            "cacheHit": False,
            "executionTime": 0.0,
            "dataQuality": quality,
        }

    def test_it_is_beside_the_text_of_an_exposition_too(self, busy: Web) -> None:
        told = [busy.ask("GET", path_of("metrics-prometheus")) for _ in range(2)]
        assert [each.headers["x-cache"] for each in told] == ["miss", "hit"]
        assert all("x-as-of" in each.headers and "x-data-quality" in each.headers for each in told)

    def test_the_exact_routes_are_those_that_are_required_word_for_word(self) -> None:
        exact = {trigger.path for trigger in ROUTES.values() if trigger.exact}
        assert exact == {
            "/api/metrics/real-time",
            "/api/metrics/wedding/{wedding_id}",
            "/api/monitoring/incidents/active",
        }

    def test_another_tenants_points_say_nothing_of_ones_own(self, busy: Web) -> None:
        told = busy.ask("GET", ALERTS, tenant=OTHER_TENANT)
        assert cast("dict[str, object]", told.json["dataQuality"])["accepted"] == 0

    def test_no_question_stays_without_an_answer_because_its_quality_cannot_be_told(self) -> None:
        with on_sqlite() as stage:
            answer = stage.run(
                "weddings-listing", sample("weddings-listing"), down=frozenset({Resource.WINDOWS})
            )
        assert answer["statusCode"] == 200
        assert json.loads(str(answer["body"]))["dataQuality"] is None


class TestValidators:
    """Who polls is told in few bytes that nothing has changed."""

    @pytest.mark.parametrize(
        "name", ["metrics-real-time", "metrics-wedding", "incidents-active", "alerts-listing"]
    )
    def test_what_has_not_changed_is_not_sent_again(self, busy: Web, name: str) -> None:
        busy.bundle.advance(2)
        first = busy.ask("GET", path_of(name))
        tag = first.headers["etag"]
        assert tag.startswith('W/"')
        busy.bundle.advance(2)
        for asked in (tag, f'"other", {tag}', "*"):
            told = busy.ask("GET", path_of(name), headers={"if-none-match": asked})
            assert (told.status, told.text, told.headers["etag"]) == (304, "", tag)
            assert told.headers["x-as-of"] == "2026-06-20T14:05:04Z"
            assert "content-type" not in told.headers
        assert busy.ask("GET", path_of(name), headers={"if-none-match": '"other"'}).status == 200

    def test_what_has_changed_is_sent_whole(self, busy: Web) -> None:
        names = ("metrics-real-time", "metrics-wedding", "incidents-active", "alerts-listing")
        before = {name: busy.ask("GET", path_of(name)).headers["etag"] for name in names}
        busy.ask("POST", path_of("alerts-resolve"))
        more = point(
            name="guest.activity",
            kind="event",
            eventId="more",
            weddingId="wed_sample",
            dims={"guestId": "g-more", "action": "rsvp"},
        )
        busy.ask("POST", "/api/metrics/ingest", [more])
        busy.bundle.advance(2)
        for name, tag in before.items():
            told = busy.ask("GET", path_of(name), headers={"if-none-match": tag})
            assert told.status == 200, name
            assert told.json
            assert told.headers["etag"] != tag

    def test_a_version_is_for_changing_and_its_read_is_always_answered(self, web: Web) -> None:
        path = f"{WEDDINGS}/{web.a_wedding()}"
        tag = web.ask("GET", path).headers["etag"]
        assert (tag, web.ask("GET", path, headers={"if-none-match": tag}).status) == ('"1"', 200)

    def test_a_refusal_has_none(self, web: Web) -> None:
        told = web.ask("GET", f"{WEDDINGS}/none", headers={"if-none-match": "*"})
        assert (told.status, "etag" in told.headers) == (404, False)


class TestShapes:
    def test_the_live_snapshot_has_exactly_its_members(self, busy: Web) -> None:
        body = busy.ask("GET", "/api/metrics/real-time").json
        assert _shape(body) == {
            "timestamp": None,
            "systemHealth": dict.fromkeys(
                ["overallScore", "apiResponseTime", "errorRate", "throughput", "activeConnections"]
            ),
            "weddingMetrics": dict.fromkeys(
                [
                    "activeWeddings",
                    "photoUploadsPerMinute",
                    "vendorActivityScore",
                    "guestEngagement",
                    "weddingSystemHealth",
                ]
            ),
            "alerts": dict.fromkeys(["critical", "high", "medium", "weddingRelated"]),
        }

    def test_the_snapshot_of_nothing_is_null_and_not_nought(self, web: Web) -> None:
        body = web.ask("GET", "/api/metrics/real-time").json
        assert set(cast("dict[str, object]", body["systemHealth"]).values()) == {None}
        figures = cast("dict[str, object]", body["weddingMetrics"])
        assert figures.pop("activeWeddings") == 0
        assert set(figures.values()) == {None}

    def test_a_weddings_page_has_exactly_its_members(self, busy: Web) -> None:
        body = busy.ask("GET", "/api/metrics/wedding/wed_sample").json
        activity = cast("list[dict[str, object]]", body.pop("realTimeActivity"))
        assert _shape(body) == {
            **dict.fromkeys(["weddingId", "coupleName", "weddingDate", "status"]),
            "metrics": {
                **dict.fromkeys(
                    [
                        "photosUploaded",
                        "photosProcessing",
                        "photosFailed",
                        "vendorsOnline",
                        "guestActivity",
                        "backupStatus",
                    ]
                ),
                "systemPerformance": dict.fromkeys(["responseTime", "errorRate", "uptime"]),
            },
        }
        for each in activity:
            assert set(each) == {"timestamp", "local", "type", "vendorId", "guestId", "summary"}

    @pytest.mark.parametrize("path", ["/api/metrics/real-time", "/api/metrics/wedding/wed_sample"])
    def test_freshness_and_quality_travel_as_headers(self, busy: Web, path: str) -> None:
        headers = busy.ask("GET", path).headers
        assert {"x-as-of", "x-cache", "x-data-quality", "server-timing", "cache-control"} <= set(
            headers
        )
        assert headers["cache-control"] == "private, max-age=1"
        assert busy.ask("GET", path).headers["x-cache"] == "hit"

    def test_a_reported_incident_is_answered_with_exactly_three_members(self, web: Web) -> None:
        told = web.ask("POST", "/api/monitoring/incidents", incident(severity="critical"))
        assert (told.status, set(told.json)) == (
            200,
            {"incidentId", "severity", "escalationTriggered"},
        )
        assert told.json["escalationTriggered"] is True

    def test_an_escalation_is_answered_with_exactly_three_members(self, web: Web) -> None:
        made = web.ask("POST", "/api/monitoring/incidents", incident(severity="critical"))
        path = f"/api/monitoring/incidents/{made.json['incidentId']}/escalate"
        levels = []
        for _ in range(2):
            told = web.ask("POST", path)
            assert set(told.json) == {"escalated", "escalationLevel", "notificationsSent"}
            levels.append(told.json["escalationLevel"])
        assert levels == [2, 3]
        assert web.ask("POST", path).is_a_problem(409)

    def test_active_incidents_are_a_bare_array_with_exactly_their_members(self, busy: Web) -> None:
        told = busy.ask("GET", ACTIVE)
        (found,) = cast("list[dict[str, object]]", told.json)
        assert set(found) == INCIDENT_MEMBERS

    def test_active_incidents_come_worst_first_then_by_impact_then_by_age(self, web: Web) -> None:
        wanted = []
        for severity, impact in (
            ("critical", "high"),
            ("critical", "low"),
            ("high", "high"),
            ("low", "none"),
        ):
            wanted += [(severity, impact)] * 2
        for severity, impact in reversed(wanted):
            body = incident(severity=severity, wedding_impact=impact)
            assert web.ask("POST", "/api/monitoring/incidents", body).status == 200
            web.bundle.clock.advance(1)
        found = cast("list[dict[str, str]]", web.ask("GET", ACTIVE).json)
        assert [(each["severity"], each["wedding_impact"]) for each in found] == wanted
        for older, younger in zip(found[::2], found[1::2], strict=True):
            assert older["createdAt"] < younger["createdAt"]
        query, walked = "limit=3", []
        while query:
            told = web.ask("GET", ACTIVE, query=query)
            walked += cast("list[dict[str, str]]", told.json)
            query = _linked(told, ACTIVE)
        assert walked == found

    def test_an_incident_that_grows_worse_moves_up(self, web: Web) -> None:
        for severity in ("medium", "high"):
            web.ask("POST", INCIDENTS, incident(severity=severity))
        worse = replace(an_incident(), incident_id="inc_worse-1", severity=Severity.LOW)
        stored = web.services.incidents.begin(TENANT, worse, after=None)
        found = cast("list[dict[str, str]]", web.ask("GET", ACTIVE).json)
        assert [each["severity"] for each in found] == ["high", "medium", "low"]
        worse = replace(worse, severity=Severity.CRITICAL)
        web.services.incidents.save(TENANT, worse, expected=stored.version)
        found = cast("list[dict[str, str]]", web.ask("GET", ACTIVE).json)
        assert [each["severity"] for each in found] == ["critical", "high", "medium"]

    def test_an_incident_shows_its_wedding_clock_everywhere_but_among_the_active(
        self, busy: Web
    ) -> None:
        (listed,) = busy.ask("GET", INCIDENTS).items
        bodies = [
            listed,
            busy.ask("GET", path_of("incidents-read")).own,
            busy.ask("POST", path_of("incidents-acknowledge")).json,
            busy.ask("POST", path_of("incidents-resolve")).json,
        ]
        for body in bodies:
            assert set(body) == {*INCIDENT_MEMBERS, "weddingContext"}
            context = cast("dict[str, object]", body["weddingContext"])
            assert set(context) >= CONTEXT_MEMBERS
            assert (context["weddingId"], context["isWeddingDay"]) == ("wed_sample", True)
        alert = busy.ask("GET", path_of("alerts-read")).json
        assert set(cast("dict[str, object]", alert["weddingContext"])) == set(context)
        made = busy.ask("POST", INCIDENTS, incident()).json
        read = busy.ask("GET", f"{INCIDENTS}/{made['incidentId']}").json
        assert read["weddingContext"] is None

    def test_an_incident_is_read_with_its_whole_timeline(self, busy: Web) -> None:
        busy.ask("POST", path_of("incidents-escalate"))
        busy.bundle.drain()
        busy.ask("POST", path_of("incidents-acknowledge"))
        busy.ask("POST", path_of("incidents-resolve"))
        busy.bundle.drain()
        read = cast("list[object]", busy.ask("GET", path_of("incidents-read")).json["updates"])
        (listed,) = busy.ask("GET", INCIDENTS).items
        assert len(read) > 5
        assert listed["updates"] == read[:5]

    def test_incidents_are_listed_newest_first_and_by_what_is_asked_for(self, busy: Web) -> None:
        busy.bundle.clock.advance(60)
        busy.ask("POST", INCIDENTS, incident(severity="low", title="younger"))
        assert [each["severity"] for each in busy.ask("GET", INCIDENTS).items] == [
            "low",
            "critical",
        ]
        busy.ask("POST", path_of("incidents-resolve"))
        for query, severities in {
            "status=open": ["low"],
            "status=resolved": ["critical"],
            "severity=low": ["low"],
            "weddingId=wed_sample": ["critical"],
            "weddingId=wed_sample&status=open": [],
        }.items():
            found = busy.ask("GET", INCIDENTS, query=query).items
            assert [each["severity"] for each in found] == severities, query
        assert busy.ask("GET", INCIDENTS, tenant=OTHER_TENANT).items == []

    def test_a_series_of_a_wedding_shows_its_clock_at_that_moment(self, busy: Web) -> None:
        path, query = "/api/metrics/series", "name=photo.upload"
        body = busy.ask("GET", path, query=f"{query}&weddingId=wed_sample").json
        context = cast("dict[str, object]", body["weddingContext"])
        assert set(context) >= CONTEXT_MEMBERS
        assert context["local"] == "2026-06-20T16:05:00+02:00"
        assert busy.ask("GET", path, query=query).json["weddingContext"] is None

    def test_an_alert_has_exactly_its_members(self, busy: Web) -> None:
        body = busy.ask("GET", path_of("alerts-read")).own
        assert set(body) == {
            "alertId",
            "fingerprint",
            "ruleId",
            "type",
            "severity",
            "severityReasons",
            "state",
            "weddingId",
            "service",
            "message",
            "impact",
            "autoEscalate",
            "value",
            "threshold",
            "startedAt",
            "firedAt",
            "acknowledgedAt",
            "acknowledgedBy",
            "resolvedAt",
            "incidentId",
            "recoveredAutomatically",
            "suppressedBy",
            "tags",
            "weddingContext",
            "version",
        }
        reasons = cast("list[dict[str, object]]", body["severityReasons"])
        assert set(reasons[0]) == {"rule", "severity", "reason", "localTime"}

    def test_ingest_says_what_it_took_and_what_it_did_not(self, web: Web) -> None:
        points = [point(), point(), point(eventId="e-2", kind="dance")]
        told = web.ask("POST", "/api/metrics/ingest", points, role=Role.DEVICE)
        assert told.status == 202
        rejected = cast("list[dict[str, object]]", told.json["rejected"])
        assert (told.json["accepted"], told.json["duplicates"], len(rejected)) == (1, 1, 1)
        assert set(rejected[0]) == {"index", "code", "detail"}
        assert rejected[0]["index"] == 2

    @pytest.mark.parametrize(("path", "again"), [("acknowledge", 200), ("resolve", 200)])
    def test_answering_an_alert_twice_is_answered_alike(
        self, busy: Web, path: str, again: int
    ) -> None:
        first = busy.ask("POST", path_of(f"alerts-{path}"))
        busy.bundle.clock.advance(5)
        second = busy.ask("POST", path_of(f"alerts-{path}"))
        assert (first.status, second.status) == (200, again)
        assert {**second.json, "version": 0} == {**first.json, "version": 0}

    def test_what_is_resolved_cannot_be_acknowledged(self, busy: Web) -> None:
        for kind in ("alerts", "incidents"):
            assert busy.ask("POST", path_of(f"{kind}-resolve")).status == 200
            assert busy.ask("POST", path_of(f"{kind}-acknowledge")).is_a_problem(409)
        assert busy.ask("POST", path_of("incidents-escalate")).is_a_problem(409)

    @pytest.mark.parametrize("name", LOOKING)
    def test_every_time_is_rfc_3339_and_utc_unless_it_is_local(self, shown: Web, name: str) -> None:
        told = shown.ask("GET", path_of(name), query=QUERIES.get(name, ""))
        times = list(_times(told.json))
        for member, value in times:
            offset = r"[+-]\d\d:\d\d" if member in {"local", "localTime"} else "Z"
            assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?{offset}", value), member


def _linked(told: Told, path: str) -> str:
    """The query that the Link header leads to; empty where there is none."""
    link = told.headers.get("link")
    if link is None:
        return ""
    match = re.fullmatch(r'<([^?>]+)\?([^>]+)>; rel="next"', link)
    assert match is not None
    assert match[1] == path
    return match[2]


def _shape(value: object) -> object:
    """An object's members, without what they say."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    return None


def _times(value: object, member: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _times(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _times(each, member)
    elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        yield member, value

"""The command line starts a server, and makes keys for it."""

import json
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.clock import RandomIds, RealClock
from infra.local.data_directory import DataDirectory, opened
from infra.local.engine import LocalCloud
from infra.local.first_start import identity_of, make_key
from tests.infra.local.processes import ROOT, Server, in_scratch
from wedsync.metrics.signature import device_secret
from wedsync.resources import Resource
from wedsync.settings import Settings
from wedsync.stores.rollups import WHOLE
from wedsync.stores.services import Services
from wedsync.tenancy import Role, Tenant

COMMAND = ("-c", "from infra.local.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command ended with, and said."""

    returncode: int
    stdout: str
    stderr: str


def wedsync(*arguments: str) -> Said:
    """Run a command in this process: it says the same, and nothing has to be imported anew."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def started(*arguments: str, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, which may see another scratch directory."""
    return subprocess.run(  # noqa: S603 - our own command
        [*in_scratch(scratch), sys.executable, *COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_key_is_valid_at_once_in_a_running_server(tmp_path: Path) -> None:
    server = Server(*COMMAND, "serve", "--port", "0", "--data", str(tmp_path))
    try:
        created = wedsync(
            "keys", "create", "--tenant", "t2", "--role", "viewer", "--data", str(tmp_path)
        )
        made = json.loads(created.stdout)
        assert set(made) == {"token", "keyId", "tenantId", "role"}
        assert (made["tenantId"], made["role"]) == ("t2", "viewer")
        assert created.stderr == "wedsync: t2 is a new tenant\n"
        for headers in ({"authorization": f"Bearer {made['token']}"}, {"x-api-key": made["token"]}):
            assert server.ask("GET", "/api/weddings", headers=headers)[0] == 200
        assert server.ask("GET", "/api/weddings", headers={"x-api-key": "wsk_no_no"})[0] == 401
        revoked = wedsync("keys", "revoke", made["keyId"], "--data", str(tmp_path))
        assert json.loads(revoked.stdout)["keyId"] == made["keyId"]
        assert server.ask("GET", "/api/weddings", headers=headers)[0] == 401
        second = started("serve", "--port", "0", "--data", str(tmp_path))
        assert (second.returncode, second.stdout) == (2, "")
        assert "another server uses" in second.stderr
    finally:
        code, rest = server.end()
    assert (code, rest) == (0, b"")


NEW_VIEWER = ("keys", "create", "--tenant", "demo", "--role", "viewer")


@pytest.mark.parametrize("kept", [False, True])
def test_a_key_is_made_for_the_only_server_that_runs(tmp_path: Path, *, kept: bool) -> None:
    scratch, data = tmp_path / "scratch", tmp_path / "data"
    scratch.mkdir()
    options = ("--data", str(data)) if kept else ()
    server = Server(*COMMAND, "serve", "--port", "0", *options, scratch=scratch)
    try:
        made = json.loads(started(*NEW_VIEWER, scratch=scratch).stdout)
        assert server.ask("GET", "/api/weddings", headers={"x-api-key": made["token"]})[0] == 200
    finally:
        server.end()
    late = started(*NEW_VIEWER, scratch=scratch)
    assert (late.returncode, late.stdout) == (2, "")
    assert "no server runs" in late.stderr


def test_between_several_servers_the_caller_chooses(tmp_path: Path) -> None:
    scratch, data = tmp_path / "scratch", tmp_path / "data"
    scratch.mkdir()
    kept = Server(*COMMAND, "serve", "--port", "0", "--data", str(data), scratch=scratch)
    passing = Server(*COMMAND, "serve", "--port", "0", scratch=scratch)
    try:
        refused = started(*NEW_VIEWER, scratch=scratch)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "2 servers run: choose one with --data" in refused.stderr
        for server in (kept, passing):
            (line,) = (
                each for each in refused.stderr.splitlines() if str(server.line["url"]) in each
            )
            option, directory, _ = line.split()
            chosen = started(*NEW_VIEWER, option, directory, scratch=scratch)
            headers = {"x-api-key": json.loads(chosen.stdout)["token"]}
            assert server.ask("GET", "/api/weddings", headers=headers)[0] == 200
        passing.kill()
        left = started(*NEW_VIEWER, scratch=scratch)
        headers = {"x-api-key": json.loads(left.stdout)["token"]}
        assert kept.ask("GET", "/api/weddings", headers=headers)[0] == 200
    finally:
        kept.end()
        passing.end()


def test_a_taken_port_is_said_clearly() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        answer = started("serve", "--port", port)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"port {port} is taken" in answer.stderr
    assert "--port 0" in answer.stderr


def cloud_on(data: Path) -> LocalCloud:
    clock = RealClock()
    return LocalCloud(DataDirectory(data).database, clock=clock, ids=RandomIds(clock))


def a_store(data: Path) -> Path:
    """A store with a key of the tenant demo."""
    with cloud_on(data) as cloud:
        make_key(cloud, tenant=Tenant("demo"), role=Role.VIEWER, vendor_id=None)
    return data


def test_a_key_is_made_for_a_store_that_is_there_alone(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for data in (nowhere, tmp_path):
        answer = wedsync(*NEW_VIEWER, "--data", str(data))
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr == (
            f"wedsync: --data: there is no store in {data}; "
            f"a server makes one: wedsync serve --data {data}\n"
        )
    assert not nowhere.exists()
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_used_are_refused_in_one_line(tmp_path: Path) -> None:
    file, strange = tmp_path / "file", tmp_path / "strange"
    file.write_text("x")
    strange.mkdir()
    (strange / "wedsync.sqlite").write_bytes(b"not a database at all" * 99)
    for data, hint in (
        (file, "is a file"),
        (file / "below", "cannot be made"),
        (Path("/proc/nowhere"), "cannot be made"),
        (strange, "is no store"),
    ):
        for command in (("serve", "--port", "0"), NEW_VIEWER):
            answer = wedsync(*command, "--data", str(data))
            assert (answer.returncode, answer.stdout) == (2, "")
            assert answer.stderr.count("\n") == 1
            assert hint in answer.stderr or (command == NEW_VIEWER and "no store" in answer.stderr)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("serve", "--start", "yesterday"), "RFC 3339"),
        (("serve", "--speed", "0"), "--speed"),
        (("serve", "--clock", "manual", "--speed", "2"), "no speed"),
        (("keys", "create", "--tenant", "t", "--role", "vendor"), "--vendor"),
        (("keys", "create", "--tenant", "a b", "--role", "viewer"), "--tenant"),
    ],
)
def test_wrong_use_is_explained(arguments: tuple[str, ...], hint: str) -> None:
    answer = wedsync(*arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert hint in answer.stderr


@pytest.fixture
def cloud() -> LocalCloud:
    clock = RealClock()
    return LocalCloud(None, clock=clock, ids=RandomIds(clock))


def test_the_same_data_keep_the_tokens(cloud: LocalCloud, tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    first = identity_of(cloud, directory)
    assert identity_of(cloud, directory) == first
    assert directory.identity.stat().st_mode & 0o077 == 0


def test_tokens_without_their_keys_are_made_anew(cloud: LocalCloud, tmp_path: Path) -> None:
    clock = RealClock()
    directory = DataDirectory(tmp_path)
    with LocalCloud(None, clock=clock, ids=RandomIds(clock)) as other:
        before = identity_of(other, directory)
    assert identity_of(cloud, directory) != before


@pytest.mark.parametrize(
    ("role", "signs"), [(Role.DEVICE, True), (Role.VENDOR, True), (Role.VIEWER, False)]
)
def test_those_who_send_records_get_a_signing_secret(
    cloud: LocalCloud, role: Role, *, signs: bool
) -> None:
    made = make_key(cloud, tenant=Tenant("t"), role=role, vendor_id="v1").document()
    master = cloud.secret(Resource.SIGNING).value()
    expected = device_secret(master, made["keyId"]).decode() if signs else None
    assert made.get("signingSecret") == expected


def test_a_passing_directory_goes_with_its_server() -> None:
    with opened(None) as directory, directory.held():
        assert directory.is_held()
        path = directory.path
    assert not path.exists()


def old_points(path: Path, count: int) -> None:
    """A file of points of the last month, none of which ingest would take any more."""
    newest_ms = round((RealClock().now() - timedelta(days=30)).timestamp() * 1000)
    path.write_text(
        "".join(
            json.dumps(
                {
                    "name": "photo.upload",
                    "kind": "timer",
                    "ts": newest_ms - number % 60 * 60_000,
                    "value": 500,
                    "eventId": f"old-{number}",
                    "dims": {"outcome": "completed"},
                }
            )
            + "\n"
            for number in range(count)
        )
    )


def test_a_backfill_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file, data = tmp_path / "old.ndjson", a_store(tmp_path / "data")
    old_points(file, 6000)
    arguments = ("backfill", "points", str(file), "--tenant", "demo", "--data", str(data))
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *COMMAND, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as killed:
        assert killed.stderr is not None
        assert killed.stderr.readline() == "2000 of 6000 lines (33 %)\n"
        killed.kill()
    again = wedsync(*arguments)
    assert again.returncode == 0, again.stderr
    assert not again.stderr.startswith("2000 of")
    assert again.stderr.endswith("6000 of 6000 lines (100 %)\n")
    done = {"lines": 6000, "taken": 6000, "repeated": 0, "leftToIngest": 0, "refused": 0}
    done["again"] = False
    assert json.loads(again.stdout) == done
    third = wedsync(*arguments)
    assert json.loads(third.stdout) == done | {"again": True}
    assert third.stderr.startswith("wedsync: this file was done before")
    with cloud_on(data) as cloud:
        services = Services(cloud, Settings())
        added = services.backfills.added(Tenant("demo"), WHOLE, first=0, last=10**9)
        assert sum(each.whole().totals().summary().count for each in added) == 6000


def test_a_backfill_names_the_lines_that_it_refuses_and_keeps_them(tmp_path: Path) -> None:
    file, data = tmp_path / "old.ndjson", a_store(tmp_path / "data")
    old_points(file, 3)
    good = file.read_text().splitlines()
    foreign = good[0].replace('"name"', '"tenantId": "t2", "name"')
    seconds = '{"name": "a", "kind": "event", "ts": 1700000000}'
    young = {"name": "a", "kind": "event", "ts": round(RealClock().now().timestamp() * 1000)}
    lines = [good[0], "nonsense", "", foreign, good[1], seconds, json.dumps(young)]
    file.write_text("\n".join(lines))
    arguments = ("backfill", "points", str(file), "--tenant", "demo", "--data", str(data))
    done = wedsync(*arguments)
    assert done.returncode == 1
    assert (json.loads(done.stdout)["taken"], json.loads(done.stdout)["refused"]) == (2, 3)
    assert json.loads(done.stdout)["leftToIngest"] == 1
    first, second, third, fourth, _, left, refused, last = done.stderr.splitlines()
    assert first.startswith("line 2: malformed-json: ")
    assert second.startswith("line 4: other-tenant: ")
    assert third.startswith("line 6: too-old: ")
    assert "looks like epoch seconds" in third
    assert fourth == "line 7: too-young: younger than a day: send it to ingest"
    assert left == "wedsync: 1 are younger than a day: send them to ingest"
    assert refused == "wedsync: 3 were refused"
    assert "/api/metrics/ingest/rejections" in last
    with cloud_on(data) as cloud:
        page = Services(cloud, Settings()).rejections.page(Tenant("demo"), limit=9, cursor=None)
        lines = sorted(each.place.rpartition(":")[2] for each in page.rejections)
        assert lines == ["line 2", "line 4", "line 6", "line 7"]


def test_hours_are_made_again_from_the_command_line(tmp_path: Path) -> None:
    a_store(tmp_path)
    end = RealClock().now() - timedelta(days=2)
    start = (end - timedelta(hours=99)).isoformat()
    arguments = ("backfill", "hours", "--from", start, "--data", str(tmp_path))
    done = wedsync(*arguments, "--to", end.isoformat())
    assert (done.returncode, done.stderr.count("\n")) == (0, 20)
    told = json.loads(done.stdout)
    hours = told["hours"]
    assert told == {"hours": hours, "withData": 0, "notYet": 0, "again": False}
    assert hours in (99, 100)
    assert done.stderr.endswith(f"{hours} of {hours} hours (100 %)\n")
    repeated = wedsync(*arguments, "--to", end.isoformat())
    assert json.loads(repeated.stdout) == told | {"again": True}
    assert "--again makes them anew" in repeated.stderr
    again = wedsync(*arguments, "--to", end.isoformat(), "--again")
    assert (json.loads(again.stdout), again.stderr.count("\n")) == (told, 20)
    refused = wedsync(*arguments, "--to", start)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_hours_that_are_not_over_are_told_and_those_of_the_future_refused(tmp_path: Path) -> None:
    a_store(tmp_path)
    now = RealClock().now()
    start = (now - timedelta(hours=2)).isoformat()
    arguments = ("backfill", "hours", "--from", start, "--data", str(tmp_path), "--to")
    for _ in range(2):
        early = wedsync(*arguments, now.isoformat())
        assert early.returncode == 1
        told = json.loads(early.stdout)
        assert (told["notYet"] > 0, told["again"]) == (True, False)
        assert "not over yet" in early.stderr
    future = wedsync(*arguments, (now + timedelta(hours=3)).isoformat())
    assert (future.returncode, future.stdout) == (2, "")
    assert "lies in the future" in future.stderr


def test_nothing_is_backfilled_to_a_tenant_that_nobody_knows(tmp_path: Path) -> None:
    file, data = tmp_path / "old.ndjson", a_store(tmp_path / "data")
    old_points(file, 1)
    day = ("--from", "2026-01-01", "--to", "2026-01-02")
    for command in (("points", str(file)), ("hours", *day)):
        answer = wedsync("backfill", *command, "--tenant", "demmo", "--data", str(data))
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr == (
            "wedsync: --tenant: there is no key, wedding or data of demmo; did you mean demo?\n"
        )


def test_keys_are_listed_with_their_names_and_never_a_secret(tmp_path: Path) -> None:
    data = ("--data", str(a_store(tmp_path)))
    named = wedsync(*NEW_VIEWER, "--name", "wall screen", *data)
    made = json.loads(named.stdout)
    assert (made["name"], named.stderr) == ("wall screen", "")
    wedsync("keys", "revoke", made["keyId"], *data)
    for options in ((), ("--tenant", "demo")):
        listing = wedsync("keys", "list", *options, *data).stdout
        assert made["token"].rpartition("_")[2] not in listing
        rows = {row["keyId"]: row for row in map(json.loads, listing.splitlines())}
        assert len(rows) == 2
        row = rows.pop(made["keyId"])
        assert set(row) == {"keyId", "tenantId", "role", "name", "createdAt", "revokedAt"}
        assert (row["tenantId"], row["role"], row["name"]) == ("demo", "viewer", "wall screen")
        assert "revokedAt" not in rows.popitem()[1]
    assert wedsync("keys", "list", "--tenant", "demmo", *data).returncode == 2
    assert wedsync("keys", "revoke", "nobody", *data).returncode == 2

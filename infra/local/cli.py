"""The command line: a server on this machine, keys for it, and what it costs on AWS."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from infra.cost.command import cost
from infra.demo.command import demo
from wedsync.tenancy import Role, Tenant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from infra.local.data_directory import DataDirectory
    from wedsync.runtime.declarations import Function
    from wedsync.stores.keys import ListedKey
    from wedsync.stores.services import Services

app = typer.Typer(
    help="Monitoring and analytics for weddings, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="Keys of callers and devices.", no_args_is_help=True)
app.add_typer(keys, name="keys")
backfill = typer.Typer(
    help="Work of the past, done later; run again, it goes on.", no_args_is_help=True
)
app.add_typer(backfill, name="backfill")
app.command()(demo)
app.command()(cost)

_WRONG_USE = 2
_SOME_LEFT = 1
_REFUSALS_SHOWN = 10
_LONGEST_NAME = 100
_MAKES_ONE = "a server makes one: wedsync serve --data {}"
_DATA_HELP = "The server's --data; not needed while one server runs."


class ClockMode(StrEnum):
    """How the server's clock moves."""

    REAL = "real"
    MANUAL = "manual"


class Unsigned(StrEnum):
    """What becomes of stream records without a signature."""

    ACCEPT = "accept"
    QUARANTINE = "quarantine"


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    data: Annotated[Path | None, typer.Option(help="Keep everything here.")] = None,
    clock: Annotated[ClockMode, typer.Option(help="manual: moves by POST /_local/clock.")] = (
        ClockMode.REAL
    ),
    start: Annotated[str | None, typer.Option(help="The clock's start, RFC 3339.")] = None,
    speed: Annotated[float, typer.Option(help="Seconds of the clock in a real one.")] = 1.0,
    unsigned: Annotated[Unsigned, typer.Option(help="Records without a signature.")] = (
        Unsigned.ACCEPT
    ),
    limits: Annotated[
        Switch, typer.Option(help="Rate limits of callers, in real time.")
    ] = Switch.OFF,
    loopback: Annotated[
        Switch, typer.Option(help="Contacts may have endpoints on this machine.")
    ] = Switch.ON,
    own_metrics: Annotated[
        Switch, typer.Option(help="The server's own requests and machine, as metrics.")
    ] = Switch.OFF,
) -> None:
    """Serve the whole bundle on this machine; prints one ready line of JSON."""
    if not 0 < speed <= 100_000:
        _refuse("--speed lies above 0 and at most at 100000")
    if clock is ClockMode.MANUAL and speed != 1.0:
        _refuse("a manual clock has no speed: leave --speed out")
    started_at = None if start is None else _instant(start)
    from infra.local.data_directory import DirectoryInUse, Unusable
    from infra.local.server import PortTaken, ServeOptions
    from infra.local.server import serve as run

    options = ServeOptions(
        port=port,
        data=data,
        manual_clock=clock is ClockMode.MANUAL,
        start=started_at,
        speed=speed,
        accepts_unsigned=unsigned is Unsigned.ACCEPT,
        limits=limits is Switch.ON,
        loopback=loopback is Switch.ON,
        own_metrics=own_metrics is Switch.ON,
    )
    try:
        run(options, _functions)
    except PortTaken:
        _refuse(f"port {port} is taken: choose another with --port, or --port 0 for a free one")
    except DirectoryInUse:
        _refuse(f"another server uses {data}: stop it, or choose another --data")
    except Unusable as error:
        _refuse(f"--data: {error}")


@keys.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="The tenant that the key belongs to.")],
    role: Annotated[Role, typer.Option(help="What its caller may do.")],
    vendor: Annotated[str | None, typer.Option(help="The vendor that it speaks for.")] = None,
    name: Annotated[str | None, typer.Option(help="Who or what will use it.")] = None,
    data: Annotated[Path | None, typer.Option(help=_DATA_HELP)] = None,
) -> None:
    """Make a key and print it, once, as a line of JSON; a running server takes it at once.

    A tenant begins with its first key; where it does, the error output says so.
    """
    from infra.local.clock import RandomIds, RealClock
    from infra.local.engine import LocalCloud
    from infra.local.first_start import make_key
    from wedsync.flows.tenants import is_known, known_tenants
    from wedsync.settings import Settings
    from wedsync.stores.services import Services

    if name is not None and not (name.isprintable() and 0 < len(name.strip()) <= _LONGEST_NAME):
        _refuse(f"--name has 1 to {_LONGEST_NAME} printable characters")
    if role is Role.VENDOR and not vendor:
        _refuse("a vendor's key needs --vendor")
    owner = _tenant(tenant)
    directory = _directory(data)
    clock = RealClock()
    with LocalCloud(directory.database, clock=clock, ids=RandomIds(clock)) as cloud:
        services = Services(cloud, Settings())
        if not is_known(services, owner):
            near = _did_you_mean(owner, known_tenants(services))
            typer.echo(f"wedsync: {owner.id} is a new tenant{near}", err=True)
        made = make_key(cloud, tenant=owner, role=role, vendor_id=vendor, name=name)
    typer.echo(json.dumps(made.document()))


@keys.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant alone.")] = None,
    data: Annotated[Path | None, typer.Option(help=_DATA_HELP)] = None,
) -> None:
    """List the keys, each as a line of JSON, with those that were revoked; never a secret."""
    only = None if tenant is None else _tenant(tenant)
    with _stores(data, deployed=False) as services:
        if only is not None:
            _require_known(services, only)
        for each in services.keys.listed(only):
            typer.echo(json.dumps(_listed(each)))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `keys create` and `keys list` print it.")],
    data: Annotated[Path | None, typer.Option(help=_DATA_HELP)] = None,
) -> None:
    """Take a key away for good: a running server refuses it from its next request on."""
    with _stores(data, deployed=False) as services:
        revoked = services.keys.revoke(key_id, now=services.now())
    if revoked is None:
        _refuse(f"there is no key {key_id}: see wedsync keys list")
    typer.echo(json.dumps(_listed(revoked)))


def _listed(key: "ListedKey") -> dict[str, str]:
    members = {
        "keyId": key.key_id,
        "tenantId": key.caller.tenant.id,
        "role": key.caller.role.value,
        "vendorId": key.caller.vendor_id,
        "name": key.caller.name,
        "createdAt": _written(key.created_at),
        "revokedAt": None if key.revoked_at is None else _written(key.revoked_at),
    }
    return {name: value for name, value in members.items() if value is not None}


Where = Annotated[Path | None, typer.Option("--data", help=_DATA_HELP)]
Deployed = Annotated[
    bool, typer.Option("--deployed", help="On AWS: the environment names the tables.")
]


@backfill.command("points")
def backfill_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Records, one a line.")],
    tenant: Annotated[str, typer.Option(help="Whose points they are.")],
    data: Where = None,
    deployed: Deployed = False,  # noqa: FBT002 - an option of the command line
) -> None:
    """Add points that are older than a day, and so are not taken any more when they are sent.

    Ends with 1 where some were refused, or are younger: those are left to ingest.
    """
    from infra.local.backfill import Refusals, digest_of, job_of, lines_of, progress
    from wedsync.flows.backfill import backfill_points
    from wedsync.flows.times import at_ms

    owner = _tenant(tenant)
    refusals = Refusals(shown=_REFUSALS_SHOWN)
    job = job_of("points", owner.id, digest_of(file))
    with _stores(data, deployed=deployed) as services:
        _require_known(services, owner)
        before = services.backfills.cursor(job)
        done = backfill_points(
            services,
            owner,
            lines_of(file),
            job=job,
            told=progress("lines", total=sum(1 for _ in lines_of(file))),
            refusing=refusals.add,
        )
    typer.echo(
        json.dumps(
            {
                "lines": done.position,
                "taken": done.taken,
                "repeated": done.repeated,
                "leftToIngest": done.young,
                "refused": done.refused,
                "again": done == before,
            }
        )
    )
    if done == before:
        typer.echo(
            f"wedsync: this file was done before, in the run that began at "
            f"{_written(at_ms(done.began_ms))}: these are its figures, and nothing was added now",
            err=True,
        )
    if done.young:
        typer.echo(f"wedsync: {done.young} are younger than a day: send them to ingest", err=True)
    if done.refused:
        typer.echo(f"wedsync: {done.refused} were refused", err=True)
    if done.young or done.refused:
        typer.echo(
            "wedsync: each is kept with its reason for 14 days: GET /api/metrics/ingest/rejections",
            err=True,
        )
        raise typer.Exit(_SOME_LEFT)


@backfill.command("hours")
def backfill_range(
    start: Annotated[str, typer.Option("--from", help="RFC 3339.")],
    end: Annotated[str, typer.Option("--to", help="RFC 3339.")],
    tenant: Annotated[str | None, typer.Option(help="Of this tenant alone.")] = None,
    data: Where = None,
    deployed: Deployed = False,  # noqa: FBT002 - an option of the command line
    again: Annotated[  # noqa: FBT002 - an option of the command line
        bool, typer.Option("--again", help="From the start, though it was done before.")
    ] = False,
) -> None:
    """Make hours, days and the long-range store's copies anew from what is kept.

    Ends with 1 where some of the hours are not over yet: the same command makes them later.
    """
    from infra.local.backfill import job_of, progress
    from wedsync.flows.backfill import backfill_hours, hours_between
    from wedsync.stores.backfills import Cursor

    first, last = _instant(start), _instant(end)
    if last <= first:
        _refuse("--to lies after --from")
    hours = hours_between(first, last)
    only = None if tenant is None else _tenant(tenant)
    job = job_of("hours", tenant or "", str(hours.start), str(hours.stop))
    with _stores(data, deployed=deployed) as services:
        if only is not None:
            _require_known(services, only)
        now = services.now()
        if hours.stop - 1 > hours_between(now, now).start:
            _refuse(f"--to lies in the future: the store's clock is at {_written(now)}")
        if again:
            services.backfills.move(job, Cursor(), now=now)
        before = services.backfills.cursor(job)
        told = progress("hours", total=len(hours))
        done = backfill_hours(services, hours, only=only, job=job, told=told)
    not_yet = len(hours) - done.position
    repeated = done == before and not not_yet
    typer.echo(
        json.dumps(
            {
                "hours": done.position,
                "withData": done.taken,
                "notYet": not_yet,
                "again": repeated,
            }
        )
    )
    if repeated:
        typer.echo(
            "wedsync: these hours were made before, and nothing was made now; "
            "--again makes them anew",
            err=True,
        )
    if not_yet:
        typer.echo(
            f"wedsync: {not_yet} are not over yet: run it again later, it goes on with them",
            err=True,
        )
        raise typer.Exit(_SOME_LEFT)


def main() -> None:
    """Run the command line."""
    app()


def _functions() -> "Sequence[Function]":
    from infra.registry import registry

    return registry()


@contextmanager
def _stores(data: Path | None, *, deployed: bool) -> "Iterator[Services]":
    from infra.local import backfill as opening

    if deployed:
        yield opening.deployed()
        return
    with opening.on_data(_directory(data).path) as services:
        yield services


def _directory(data: Path | None) -> "DataDirectory":
    """The directory that is named, else that of the only server that runs."""
    from infra.local.data_directory import DataDirectory, Unusable, running_servers

    if data is not None:
        if not data.is_dir():
            _refuse(f"--data: there is no store in {data}; {_MAKES_ONE.format(data)}")
        try:
            directory = DataDirectory(data)
            if not directory.has_store:
                _refuse(f"--data: there is no store in {data}; {_MAKES_ONE.format(data)}")
            directory.require_usable()
        except Unusable as error:
            _refuse(f"--data: {error}")
        return directory
    running = running_servers()
    if not running:
        _refuse("no server runs: start one, or name the directory of yours with --data")
    if len(running) > 1:
        choices = "".join(f"\n  --data {each.directory.path}  ({each.url})" for each in running)
        _refuse(f"{len(running)} servers run: choose one with --data{choices}")
    return running[0].directory


def _tenant(text: str) -> Tenant:
    try:
        return Tenant(text)
    except ValueError as error:
        _refuse(f"--tenant: {error}")


def _require_known(services: "Services", tenant: Tenant) -> None:
    from wedsync.flows.tenants import is_known, known_tenants

    if not is_known(services, tenant):
        near = _did_you_mean(tenant, known_tenants(services))
        _refuse(f"--tenant: there is no key, wedding or data of {tenant.id}{near}")


def _did_you_mean(tenant: Tenant, known: "Collection[Tenant]") -> str:
    from wedsync.spelling import did_you_mean

    return did_you_mean(tenant.id, {each.id for each in known})


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        _refuse(f"{text!r} is no RFC 3339 time such as 2026-06-20T08:00:00Z")
    return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"wedsync: {message}", err=True)
    raise typer.Exit(_WRONG_USE)

"""The demonstration from start to end: a server, its weddings, their traffic, and a view."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.live import Live

from infra.demo.cast import cast
from infra.demo.device import Device
from infra.demo.feed import Feed, feeding
from infra.demo.imagined import ImaginedWedding
from infra.demo.plain import PlainLines
from infra.demo.scene import Stage, Watcher
from infra.demo.server import Client, running_server
from infra.demo.traffic import Traffic
from infra.demo.view import Frame, look_around

_FAILS_AFTER = timedelta(seconds=60)
_ALREADY = timedelta(minutes=3)
"""The windows are not empty when the curtain rises."""
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """How the demonstration is asked for. ``seconds`` None: until Ctrl-C."""

    port: int = 0
    speed: float = 1.0
    seed: int = 1
    plain: bool = False
    seconds: float | None = None


def run(play: Play, console: Console) -> None:
    """Play it. Raises ServerDidNotStart."""
    if not play.plain:
        console.print("Starting the server …")
    with contextlib.ExitStack() as stack:
        ready = stack.enter_context(running_server(port=play.port, speed=play.speed))
        client = stack.enter_context(contextlib.closing(Client(ready, speed=play.speed)))
        company = cast(seed=play.seed, now=client.now())
        weddings = [(_register(client, each), each) for each in company.all]
        failing_from = client.now() + _FAILS_AFTER
        stage = Stage(ready=ready, speed=play.speed, day=company.day, failing_from=failing_from)
        traffic = [
            Traffic(
                wedding=wedding,
                wedding_id=wedding_id,
                seed=play.seed,
                start=client.now() - _ALREADY,
                failing_from=failing_from if wedding is company.live else None,
            )
            for wedding_id, wedding in weddings
        ]
        device = stack.enter_context(contextlib.closing(Device(ready)))
        feed = stack.enter_context(feeding(device, client, traffic))
        watcher = Watcher(client, weddings)
        show = _print_lines if play.plain else _show_live
        with contextlib.suppress(KeyboardInterrupt):
            show(stage, watcher, feed, console, _looks(play.seconds))


def _register(client: Client, wedding: ImaginedWedding) -> str:
    return str(client.post("/api/weddings", wedding.document())["weddingId"])


def _looks(seconds: float | None) -> Iterator[None]:
    began = time.monotonic()
    while seconds is None or time.monotonic() - began < seconds:
        yield
        time.sleep(_LOOK_SECONDS)


def _show_live(
    stage: Stage, watcher: Watcher, feed: Feed, console: Console, looks: Iterator[None]
) -> None:
    scene = watcher.look()
    console.print(*look_around(stage, scene, console.width), sep="\n")
    frame = Frame(stage, scene, feed.now())
    with Live(frame, console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for _ in looks:
            live.update(Frame(stage, watcher.look(), feed.now()), refresh=True)


def _print_lines(
    stage: Stage, watcher: Watcher, feed: Feed, console: Console, looks: Iterator[None]
) -> None:
    lines = PlainLines(stage)
    scene = watcher.look()
    _print(console, lines.opening(scene))
    for _ in looks:
        _print(console, lines.changes(watcher.look(), feed.now()))


def _print(console: Console, lines: Iterator[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)

"""The command that plays the demonstration."""

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

_PLAIN_SECONDS = 120.0
"""As many as the whole ladder takes, a minute and a quarter of an hour later, at ten times."""
_WRONG_USE = 2


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds of the clock in a real one.")
    ] = 1.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Other couples, other traffic.")] = 1,
    headless: Annotated[  # noqa: FBT002 - an option of the command line
        bool, typer.Option("--headless", help="Lines instead of a view; ends by itself.")
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="End after so many (lines: 120 unless told; view: Ctrl-C)."),
    ] = None,
) -> None:
    """Play a wedding day: a server, real measurements, uploads that fail, and who is paged."""
    from rich.console import Console

    from infra.demo.run import Play, run
    from infra.demo.server import Refused, ServerDidNotStart, ServerGone

    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)  # the server must go with whoever started it
    plain = headless or not sys.stdout.isatty()
    if plain and seconds is None:
        typer.echo(f"This ends by itself after {_PLAIN_SECONDS:.0f} s (--seconds tells otherwise).")
    play = Play(
        port=port,
        speed=speed,
        seed=seed,
        plain=plain,
        seconds=_PLAIN_SECONDS if seconds is None and plain else seconds,
    )
    try:
        run(play, Console())
    except ServerDidNotStart:
        # The server has said why: a port that is taken, say.
        raise typer.Exit(_WRONG_USE) from None
    except ServerGone:
        typer.echo("wedsync: the server of the demonstration is gone", err=True)
        raise typer.Exit(1) from None
    except Refused as error:
        typer.echo(f"wedsync: the server refused what the demonstration asked: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        return

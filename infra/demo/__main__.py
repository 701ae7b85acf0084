"""``python -m infra.demo``: the demonstration without the rest of the command line."""

import typer

from infra.demo.command import demo

if __name__ == "__main__":
    typer.run(demo)

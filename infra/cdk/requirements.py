"""The third-party layers: which of the project's dependencies each one holds.

``python -m infra.cdk.requirements`` writes ``layers/*/requirements.txt`` anew from the lock file,
with hashes and without the place that they come from. What no other layer names is in ``vendor``.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ROOT / "layers"
CORE = "vendor"
_OPTIONAL = {
    "numeric": frozenset({"msgspec", "numpy", "zstandard"}),
    "auth": frozenset({"cryptography", "pyjwt"}),
}


def third_party() -> tuple[str, ...]:
    """Name the third-party layers."""
    return (CORE, *_OPTIONAL)


def exported(layer: str) -> str:
    """List the pinned requirements of a layer as the lock file has them, without a network."""
    direct = _direct_dependencies()
    elsewhere = frozenset().union(*_OPTIONAL.values())
    held = direct - elsewhere if layer == CORE else _OPTIONAL[layer]
    pruned = [f"--prune={name}" for name in sorted(direct - held)]
    options = ["--frozen", "--offline", "--no-default-groups", "--no-emit-project"]
    plain = ["--no-header", "--no-annotate", "--quiet", "--format=requirements-txt"]
    done = subprocess.run(  # noqa: S603 - a fixed command line
        [uv(), "export", *options, *plain, *pruned],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def uv() -> str:
    """Find the installer: that of this environment, else the one on the path."""
    own = Path(sys.executable).with_name("uv")
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        raise FileNotFoundError("uv is needed to build the layers, and is not on the path")
    return found


def main() -> None:
    """Write the requirements of every layer."""
    for layer in third_party():
        (LAYERS / layer / "requirements.txt").write_text(exported(layer))


def _direct_dependencies() -> frozenset[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in project["dependencies"])
    return frozenset(name.group().lower() for name in names if name)


if __name__ == "__main__":
    main()

"""Building what Lambda runs, on this machine and without containers.

Wheels are fetched for Lambda's own platform, whatever this machine is. Bytecode is compiled by
the interpreter version that Lambda has and trusted without a look at file times, which a zip
does not keep: else every cold start would compile again.
"""

from __future__ import annotations

import functools
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsii
from aws_cdk import BundlingOptions, DockerImage, ILocalBundling
from aws_cdk.aws_s3_assets import Asset

from infra.cdk.requirements import LAYERS, uv

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs import Construct

PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_28"
_LEFTOVERS = ["**/__pycache__", "**/*.pyc"]
_log = logging.getLogger(__name__)


def third_party_asset(scope: Construct, layer: str) -> Asset:
    """Hold the installed requirements of a layer, under ``python/``."""
    source = LAYERS / layer
    build = functools.partial(build_third_party, source / "requirements.txt")
    return _asset(scope, f"Layer-{layer}", source, build)


def library_asset(scope: Construct) -> Asset:
    """Hold the shared library, under ``python/``."""
    source = LAYERS / "wedsync"
    return _asset(scope, "Layer-wedsync", source, functools.partial(build_library, source))


def functions_asset(scope: Construct, folder: Path) -> Asset:
    """Hold the functions of one folder, as the package that their handlers' names begin with."""
    build = functools.partial(build_functions, folder)
    return _asset(scope, f"Code-{folder.name}", folder, build)


def build_third_party(requirements: Path, output: Path) -> None:
    """Fetch wheels for Lambda's platform; their hashes must be those of the lock file."""
    options = ["--quiet", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    platform = ["--python-platform", PLATFORM, "--python-version", PYTHON]
    place = ["-r", str(requirements), "--target", str(output / "python")]
    _run(uv(), "pip", "install", *options, *platform, *place)
    shutil.rmtree(output / "python" / "bin", ignore_errors=True)
    _compile(output, runs_at="/opt")


def build_library(source: Path, output: Path) -> None:
    """Copy the library."""
    _copy(source / "python", output / "python")
    _compile(output, runs_at="/opt")


def build_functions(folder: Path, output: Path) -> None:
    """Copy one folder of functions, below the package that it belongs to."""
    package = output / folder.parent.name
    package.mkdir()
    shutil.copy(folder.parent / "__init__.py", package)
    _copy(folder, package / folder.name)
    _compile(output, runs_at="/var/task")


@jsii.implements(ILocalBundling)
class LocalBuild:
    """Builds in this process; there is no container to fall back to."""

    def __init__(self, build: Callable[[Path], None]) -> None:
        """``build`` fills the directory that it is given."""
        self._build = build

    def try_bundle(self, output_dir: str, *_options: object, **_named_options: object) -> bool:
        """Fill ``output_dir``; options concern containers. Raises where that fails."""
        self._build(Path(output_dir))
        return True


def _asset(scope: Construct, name: str, source: Path, build: Callable[[Path], None]) -> Asset:
    return Asset(
        scope,
        name,
        path=str(source),
        exclude=_LEFTOVERS,
        bundling=BundlingOptions(
            image=DockerImage.from_registry("scratch"), local=LocalBuild(build)
        ),
    )


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def _compile(output: Path, *, runs_at: str) -> None:
    compiler = interpreter()
    if compiler is None:
        return
    _run(
        *(compiler, "-m", "compileall", "-q", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash", "-s", str(output), "-p", runs_at, str(output)),
    )


@functools.cache
def interpreter() -> str | None:
    """Find a Python on this machine that writes Lambda's bytecode, if there is one."""
    for candidate in (sys.executable, shutil.which(f"python{PYTHON}"), _found_by_uv()):
        if candidate is not None and _version(candidate) == PYTHON:
            return candidate
    _log.warning(
        "no Python %s on this machine: all is shipped without bytecode and starts slowly", PYTHON
    )
    return None


def _found_by_uv() -> str | None:
    found = subprocess.run(  # noqa: S603 - a fixed command line
        [uv(), "python", "find", "--no-project", "--no-python-downloads", PYTHON],
        check=False,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip() or None


def _version(interpreter: str) -> str | None:
    asked = subprocess.run(  # noqa: S603 - asks an interpreter for its version
        [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=False,
        capture_output=True,
        text=True,
    )
    return asked.stdout.strip() if asked.returncode == 0 else None


def _run(*command: str) -> None:
    done = subprocess.run(  # noqa: S603 - fixed command lines
        command, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

"""What is shipped: exactly the locked packages, compiled for Lambda's Python."""

from __future__ import annotations

import importlib.util
import re
import struct
from typing import TYPE_CHECKING

import pytest

from infra.cdk.bundling import build_functions, build_library, interpreter
from infra.cdk.requirements import LAYERS, exported, third_party

if TYPE_CHECKING:
    from pathlib import Path

UNCHECKED_HASH = 1


@pytest.mark.parametrize("layer", third_party())
def test_requirements_are_those_of_the_lock_file(layer: str) -> None:
    written = (LAYERS / layer / "requirements.txt").read_text()
    assert written == exported(layer), "run: python -m infra.cdk.requirements"


@pytest.mark.parametrize("layer", third_party())
def test_requirements_are_pinned_by_hash_and_name_no_place(layer: str) -> None:
    written = (LAYERS / layer / "requirements.txt").read_text()
    assert "://" not in written
    packages = re.split(r"\n(?! )", written.strip())
    assert all(re.match(r"\S+==\S+", each) and "--hash=sha256:" in each for each in packages)


def test_numpy_and_cryptography_stay_out_of_the_core() -> None:
    core = (LAYERS / "vendor" / "requirements.txt").read_text()
    assert "boto3==" in core
    assert not re.search(r"^(numpy|cryptography|pyjwt)==", core, re.MULTILINE)


def test_a_group_is_shipped_as_the_package_that_its_handlers_name(
    source: Path, tmp_path: Path
) -> None:
    (source / "night" / "stale.pyc").write_bytes(b"old")
    build_functions(source / "night", tmp_path)
    shipped = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py*")}
    modules = {name for name in shipped if name.endswith(".py")}
    assert modules == {"functions/__init__.py", "functions/night/__init__.py"}
    assert not any("stale" in name for name in shipped)


@pytest.mark.skipif(interpreter() is None, reason="no Python 3.13 here to compile with")
def test_bytecode_is_trusted_without_a_look_at_file_times(tmp_path: Path) -> None:
    build_library(LAYERS / "wedsync", tmp_path)
    modules = list(tmp_path.rglob("*.py"))
    compiled = list(tmp_path.rglob("*.cpython-313.pyc"))
    assert len(compiled) == len(modules) > 0
    assert {struct.unpack("<I", each.read_bytes()[4:8])[0] for each in compiled} == {UNCHECKED_HASH}
    assert importlib.util.source_from_cache(str(compiled[0])) in map(str, modules)

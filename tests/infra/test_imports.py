"""Importing does nothing: no environment read, no client made, no connection, nothing printed."""

import json
import subprocess
import sys
from pathlib import Path

from infra.registry import registry
from wedsync.runtime.declarations import HttpTrigger

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers" / "wedsync" / "python"

GUARD = """
import os, socket, sys
sys.path[:0] = [{root!r}, {library!r}]

def refuse(*arguments, **options):
    raise AssertionError("a connection was made")

socket.socket.connect = socket.socket.bind = socket.getaddrinfo = refuse
socket.create_connection = refuse
"""
EVERY_MODULE = """
import importlib, pkgutil, threading

import botocore.client
botocore.client.ClientCreator.create_client = refuse
before = dict(os.environ)
names = []
for package in ("wedsync", "functions", "infra"):
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, package + ".", onerror=refuse):
        # The CDK's own library starts its Node process when it is imported.
        if not module.name.startswith("infra.cdk"):
            names.append(importlib.import_module(module.name).__name__)
assert dict(os.environ) == before, set(os.environ) ^ set(before)
assert threading.active_count() == 1, threading.enumerate()
print(len(names))
"""
LIGHT_MODULES = """
import importlib, json
dear = {}
for name in NAMES:
    importlib.import_module(name)
    for each in DEAR & set(sys.modules):
        dear.setdefault(each, name)
print(json.dumps(dear))
"""
DEAR = {"numpy", "boto3", "botocore.client", "jwt", "cryptography", "aws_cdk", "msgspec"}


def _python(code: str) -> str:
    guard = GUARD.format(root=str(ROOT), library=str(LIBRARY))
    done = subprocess.run(  # noqa: S603 - this interpreter, our code
        [sys.executable, "-B", "-W", "error", "-c", guard + code],
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_importing_every_module_does_nothing() -> None:
    (count,) = _python(EVERY_MODULE).split()
    assert int(count) > 150


def test_functions_without_the_numeric_layer_import_nothing_dear() -> None:
    light = [
        each.declaration.module for each in registry() if "numeric" not in each.declaration.layers
    ]
    stores = [
        f"wedsync.stores.{name}"
        for name in ("alerts", "idempotency", "incidents", "keys", "rejections", "weddings")
    ]
    told = _python(f"NAMES = {light + stores}; DEAR = {DEAR}" + LIGHT_MODULES)
    assert json.loads(told) == {}, "who brought it first"


def test_most_routes_do_without_numpy() -> None:
    routes = [
        each.declaration for each in registry() if isinstance(each.declaration.trigger, HttpTrigger)
    ]
    light = [each for each in routes if "numeric" not in each.layers]
    assert len(light) > len(routes) / 2

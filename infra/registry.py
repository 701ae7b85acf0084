"""Every function, found by walking ``functions/``: there is no list to keep."""

import functools
import importlib
import pkgutil
from pathlib import Path

import functions
from wedsync.runtime.declarations import Function


@functools.cache
def registry() -> tuple[Function, ...]:
    """All declared functions, in the order of their names. Raises where a file declares none."""
    found = []
    for module in pkgutil.walk_packages(functions.__path__, "functions."):
        if module.ispkg:
            continue
        handler = getattr(importlib.import_module(module.name), "handler", None)
        if handler is None or not hasattr(handler, "declaration"):
            raise LookupError(f"{module.name} declares no handler")
        found.append(handler)
    return tuple(sorted(found, key=lambda function: function.declaration.name))


SOURCE = Path(functions.__path__[0])

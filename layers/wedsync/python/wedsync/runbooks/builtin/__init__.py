"""The built-in runbooks: files beside this one, in the form of the API's bodies, with their ids.

By themselves they only say what they would do; a tenant arms one by putting it under its id.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from wedsync.runbooks.model import Runbook
from wedsync.runbooks.reading import read_runbook


@cache
def built_in() -> Mapping[str, Runbook]:
    """Every built-in runbook by its id."""
    folder = files("wedsync.runbooks.builtin")
    found = [
        read_runbook(each.read_text(encoding="utf-8"))
        for each in folder.iterdir()
        if each.name.endswith(".json")
    ]
    return {each.runbook_id: each for each in sorted(found, key=lambda each: each.runbook_id)}

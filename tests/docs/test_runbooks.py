"""Every built-in runbook is described as it is, and does what it says where it is armed."""

from pathlib import Path
from typing import cast

import pytest

from tests.harness import Json, a_wedding_request
from tests.scenarios.language import Day
from wedsync.api.runbooks import RunbookReply, RunbookRequest
from wedsync.runbooks.builtin import built_in
from wedsync.runbooks.model import Mode, Notify, Scale, WaitUntil

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
STORY = {
    "photo-uploads-fail": ["done", "watching", "pending"],
    "slow-wedding": ["done", "done", "watching"],
    "platform-overload": ["done", "waiting_approval", "pending"],
    "resource-limit": ["done", "done"],
}
"""Where each step stands once an armed run has begun, before anything has recovered."""


def test_every_built_in_runbook_has_its_page_and_no_page_is_left_over() -> None:
    pages = {each.stem for each in FOLDER.glob("*.md")} - {"README"}
    assert pages == set(built_in()) == set(STORY)
    overview = (FOLDER / "README.md").read_text()
    assert all(f"[{name}]({name}.md)" in overview for name in built_in())


@pytest.mark.parametrize("name", sorted(built_in()))
def test_its_page_tells_every_step_with_its_figures(name: str) -> None:
    runbook = built_in()[name]
    page = (FOLDER / f"{name}.md").read_text()
    assert page.startswith(f"# {name}: {runbook.title[0].lower()}{runbook.title[1:]}\n")
    assert all(f"`{each}`" in page for each in runbook.match.types)
    for number, step in enumerate(runbook.steps, start=1):
        line = page.partition(f"\n{number}. `{step.step_id}`: ")[2].partition(f"\n{number + 1}. ")[
            0
        ]
        assert step.measure is None or f"`{step.measure}`" in line
        assert not step.needs_approval or "approval" in line
        assert not step.not_during_ceremony or "held during" in " ".join(line.split())
        match step.action:
            case Scale() as scale:
                assert f"`{scale.dimension}` {scale.to} of `{scale.target}`" in line
            case Notify() as notify:
                assert all(f"`{role}`" in line for role in notify.roles)
            case WaitUntil() as wait:
                assert f"{wait.threshold:g}" in line
            case _:
                pass


@pytest.mark.parametrize("name", sorted(built_in()))
def test_by_itself_it_only_says_what_it_would_do_and_may_be_put_as_it_is_read(name: str) -> None:
    runbook = built_in()[name]
    assert (runbook.on_wedding_day, runbook.off_day) == (Mode.DRY_RUN, Mode.DRY_RUN)
    shown = RunbookReply.of(runbook).model_dump(by_alias=True, mode="json")
    del shown["runbookId"], shown["version"]
    assert RunbookRequest.model_validate(shown).runbook(name) == runbook


def test_armed_ones_take_their_steps_in_order() -> None:
    weddings = {"w1": a_wedding_request(ceremony="16:00")}
    saturday = Day("2026-06-20", weddings=weddings, shards=4)
    incident = saturday.report("low", weddingId=saturday.wedding_id("w1"))
    for name, stands in STORY.items():
        path = f"/api/monitoring/incidents/{incident}/runbooks/{name}/execute"
        asked = saturday.bundle.post(path, {"dryRun": False})
        assert asked.status == 202, asked
        saturday.bundle.drain()
        run = saturday.bundle.get(f"/api/monitoring/runbook-executions/{asked['executionId']}")
        steps = cast("list[dict[str, Json]]", run["steps"])
        assert [each["status"] for each in steps] == stands, name

"""The demonstration as somebody sees it who runs it, with the clock at full speed."""

import socket
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from infra.demo.run import Play, run

REPOSITORY = Path(__file__).parents[3]


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "infra.demo", *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_uploads_fail_somebody_is_paged_with_reasons_and_it_ends_by_itself() -> None:
    played = demo("--headless", "--speed", "200", "--seconds", "4")
    assert played.returncode == 0, played.stderr
    said = played.stdout
    told = [
        "a wedding day on this machine",
        "Australia/Sydney",
        "Pacific/Honolulu",
        "begin to fail",
        "critical alert firing: Photo uploads fail at the wedding of",
        "1 % is allowed",
        "/acknowledge -H x-api-key:wsk_",
        "page of tier 0 to on_call_engineer",
        "page of tier 1 to cto",
    ]
    assert [each for each in told if each not in said] == [], said
    assert said.index("begin to fail") < said.index("critical alert firing")
    (first, *_) = (line for line in said.splitlines() if "critical alert firing" in line)
    assert first.endswith(f", firedAt {first[:8]}")
    assert played.stderr == ""


def test_a_taken_port_is_said_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        played = demo("--headless", "--port", str(port), "--seconds", "5")
    assert played.returncode == 2
    assert f"port {port} is taken" in played.stderr
    assert "Traceback" not in played.stderr


def test_the_view_shows_the_weddings_the_windows_and_how_to_call(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w+") as screen:
        console = Console(file=screen, force_terminal=True, width=120, height=50)
        run(Play(speed=60, seconds=2), console)
        screen.seek(0)
        shown = screen.read()
    for part in (
        "Weddings",
        "Honolulu",
        "API",
        "One-minute windows",
        "Machine",
        "export TOKEN=",
    ):
        assert part in shown

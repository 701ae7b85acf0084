import shlex
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from infra.demo.commands import acknowledge, folded
from infra.demo.server import Ready

READY = Ready(
    url="http://127.0.0.1:8080",
    kinesis_endpoint="http://127.0.0.1:8080",
    stream="wedsync-metrics",
    token="wsk_key_01m7y_" + "c0ffee" * 10,
    key_id="key_1",
    signing_secret="s",  # noqa: S106 - of nobody
)


@given(width=st.integers(20, 200))
def test_a_folded_command_fits_and_is_the_same_command(width: int) -> None:
    command = acknowledge(READY, "6e34a025a9748e70-1")
    lines = folded(command, width=width)
    assert all(len(line) <= width for line in lines)
    assert "".join(line.removesuffix("\\") for line in lines) == command


def test_a_shell_reads_the_folded_lines_as_the_one_command() -> None:
    command = acknowledge(READY, "6e34a025a9748e70-1")
    script = "\n".join(folded(command, width=37)).replace("curl", "printf '%s\\n'", 1)
    shell = ["/bin/sh", "-c", script]
    said = subprocess.run(shell, capture_output=True, text=True, check=True)  # noqa: S603 - our own text
    assert said.stdout.split("\n")[:-1] == shlex.split(command)[1:]

"""The README's example of an endpoint is the endpoint."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_of_an_endpoint_is_the_file_itself() -> None:
    shown = (ROOT / "README.md").read_text()
    assert (ROOT / "functions/alerts/acknowledge.py").read_text().strip() in shown

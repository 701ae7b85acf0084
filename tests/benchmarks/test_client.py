"""What is said of frames holds: they are smaller, and cost the platform less, than lines."""

from benchmarks import client


def test_a_frame_is_smaller_than_its_lines_and_cheaper_to_read() -> None:
    figures = client.measure(quick=True).figures
    lines, frames = "JSON lines, gzip, 500 a batch (the reference)", "frames of 5,000"
    assert figures[f"{frames}: bytes"] < 0.75 * figures[f"{lines}: bytes"]
    assert figures[f"{frames}: read"] < 0.5 * figures[f"{lines}: read"]

"""A benchmark that checks its own outcome is still right about it."""

from benchmarks import rules


def test_the_rules_that_are_measured_find_what_is_in_breach() -> None:
    section = rules.measure(quick=True)
    assert section.figures["1000 x 10: windows a second"] > 0

"""For every test."""

import gc


def pytest_collection_finish() -> None:
    """What was imported lives to the end: nobody needs to look through it for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

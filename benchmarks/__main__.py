"""``python -m benchmarks [--only NAME] [--json FILE]``: tables as Markdown, on stdout."""

import argparse
import json
import logging
import time
from pathlib import Path

from benchmarks import cold_start, folding, reading, serving
from benchmarks.measure import machine

SECTIONS = {
    "folding": folding.run,
    "reading": reading.run,
    "serving": serving.run,
    "cold-start": cold_start.run,
}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="this part alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures as well, as JSON")
    chosen = parser.parse_args()
    logging.disable(logging.INFO)  # functions tell of each request
    began = time.perf_counter()
    named = machine()
    print(f"Measured on: {named}\n")
    figures: dict[str, object] = {"machine": named}
    for name, run in SECTIONS.items():
        if chosen.only and name not in chosen.only:
            continue
        table = run()
        figures[name] = dict(table.figures)
        print(table.markdown(), flush=True)
    print(f"Took {time.perf_counter() - began:.0f} s.")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""``python -m benchmarks [--quick] [--json FILE] [--only SECTION]``: measure, and print tables.

``--evidence`` measures what the sentence about throughput rests on, and ends with it if it is true.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import evidence
from benchmarks.report import Differs, Section, machine, machine_text

_SECTIONS = (
    "hotpath",
    "writes",
    "kernel",
    "server",
    "routes",
    "paging",
    "rules",
    "calls",
    "client",
    "coldstart",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 where a result differs from its reference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--only", choices=_SECTIONS, action="append", help="leave out the rest")
    parser.add_argument("--evidence", action="store_true", help="whether throughput is as claimed")
    asked = parser.parse_args(arguments)
    wanted = asked.only or (evidence.SECTIONS if asked.evidence else _SECTIONS)
    if asked.evidence and not set(evidence.SECTIONS) <= set(wanted):
        parser.error(f"evidence rests on {' and '.join(evidence.SECTIONS)}")
    # Read by the library itself when it is first imported: one core, as everything beside it.
    os.putenv("POLARS_MAX_THREADS", "1")
    began = time.perf_counter()
    told = machine()
    print(f"# Benchmarks\n\n{machine_text(told)}\n", flush=True)
    sections: list[Section] = []
    for name in wanted:
        try:
            section = _measuring(name)(quick=asked.quick)
        except Differs as differs:
            print(f"{name}: {differs}", file=sys.stderr)
            return 1
        print(section.text(), flush=True)
        sections.append(section)
    print(f"Took {time.perf_counter() - began:.0f} s.")
    if asked.json is not None:
        figures = {section.name: dict(section.figures) for section in sections}
        document = {"machine": told, "quick": asked.quick, "figures": figures}
        asked.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if asked.evidence:
        text, true = evidence.told({section.name: section for section in sections})
        print(text)
        return 0 if true else 1
    return 0


def _measuring(name: str) -> Callable[..., Section]:
    """The section's own measuring, imported when its turn comes: imports are not measured twice."""
    import importlib  # noqa: PLC0415 - used here alone

    measuring: Callable[..., Section] = importlib.import_module(f"benchmarks.{name}").measure
    return measuring


if __name__ == "__main__":
    sys.exit(main())

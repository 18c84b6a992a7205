"""The command line of one benchmark: ``python -m benchmarks.NAME [--repeats N] [--quick] [--json FILE]``."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.figures import Part
from benchmarks.harness.tables import markdown


@dataclass(frozen=True, slots=True)
class Options:
    """How thoroughly to measure."""

    repeats: int
    quick: bool
    """A tenth of the work: to see that it runs, not to report."""
    messages: int = 0
    """How many messages, where a benchmark lets one choose; 0 means its own number."""


def run(measure: Callable[[Options], Part], *, doc: str | None) -> None:
    """Measure, print the table, write the JSON where asked to."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="times to measure each figure (default 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to see that it runs")
    parser.add_argument("--messages", type=int, default=0, help="how many, where a benchmark lets one choose")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    given = parser.parse_args()
    part = measure(Options(repeats=given.repeats, quick=given.quick, messages=given.messages))
    sys.stdout.write(markdown([part]))
    if given.json:
        given.json.write_text(json.dumps(part.to_json(), indent=1) + "\n", encoding="utf-8")

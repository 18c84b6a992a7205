"""Run every benchmark, each in a process of its own, and write the whole table as Markdown and JSON.

``python -m benchmarks.all [--repeats N] [--quick] [--only NAME ...]`` prints the table and writes it to
``benchmarks/results/performance.md`` and ``performance.json``. A benchmark that fails is a line of the table.
"""

import argparse
import datetime
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness.figures import Part
from benchmarks.harness.machine import describe
from benchmarks.harness.tables import markdown

_RESULTS = Path(__file__).parent / "results"
_PARTS = (
    "book_pipeline",
    "recorded_books",
    "receive",
    "fan_out",
    "submit",
    "engine_load",
    "fairness",
    "footprint",
    "runtime",
    "replay",
    "many_orders",
    "tournament",
    "merged_book",
    "nodes",
)
_LONGEST_S = 900.0


def main() -> None:
    """Measure all parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--repeats", type=int, default=0, help="times to measure each figure (default: each part's own)"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to see that it runs")
    parser.add_argument("--only", nargs="*", default=_PARTS, choices=_PARTS)
    given = parser.parse_args()
    options = ["--quick"] * given.quick + (["--repeats", str(given.repeats)] if given.repeats else [])
    begin = time.monotonic()
    parts = [_measured(name, options) for name in given.only]
    text = _head(time.monotonic() - begin) + markdown(parts)
    sys.stdout.write(text)
    if not given.quick and tuple(given.only) == _PARTS:
        _write(text, parts)


def _measured(name: str, options: list[str]) -> Part:
    sys.stderr.write(f"{name} ...\n")
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "part.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(found), *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
        except subprocess.TimeoutExpired:
            return Part(name, name, notes=[f"not measured: no end after {_LONGEST_S:.0f} s"])
        if done.returncode:
            return Part(name, name, notes=[f"not measured: {_why(done.stderr)}"])
        return Part.from_json(json.loads(found.read_text(encoding="utf-8")))


def _why(errors: str) -> str:
    """What stands behind the last traceback: the error, which may have several lines."""
    lines = errors.strip().splitlines()
    behind = itertools.takewhile(lambda line: not line.startswith(" "), reversed(lines))
    return " ".join(reversed([line.strip() for line in behind if line.strip()])) or "no message"


def _head(seconds: float) -> str:
    machine = ", ".join(f"{name} {words}" for name, words in describe().items())
    return f"Measured on {_today()} in {seconds / 60:.0f} minutes: {machine}.\n\n"


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).strftime("%-d %B %Y")


def _write(text: str, parts: list[Part]) -> None:
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / "performance.md").write_text(text, encoding="utf-8")
    found = {"date": _today(), "machine": describe(), "parts": [part.to_json() for part in parts]}
    (_RESULTS / "performance.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

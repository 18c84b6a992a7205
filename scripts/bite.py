"""``hatch run bite``: remove one guard at a time from a copy of the code, and see the tests go red.

First all the tests named must pass as they are. Then a line per guard; the exit code is 1 when one can be
removed without a test noticing. ``--fault F19``: the guards of one fault. ``--jobs 1``: one at a time; else
as many as there are cores, each on a copy of its own. The working tree is not touched.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from bites import trial
from bites.case import Bite
from bites.cases import BITES

TIMEOUT_S, CONTROL_TIMEOUT_S = 240, 900
"""Of the tests that should notice one guard, and of all of them with nothing removed."""
WHOLE = "whole"
_TAIL = 6_000
"""Of what tests said that fail with nothing removed."""


def main() -> int:
    """Run the cases asked for; give the exit code."""
    parser = argparse.ArgumentParser(description="Remove one guard at a time and see the tests go red.")
    parser.add_argument("--fault", action="append", help="only the guards of this fault; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    wanted = parser.parse_args()
    chosen = [bite for bite in BITES if not wanted.fault or bite.fault in wanted.fault]
    trial.load_libraries()
    with (
        tempfile.TemporaryDirectory(prefix="twap-bite-") as folder,
        ProcessPoolExecutor(wanted.jobs, get_context("fork")) as workers,
    ):
        trial.copy_code(ROOT, Path(folder) / WHOLE)
        shares = _shares({test for bite in chosen for test in bite.tests}, wanted.jobs)
        is_green = all([_say_control(*one) for one in workers.map(partial(_control, Path(folder)), shares)])
        tried = workers.map(partial(_try, Path(folder)), chosen) if is_green else ()
        noticed = [_say(*one) for one in zip(chosen, tried, strict=False)]
    print(f"{sum(noticed)} of {len(chosen)} removed guards were noticed")
    return 0 if len(noticed) == len(chosen) and all(noticed) else 1


def _shares(tests: Iterable[str], jobs: int) -> list[list[str]]:
    """Split into shares of about one size; tests of one file stay together."""
    files = sorted({test.partition("::")[0] for test in tests})
    shares = [set(files[first::jobs]) for first in range(jobs)]
    return [sorted(test for test in tests if test.partition("::")[0] in share) for share in shares if share]


def _say_control(words: str, said: str) -> bool:
    print(f"{words:>9}  tests named, nothing removed", flush=True)
    if words != trial.GREEN:
        print(said[-_TAIL:], flush=True)
    return words == trial.GREEN


def _say(bite: Bite, tried: tuple[str, float]) -> bool:
    words, seconds = tried
    print(f"{words:>9}  {seconds:5.1f} s  {bite.fault}  {bite.guard}", flush=True)
    return words == trial.RED


@cache
def _copy(folder: Path) -> Path:
    """This worker's own, with what is compiled."""
    return Path(shutil.copytree(folder / WHOLE, folder / str(os.getpid())))


def _control(folder: Path, tests: list[str]) -> tuple[str, str]:
    return trial.run(tests, _copy(folder), CONTROL_TIMEOUT_S)


def _try(folder: Path, bite: Bite) -> tuple[str, float]:
    started = time.perf_counter()
    path = _copy(folder) / bite.path
    whole = path.read_text(encoding="utf-8")
    if whole.count(bite.line) != 1:
        return "not there", 0
    path.write_text(whole.replace(bite.line, bite.instead), encoding="utf-8")
    try:
        words, _ = trial.run(bite.tests, _copy(folder), TIMEOUT_S)
    finally:
        path.write_text(whole, encoding="utf-8")
    return words, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())

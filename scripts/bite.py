"""``hatch run bite``: remove one guard at a time from a copy of the code, and see the tests go red.

First all the tests named must pass as they are. Then a line per guard; the exit code is 1 when one can be
removed without a test noticing. ``--fault F19``: the guards of one fault. The working tree is not touched.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from bites.case import Bite
from bites.cases import BITES

PACKAGES = ("twap-models", "twap-server", "twap-client")
TIMEOUT_S, CONTROL_TIMEOUT_S = 240, 900
"""Of the tests that should notice one guard, and of all of them with nothing removed."""
GREEN, RED = "green", "red"


def main() -> int:
    """Run the cases asked for; give the exit code."""
    parser = argparse.ArgumentParser(description="Remove one guard at a time and see the tests go red.")
    parser.add_argument("--fault", action="append", help="only the guards of this fault; may be repeated")
    wanted = parser.parse_args().fault
    chosen = [bite for bite in BITES if not wanted or bite.fault in wanted]
    with tempfile.TemporaryDirectory(prefix="twap-bite-") as folder:
        copy = _copy(Path(folder) / "copy")
        control = _run(sorted({test for bite in chosen for test in bite.tests}), copy, CONTROL_TIMEOUT_S)
        print(f"{control:>9}  all the tests named, nothing removed", flush=True)
        noticed = [_say(bite, copy) == RED for bite in chosen] if control == GREEN else []
    print(f"{sum(noticed)} of {len(chosen)} removed guards were noticed")
    return 0 if len(noticed) == len(chosen) and all(noticed) else 1


def _say(bite: Bite, copy: Path) -> str:
    started = time.perf_counter()
    words = _try(bite, copy)
    print(f"{words:>9}  {time.perf_counter() - started:5.1f} s  {bite.fault}  {bite.guard}", flush=True)
    return words


def _copy(to: Path) -> Path:
    for name in ("packages", "tests"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)
    return to


def _try(bite: Bite, copy: Path) -> str:
    path = copy / bite.path
    whole = path.read_text(encoding="utf-8")
    if whole.count(bite.line) != 1:
        return "not there"
    path.write_text(whole.replace(bite.line, bite.instead), encoding="utf-8")
    try:
        return _run(bite.tests, copy)
    finally:
        path.write_text(whole, encoding="utf-8")


def _run(tests: Sequence[str], copy: Path, within_s: int = TIMEOUT_S) -> str:
    sources = [copy / "packages" / name / "src" for name in PACKAGES]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis"),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    command += [str(copy / "tests" / test) for test in tests]
    try:
        ended = subprocess.run(
            command, cwd=copy, env=environment, timeout=within_s, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    if ended.returncode == 0 and b" passed" not in ended.stdout:
        return "skipped"
    return {0: GREEN, 1: RED}.get(ended.returncode, f"exit {ended.returncode}")


if __name__ == "__main__":
    sys.exit(main())

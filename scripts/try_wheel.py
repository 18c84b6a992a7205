"""``python scripts/try_wheel.py [--pure]``: does an installed twap-server work, compiled or as its pure twin?

Run it with a Python that has the wheel installed, no checkout. Says which modules should be compiled and are
not (``--pure``: the other way round), fills a book and starts the command. The exit code is 1 when anything
is not as it should be.
"""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import files, version

from twap_server.domain.market.native import COMPILED, Levels, from_iso


def main() -> int:
    """Compare what is installed with what was asked for; give the exit code."""
    pure = "--pure" in sys.argv[1:]
    wrong = [*_modules_amiss(pure=pure), *_work_amiss()]
    if pure is COMPILED:
        wrong.append(f"the book in use is {'compiled' if COMPILED else 'the pure twin'}")
    for words in wrong:
        print(f"twap-server {version('twap-server')}: {words}")
    return 1 if wrong else 0


def _modules_amiss(*, pure: bool) -> Iterator[str]:
    """Each source of a compiled module is in the wheel, so their names need no list here."""
    sources = [file for file in files("twap-server") or () if file.suffix == ".pyx"]
    if not sources:
        yield "no source of a compiled module is in the wheel"
    for source in sources:
        name = ".".join(source.with_suffix("").parts)
        if (importlib.util.find_spec(name) is None) is not pure:
            yield f"{name} is {'compiled' if pure else 'not compiled'}"
        elif not pure:
            importlib.import_module(name)


def _work_amiss() -> Iterator[str]:
    bids = Levels(1)
    bids.apply([("10.5", "1"), ("9.25", "2"), ("10.5", "0")])
    if len(bids) != 1:
        yield f"a book has {len(bids)} levels, not 1"
    if from_iso("1970-01-01T00:00:01Z") != 1_000_000_000:
        yield "a time is misread"
    asked = subprocess.run(
        [sys.executable, "-m", "twap_server", "version"], capture_output=True, text=True, check=False
    )
    if asked.stdout.strip() != version("twap-server"):
        yield f"the command does not start: {asked.stderr[-500:]}"


if __name__ == "__main__":
    sys.exit(main())

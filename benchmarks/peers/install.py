"""Install the peers that have to be compiled: ``hatch run bench:peers``, which ``bench:all`` calls first.

The others stand in hatch.toml. What cannot be compiled here is left out in one line, and the benchmarks note
the missing peer. It takes a minute or two the first time and nothing after that.
"""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

from benchmarks.peers import build_hummingbot

_CRYPTOFEED = "cryptofeed>=2.4.1,<3"


def main() -> None:
    """Install what is missing; a failure is told and is no error."""
    for name, install in (("cryptofeed", _cryptofeed), ("hummingbot", build_hummingbot.main)):
        if find_spec(name) is None:
            sys.stderr.write(f"compiling {name}, once ...\n")
            _attempt(name, install)


def _attempt(name: str, install: Callable[[], None]) -> None:
    try:
        install()
    except (Exception, SystemExit) as error:  # setuptools exits where the compiler fails
        sys.stderr.write(f"{name} is left out: {error}\n")


def _cryptofeed() -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "install", _CRYPTOFEED]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()

"""The process makes room for as many connections as it may have, and says so where they do not fit."""

import subprocess
import sys

import pytest

from support.children import environment
from twap_server.bootstrap import open_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

SCRIPT = """
import logging, resource, runpy, sys
make_room = runpy.run_path(sys.argv[1])["make_room"]  # alone: its package takes seconds to import
logging.basicConfig(format="%(message)s")
soft, hard, clients = map(int, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(make_room(clients), file=sys.stderr)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("before", "clients", "after"),
    [((300, 4_000), 1_000, "1256 4000"), ((300, 1_000), 5_000, "1000 1000"), ((900, 1_000), 10, "900 1000")],
)
def test_the_limit_rises_as_far_as_needed_and_allowed(
    before: tuple[int, int], clients: int, after: str
) -> None:
    given = [open_files.__file__, *(str(number) for number in (*before, clients))]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *given], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout.split() == after.split()
    assert ("only 744 fit" in done.stderr) == (clients == 5_000)

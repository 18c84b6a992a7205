"""What a child process of a test needs to find the same code as the test itself."""

import os
from pathlib import Path

TESTS = Path(__file__).parents[1]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with the tests importable and whatever else is asked for."""
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH", ""))))
    return os.environ | {"PYTHONPATH": path} | more

"""Run a module with nothing compiled: ``python -m benchmarks.harness.uncompiled MODULE [ARGUMENT ...]``.

Every compiled module is hidden before anybody imports it.
"""

import runpy
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path


def hide_compiled() -> None:
    """Let imports of the server's compiled modules fail, as where there is no compiler.

    Raises:
        ImportError: one was imported before, or there is no server.
    """
    found = find_spec("twap_server")
    if found is None or found.origin is None:
        raise ImportError("twap_server is not installed")
    root = Path(found.origin).parent
    for path in root.rglob("*"):
        if path.name.endswith(tuple(EXTENSION_SUFFIXES)):
            name = ".".join((path.parent / path.name.partition(".")[0]).relative_to(root.parent).parts)
            if sys.modules.get(name) is not None:
                raise ImportError(f"{name} was imported before it could be hidden")
            sys.modules[name] = None  # type: ignore[assignment]


if __name__ == "__main__":
    hide_compiled()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

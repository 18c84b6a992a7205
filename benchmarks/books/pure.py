"""twap-server where nothing could be compiled: every compiled module is hidden before anybody imports it."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path


def _hide_compiled() -> None:
    found = find_spec("twap_server")
    if found is None or found.origin is None:
        raise ImportError("twap_server is not installed")
    root = Path(found.origin).parent
    for path in root.rglob("*"):
        if path.name.endswith(tuple(EXTENSION_SUFFIXES)):
            name = ".".join((path.parent / path.name.partition(".")[0]).relative_to(root.parent).parts)
            if name in sys.modules:
                raise ImportError(f"{name} was imported before it could be hidden")
            sys.modules[name] = None  # type: ignore[assignment]


_hide_compiled()

from benchmarks.books.contender import COMPARED  # noqa: E402
from benchmarks.books.server import TwapServer  # noqa: E402


class PurePython(TwapServer):
    """The same product, nothing compiled."""

    label = "twap-server, pure Python"
    modes = COMPARED

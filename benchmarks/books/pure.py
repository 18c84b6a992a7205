"""twap-server as it is where nothing could be compiled: the book in Python."""

import sys

sys.modules["twap_server.domain._levels"] = None  # type: ignore[assignment]  # before anybody imports it

from benchmarks.books.contender import COMPARED  # noqa: E402
from benchmarks.books.server import TwapServer  # noqa: E402
from twap_server.domain.kernel import COMPILED  # noqa: E402

if COMPILED:
    raise ImportError("the compiled book was imported before it could be hidden")


class PurePython(TwapServer):
    """The same product, without its compiled kernel."""

    label = "twap-server, book in pure Python"
    modes = COMPARED

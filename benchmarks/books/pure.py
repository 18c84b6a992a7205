"""twap-server where nothing could be compiled: every compiled module is hidden before anybody imports it."""

from benchmarks.harness.uncompiled import hide_compiled

hide_compiled()

from benchmarks.books.contender import COMPARED  # noqa: E402
from benchmarks.books.server import TwapServer  # noqa: E402


class PurePython(TwapServer):
    """The same product, nothing compiled."""

    label = "twap-server, pure Python"
    modes = COMPARED

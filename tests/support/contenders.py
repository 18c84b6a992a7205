"""Contenders for the tests of the race: one that is wrong, one that is not installed."""

from benchmarks.books.contender import Mode, Outcome
from benchmarks.books.server import TwapServer
from benchmarks.books.stream import Stream


class Wrong(TwapServer):
    """A book that lost a digit."""

    label = "wrong"
    modes = (Mode.UPDATING,)

    def run(self, mode: Mode) -> Outcome:
        """Cut the last digit off one quantity."""
        found = super().run(mode)
        assert found.exact is not None
        bids, asks = next(iter(found.exact.values()))
        price, quantity = asks[-1]
        asks[-1] = (price, f"{quantity}1")
        return Outcome(found.seconds, found.tops, {"BTCUSDT": (bids, asks)})


class Absent:
    """A tool that cannot be imported."""

    label = "absent"
    modes = (Mode.UPDATING,)

    def __init__(self, stream: Stream) -> None:
        raise ImportError("No module named 'absent'")

    def run(self, mode: Mode) -> Outcome:
        """Never called."""
        raise NotImplementedError

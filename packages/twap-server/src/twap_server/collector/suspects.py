"""Find the instrument by which a connection ends again and again, and stop collecting it for a while.

Its messages are too large, or the exchange closes the connection because it does not know it. Neither says
whose fault it is: one of those whose first book is waited for. Where several are, each is asked for alone on
the next connection, after all others: the one that is waited for when it happens again is the one. Kept for
an exchange, over its connections.
"""

from collections.abc import Collection, Iterable
from typing import Final

from twap_server.collector.backoff import KeyedBackoff
from twap_server.domain.clock import SECOND, Clock, Nanos

TOO_LARGE: Final = "it sends more at once than we take"
CLOSES: Final = "the exchange closes the connection when it is asked for it"


class Suspects:
    """Suspects, and those that were found out."""

    def __init__(self, clock: Clock, backoff: KeyedBackoff) -> None:
        """Args: patience: how long to set an instrument aside."""
        self._clock, self._backoff = clock, backoff
        self._suspects: set[str] = set()
        self._until: dict[str, Nanos] = {}
        self._words: dict[str, str] = {}

    def blame(self, waiting: Collection[str], words: str, *, is_sure: bool) -> None:
        """Note that a connection ended while the first books of these symbols were waited for.

        Args:
            waiting: canonical symbols.
            words: why it ended, if it is one of them.
            is_sure: whether it must be one of them. Else the only one is set aside when it happens again:
                connections are lost for other reasons too.
        """
        is_found = len(waiting) == 1 and (is_sure or self._suspects.issuperset(waiting))
        self._suspects.update(waiting)
        if is_found:
            (symbol,) = waiting
            seconds = self._backoff.failed(symbol)
            self._until[symbol] = Nanos(self._clock.monotonic() + round(seconds * SECOND))
            self._words[symbol] = words

    def words_of(self, symbol: str) -> str:
        """Return why a symbol was set aside."""
        return self._words.get(symbol, "")

    def clear(self, symbol: str) -> None:
        """Note that a symbol's book came."""
        self._suspects.discard(symbol)
        self._until.pop(symbol, None)
        self._words.pop(symbol, None)

    def aside_until(self, symbol: str) -> Nanos | None:
        """Return the wall time until which a symbol is set aside; None when it is not."""
        left = self._until.get(symbol, 0) - self._clock.monotonic()
        return Nanos(self._clock.now() + left) if left > 0 else None

    def askable(self, symbols: Iterable[str], *, waits: bool) -> list[str]:
        """Choose those to ask for now: suspects one at a time, when no book is waited for.

        Args:
            symbols: in the order in which to ask.
            waits: whether a first book is waited for already.
        """
        allowed = [one for one in symbols if self.aside_until(one) is None]
        safe = [one for one in allowed if one not in self._suspects]
        return safe if safe or waits else allowed[:1]

    def are_suspected(self, symbols: Iterable[str]) -> bool:
        """Tell whether one of these may be asked for alone."""
        return any(one in self._suspects and self.aside_until(one) is None for one in symbols)

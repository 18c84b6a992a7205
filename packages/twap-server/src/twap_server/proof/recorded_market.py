"""Show the recorded markets at one moment after the other, as the engine met them.

In: the messages of some exchanges, merged by time. Out: the books of each moment asked for, which only go on.
A new run of the server, told by the names of its connections, begins with nothing: its memory was lost.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from typing import Final, TypeAlias

from twap_server.books.live import LiveBook
from twap_server.books.traded_volume import TradedVolume
from twap_server.domain.clock import MICROSECOND, Nanos
from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import TRADING, InstrumentId
from twap_server.proof.recorded_exchange import RecordedExchange
from twap_server.recordings.frames import RecordedFrame, is_answer
from twap_server.recordings.runs import run_of

_Numbered: TypeAlias = tuple[Nanos, int, RecordedFrame]
"""When, which exchange, the message."""
_NEVER: Final = Nanos(2**63)


@dataclass(frozen=True, slots=True)
class RecordedSource:
    """The recording of one exchange."""

    exchange: RecordedExchange
    frames: Iterator[RecordedFrame]
    end: Nanos
    """When its last message came; 0: there is none."""
    lost_at: Nanos | None = None
    """When the first message was to come that is missing in it; None: none is."""


class Trades:
    """What was traded, by instrument; a new run counts anew."""

    def __init__(self) -> None:
        self.volume = TradedVolume()

    def add(self, instrument: InstrumentId, trade: Trade) -> None:
        """Count a trade."""
        self.volume.add(instrument, trade)


class RecordedMarket:
    """All recorded books. ``play`` goes on in time; the rest looks."""

    def __init__(
        self,
        sources: Mapping[str, RecordedSource],
        trades: Trades,
        on_new_run: Callable[["RecordedMarket"], None],
    ) -> None:
        """Args: sources: by exchange; on_new_run: is told when another run of the server begins."""
        self._exchanges = {name: one.exchange for name, one in sources.items()}
        self._names = list(sources)
        self.ends = {name: one.end for name, one in sources.items()}
        """When each exchange's recording ends."""
        self.losses = {name: one.lost_at for name, one in sources.items() if one.lost_at is not None}
        """From when on messages are missing, of those that lost some."""
        self._frames = merge(*(_numbered(at, one.frames) for at, one in enumerate(sources.values())))
        self._next = next(self._frames, None)
        self._trades, self._on_new_run = trades, on_new_run
        self._run = ""
        self.first = _NEVER if self._next is None else self._next[0]
        """When the recording begins."""
        self.last = Nanos(0)
        """When the message came that was played last."""
        self.played = 0

    def play_before(self, moment: Nanos) -> None:
        """Play what surely came before a moment: a message's moment is cut to the microsecond."""
        while self._next is not None and self._next[0] + MICROSECOND <= moment:
            self._take()

    def play_same_instant(self, moment: Nanos) -> bool:
        """Play the next burst whose moment cannot be told from this one; False where there is none left.

        A burst, what one connection brought at once, was taken as a whole.
        """
        if self._next is None or self._next[0] > moment:
            return False
        at, number, (_, _, _, conn) = self._next
        while self._next is not None and self._next[:2] == (at, number) and self._next[2][3] == conn:
            self._take()
        return True

    def play_up_to(self, moment: Nanos) -> None:
        """Play all that may have come by then."""
        while self.play_same_instant(moment):
            pass

    @property
    def has_ended(self) -> bool:
        """Whether everything was played."""
        return self._next is None

    def live_book(self, instrument: InstrumentId) -> LiveBook | None:
        """The instrument's book."""
        exchange = self._exchanges.get(instrument.exchange)
        return None if exchange is None else exchange.book(instrument.symbol)

    def date_fetched(self, instrument: InstrumentId, moment: Nanos) -> None:
        """See ``RecordedExchange.date_fetched``."""
        exchange = self._exchanges.get(instrument.exchange)
        if exchange is not None:
            exchange.date_fetched(instrument.symbol, moment)

    def trading_status(self, instrument: InstrumentId) -> str:
        """As if everything traded: whoever asks knows that something was decided."""
        return TRADING

    def traded_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        """Base currency traded since then, as far as a server remembers it."""
        return self._trades.volume.volume_since(instrument, since)

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Base and quote currency traded since this run began."""
        return self._trades.volume.totals(instrument)

    def _take(self) -> None:
        assert self._next is not None
        at, number, frame = self._next
        conn = frame[3]
        if not is_answer(conn) and (run := run_of(conn)) != self._run:
            self._begin_run(run)
        self._exchanges[self._names[number]].take(frame)
        self.last, self.played = at, self.played + 1
        self._next = next(self._frames, None)

    def _begin_run(self, run: str) -> None:
        if self._run:
            for exchange in self._exchanges.values():
                exchange.forget()
            self._trades.volume = TradedVolume()
            self._on_new_run(self)
        self._run = run


def _numbered(number: int, frames: Iterator[RecordedFrame]) -> Iterator[_Numbered]:
    return ((frame[0], number, frame) for frame in frames)

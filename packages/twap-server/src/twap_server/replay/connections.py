"""Read a recording's connections each by its own rules, as one connection to the exchange.

Who recorded an exchange may have used several connections, at the same time or one after another. Some
exchanges number the messages or the channels of each, so each is decoded by a ``Stream`` of its own:

1. What is asked for counts as asked for on every connection, also on those that begin later.
2. A connection begins with its first message, or where the recording says that it was opened. It begins anew
   where the recording says that messages of it are missing: nobody knows what they said.
3. A book that comes over two connections (a planned reconnect) follows the first; what the other says of it
   waits.
4. Where a connection ended, or its own count shows a loss, its books go on over the one that waits, else
   they are lost until another snapshot. What still comes over one that lost something is not read: whoever
   recorded it has opened another.

Where the recording does not say when connections were opened, nothing waits: all are read as they come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from twap_server.domain.market.errors import StreamGap, WireFormatError
from twap_server.domain.market.events import BookChange, BookLost, BookSnapshot, MarketEvent, Trade
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange, Start, Stream, WsRequest
from twap_server.replay.origin import PlayedConnection

_ENDED: Final = "the recorded connection ended"
_LOST: Final = "messages of the connection are missing in the recording"
_MOST_WAITING: Final = 50_000
"""Events of one book: connections overlap for seconds."""
_NOTHING: tuple[MarketEvent, ...] = ()


@dataclass(slots=True, eq=False)
class _HeardConnection:
    """One recorded connection, as far as it was read."""

    stream: Stream
    is_bounded: bool
    """The recording says when it was opened."""
    symbols: set[str] = field(default_factory=set)
    """Canonical: whose books came over it."""
    waiting: dict[str, list[MarketEvent]] = field(default_factory=dict)
    """By symbol, what it says of books that follow another connection."""
    is_deaf: bool = False


class Playing(Protocol):
    """What plays recordings."""

    source: PlayedConnection
    """Over which connection the message came that was given out last."""


class RecordedStream(Stream):
    """One connection of ours, over which all recorded connections of an exchange are heard."""

    def __init__(self, exchange: Exchange, playing: Playing) -> None:
        """Args: playing: gives out the message that is to be decoded."""
        super().__init__()
        self._exchange, self._playing = exchange, playing
        self._asking = exchange.new_stream()
        """Says what one would ask for; nobody hears it."""
        self._asked: dict[str, Instrument] = {}
        self._reading: dict[PlayedConnection, _HeardConnection] = {}
        self._opened: set[tuple[object, str]] = set()
        self._follows: dict[str, _HeardConnection] = {}
        """By symbol, the connection that its book follows."""
        self._heard: PlayedConnection | None = None
        self._read = _HeardConnection(self._asking, is_bounded=False)

    def opening(self) -> Sequence[WsRequest]:
        """See ``Stream``."""
        return self._asking.opening()

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """See ``Stream``; every connection counts as asked."""
        self._asked.update((one.native, one) for one in instruments)
        for read in self._reading.values():
            read.stream.subscribe(instruments)
        return self._asking.subscribe(instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """See ``Stream``; every connection counts as asked."""
        for one in instruments:
            self._asked.pop(one.native, None)
        for read in self._reading.values():
            read.stream.unsubscribe(instruments)
        return self._asking.unsubscribe(instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """See ``Stream``; the connection that the book follows counts as asked."""
        follows = self._follows.get(instrument.id.symbol)
        for read in self._reading.values():
            if follows is None or follows is read:
                read.stream.renew(instrument)
        return self._asking.renew(instrument)

    def ping(self) -> str:
        """See ``Stream``."""
        return self._asking.ping()

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame by the rules of its connection; see ``Stream``.

        A ``StreamGap`` is none here: it costs one recorded connection, the others go on.
        """
        heard = self._playing.source
        if heard is not self._heard:
            if heard.is_boundary:
                return self._bounded(heard)
            self._heard, self._read = heard, self._read_of(heard)
        read = self._read
        if read.is_deaf:
            return _NOTHING
        try:
            events = read.stream.decode(raw)
        except StreamGap as gap:
            read.is_deaf = True
            return self._given_up(read, str(gap))
        except WireFormatError as error:
            self._narrow(error, read)
            raise
        return self._due(events, read)

    def _due(self, events: Sequence[MarketEvent], read: _HeardConnection) -> Sequence[MarketEvent]:
        """Those of books that follow this connection; the others wait."""
        follows, symbols = self._follows, read.symbols
        for event in events:
            if type(event) is BookChange or type(event) is BookSnapshot:
                symbols.add(event.symbol)
                if read.is_bounded and follows.setdefault(event.symbol, read) is not read:
                    return [one for one in events if self._is_due(one, read)]
            elif type(event) is Trade and read.is_bounded and follows.get(event.symbol, read) is not read:
                return [one for one in events if self._is_due(one, read)]
        return events

    def _is_due(self, event: MarketEvent, read: _HeardConnection) -> bool:
        if type(event) is Trade:
            return self._follows.get(event.symbol, read) is read
        if type(event) is not BookChange and type(event) is not BookSnapshot:
            return True
        read.symbols.add(event.symbol)
        if self._follows.setdefault(event.symbol, read) is read:
            return True
        waiting = read.waiting.setdefault(event.symbol, [])
        if type(event) is BookSnapshot or len(waiting) >= _MOST_WAITING:
            waiting.clear()
        waiting.append(event)
        return False

    def _narrow(self, error: WireFormatError, read: _HeardConnection) -> None:
        """Let only books be doubted that follow this connection, and forget what waits of others."""
        doubted = read.symbols if error.doubted is None else error.doubted
        for symbol in doubted:
            read.waiting.pop(symbol, None)
        error.doubted = tuple(one for one in doubted if self._follows.get(one, read) is read)
        error.readable = self._due(error.readable, read)

    def _bounded(self, heard: PlayedConnection) -> Sequence[MarketEvent]:
        """Forget a connection: it ended, lost messages, or another of the same name begins."""
        self._heard, reason = None, _LOST if heard.is_loss else _ENDED
        self._opened.add((heard.path, heard.conn))
        known = [one for one in self._reading if one.is_of(heard)]
        return [event for one in known for event in self._given_up(self._reading.pop(one), reason)]

    def _given_up(self, read: _HeardConnection, reason: str) -> Sequence[MarketEvent]:
        """What happens to the books that follow a connection: they follow another, or are lost."""
        events: list[MarketEvent] = []
        for symbol in sorted(read.symbols):
            if not read.is_bounded:
                events.append(BookLost(symbol=symbol, reason=reason, message=""))
            elif self._follows.get(symbol) is read:
                del self._follows[symbol]
                events += self._inherited(symbol, reason)
        read.waiting.clear()
        return events

    def _inherited(self, symbol: str, reason: str) -> Sequence[MarketEvent]:
        heir = next((one for one in self._reading.values() if one.waiting.get(symbol)), None)
        events: list[MarketEvent] = []
        if heir is not None:
            events, self._follows[symbol] = heir.waiting.pop(symbol), heir
        if self._exchange.start is Start.FETCHED and events:  # a gap shows by the numbers
            return events
        if events and isinstance(events[0], BookSnapshot):
            return events
        return [BookLost(symbol=symbol, reason=reason, message=""), *events]

    def _read_of(self, heard: PlayedConnection) -> _HeardConnection:
        known = self._reading.get(heard)
        if known is None:
            is_bounded = (heard.path, heard.conn) in self._opened
            known = self._reading[heard] = _HeardConnection(
                self._exchange.new_stream(), is_bounded=is_bounded
            )
            known.stream.wall_time = self.wall_time
            known.stream.opening()
            if self._asked:
                known.stream.subscribe(list(self._asked.values()))
        return known

"""Follow one connection to Gemini: which message of a book is the whole of it.

Manual: WebSocket API (subscribe, snapshot parameter, depth streams).

1. The address asks for whole books. The first message of a book after it was subscribed is the whole book:
   nothing marks it, but its two numbers are the same.
2. Each message after it names the number of the one before. Numbers are counted for all markets together, so
   that they jump within one.
3. What still comes of a book after it was given up is left out, until the exchange has acknowledged that: the
   first message after it belongs to the next subscription.
4. Where a book begins with anything else, the connection is opened anew: that is what the manual asks for.
"""

from collections.abc import Sequence

from twap_server.domain.market.errors import StreamGap, WireFormatError
from twap_server.domain.market.events import Heartbeat, MarketEvent, Subscribed
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Stream, WsRequest
from twap_server.exchanges.decode import decoder, entries_of
from twap_server.exchanges.gemini import mapper, wire

_decode_frame = decoder(wire.Frame)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_FINE = 200
_BUSY = "btcusd"


class GeminiStream(Stream):
    """One connection to the public streams."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols
        self._begun: set[str] = set()
        """Markets whose whole book has come."""
        self._leaving: dict[str, int] = {}
        """Markets that are being given up, by the request that is not acknowledged yet."""
        self._pings: set[int] = set()

    def opening(self) -> Sequence[WsRequest]:
        """The busiest market's best prices: the exchange is mute by itself."""
        return (self._request("subscribe", mapper.names(_BUSY, [wire.BEST])),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book and its trades."""
        return tuple(self._join(one, wire.DEPTH, wire.TRADES) for one in instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book and its trades."""
        return tuple(self._leave(one, wire.DEPTH, wire.TRADES) for one in instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: it begins whole again, or step 4 holds."""
        return (self._leave(instrument, wire.DEPTH), self._join(instrument, wire.DEPTH))

    def ping(self) -> str:
        """Ask for an answer: a quiet book says nothing."""
        number = self.next_id()
        self._pings = {number}
        return mapper.encode(wire.Request(id=str(number), method="ping"))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        try:
            frame = _decode_frame(raw)
            if frame.e == wire.BOOK:
                return self._book(frame)
            if not frame.e:
                return self._other(frame)
        except WireFormatError:
            pass
        return mapper.unknown(raw, self._symbols)

    def _book(self, frame: wire.Frame) -> Sequence[MarketEvent]:
        native = frame.s
        symbol = self._symbols.get(native)
        if not native or min(frame.U, frame.u, frame.E) < 1:
            raise WireFormatError("a book message has no name, no number or no time")
        if symbol is None or native in self._leaving:
            return _NOTHING
        if native in self._begun:
            return (mapper.change(frame, symbol),)
        if frame.u != frame.U:
            raise StreamGap("a book does not begin with the whole of it")
        whole = mapper.snapshot(frame, symbol)
        self._begun.add(native)
        return (whole,)

    def _other(self, frame: wire.Frame) -> Sequence[MarketEvent]:
        if frame.status is not None:
            return self._answer(frame, frame.status)
        if frame.t is not None:
            symbol = self._symbols.get(frame.s)
            return _NOTHING if symbol is None else (mapper.trade(frame, symbol),)
        if frame.u < 0 or entries_of(frame.b) is not None or entries_of(frame.a) is not None:
            raise WireFormatError("a message is of no known kind")
        return _HEARTBEAT

    def _answer(self, frame: wire.Frame, status: int) -> Sequence[MarketEvent]:
        number = mapper.request_id(frame)
        if number in self._pings:
            return _NOTHING
        if number is not None:  # requests are answered in order
            self._leaving = {native: one for native, one in self._leaving.items() if one > number}
        return (Subscribed(request_id=number) if status == _FINE else mapper.refused(frame),)

    def _join(self, instrument: Instrument, *streams: str) -> WsRequest:
        self._begun.discard(instrument.native)
        return self._request("subscribe", mapper.names(instrument.native, streams), instrument)

    def _leave(self, instrument: Instrument, *streams: str) -> WsRequest:
        request = self._request("unsubscribe", mapper.names(instrument.native, streams), instrument)
        self._begun.discard(instrument.native)
        self._leaving[instrument.native] = request.request_id
        return request

    def _request(self, method: str, params: list[str], *about: Instrument) -> WsRequest:
        number = self.next_id()
        return WsRequest(
            request_id=number,
            text=mapper.encode(wire.Request(id=str(number), method=method, params=params)),
            symbols=tuple(one.id.symbol for one in about),
            is_book=bool(about),
        )

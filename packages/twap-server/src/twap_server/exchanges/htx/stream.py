"""Follow one connection to HTX: packed frames, pings that want an answer, trades that were told before.

Manual: HTX spot API, websocket market data (connection, market depth, trade detail).

1. Each frame is packed by gzip; what is larger than any book is not unpacked to its end.
2. The exchange asks every five seconds, and closes the connection after two questions without an answer.
3. Right after a market's trades were subscribed its last ones are told again, however old. Those before
   the acknowledgement, by the exchange's own clock, are no news.
"""

from collections.abc import Sequence
from typing import Final

from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import Heartbeat, MarketEvent, Reply
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Stream, WsRequest
from twap_server.exchanges.decode import decoder, unpacked
from twap_server.exchanges.htx import mapper, wire

_decode_frame = decoder(wire.Frame)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_BUSY: Final = "btcusdt"
_LARGEST: Final = 1 << 20
"""Bytes of a frame: a book of 150 levels a side has some 10,000."""


class HtxStream(Stream):
    """One connection to the market stream."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols
        self._since: dict[str, int] = {}
        """By market, when its trades were subscribed, by the exchange's clock."""

    def opening(self) -> Sequence[WsRequest]:
        """The busiest market's best prices, several a second."""
        return (self._ask(_BUSY, wire.BEST),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return tuple(
            self._ask(one.native, kind, one) for one in instruments for kind in (wire.BOOK, wire.TRADES)
        )

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return tuple(self._leave(one, kind) for one in instruments for kind in (wire.BOOK, wire.TRADES))

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book, where no message of it comes."""
        return (
            self._leave(instrument, wire.BOOK),
            self._ask(instrument.native, wire.BOOK, instrument),
        )

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame, packed or not; the exchange's ping asks for a ``Reply``."""
        told = unpacked(raw, most=_LARGEST)
        try:
            frame = _decode_frame(told)
            if frame.ch:
                return self._data(frame)
            if frame.ping is not None:
                return (Reply(text=mapper.encode(wire.Pong(pong=frame.ping))),)
            if frame.status:
                return self._answer(frame)
        except WireFormatError as error:
            if error.readable:
                raise
        return mapper.unknown(told, self._symbols)

    def _data(self, frame: wire.Frame) -> Sequence[MarketEvent]:
        native, kind = mapper.parted(frame.ch)
        symbol = self._symbols.get(native)
        if kind == wire.BEST:
            return _HEARTBEAT
        if kind not in (wire.BOOK, wire.TRADES):
            raise WireFormatError("a message is about an unknown topic")
        if symbol is None:
            return _NOTHING
        if kind == wire.TRADES:
            return mapper.trades(frame, symbol, self._since.get(native, 0))
        return (mapper.book(frame, symbol),)

    def _answer(self, frame: wire.Frame) -> Sequence[MarketEvent]:
        native, kind = mapper.parted(frame.subbed)
        if kind == wire.TRADES:
            self._since[native] = frame.ts
        return (mapper.answer(frame, self._symbols),)

    def _ask(self, native: str, kind: str, *about: Instrument) -> WsRequest:
        number = self.next_id()
        text = mapper.encode(wire.Sub(sub=mapper.topic(native, kind), id=str(number)))
        return _request(number, text, kind, *about)

    def _leave(self, instrument: Instrument, kind: str) -> WsRequest:
        number = self.next_id()
        text = mapper.encode(wire.Unsub(unsub=mapper.topic(instrument.native, kind), id=str(number)))
        return _request(number, text, kind, instrument)


def _request(number: int, text: str, kind: str, *about: Instrument) -> WsRequest:
    return WsRequest(
        request_id=number,
        text=text,
        symbols=tuple(one.id.symbol for one in about),
        is_book=kind == wire.BOOK,
    )

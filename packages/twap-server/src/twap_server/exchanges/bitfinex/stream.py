"""Follow one connection to Bitfinex: which channel is which book, and that no message is missing.

Manuals: WebSocket general (flags, sequencing), Public Channels (books, trades).

1. ``conf`` is sent first: from then on the exchange numbers every array, whatever its channel.
2. Each number is one more than the one before; else messages were lost, and whose they were cannot be told.
3. A channel's number is given by the acknowledgement, for this connection alone.
4. The first array of arrays of a book's channel is the snapshot, what comes after it one changed level each.
5. What still comes on a channel that was given up is counted, and tells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Raw

from twap_server.domain.market.errors import StreamGap, WireFormatError
from twap_server.domain.market.events import Heartbeat, MarketEvent, Refused, Reply, Subscribed
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import Stream, WsRequest
from twap_server.exchanges.bitfinex import mapper, wire
from twap_server.exchanges.bitfinex.mapper import BOOK, TRADES
from twap_server.exchanges.decode import WRONG_SHAPE, decoder, envelope, text_of

_NUMBERED, _CHECKSUMS = 65_536, 131_072
FLAGS: Final = _NUMBERED | _CHECKSUMS
_TWICE: Final = 10301

_decode_update = msgspec.json.Decoder(wire.Update).decode
_decode_answer = decoder(wire.Answer)
_decode_parts = decoder(list[Raw])
_decode_whole = decoder(int)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()


@dataclass(slots=True)
class Channel:
    """What was opened under a number."""

    kind: str
    native: str
    has_snapshot: bool = False
    is_given_up: bool = False


class BitfinexStream(Stream):
    """One connection to the public channels."""

    def __init__(self, symbols: dict[str, str], length: int) -> None:
        """Args: symbols: native to canonical, grows and shrinks with the list; length: levels to ask for."""
        super().__init__()
        self._symbols, self._length = symbols, str(length)
        self._channels: dict[int, Channel] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        """By kind and native symbol, the channel that is open."""
        self._wanted: set[tuple[str, str]] = set()
        self._conf_id: int | None = None
        self._is_counted = False
        self._last: int | None = None

    def opening(self) -> Sequence[WsRequest]:
        """Ask for numbers and checksums: from now on nothing without a number is taken."""
        self._conf_id, self._is_counted = self.next_id(), True
        return (WsRequest(request_id=self._conf_id, text=mapper.encode(wire.Conf(flags=FLAGS))),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return tuple(self._open(kind, one) for one in instruments for kind in (BOOK, TRADES))

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each channel that is open; one that is still being opened is closed then."""
        return tuple(
            request for one in instruments for kind in (BOOK, TRADES) for request in self._close(kind, one)
        )

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the new channel starts with a snapshot."""
        return (*self._close(BOOK, instrument), self._open(BOOK, instrument))

    def ping(self) -> str:
        """Keep the connection open and the answer coming."""
        return mapper.encode(wire.Ping(request_id=self.next_id()))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        try:
            update = _decode_update(raw)
        except WRONG_SHAPE:
            return self._other(raw)
        self._count(update.number)
        channel = self._channel(update.channel)
        symbol = None if channel.is_given_up else self._symbols.get(channel.native)
        if symbol is None or channel.kind != BOOK:
            return _NOTHING
        return (mapper.change(symbol, update.level),)

    def _other(self, raw: bytes | str) -> Sequence[MarketEvent]:
        outer = envelope(raw)
        if outer is None:
            return self._array(raw)
        try:
            return self._answered(_decode_answer(raw))
        except WireFormatError as error:
            raise WireFormatError(str(error), doubted=()) from None

    def _array(self, raw: bytes | str) -> Sequence[MarketEvent]:
        try:
            number, payload, *rest = _decode_parts(raw)
            channel_id, word = _decode_whole(bytes(number)), text_of(payload)
            told = rest[0 if word in (None, "hb") else 1 :]
            count = _decode_whole(bytes(told[0])) if told and self._is_counted else None
        except (WireFormatError, ValueError):
            self._last = None  # every book is doubted, so the count may begin anew
            raise WireFormatError("a frame has an unexpected shape") from None
        self._count(count)
        return self._told(self._channel(channel_id), word, [payload, *rest])

    def _told(self, channel: Channel, word: str | None, parts: Sequence[Raw]) -> Sequence[MarketEvent]:
        if word == "hb":
            return _HEARTBEAT
        symbol = None if channel.is_given_up else self._symbols.get(channel.native)
        if symbol is None or channel.kind not in (BOOK, TRADES):
            return _NOTHING
        try:
            if channel.kind == TRADES:
                return (mapper.trade(symbol, parts[1]),) if word == "te" else _NOTHING
            return (self._of_book(channel, symbol, word, parts),)
        except (WireFormatError, IndexError):
            raise WireFormatError(
                "a message of a channel has an unexpected shape",
                doubted=(symbol,) if channel.kind == BOOK else (),
            ) from None

    def _of_book(self, channel: Channel, symbol: str, word: str | None, parts: Sequence[Raw]) -> MarketEvent:
        if word == "cs":
            return mapper.checked(symbol, parts[1])
        if word is not None or channel.has_snapshot:
            raise WireFormatError("a book comes whole once")
        snapshot = mapper.snapshot(symbol, bytes(parts[0]))
        channel.has_snapshot = True
        return snapshot

    def _count(self, number: int | None) -> None:
        """See steps 1 and 2."""
        if not self._is_counted:
            return
        if number is None:
            raise StreamGap("the exchange does not number its messages")
        if self._last is not None and number != self._last + 1:
            raise StreamGap("messages of the connection are missing")
        self._last = number

    def _channel(self, number: int) -> Channel:
        channel = self._channels.get(number)
        if channel is None:
            raise StreamGap("a message comes on a channel that was not opened")
        return channel

    def _answered(self, answer: wire.Answer) -> Sequence[MarketEvent]:
        match answer.event:
            case "info":
                return (mapper.notice(answer),)
            case "pong":
                return _NOTHING
            case "conf":
                return (self._configured(answer),)
            case "subscribed":
                return self._opened(answer)
            case "unsubscribed":
                self._closed(answer.channel_id)
            case "error":
                is_open = answer.code == _TWICE
                return (self._acknowledged(answer) if is_open else mapper.refused(answer, self._symbols),)
        return _HEARTBEAT

    def _configured(self, answer: wire.Answer) -> MarketEvent:
        if answer.status != "OK" or answer.flags & FLAGS != FLAGS:
            words = f"conf: {answer.status} {answer.flags}"
            return Refused(request_id=self._conf_id, symbol=None, kind=RefusalKind.OTHER, message=words)
        self._is_counted = True
        return Subscribed(request_id=self._conf_id)

    def _opened(self, answer: wire.Answer) -> Sequence[MarketEvent]:
        if answer.channel_id is None:
            raise WireFormatError("a channel has no number")
        key = answer.channel, answer.symbol
        channel = self._channels[answer.channel_id] = Channel(*key)
        if self._conf_id is not None and key not in self._wanted:
            channel.is_given_up = True
            return (Reply(text=mapper.encode(wire.Unsubscribe(channel_id=answer.channel_id))),)
        self._numbers[key] = answer.channel_id
        return (self._acknowledged(answer),)

    def _acknowledged(self, answer: wire.Answer) -> Subscribed:
        symbol = self._symbols.get(answer.symbol) if answer.channel == BOOK else None
        return Subscribed(request_id=answer.request_id, symbol=symbol)

    def _open(self, kind: str, instrument: Instrument) -> WsRequest:
        number, native = self.next_id(), instrument.native
        self._wanted.add((kind, native))
        request = wire.Subscribe(channel=kind, symbol=native, request_id=number)
        if kind == BOOK:
            request = wire.SubscribeBook(symbol=native, request_id=number, length=self._length)
        symbols = (instrument.id.symbol,)
        return WsRequest(
            request_id=number, text=mapper.encode(request), symbols=symbols, is_book=kind == BOOK
        )

    def _close(self, kind: str, instrument: Instrument) -> Sequence[WsRequest]:
        key = kind, instrument.native
        self._wanted.discard(key)
        number = self._numbers.get(key)
        if number is None:
            return ()
        self._closed(number)
        return (
            WsRequest(
                request_id=self.next_id(),
                text=mapper.encode(wire.Unsubscribe(channel_id=number)),
                symbols=(instrument.id.symbol,),
                is_book=kind == BOOK,
                acks=0,
            ),
        )

    def _closed(self, number: int | None) -> None:
        channel = self._channels.get(number) if number is not None else None
        if channel is not None:
            channel.is_given_up = True
            if self._numbers.get((channel.kind, channel.native)) == number:
                del self._numbers[channel.kind, channel.native]

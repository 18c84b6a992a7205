"""Serve Bitfinex's WebSocket v2: channels by number, every array numbered, books with checksums.

1. ``conf`` sets flags; from then on each array carries its number in the connection, where that is asked for.
2. A channel is known by the number that its acknowledgement gives.
3. A book comes whole once, then one array a level; a checksum comes now and then while the book changes.
4. A trade is told twice, at once (``te``) and when it is booked (``tu``).
5. Each channel is kept alive by ``hb``.

Only the precision ``P0`` and the frequency ``F0`` are served. Manual: WebSocket v2 (general, books, trades).
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from twap_server.venue.candles import VenueTrade
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.protocols.bitfinex import wire
from twap_server.venue.source import Pair
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_KINDS: dict[str, Kind] = {"book": "book", "trades": "trades", "ticker": "other"}
_LENGTHS = ("1", "25", "100", "250")
_NUMBERED, _CHECKSUMS, _TIMED = 65_536, 131_072, 32_768
_CHECKSUM_EVERY_NS = 2_500_000_000
_BAD_EVENT, _BAD_FIELD, _TWICE, _TOO_MANY, _BAD_UNSUBSCRIBE = 10_000, 10_300, 10_301, 10_305, 10_400


class BitfinexSession(TopicSession):
    """One connection to the public channels."""

    venue = "bitfinex"
    idle_s = 60
    beat_s = 15
    most_topics = 25

    def prepare(self) -> None:
        """Begin without flags and channels."""
        super().prepare()
        self._flags = 0
        self._numbers = itertools.count(1)
        self._next_channel = itertools.count(self.number * 1_000 + 1)
        self._channels: dict[Topic, int] = {}
        self._checked_at: dict[Topic, int] = {}

    def greet(self) -> None:
        """Tell the version and that it works."""
        server = f"{self.number:08x}-0000-4000-8000-000000000000"
        self.tell({"event": "info", "version": 2, "serverId": server, "platform": {"status": 1}})

    def notice(self) -> str:
        """Ask for a new connection before a planned close."""
        return '{"event":"info","code":20051,"msg":"Stopping. Please try to reconnect"}'

    def beat(self) -> None:
        """Keep each channel alive."""
        for channel in self._channels.values():
            self.say(self._array(channel, '"hb"'), "control")

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``conf``, ``subscribe`` and ``unsubscribe``; what is no JSON gets no answer."""
        if not isinstance(message, dict):
            return
        event = message.get("event")
        if event == "ping":
            cid = {"cid": message["cid"]} if "cid" in message else {}
            self.tell({"event": "pong", "ts": self._clock.now() // MILLISECOND} | cid)
        elif event == "conf" and isinstance(message.get("flags"), int):
            self._flags = message["flags"]
            self.tell({"event": "conf", "status": "OK", "flags": self._flags})
        elif event == "subscribe":
            self._subscribe(message)
        elif event == "unsubscribe":
            self._unsubscribe(message)
        else:
            self._fail(message, _BAD_EVENT, "event: invalid")

    def _subscribe(self, asked: Mapping[str, Any]) -> None:
        channel, symbol = str(asked.get("channel")), str(asked.get("symbol"))
        length = str(asked.get("len", "25")) if channel == "book" else ""
        wrong = self._wrong(asked, channel, symbol, length)
        if wrong:
            self._fail(asked, _BAD_FIELD, wrong)
            return
        topic = Topic(_KINDS[channel], symbol, channel, int(length or 0))
        if topic in self._channels:
            self._fail(asked, _TWICE, "subscribe: dup")
        elif self.is_full():
            self._fail(asked, _TOO_MANY, "subscribe: limit")
        else:
            number = self._channels[topic] = next(self._next_channel)
            book = {"prec": "P0", "freq": "F0", "len": length} if channel == "book" else {}
            told = {"event": "subscribed", "channel": channel, "chanId": number, "symbol": symbol} | book
            named = {"subId": asked["subId"]} if "subId" in asked else {}
            self.tell(told | named | {"pair": symbol[1:]})
            self.join(topic)

    def _wrong(self, asked: Mapping[str, Any], channel: str, symbol: str, length: str) -> str:
        """Say which field is wrong, if any."""
        if channel not in _KINDS:
            return "channel: unknown"
        if self.pair(symbol) is None:
            return "symbol: invalid"
        if channel == "book" and length not in _LENGTHS:
            return "length: invalid"
        if asked.get("prec", "P0") != "P0":
            return "precision: invalid"
        return "" if asked.get("freq", "F0") == "F0" else "frequency: invalid"

    def _unsubscribe(self, asked: Mapping[str, Any]) -> None:
        number = asked.get("chanId")
        topic = next((one for one, channel in self._channels.items() if channel == number), None)
        if topic is None:
            self._fail(asked, _BAD_UNSUBSCRIBE, "unsubscribe: invalid")
            return
        self.leave(topic)
        del self._channels[topic]
        self.tell({"event": "unsubscribed", "status": "OK", "chanId": number})

    def _fail(self, asked: Mapping[str, Any], code: int, words: str) -> None:
        named = {name: asked[name] for name in ("channel", "symbol", "subId", "chanId") if name in asked}
        self.tell({"event": "error", "msg": words, "code": code} | named)

    def _array(self, channel: int, *parts: object) -> str:
        """Write an array with what the flags add at its end."""
        told = [str(channel), *(str(part) for part in parts)]
        if self._flags & _NUMBERED:
            told.append(str(next(self._numbers)))
        if self._flags & _TIMED:
            told.append(str(self._clock.now() // MILLISECOND))
        return f"[{','.join(told)}]"

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels in one array, or each changed level in its own; then, now and then, a checksum."""
        channel = self._channels[topic]
        if told.is_whole:
            self._checked_at[topic] = told.time
            listed = wire.levels(told.bids, told.asks, pair.spec)
            yield self._array(channel, f"[{','.join(listed)}]")
            return
        for one in wire.changes(told.bids, told.asks, pair.spec):
            yield self._array(channel, one)
        if self._flags & _CHECKSUMS and told.time - self._checked_at[topic] >= _CHECKSUM_EVERY_NS:
            self._checked_at[topic] = told.time
            proof = wire.checksum(pair.book, pair.spec)
            yield self._array(channel, '"cs"', proof ^ 1 if self._line.take("badsum") else proof)

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """Each trade twice."""
        for word in ("te", "tu"):
            for one in made:
                yield self._array(self._channels[topic], f'"{word}"', wire.trade(one, pair.spec))

    def recent_trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """The newest trades, newest first."""
        listed = ",".join(wire.trade(one, pair.spec) for one in reversed(made))
        yield self._array(self._channels[topic], f"[{listed}]")

"""Speak HTX's spot API: whole books, packed frames, pings that want an answer.

Every frame is packed by gzip. A book is told whole once a second, changed or not. The exchange asks every
five seconds and cuts who owes two answers. After trades were asked for, the last ones are told again.
Manual: HTX spot API, websocket and REST market data.
"""

import gzip
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from twap_server.venue import figures, text
from twap_server.venue.candles import DAY_MS, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.faults import Kind as FrameKind
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.session import SessionEndedError
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_IN_CHINA_MS = -8 * 3_600_000
"""Where its days begin."""
_PERIODS: dict[str, CandleInterval] = {
    **{f"{count}min": minutes(count) for count in (1, 5, 15, 30, 60)},
    "4hour": CandleInterval(DAY_MS // 6, _IN_CHINA_MS),
    "1day": CandleInterval(DAY_MS, _IN_CHINA_MS),
}
_KINDS: dict[str, tuple[Kind, int]] = {
    "depth.step0": ("whole", 150),
    "trade.detail": ("trades", 0),
    "bbo": ("ticker", 0),
}
_EVERY_S, _PING_S = 1, 5
_MOST_OWED = 2
_NEVER_MS = 1 << 60
_ROWS, _MOST_ROWS = 150, 2_000
_SMALLEST_PLAIN, _LARGEST_PLAIN = -3, 7
"""Powers of ten between which a number is written without an exponent."""


class HtxSession(TopicSession):
    """One connection to the market stream."""

    venue = "htx"
    every_ms = _NEVER_MS  # by the clock alone, not by what changes

    def prepare(self) -> None:
        """Begin without topics, owed nothing."""
        super().prepare()
        self._owed = 0

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Tell whole books, and ask for signs of life."""
        return [*super().chores(), self._tell_books(), self._ask()]

    async def _tell_books(self) -> None:
        while True:
            await self._clock.sleep(_EVERY_S)
            self.tell_whole_books()

    async def _ask(self) -> None:
        while True:
            await self._clock.sleep(_PING_S)
            if self._owed >= _MOST_OWED:
                raise SessionEndedError
            self._owed += 1
            self.tell({"ping": self._clock.now() // MILLISECOND})

    def say(self, text: str | bytes, kind: FrameKind = "data") -> None:
        """Pack a message and put it out."""
        raw = text if isinstance(text, bytes) else text.encode()
        super().say(gzip.compress(raw, mtime=0), kind)

    def request(self, message: Any) -> None:
        """Answer ``sub``, ``unsub`` and ``pong``."""
        fields = message if isinstance(message, dict) else {}
        if "pong" in fields:
            self._owed = 0
            return
        method = next((one for one in ("sub", "unsub") if one in fields), "")
        topic = self._topic(str(fields.get(method)))
        told = {"id": str(fields["id"])} if "id" in fields else {}
        now = self._clock.now() // MILLISECOND
        if topic is None:
            words = f"invalid topic {fields.get(method)}"
            failure = {"status": "error", "ts": now, "err-code": "bad-request", "err-msg": words}
            self.tell(told | failure)
            return
        self.tell(told | {"status": "ok", f"{method}bed": fields[method], "ts": now})
        if method == "unsub":
            self.leave(topic)
            return
        self.join(topic)
        pair = self.pair(topic.symbol)
        if topic.kind == "trades" and pair is not None and pair.trades:
            for message_ in self.trades(topic, [pair.trades[-1]], pair):
                self.say(message_)

    def _topic(self, name: str) -> Topic | None:
        market, _, rest = name.partition(".")
        symbol, _, kind = rest.partition(".")
        if market != "market" or kind not in _KINDS or self.pair(symbol) is None:
            return None
        return Topic(_KINDS[kind][0], symbol, name, _KINDS[kind][1])

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels, their numbers written as such."""
        sides = ",".join(f'"{name}":[{_levels(side, pair.spec)}]' for name, side in _sides(told))
        tick = f'{{{sides},"version":{told.last_id},"ts":{told.time // MILLISECOND}}}'
        yield f'{{"ch":"{topic.channel}","ts":{told.time // MILLISECOND},"tick":{tick}}}'

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message, newest first."""
        at = made[-1].time // MILLISECOND
        entries = ",".join(
            f'{{"id":{one.id}{at},"ts":{one.time // MILLISECOND},"tradeId":{one.id},'
            f'"amount":{_quantity(one.qty)},"price":{_price(one.price, pair.spec)},'
            f'"direction":"{"buy" if one.taker_buys else "sell"}"}}'
            for one in reversed(made)
        )
        tick = f'{{"id":{made[-1].id},"ts":{at},"data":[{entries}]}}'
        yield f'{{"ch":"{topic.channel}","ts":{at},"tick":{tick}}}'

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices."""
        at = event.time // MILLISECOND
        tick = (
            f'{{"seqId":{event.update_id},"ask":{_price(event.ask[0], pair.spec)},'
            f'"askSize":{_quantity(event.ask[1])},"bid":{_price(event.bid[0], pair.spec)},'
            f'"bidSize":{_quantity(event.bid[1])},"quoteTime":{at},"symbol":"{topic.symbol}"}}'
        )
        yield f'{{"ch":"{topic.channel}","ts":{at},"tick":{tick}}}'


def _sides(told: ToldBook) -> Sequence[tuple[str, Sequence[tuple[int, int]]]]:
    return ("bids", told.bids), ("asks", told.asks)


def number(value: int, decimals: int) -> str:
    """Write a number as Java does: with one place at least, small and large ones with an exponent.

    >>> number(345, 6), number(5, 0), number(11_111_111, 0), number(4_998_521, 2)
    ('3.45E-4', '5.0', '1.1111111E7', '49985.21')
    """
    power = len(str(value)) - 1 - decimals
    if not value or _SMALLEST_PLAIN <= power < _LARGEST_PLAIN:
        told = text.trimmed(value, decimals)
        return told if "." in told else f"{told}.0"
    digits = str(value).rstrip("0")
    return f"{digits[0]}.{digits[1:] or '0'}E{power}"


def _price(value: int, spec: Spec) -> str:
    return number(value, spec.price_decimals)


def _quantity(value: int) -> str:
    return number(value, text.QTY_DECIMALS)


def _levels(side: Sequence[tuple[int, int]], spec: Spec) -> str:
    return ",".join(f"[{_price(at, spec)},{_quantity(there)}]" for at, there in side)


class HtxRest(VenueRest):
    """Answers with a status in the body; refusals have HTTP 200. Numbers are no texts."""

    venue = "htx"

    def table(self) -> Mapping[str, Answer]:
        """Instruments, candles, books."""
        return {
            "/v1/settings/common/market-symbols": lambda asked: self._fine(
                {"data": [_entry(one.spec) for one in self.pairs()]}
            ),
            "/market/history/kline": self._candles,
            "/market/depth": self._book,
        }

    def refusal(self, field: str) -> RestRefusal:
        """Say that a market is unknown, or a parameter wrong."""
        told = {"err-code": "invalid-parameter", "err-msg": f"invalid {field}", "ts": self.now_ms()}
        return RestRefusal(200, {"status": "error"} | told)

    def _fine(self, told: Mapping[str, Any]) -> bytes:
        return msgspec.json.encode({"status": "ok", "ts": self.now_ms()} | dict(told))

    def _candles(self, asked: AskedFields) -> Any:
        pair, period = self.pair(asked, "symbol"), _PERIODS.get(asked.text("period"))
        size = asked.integer("size", _ROWS)
        if period is None or not 1 <= size <= _MOST_ROWS:
            raise self.refusal("period" if period is None else "size")
        rows = self.candles(pair, period, limit=size)
        return self._fine({"data": [_row(one, pair.spec) for one in reversed(rows)]})

    def _book(self, asked: AskedFields) -> Any:
        pair = self.pair(asked, "symbol")
        sides = (("bids", pair.book.bids), ("asks", pair.book.asks))
        tick: dict[str, Any] = {
            name: Raw(f"[{_levels(side.top(150), pair.spec)}]".encode()) for name, side in sides
        }
        return self._fine({"tick": tick | {"version": pair.last_id, "ts": self.now_ms()}})


def _entry(spec: Spec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "bc": spec.base.lower(),
        "qc": spec.quote.lower(),
        "pp": spec.price_decimals,
        "ap": figures.places(spec.step),
        "sp": "main",
        "state": "online",
        "at": "enabled",
        "minoa": Raw(_quantity(spec.min_qty).encode()),
        "minov": Raw(spec.min_notional.encode()),
    }


def _row(candle: VenueCandle, spec: Spec) -> dict[str, Any]:
    prices = {"open": candle.open, "close": candle.close, "low": candle.low, "high": candle.high}
    told = {name: _price(one, spec) for name, one in prices.items()}
    worth = number(candle.quote, text.QTY_DECIMALS + spec.price_decimals)
    told |= {"amount": _quantity(candle.volume), "vol": worth}
    numbers: dict[str, Any] = {name: Raw(one.encode()) for name, one in told.items()}
    return numbers | {"id": candle.open_ms // 1_000, "count": candle.count}


PROTOCOL = VenueProtocol(
    name="htx",
    session=HtxSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: HtxRest(source, clock).routes(),
    specs=lambda base, quote: (usual(f"{base}{quote}".lower(), base, quote),),
)

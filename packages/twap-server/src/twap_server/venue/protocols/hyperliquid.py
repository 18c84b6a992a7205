"""Speak Hyperliquid's API: perpetuals in dollars and spot pairs in USDC over the same addresses.

A book is told whole twice a second, by one clock, changed or not; the best prices when they change. A coin
that it does not know closes the connection without a word, and so does a minute in which nothing is said. All
of REST is one address. Manual: WebSocket subscriptions, timeouts; Info endpoint; tick and lot size.
"""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twap_server.venue import figures, text
from twap_server.venue.book import Level
from twap_server.venue.candles import CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.figures import MILLISECOND
from twap_server.venue.instruments import usual
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.rest import Answer, AskedFields, RestRefusal, VenueRest
from twap_server.venue.source import Pair, Spec, TickerEvent
from twap_server.venue.topics import Kind, Topic, TopicSession, Written
from twap_server.venue.window import ToldBook

_INTERVALS: dict[str, CandleInterval] = {
    **{f"{count}m": minutes(count) for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": minutes(60 * count) for count in (1, 2, 4, 8, 12)},
    "1d": minutes(1_440),
}
_KINDS: dict[str, Kind] = {"l2Book": "whole", "bbo": "ticker", "trades": "trades"}
_DEPTH, _FAST_DEPTH = 20, 5
_EVERY_S = 0.5
_NEVER_MS = 1 << 60
_DIGITS = (2, 3, 4, 5)
_MANTISSAS = (1, 2, 5)
_MOST_ROWS = 5_000
_PLACES = {"BTC": 0, "ETH": 1}
"""Of a price with five significant digits."""
_TOKENS = {"USDC": 0, "BTC": 197, "ETH": 221}
_PAIRS = {"BTC": 142, "ETH": 151}
"""Numbers of assets, and of their pairs; what is not here has no pair."""
_LEAST_VALUE = "10"


def specs(base: str, quote: str) -> list[Spec]:
    """The perpetual of an asset, and its pair; both have a quote of their own, whatever is asked for."""
    listed = usual(base, base, "USD")
    places = _PLACES.get(base, listed.price_decimals)
    perpetual = replace(listed, price_decimals=places, min_notional=_LEAST_VALUE, contract=10**8)
    if base not in _PAIRS:
        return [perpetual]
    return [perpetual, replace(perpetual, symbol=f"@{_PAIRS[base]}", quote="USDC", contract=0)]


class HyperliquidSession(TopicSession):
    """One connection."""

    venue = "hyperliquid"
    mute_s = 60
    every_ms = _NEVER_MS  # by the clock alone, not by what changes

    def greet(self) -> None:
        """Say a sentence that is no JSON."""
        self.say("Websocket connection established.", "control")

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Tell whole books."""
        return [*super().chores(), self._tell_books()]

    async def _tell_books(self) -> None:
        while True:
            await self._clock.sleep(_EVERY_S)
            self.tell_whole_books()

    def request(self, message: Any) -> None:
        """Answer ``ping``, ``subscribe`` and ``unsubscribe``; an unknown coin closes the connection."""
        fields = message if isinstance(message, dict) else {}
        method, asked = fields.get("method"), fields.get("subscription")
        if method == "ping":
            self.tell({"channel": "pong"})
        elif (
            method not in ("subscribe", "unsubscribe") or not isinstance(asked, dict) or not _is_known(asked)
        ):
            told = message if isinstance(message, str) else text.compact(message)
            self._fail(f"Error parsing JSON into valid websocket request: {told}")
        elif self.pair(asked["coin"]) is None or not _has_good_digits(asked):
            self.end(0)
        else:
            self._change(method, _completed(asked))

    def _change(self, method: str, asked: Mapping[str, Any]) -> None:
        topic = _topic(asked)
        if (method == "subscribe") is (topic in self._topics):
            self._fail(f"Already {method}d: {text.compact(asked)}")
            return
        answer = {"method": method, "subscription": asked}
        self.tell({"channel": "subscriptionResponse", "data": answer})
        if method == "unsubscribe":
            self.leave(topic)
            return
        self.join(topic)
        view = self._topics[topic]
        if topic.kind == "whole" and view is not None and view.pair.book:
            self.tell_whole(topic, view)

    def _fail(self, words: str) -> None:
        self.tell({"channel": "error", "data": words})

    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """All levels of the depth, bids first."""
        levels = [_levels(told.bids, pair.spec), _levels(told.asks, pair.spec)]
        data = {"coin": topic.symbol, "time": told.time // MILLISECOND, "levels": levels}
        yield text.compact({"channel": "l2Book", "data": data})

    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """All trades of an order in one message, the oldest first."""
        data = [
            {
                "coin": topic.symbol,
                "side": "B" if one.taker_buys else "A",
                "px": _price(one.price, pair.spec),
                "sz": _number(one.qty, text.QTY_DECIMALS),
                "time": one.time // MILLISECOND,
                "hash": f"0x{one.id:064x}",
                "tid": one.id,
            }
            for one in made
        ]
        yield text.compact({"channel": "trades", "data": data})

    def recent_trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """The last trades, as if they were made now."""
        return self.trades(topic, made, pair) if made else ()

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """The best prices."""
        best = _levels([event.bid, event.ask], pair.spec)
        data = {"coin": topic.symbol, "time": event.time // MILLISECOND, "bbo": best}
        yield text.compact({"channel": "bbo", "data": data})


def _is_known(asked: Mapping[str, Any]) -> bool:
    """Whether it is a subscription to a coin."""
    return str(asked.get("type")) in _KINDS and isinstance(asked.get("coin"), str)


def _has_good_digits(asked: Mapping[str, Any]) -> bool:
    """Whether prices are to be rounded in a way that there is."""
    digits, mantissa = asked.get("nSigFigs"), asked.get("mantissa")
    if mantissa is not None and (digits != _DIGITS[-1] or mantissa not in _MANTISSAS):
        return False
    return digits is None or digits in _DIGITS


def _completed(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Write a subscription as it is acknowledged."""
    told = {"type": asked["type"], "coin": asked["coin"]}
    if asked["type"] != "l2Book":
        return told
    told |= {"nSigFigs": asked.get("nSigFigs"), "mantissa": asked.get("mantissa")}
    return told | ({"fast": True} if asked.get("fast") is True else {})


def _topic(asked: Mapping[str, Any]) -> Topic:
    """What is asked for; a rounded book is acknowledged and stays silent."""
    kind = "other" if asked.get("nSigFigs") is not None else _KINDS[asked["type"]]
    depth = _FAST_DEPTH if asked.get("fast") else _DEPTH
    return Topic(kind, asked["coin"], text.compact(asked), depth)


def _number(value: int, decimals: int) -> str:
    """Write a number with one place at least."""
    told = text.trimmed(value, decimals)
    return told if "." in told else f"{told}.0"


def _price(value: int, spec: Spec) -> str:
    return _number(value, spec.price_decimals)


def _levels(side: Iterable[Level], spec: Spec) -> list[dict[str, Any]]:
    return [{"px": _price(at, spec), "sz": _number(there, text.QTY_DECIMALS), "n": 1} for at, there in side]


class HyperliquidRest(VenueRest):
    """Answers at ``/info``; a coin that is not traded gets ``null``, a question that is none a text."""

    venue = "hyperliquid"
    methods = ("POST",)

    def table(self) -> Mapping[str, Answer]:
        """The one address."""
        return {"/info": self._info}

    def refusal(self, field: str) -> RestRefusal:
        """Say that a question cannot be read."""
        if field == "coin":
            return RestRefusal(200, None)
        return RestRefusal(422, "Failed to deserialize the JSON body into the target type")

    def _info(self, asked: AskedFields) -> Any:
        questions: dict[str, Answer] = {
            "meta": self._meta,
            "spotMeta": self._spot_meta,
            "l2Book": self._book,
            "candleSnapshot": lambda one: self._candles(one.part("req")),
        }
        question = questions.get(asked.text("type"))
        if question is None:
            raise self.refusal("type")
        return question(asked)

    def _specs(self, *, perpetual: bool) -> list[Spec]:
        return [pair.spec for pair in self.pairs() if bool(pair.spec.contract) is perpetual]

    def _meta(self, asked: AskedFields) -> Any:
        universe = [
            {"name": one.symbol, "szDecimals": figures.places(one.step), "maxLeverage": 40}
            for one in self._specs(perpetual=True)
        ]
        return {"universe": universe, "marginTables": []}

    def _spot_meta(self, asked: AskedFields) -> Any:
        listed = self._specs(perpetual=False)
        steps = {"USDC": 8} | {one.base: figures.places(one.step) for one in listed}
        tokens = [_token(name, places) for name, places in steps.items()]
        return {"tokens": tokens, "universe": [_pair(one) for one in listed]}

    def _book(self, asked: AskedFields) -> Any:
        pair = self.pair(asked, "coin")
        sides = [_levels(side.top(_DEPTH), pair.spec) for side in (pair.book.bids, pair.book.asks)]
        return {"coin": pair.spec.symbol, "time": self.now_ms(), "levels": sides}

    def _candles(self, asked: AskedFields) -> Any:
        pair, name = self.pair(asked, "coin"), asked.text("interval")
        interval, first = _INTERVALS.get(name), asked.integer("startTime")
        if interval is None:
            raise self.refusal("interval")
        rows = self.candles(pair, interval, end_ms=asked.optional("endTime"), limit=_MOST_ROWS)
        shown = [one for one in rows if one.open_ms >= first]
        return [
            {"t": one.open_ms, "T": interval.next(one.open_ms) - 1, "s": pair.spec.symbol, "i": name}
            | _row(one, pair.spec)
            for one in shown
        ]


def _token(name: str, places: int) -> dict[str, Any]:
    number = _TOKENS[name]
    told = {"name": name, "szDecimals": places, "weiDecimals": 8, "index": number}
    return told | {"tokenId": f"0x{number:032x}", "isCanonical": name == "USDC"}


def _pair(spec: Spec) -> dict[str, Any]:
    number, assets = _PAIRS[spec.base], [_TOKENS[spec.base], _TOKENS[spec.quote]]
    return {"name": spec.symbol, "tokens": assets, "index": number, "isCanonical": False}


def _row(candle: VenueCandle, spec: Spec) -> dict[str, Any]:
    prices = {"o": candle.open, "c": candle.close, "h": candle.high, "l": candle.low}
    told: dict[str, Any] = {name: _price(one, spec) for name, one in prices.items()}
    return told | {"v": _number(candle.volume, text.QTY_DECIMALS), "n": candle.count}


PROTOCOL = VenueProtocol(
    name="hyperliquid",
    session=HyperliquidSession,
    sockets=("/ws",),
    ws_base="/ws",
    rest=lambda source, clock: HyperliquidRest(source, clock).routes(),
    specs=specs,
)

"""Binance Spot as a client meets it: ``depthUpdate`` with update ids, a REST book, ``exchangeInfo``."""

import json
from typing import Any

from simulation.venues.truth import Change, Levels, Spec, Truth
from simulation.venues.venue import GARBAGE, Venue, VenueSession, json_answer
from simulation.venues.wire import Answer, SocketEnd

SPECS = (
    Spec(
        venue="binance", base="BTC", quote="USDT", native="BTCUSDT", price_places=2, quantity_places=5,
        mid=6_000_000, size=20_000, spread=60, min_quantity=1, min_notional="5.00000000",
    ),
    Spec(
        venue="binance", base="PEPE", quote="USDT", native="PEPEUSDT", price_places=10, quantity_places=0,
        mid=4_800, size=9_000_000, spread=9, min_quantity=1, min_notional="1.00000000",
    ),
)  # fmt: skip
_CANARY_S = 2.0


class BinanceVenue(Venue):
    """Update ids per instrument; a snapshot may be served from the past."""

    name = "binance"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ids = {native: 1_000_000 for native in self.truths}
        self._old: dict[str, str] = {}

    def make_session(self, socket: SocketEnd) -> VenueSession:
        return BinanceSession(self, socket)

    def publish(self, truth: Truth, change: Change) -> None:
        native = truth.spec.native
        first = self.ids[native] + 1
        self.ids[native] += len(change.bids) + len(change.asks) or 1
        self._change_ids = (first, self.ids[native])
        super().publish(truth, change)
        if self.rng.random() < 0.05:
            self._old[native] = self._depth(truth)

    def restart_ids(self, native: str) -> None:
        """The exchange's sequence starts anew."""
        self.ids[native] = 0
        self._old.pop(native, None)

    def answer(self, path: str, query: dict[str, str]) -> Answer | None:
        if path == "/api/v3/exchangeInfo":
            entries = [_entry(truth) for truth in self.truths.values() if truth.listed]
            return json_answer(json.dumps({"symbols": [*entries, _filler()]}))
        truth = self.truths.get(query.get("symbol", ""))
        if truth is None or not truth.listed or path != "/api/v3/depth":
            return 400, {}, b'{"code":-1121,"msg":"Invalid symbol."}'
        if truth.spec.native in self._old and self.take("old snapshot"):
            return json_answer(self._old.pop(truth.spec.native))  # once: two alike would mean a quiet market
        if self.take("zero price"):
            return json_answer(self._depth(truth).replace('"asks":[', '"asks":[["0.00","1"],'))
        return json_answer(self._depth(truth))

    def _depth(self, truth: Truth) -> str:
        bids, asks = (_levels(truth.spec, side) for side in (truth.now.bids, truth.now.asks))
        return f'{{"lastUpdateId":{self.ids[truth.spec.native]},"bids":[{bids}],"asks":[{asks}]}}'


class BinanceSession(VenueSession):
    """One combined stream."""

    venue: BinanceVenue

    def __init__(self, venue: Venue, socket: SocketEnd) -> None:
        super().__init__(venue, socket)
        self._streams: set[str] = set()
        self._is_over = False

    def end(self) -> None:
        super().end()
        self._is_over = True

    def receive(self, text: str) -> None:
        request = json.loads(text)
        names = set(request.get("params", ()))
        if request["method"] == "SUBSCRIBE":
            if self.venue.take("no ack"):
                return
            if any(name.startswith("btcusdt@kline") for name in names):
                self.venue.loop.call_later(_CANARY_S, self._canary)
            self._streams |= names
        else:
            self._streams -= names
        self.say(f'{{"result":null,"id":{request["id"]}}}')

    def _canary(self) -> None:
        if not self._is_over:
            now = self.venue.wall_ms()
            self.say(
                f'{{"stream":"btcusdt@kline_1m","data":{{"e":"kline","E":{now},"s":"BTCUSDT","k":{{}}}}}}'
            )
            self.venue.loop.call_later(_CANARY_S, self._canary)

    def hear(self, truth: Truth, change: Change) -> None:
        spec = truth.spec
        name = spec.native.lower()
        if f"{name}@depth@100ms" not in self._streams:
            return
        if change.trades and f"{name}@trade" in self._streams:
            self._trades(truth, change)
        first, last = self.venue._change_ids
        bids, asks = _levels(spec, change.bids), _levels(spec, change.asks)
        if truth.now.asks and self.venue.take("crossed"):
            above = spec.price_text(truth.now.asks[0][0] + 3)
            bids = ",".join(filter(None, [bids, f'["{above}","{spec.quantity_text(spec.size)}"]']))
        if self.venue.take("unknown delete"):
            bids = ",".join(filter(None, [bids, f'["{spec.price_text(1)}","{spec.quantity_text(0)}"]']))
        self.say_book(
            f'{{"stream":"{name}@depth@100ms","data":{{"e":"depthUpdate","E":{self.venue.wall_ms()},'
            f'"s":"{spec.native}","U":{first},"u":{last},"b":[{bids}],"a":[{asks}]}}}}',
            truth,
        )

    def _trades(self, truth: Truth, change: Change) -> None:
        spec, now = truth.spec, self.venue.wall_ms()
        for number, (price, lots) in enumerate(change.trades):
            self.say(
                f'{{"stream":"{spec.native.lower()}@trade","data":{{"e":"trade","E":{now},"s":"{spec.native}",'
                f'"t":{truth.number * 100 + number},"p":"{spec.price_text(price)}",'
                f'"q":"{spec.quantity_text(lots)}","T":{now},"m":{str(not change.taker_buys).lower()}}}}}'
            )

    def rubbish(self) -> None:
        """Send what is no message."""
        sent = GARBAGE[self.venue.rng.randrange(len(GARBAGE))]
        self.socket.send(sent) if isinstance(sent, str) else self.socket.send_binary(sent)

    def goodbye(self) -> None:
        self.say(f'{{"e":"serverShutdown","E":{self.venue.wall_ms()}}}')
        self.venue.loop.call_later(20.0, self._close)

    def _close(self) -> None:
        if not self._is_over:
            self.socket.close(1001, "Server shutdown")


def _levels(spec: Spec, levels: Levels | list[tuple[int, int]]) -> str:
    return ",".join(f'["{spec.price_text(p)}","{spec.quantity_text(q)}"]' for p, q in levels)


def _entry(truth: Truth) -> dict[str, Any]:
    spec = truth.spec
    return {
        "symbol": spec.native,
        "status": "TRADING",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": spec.price_text(1)},
            {
                "filterType": "LOT_SIZE",
                "stepSize": spec.quantity_text(1),
                "minQty": spec.quantity_text(spec.min_quantity),
            },
            {"filterType": "NOTIONAL", "minNotional": spec.min_notional},
        ],
    }


def _filler() -> dict[str, Any]:
    return {
        "symbol": "OLDUSDT", "status": "BREAK", "baseAsset": "OLD", "quoteAsset": "USDT", "filters": [],
        "isSpotTradingAllowed": True,
    }  # fmt: skip

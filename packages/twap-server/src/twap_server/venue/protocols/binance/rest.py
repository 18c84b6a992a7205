"""Serve Binance's REST: market data under ``/api/v3``, its error bodies and its weight counter.

Follows ``rest-api.md`` and ``errors.md`` of the venue's documents. Errors are HTTP 400 with
``{"code": …, "msg": …}``; more than 6000 weight in a minute is 429 with ``Retry-After``.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from twap_server.domain.clock import Clock
from twap_server.venue import instruments
from twap_server.venue.candles import VenueTrade
from twap_server.venue.protocols.binance import wire
from twap_server.venue.source import Pair, Source, Spec

_WEIGHT_LIMIT = 6_000
_MAX_ROWS = 1_000
_MAX_DEPTH = 5_000
_MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


class BinanceRequestError(Exception):
    """A request the venue refuses; carries its code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BinanceRest:
    """Answers GET requests; one instance per venue process."""

    def __init__(self, source: Source, *, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._minute = 0
        self._used = 0
        self._routes: dict[str, tuple[Callable[[Request], str], Callable[[Request], int]]] = {
            "ping": (lambda request: "{}", lambda request: 1),
            "time": (lambda request: f'{{"serverTime":{self._now_ms()}}}', lambda request: 1),
            "exchangeInfo": (self._exchange_info, lambda request: 20),
            "depth": (self._depth, _depth_weight),
            "klines": (self._klines, lambda request: 2),
            "trades": (self._trades, lambda request: 25),
            "aggTrades": (self._agg_trades, lambda request: 4),
        }

    def routes(self) -> list[BaseRoute]:
        """Make its routes."""
        return [Route("/api/v3/{route}", self.answer)]

    async def answer(self, request: Request) -> Response:
        """Answer one request under ``/api/v3``."""
        route = self._routes.get(request.path_params["route"])
        if route is None:
            return Response("Not Found", 404, media_type="text/html")
        body, weight = route
        headers = {"X-MBX-USED-WEIGHT": str(self._spend(weight, request))}
        headers["X-MBX-USED-WEIGHT-1M"] = headers["X-MBX-USED-WEIGHT"]
        if self._used > _WEIGHT_LIMIT:
            headers["Retry-After"] = str(60 - self._clock.now() // 10**9 % 60)
            return _error(
                429, BinanceRequestError(-1003, "Too much request weight used; slow down."), headers
            )
        try:
            return Response(body(request), headers=headers, media_type="application/json")
        except BinanceRequestError as error:
            return _error(400, error, headers)

    def _spend(self, weight: Callable[[Request], int], request: Request) -> int:
        minute = self._clock.now() // (60 * 10**9)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        try:
            self._used += weight(request)
        except BinanceRequestError:
            self._used += 1
        return self._used

    def _now_ms(self) -> int:
        return self._clock.now() // wire.MILLISECOND

    def _pair(self, request: Request) -> Pair:
        symbol = request.query_params.get("symbol")
        if not symbol:
            raise BinanceRequestError(-1102, _MISSING.format("symbol"))
        return self._known(symbol)

    def _known(self, symbol: str) -> Pair:
        if not symbol.isascii() or not symbol.replace("_", "").isalnum() or symbol != symbol.upper():
            message = "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."
            raise BinanceRequestError(-1100, message)
        pair = self._source.pairs(instruments.BINANCE).get(symbol)
        if pair is None:
            raise BinanceRequestError(-1121, "Invalid symbol.")
        return pair

    def _exchange_info(self, request: Request) -> str:
        pairs = self._chosen(request)
        info = {
            "timezone": "UTC",
            "serverTime": self._now_ms(),
            "rateLimits": [
                _limit("REQUEST_WEIGHT", 1, _WEIGHT_LIMIT),
                _limit("RAW_REQUESTS", 5, 61_000),
            ],
            "exchangeFilters": [],
            "symbols": [symbol_info(pair.spec) for pair in pairs],
        }
        return json.dumps(info, separators=(",", ":"))

    def _chosen(self, request: Request) -> list[Pair]:
        if request.query_params.get("symbol"):
            return [self._pair(request)]
        listed = request.query_params.get("symbols")
        if not listed:
            return list(self._source.pairs(instruments.BINANCE).values())
        try:
            names = json.loads(listed)
        except ValueError:
            raise BinanceRequestError(-1100, "Illegal characters found in parameter 'symbols'.") from None
        if not isinstance(names, list) or not names:
            raise BinanceRequestError(-1102, _MISSING.format("symbols"))
        return [self._known(str(name)) for name in names]

    def _depth(self, request: Request) -> str:
        pair, limit = self._pair(request), min(_integer(request, "limit", 100), _MAX_DEPTH)
        recorded = self._source.snapshot_text(pair.spec.symbol, limit)
        if recorded is not None:
            return recorded
        bids, asks = (wire.levels(side.top(limit), pair.spec) for side in (pair.book.bids, pair.book.asks))
        return f'{{"lastUpdateId":{pair.last_id},"bids":[{bids}],"asks":[{asks}]}}'

    def _klines(self, request: Request) -> str:
        pair, name = self._pair(request), request.query_params.get("interval")
        if not name:
            raise BinanceRequestError(-1102, _MISSING.format("interval"))
        if name not in wire.INTERVALS:
            raise BinanceRequestError(-1120, "Invalid interval.")
        start, end = _integer(request, "startTime", -1), _integer(request, "endTime", -1)
        rows = pair.candles.rows(
            wire.INTERVALS[name],
            now_ms=max(self._now_ms(), pair.last_time // wire.MILLISECOND),
            start_ms=start if start >= 0 else None,
            end_ms=end if end >= 0 else None,
            limit=_rows(request),
        )
        return json.dumps([wire.kline_row(row, wire.INTERVALS[name], spec=pair.spec) for row in rows])

    def _trades(self, request: Request) -> str:
        pair, limit = self._pair(request), _rows(request)
        return json.dumps([_trade_row(trade, pair.spec) for trade in list(pair.trades)[-limit:]])

    def _agg_trades(self, request: Request) -> str:
        pair, limit = self._pair(request), _rows(request)
        first = _integer(request, "fromId", -1)
        start, end = _integer(request, "startTime", -1), _integer(request, "endTime", -1)
        chosen = [
            trade
            for trade in pair.trades
            if trade.id >= first
            and trade.time // wire.MILLISECOND >= start
            and (end < 0 or trade.time // wire.MILLISECOND <= end)
        ]
        oldest_first = first >= 0 or start >= 0
        chosen = chosen[:limit] if oldest_first else chosen[-limit:]
        return json.dumps([_agg_row(trade, pair.spec) for trade in chosen])


def symbol_info(spec: Spec) -> dict[str, Any]:
    """Describe an instrument as ``exchangeInfo`` does."""
    return {
        "symbol": spec.symbol,
        "status": "TRADING",
        "baseAsset": spec.base,
        "baseAssetPrecision": 8,
        "quoteAsset": spec.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": _filters(spec),
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
    }


def _filters(spec: Spec) -> list[dict[str, Any]]:
    tick, most = wire.price(1, spec), "1000000.00000000"
    step, least = wire.qty(spec.step), wire.qty(spec.min_qty)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": most, "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": "9000.00000000", "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": "120.00000000",
            "stepSize": "0.00000000",
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": f"{Decimal(spec.min_notional):.8f}",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
    ]


def _limit(kind: str, count: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": "MINUTE", "intervalNum": count, "limit": limit}


def _integer(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        message = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
        raise BinanceRequestError(-1100, message)
    return int(text)


def _rows(request: Request) -> int:
    return max(1, min(_integer(request, "limit", 500), _MAX_ROWS))


def _depth_weight(request: Request) -> int:
    limit = _integer(request, "limit", 100)
    return next((weight for most, weight in ((100, 5), (500, 25), (1_000, 50)) if limit <= most), 250)


def _trade_row(trade: VenueTrade, spec: Spec) -> dict[str, Any]:
    return {
        "id": trade.id,
        "price": wire.price(trade.price, spec),
        "qty": wire.qty(trade.qty),
        "quoteQty": wire.value(trade.price * trade.qty, spec),
        "time": trade.time // wire.MILLISECOND,
        "isBuyerMaker": not trade.taker_buys,
        "isBestMatch": True,
    }


def _agg_row(trade: VenueTrade, spec: Spec) -> dict[str, Any]:
    return {
        "a": trade.id,
        "p": wire.price(trade.price, spec),
        "q": wire.qty(trade.qty),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time // wire.MILLISECOND,
        "m": not trade.taker_buys,
        "M": True,
    }


def _error(status: int, error: BinanceRequestError, headers: dict[str, str]) -> Response:
    body = json.dumps({"code": error.code, "msg": error.message}, separators=(",", ":"))
    return Response(body, status, headers=headers, media_type="application/json")

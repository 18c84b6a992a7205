"""Serve Kraken's REST under ``/0/public``; failures are HTTP 200 with a text in ``error``.

Follows the venue's REST pages. Candles: at most 720, the last one still running, whatever ``since``
says about older ones.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from twap_server.domain.clock import Clock
from twap_server.venue import instruments, text
from twap_server.venue.protocols.kraken import wire
from twap_server.venue.source import Pair, Source

_MOST_CANDLES = 720
_MOST_TRADES = 1_000
_MOST_LEVELS = 500


class QueryError(Exception):
    """A request the venue refuses, with its text."""


class KrakenRest:
    """Answers GET requests under ``/0/public``."""

    def __init__(self, source: Source, *, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._routes: dict[str, Callable[[Request], str]] = {
            "Time": self._time,
            "SystemStatus": self._status,
            "AssetPairs": self._asset_pairs,
            "OHLC": self._ohlc,
            "Trades": self._trades,
            "Depth": self._depth,
        }

    def routes(self) -> list[BaseRoute]:
        """Make its routes."""
        return [Route("/0/public/{route}", self.answer, methods=["GET", "POST"])]

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        route = self._routes.get(request.path_params["route"])
        try:
            if route is None:
                raise QueryError("EGeneral:Unknown method")
            body = f'{{"error":[],"result":{route(request)}}}'
        except QueryError as error:
            body = json.dumps({"error": [str(error)]}, separators=(",", ":"))
        return Response(body, media_type="application/json")

    def _time(self, request: Request) -> str:
        seconds = self._clock.now() // 10**9
        written = datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %y %H:%M:%S +0000")
        return json.dumps({"unixtime": seconds, "rfc1123": written})

    def _status(self, request: Request) -> str:
        stamp = text.iso_micros(self._clock.now())[:19] + "Z"
        return json.dumps({"status": "online", "timestamp": stamp})

    def _pairs(self) -> list[Pair]:
        return list(self._source.pairs(instruments.KRAKEN).values())

    def _find(self, name: str) -> Pair:
        for pair in self._pairs():
            spec = pair.spec
            known = (
                wire.altname(spec),
                wire.rest_key(spec),
                spec.symbol,
                spec.symbol.replace("/", ""),
                f"{wire.rest_asset(spec.base)}/{wire.rest_asset(spec.quote)}",
            )
            if name in known:
                return pair
        raise QueryError("EQuery:Unknown asset pair")

    def _asked(self, request: Request) -> Pair:
        name = request.query_params.get("pair")
        if not name:
            raise QueryError("EGeneral:Invalid arguments")
        return self._find(name)

    def _asset_pairs(self, request: Request) -> str:
        names = request.query_params.get("pair")
        pairs = [self._find(name) for name in names.split(",")] if names else self._pairs()
        return json.dumps({wire.rest_key(pair.spec): wire.asset_pair(pair.spec) for pair in pairs})

    def _ohlc(self, request: Request) -> str:
        pair, minutes = self._asked(request), _integer(request, "interval", 1)
        if minutes not in wire.INTERVALS:
            raise QueryError("EGeneral:Invalid arguments:interval")
        now_ms = max(self._clock.now(), pair.last_time) // 10**6
        rows = pair.candles.rows(wire.INTERVALS[minutes], now_ms=now_ms, limit=_MOST_CANDLES)
        since = _integer(request, "since", 0) * 1_000
        last = rows[-2].open_ms // 1_000 if len(rows) > 1 else 0
        chosen = [wire.ohlc_row(row, pair.spec) for row in rows if row.open_ms > since or row is rows[-1]]
        return json.dumps({wire.rest_key(pair.spec): chosen, "last": last})

    def _trades(self, request: Request) -> str:
        pair = self._asked(request)
        since, count = _integer(request, "since", -1), _integer(request, "count", _MOST_TRADES)
        after = since if since > 10**12 else since * 10**9
        trades = [trade for trade in pair.trades if since < 0 or trade.time > after]
        count = max(1, min(count, _MOST_TRADES))
        trades = trades[:count] if since >= 0 else trades[-count:]
        last = trades[-1].time if trades else max(after, 0)
        rows = ",".join(wire.trade_row(trade, pair.spec) for trade in trades)
        return f'{{"{wire.rest_key(pair.spec)}":[{rows}],"last":"{last}"}}'

    def _depth(self, request: Request) -> str:
        pair, count = self._asked(request), _integer(request, "count", 100)
        count, stamp = max(1, min(count, _MOST_LEVELS)), self._clock.now() // 10**9
        sides = {
            name: [
                [wire.rest_price(price, pair.spec), wire.qty(qty)[:-5], stamp]
                for price, qty in side.top(count)
            ]
            for name, side in (("asks", pair.book.asks), ("bids", pair.book.bids))
        }
        return json.dumps({wire.rest_key(pair.spec): sides})


def _integer(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit()):
        raise QueryError(f"EGeneral:Invalid arguments:{name}")
    return int(value)

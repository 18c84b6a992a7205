"""Run the scripted server: accounts, markets and orders from given models, and failures on demand."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from twap_client.testing.accounts import Route, ScriptedAccounts
from twap_client.testing.changes import amended, canceled, paused, resumed
from twap_client.testing.costs import cost_page
from twap_client.testing.examples import (
    NOON,
    book,
    candle,
    cost,
    exchange,
    health,
    instrument,
    order,
    preview,
    report,
    trade,
)
from twap_client.testing.feed import Feed
from twap_client.testing.replies import given, listed, paged, problem, reported, short, unknown
from twap_client.testing.sockets import Reply, Request, Socket, Sockets
from twap_models import (
    BookHealth,
    BookMessage,
    BookTop,
    Candle,
    Exchange,
    ExecutionReport,
    Instrument,
    KlineMessage,
    OrderCost,
    OrderEvent,
    OrderEventType,
    OrderProof,
    OrderStatus,
    PublicTrade,
    StrategyOrderRequest,
    TradeMessage,
    TwapOrder,
    TwapOrderAmendment,
    TwapOrderDetail,
)
from twap_models.enums import AGGREGATE

_EXCHANGES = ("binance", "kraken", AGGREGATE)
_EVENTS: dict[object, str] = {paused: "paused", resumed: "resumed", canceled: "ended"}
_COPIED = {"token_id", "symbol", "exchange", "side", "quantity", "price", "duration", "slices"}

__all__ = ["ScriptedServer", "given", "listed", "problem"]


class ScriptedServer(ScriptedAccounts):
    """A twap server of given models. Use it with ``async with``; read and change its attributes at any time.

    It begins with binance and kraken, BTC-USDT and ETH-USDT on both, and their books. With ``bare=True`` it
    begins with nothing: then any book may be subscribed, and what is sent is what the test pushes.

    Attributes:
        url: its address.
        requests: every HTTP request, oldest first.
        accounts: passwords by user name.
        api_keys: those made here, by their secrets; take one out, and it is revoked. None ends by itself.
            A key that was not made here counts for everything that keys can do.
        token_lifetime_s: how long new access tokens are valid, as told to the client.
        refreshes: how often a refresh token was exchanged.
        admins: who of them may invite.
        invites: those made here that wait to be used, by their codes.
        info: what the server tells of itself; its ``registration`` counts.
        exchanges, instruments, candles, books, trades: what the market routes answer; trades newest first.
        health: by ``exchange:symbol``, how a book fares; of one without, that it is as it says.
        orders: by ``token_id``; submitting adds to them, pause, resume, amend and cancel change them; the
            stream tells of it.
        reports: by ``token_id``; of an order without one, a report that repeats its fields.
        proofs: by ``token_id``; of an order without one there is none.
        costs: by ``token_id``; of a closed order without, a cost that repeats its fields.
        page_size: orders a page.
        feed: its WebSockets.
    """

    def __init__(self, *, bare: bool = False) -> None:
        super().__init__()
        self._bare = bare
        self.url = ""
        self.requests: list[Request] = []
        self.exchanges: list[Exchange] = []
        self.instruments: list[Instrument] = []
        self.candles: list[Candle] = []
        self.oldest_available = ""
        """Sent with the candles where it is not empty."""
        self.books: dict[str, BookTop] = {}
        self.orders: dict[str, TwapOrderDetail] = {}
        self.reports: dict[str, ExecutionReport] = {}
        self.proofs: dict[str, OrderProof] = {}
        self.costs: dict[str, OrderCost] = {}
        self.health: dict[str, BookHealth] = {}
        self.trades: list[PublicTrade] = []
        self.page_size = 100
        self._scripted: dict[tuple[str, str], deque[Reply | None]] = {}
        self._asked = asyncio.Event()
        self.feed = Feed(self._user, self._cannot_read, self)
        self._sockets = Sockets(self._answer, self.feed.take)
        self._port = 0
        if not bare:
            self._fill()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after ``stop`` at the same address, with all that was recorded."""
        self._port = await self._sockets.open(self._port)
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Be gone: every connection ends, and nobody listens until ``start``."""
        await self._sockets.close()

    def script(self, method: str, path: str, *replies: Reply) -> None:
        """Answer the next requests of this kind with these, before the usual answers."""
        self._scripted.setdefault((method, path), deque()).extend(replies)

    def cut(self, method: str, path: str) -> None:
        """Do what the next request of this kind asks, then break the connection instead of answering."""
        self._scripted.setdefault((method, path), deque()).append(None)

    def push_book(self, book: BookMessage) -> None:
        """Send a book to everyone subscribed to it; who asks later gets it, too."""
        if not self._bare:
            self.books[f"{book.exchange}:{book.symbol}"] = book
        self.feed.push_book(book)

    def push_trade(self, trade: TradeMessage) -> None:
        """Send a trade to everyone subscribed to it; who asks later gets it, too."""
        self.trades.insert(0, PublicTrade.model_validate(trade.model_dump()))
        self.feed.push_trade(trade)

    def push_candle(self, candle: KlineMessage) -> None:
        """Send a candle to everyone subscribed to it."""
        self.feed.push_candle(candle)

    def push_event(self, event: OrderEventType | str, about: TwapOrder, **fields: Any) -> OrderEvent:
        """Record an order's new state and tell of it with the next number.

        Args:
            event: what happened.
            about: the order as it is now; slices and fills it does not show stay as they are.
            fields: others of the event: ``slice``, ``fills``, ``time``.
        """
        about = self.orders[about.token_id] = self._whole(about)
        parts = {"event": event, "token_id": about.token_id, "time": NOON}
        numbered = parts | {"seq": self.feed.last_seq + 1, "order": short(about)}
        message = OrderEvent.model_validate(numbered | fields)
        self.feed.push_event(message)
        return message

    async def subscribed(self, *names: str, times: int = 1) -> Socket:
        """Wait until a WebSocket is subscribed to all of these: ``exchange:symbol``, ``orders``,
        ``trades:exchange:symbol``, ``klines:exchange:symbol:interval``.

        Args:
            names: the subscriptions.
            times: how many connections have been so far, this one included.
        """
        async with asyncio.timeout(10):
            return await self.feed.wait_for(set(names), times)

    async def requested(self, method: str, path: str, times: int = 1) -> None:
        """Wait until so many requests of this kind have come."""
        async with asyncio.timeout(10):
            while sum((item.method, item.path) == (method, path) for item in self.requests) < times:
                self._asked.clear()
                await self._asked.wait()

    def current_book(self, exchange: str, symbol: str) -> BookMessage | None:
        """The book that a subscription is answered with; None: none yet."""
        found = None if self._bare else self.books.get(f"{exchange}:{_plain(symbol, self.instruments)}")
        if found is None:
            return None
        return BookMessage.model_validate(found.model_dump(exclude={"type"}) | {"symbol": symbol})

    def why_no_book(self, exchange: str, symbol: str) -> tuple[str, str] | None:
        """Code and words where a book is not to be had; None where it is."""
        if self._bare or f"{exchange}:{symbol}" in self.books:
            return None
        names = [one.name for one in self.exchanges]
        if exchange not in (*names, AGGREGATE):
            return "unknown_exchange", f"{exchange!r} is not collected: expected one of {', '.join(names)}"
        if _plain(symbol, self.instruments) not in [one.symbol for one in self.instruments]:
            return "unknown_symbol", f"{exchange} lists no {symbol!r}"
        return None

    def _fill(self) -> None:
        self.exchanges = [exchange("binance"), exchange("kraken")]
        self.instruments = [instrument("BTC-USDT"), instrument("ETH-USDT")]
        self.candles = [candle(minute) for minute in range(3)]
        self.trades = [PublicTrade.model_validate(trade().model_dump())]
        names = [f"{one}:{each.symbol}" for one in _EXCHANGES for each in self.instruments]
        self.books = {name: book(name) for name in names}

    def _whole(self, about: TwapOrder) -> TwapOrderDetail:
        known = self.orders.get(about.token_id)
        return TwapOrderDetail.model_validate((dict(known) if known else {}) | dict(about))

    def _tell(self, event: str, about: TwapOrderDetail) -> None:
        if not self._bare:
            self.push_event(event, about)

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        self._asked.set()
        queue = self._scripted.get((request.method, request.path))
        scripted = queue.popleft() if queue else Reply()
        if queue is not None and scripted is not None and scripted != Reply():
            return scripted
        usual = self._usual(request)
        return Reply(cut=True) if scripted is None else usual

    def _klines(self, _: Request) -> Reply:
        cut = {"X-Oldest-Available": self.oldest_available} if self.oldest_available else None
        return listed(self.candles, headers=cut)

    def _usual(self, request: Request) -> Reply:
        for method, pattern, signed, answer in self._routes():
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                refused = self._refused(request) if signed else None
                return refused or answer(request, *found.groups())
        return problem(404, "not_found", f"no route {request.method} {request.path}")

    def _routes(self) -> Sequence[tuple[str, str, bool, Route]]:
        return (
            ("GET", "/exchanges", False, lambda _: listed(self.exchanges)),
            ("GET", "/exchanges/[^/]+/symbols", False, lambda _: listed(self.instruments)),
            ("GET", "/klines/[^/]+/[^/]+", False, self._klines),
            ("GET", "/orderbook/([^/]+)/([^/]+)", False, self._book),
            ("GET", "/exchanges/([^/]+)/books", False, self._health),
            ("GET", "/trades/([^/]+)/([^/]+)", False, self._trades),
            ("GET", "/server", False, lambda _: given(self.info)),
            *self._account_routes(),
            ("POST", "/orders(?:/twap)?", True, self._submit),
            ("POST", "/orders(?:/twap)?/preview", True, self._preview),
            ("GET", "/orders", True, self._list),
            ("GET", "/costs", True, self._costs),
            ("GET", "/orders/([^/]+)", True, self._show),
            ("GET", "/orders/([^/]+)/events", True, self._events),
            ("GET", "/orders/([^/]+)/report", True, self._report),
            ("GET", "/orders/([^/]+)/proof", True, self._proof),
            ("POST", "/orders/([^/]+)/pause", True, lambda _, token_id: self._change(token_id, paused)),
            ("POST", "/orders/([^/]+)/resume", True, lambda _, token_id: self._change(token_id, resumed)),
            ("PATCH", "/orders/([^/]+)", True, self._amend),
            ("DELETE", "/orders/([^/]+)", True, lambda _, token_id: self._change(token_id, canceled)),
        )

    def _book(self, _: Request, exchange: str, symbol: str) -> Reply:
        found = self.books.get(f"{exchange}:{symbol}") or self.current_book(exchange, symbol)
        return given(found) if found else problem(404, "unknown_symbol", f"no symbol {symbol!r}")

    def _health(self, _: Request, exchange: str) -> Reply:
        if exchange not in [one.name for one in self.exchanges]:
            return problem(404, "unknown_exchange", f"no exchange {exchange!r}")
        books = {name: one for name, one in self.books.items() if one.exchange == exchange}
        return listed([self.health.get(name) or health(one) for name, one in books.items()])

    def _trades(self, request: Request, exchange: str, symbol: str) -> Reply:
        why = self.why_no_book(exchange, symbol)
        if why is not None:
            return problem(404, *why)
        instrument = _plain(symbol, self.instruments)
        traded = [
            one
            for one in self.trades
            if exchange in (AGGREGATE, one.exchange) and one.instrument == instrument
        ]
        return listed(traded[: int(request.query.get("limit", 100))])

    def _costs(self, request: Request) -> Reply:
        closed = [
            one
            for one in self.orders.values()
            if not one.status.is_open and one.status is not OrderStatus.REJECTED
        ]
        costs = [self.costs.get(one.token_id) or cost(one) for one in closed]
        return given(cost_page(costs, request.query))

    def _submit(self, request: Request) -> Reply:
        many = request.json if isinstance(request.json, list) else [request.json]
        wanted = [StrategyOrderRequest.model_validate(item) for item in many]
        new = [item for item in wanted if item.token_id not in self.orders]
        for item in new:
            made = order(**item.model_dump(include=_COPIED, exclude_none=True))
            self.orders[item.token_id] = made
            self._tell("accepted", made)
        return listed([short(self.orders[item.token_id]) for item in wanted], 201 if new else 200)

    def _preview(self, request: Request) -> Reply:
        many = request.json if isinstance(request.json, list) else [request.json]
        wanted = [StrategyOrderRequest.model_validate(item) for item in many]
        return listed([preview(**item.model_dump(include=_COPIED, exclude_none=True)) for item in wanted])

    def _list(self, request: Request) -> Reply:
        # The cursor is an order's place among all, so a page stays right when orders before it change state.
        status, after = request.query.get("status"), int(request.query.get("after", 0))
        places = [
            place
            for place, item in enumerate(self.orders.values(), 1)
            if place > after and _has_status(item, status) and request.query.get("side") in (None, item.side)
        ]
        page = places[: int(request.query.get("limit", self.page_size))]
        more = {"Link": f'</orders?after={page[-1]}>; rel="next"'} if len(page) < len(places) else {}
        every = list(self.orders.values())
        return listed([short(every[place - 1]) for place in page], 200, more)

    def _show(self, request: Request, token_id: str) -> Reply:
        found = self.orders.get(token_id)
        return paged(found, request.query) if found else unknown(token_id)

    def _report(self, request: Request, token_id: str) -> Reply:
        found = self.orders.get(token_id)
        if found is None:
            return unknown(token_id)
        made = self.reports.get(token_id) or report(found)
        return reported(found, made, request.query.get("format", "json"))

    def _proof(self, _: Request, token_id: str) -> Reply:
        found = self.proofs.get(token_id)
        return given(found) if found else unknown(token_id)

    def _events(self, request: Request, token_id: str) -> Reply:
        if token_id not in self.orders:
            return unknown(token_id)
        since, most = int(request.query.get("since", 0)), int(request.query.get("limit", 100))
        about = [event for event in self.feed.events if event.token_id == token_id and event.seq > since]
        if "before" in request.query:
            return listed([one for one in about if one.seq < int(request.query["before"])][-most:])
        return listed(about[-most:] if "latest" in request.query else about[:most])

    def _amend(self, request: Request, token_id: str) -> Reply:
        match, found = request.headers.get("if-match"), self.orders.get(token_id)
        if match is None:
            return problem(428, "precondition_required", "expected an If-Match header")
        if found and found.status.is_open and match not in ("*", f'"{found.revision}"'):
            return problem(412, "precondition_failed", f"it is at revision {found.revision}")
        wanted = TwapOrderAmendment.model_validate(request.json)
        return self._change(token_id, lambda order: amended(order, wanted))

    def _change(self, token_id: str, make: Callable[[TwapOrderDetail], TwapOrderDetail]) -> Reply:
        found = self.orders.get(token_id)
        if found is None:
            return unknown(token_id)
        if not found.status.is_open:
            return problem(409, "order_not_open", "it is closed")
        changed = self.orders[token_id] = make(found)
        if changed != found:
            self._tell(_EVENTS.get(make, "amended"), changed)
        return Reply(body=short(changed).to_wire(), headers={"ETag": f'"{changed.revision}"'})


def _plain(symbol: str, listed: Sequence[Instrument]) -> str:
    """The listed spelling of ``btcusdt`` and ``BTC/USDT``."""
    letters = "".join(filter(str.isalnum, symbol)).upper()
    return next((one.symbol for one in listed if one.symbol.replace("-", "") == letters), symbol)


def _has_status(order: TwapOrder, status: str | None) -> bool:
    if status in ("open", "closed"):
        return order.status.is_open == (status == "open")
    return status in (None, order.status)

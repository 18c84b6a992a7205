"""The scripted server: accounts, markets and orders from given models, and failures on demand."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from twap_client.testing.changes import amended, canceled, paused, resumed
from twap_client.testing.examples import NOON, order, preview, report
from twap_client.testing.feed import Feed
from twap_client.testing.replies import given, listed, paged, problem, reported, short, unknown
from twap_client.testing.sockets import Reply, Request, Socket, Sockets
from twap_models import (
    BookMessage,
    BookTop,
    Candle,
    Exchange,
    ExecutionReport,
    Instrument,
    OrderEvent,
    OrderEventType,
    TwapOrder,
    TwapOrderAmendment,
    TwapOrderDetail,
    TwapOrderRequest,
)
from twap_models.accounts import normal_password

_COPIED = {"token_id", "symbol", "exchange", "side", "quantity", "price", "duration", "slices"}
Route = Callable[..., Reply]

__all__ = ["ScriptedServer", "given", "listed", "problem"]


class ScriptedServer:
    """A twap server of given models. Use it with ``async with``; read and change its attributes at any time.

    Attributes:
        url: its address.
        requests: every HTTP request, oldest first.
        accounts: passwords by user name.
        token_lifetime_s: how long new access tokens are valid, as told to the client.
        refreshes: how often a refresh token was exchanged.
        exchanges, instruments, candles, books: what the market routes answer.
        orders: by ``token_id``; submitting adds to them, pause, resume, amend and cancel change them.
            Events are only those given to ``push_event``.
        reports: by ``token_id``; of an order without one, a report that repeats its fields.
        page_size: orders a page.
        feed: its WebSockets.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.accounts: dict[str, str] = {}
        self.token_lifetime_s = 900
        self.refreshes = 0
        self.exchanges: list[Exchange] = []
        self.instruments: list[Instrument] = []
        self.candles: list[Candle] = []
        self.oldest_available = ""
        """Sent with the candles where it is not empty."""
        self.books: dict[str, BookTop] = {}
        self.orders: dict[str, TwapOrderDetail] = {}
        self.reports: dict[str, ExecutionReport] = {}
        self.page_size = 100
        self._scripted: dict[tuple[str, str], deque[Reply | None]] = {}
        self._access: dict[str, str] = {}
        self._refresh: dict[str, str] = {}
        self._issued = 0
        self._asked = asyncio.Event()
        self.feed = Feed(self._user)
        self._sockets = Sockets(self._answer, self.feed.take)
        self._port = 0

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

    def add_account(self, username: str, password: str) -> None:
        """Let a user sign in."""
        self.accounts[username] = normal_password(password)

    def script(self, method: str, path: str, *replies: Reply) -> None:
        """Answer the next requests of this kind with these, before the usual answers."""
        self._scripted.setdefault((method, path), deque()).extend(replies)

    def cut(self, method: str, path: str) -> None:
        """Do what the next request of this kind asks, then break the connection instead of answering."""
        self._scripted.setdefault((method, path), deque()).append(None)

    def revoke(self, *, refresh: bool = False) -> None:
        """Forget every access token, and with ``refresh`` the refresh tokens too."""
        self._access.clear()
        if refresh:
            self._refresh.clear()

    def push_book(self, book: BookMessage) -> None:
        """Send a book to everyone subscribed to it."""
        self.feed.push_book(book)

    def push_event(self, event: OrderEventType | str, about: TwapOrderDetail, **fields: Any) -> OrderEvent:
        """Record an order's new state and tell of it with the next number."""
        self.orders[about.token_id] = about
        parts = {"event": event, "token_id": about.token_id, "time": NOON}
        numbered = parts | {"seq": self.feed.last_seq + 1, "order": short(about)}
        message = OrderEvent.model_validate(numbered | fields)
        self.feed.push_event(message)
        return message

    async def subscribed(self, *names: str, times: int = 1) -> Socket:
        """Wait until a WebSocket is subscribed to all of these (``exchange:symbol`` or ``orders``).

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

    def _user(self, token: str) -> str | None:
        return self._access.get(token)

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
                token = request.headers.get("authorization", "").removeprefix("Bearer ")
                if signed and token not in self._access and "x-api-key" not in request.headers:
                    return problem(401, "not_authenticated", "sign in first")
                return answer(request, *found.groups())
        return problem(404, "not_found", f"no route {request.method} {request.path}")

    def _routes(self) -> Sequence[tuple[str, str, bool, Route]]:
        return (
            ("GET", "/exchanges", False, lambda _: listed(self.exchanges)),
            ("GET", "/exchanges/[^/]+/symbols", False, lambda _: listed(self.instruments)),
            ("GET", "/klines/[^/]+/[^/]+", False, self._klines),
            ("GET", "/orderbook/([^/]+)/([^/]+)", False, self._book),
            ("POST", "/auth/register", False, self._register),
            ("POST", "/auth/token", False, self._login),
            ("POST", "/auth/refresh", False, self._exchange),
            ("POST", "/auth/logout", True, self._logout),
            ("GET", "/auth/me", True, self._me),
            ("POST", "/orders/twap", True, self._submit),
            ("POST", "/orders/twap/preview", True, self._preview),
            ("GET", "/orders", True, self._list),
            ("GET", "/orders/([^/]+)", True, self._show),
            ("GET", "/orders/([^/]+)/events", True, self._events),
            ("GET", "/orders/([^/]+)/report", True, self._report),
            ("POST", "/orders/([^/]+)/pause", True, lambda _, token_id: self._change(token_id, paused)),
            ("POST", "/orders/([^/]+)/resume", True, lambda _, token_id: self._change(token_id, resumed)),
            ("PATCH", "/orders/([^/]+)", True, self._amend),
            ("DELETE", "/orders/([^/]+)", True, lambda _, token_id: self._change(token_id, canceled)),
        )

    def _book(self, _: Request, exchange: str, symbol: str) -> Reply:
        book = self.books.get(f"{exchange}:{symbol}")
        return given(book) if book else problem(404, "unknown_symbol", f"no symbol {symbol!r}")

    def _register(self, request: Request) -> Reply:
        name = request.json["username"]
        if name in self.accounts:
            return problem(409, "username_taken", f"the name {name!r} is taken")
        self.add_account(name, request.json["password"])
        return Reply(status=201, body={"username": name, "created": "2026-01-01T12:00:00Z"})

    def _login(self, request: Request) -> Reply:
        name = request.form.get("username", "")
        if self.accounts.get(name) != normal_password(request.form.get("password", "")):
            return problem(401, "not_authenticated", "wrong name or password")
        return self._tokens(name)

    def _exchange(self, request: Request) -> Reply:
        self.refreshes += 1
        name = self._refresh.pop(request.form.get("refresh_token", ""), None)
        return self._tokens(name) if name else problem(401, "not_authenticated", "the sign-in has ended")

    def _tokens(self, name: str) -> Reply:
        self._issued += 1
        access, refresh = f"access-{self._issued}", f"refresh-{self._issued}"
        self._access[access] = self._refresh[refresh] = name
        body = {"access_token": access, "refresh_token": refresh, "token_type": "bearer"}
        return Reply(body=body | {"expires_in": self.token_lifetime_s})

    def _logout(self, request: Request) -> Reply:
        self._refresh.pop(request.json["refresh_token"], None)
        return Reply(status=204)

    def _me(self, request: Request) -> Reply:
        name = self._access.get(request.headers.get("authorization", "").removeprefix("Bearer "), "key")
        return Reply(body={"username": name, "created": "2026-01-01T12:00:00Z"})

    def _submit(self, request: Request) -> Reply:
        many = request.json if isinstance(request.json, list) else [request.json]
        wanted = [TwapOrderRequest.model_validate(item) for item in many]
        new = [item for item in wanted if item.token_id not in self.orders]
        for item in new:
            self.orders[item.token_id] = order(**item.model_dump(include=_COPIED, exclude_none=True))
        return listed([short(self.orders[item.token_id]) for item in wanted], 201 if new else 200)

    def _preview(self, request: Request) -> Reply:
        many = request.json if isinstance(request.json, list) else [request.json]
        wanted = [TwapOrderRequest.model_validate(item) for item in many]
        return listed([preview(**item.model_dump(include=_COPIED, exclude_none=True)) for item in wanted])

    def _list(self, request: Request) -> Reply:
        # The cursor is an order's place among all, so a page stays right when orders before it change state.
        status, after = request.query.get("status"), int(request.query.get("after", 0))
        places = [
            place
            for place, item in enumerate(self.orders.values(), 1)
            if place > after and _has_status(item, status)
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

    def _events(self, request: Request, token_id: str) -> Reply:
        if token_id not in self.orders:
            return unknown(token_id)
        since, most = int(request.query.get("since", 0)), int(request.query.get("limit", 100))
        about = [event for event in self.feed.events if event.token_id == token_id and event.seq > since]
        return listed(about[:most])

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
        return Reply(body=short(changed).to_wire(), headers={"ETag": f'"{changed.revision}"'})


def _has_status(order: TwapOrder, status: str | None) -> bool:
    if status in ("open", "closed"):
        return order.status.is_open == (status == "open")
    return status in (None, order.status)

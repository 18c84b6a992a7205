"""Use the library without ``async``: the same names, each call waits for its answer.

::

    from twap_client.sync import TwapClient

    with TwapClient(username="ada", password="...") as client:
        order = client.orders.submit(
            exchange="binance", symbol="BTC-USDT", quantity="0.5", duration="10m", interval=5
        )
        print(client.orders.wait_until_closed(order).status)

The client's event loop runs in a thread of its own, so it is safe where another loop runs already, as in
Jupyter, and may be used from several threads. ``async for`` becomes ``for``.
"""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from datetime import timedelta
from functools import update_wrapper
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, Unpack, overload

from twap_client.accounts import Accounts
from twap_client.client import TwapClient as AsyncTwapClient
from twap_client.config import ClientConfig, TokenStore, Verify
from twap_client.errors import TwapClientError, UsageError
from twap_client.market import Market
from twap_client.order_fields import AnyRequest, OrderFields, shows_order_fields
from twap_client.order_pages import OrderList
from twap_client.orders import Orders, PreviewList
from twap_client.stream import StreamItem, TwapStream
from twap_client.tournaments import Tournaments
from twap_models import OrderPreview, Side, TwapOrder
from twap_models.fields import Amount

__all__ = ["SyncTwapClient", "TwapClient"]

P = ParamSpec("P")
T = TypeVar("T")
Page = TypeVar("Page")
T_co = TypeVar("T_co", covariant=True)
Page_co = TypeVar("Page_co", covariant=True)
Inner = TypeVar("Inner")


class LoopThread:
    """Held by everybody who may still wait for the client's loop: when nobody is left, it ends."""

    def __init__(self, client: AsyncTwapClient) -> None:
        self._serving = _Serving(client)
        weakref.finalize(self, self._serving.close)  # at the end of the program too

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there, and wait for it here. Interrupted here, it is cancelled there.

        Raises:
            UsageError: the client was closed, or this is its own thread.
        """
        try:
            return self._serving.run(work)
        except TwapClientError as error:
            # Of all frames those of the caller matter.
            raise error.with_traceback(None) from error.__cause__

    def close(self) -> None:
        """End the loop and its thread; any number of times."""
        self._serving.close()


class _Serving:
    """An event loop in a thread of its own, from the first call until it is closed, with a client open."""

    def __init__(self, client: AsyncTwapClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._begun = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_closed = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            loop = self._running()
        except UsageError:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        if self._loop is None or self._stop is None or self._thread is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        if threading.current_thread() is self._thread:
            raise UsageError("this is the client's own thread: it cannot wait for itself")
        with self._lock:
            if self._is_closed:
                raise UsageError("this client was closed: make another one")
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="twap_client.sync", daemon=True)
                self._thread.start()
                self._begun.wait()
        assert self._loop is not None
        return self._loop

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with self._client:
                self._begun.set()
                await self._stop.wait()
        finally:
            self._begun.set()


class Paged(Protocol[T_co, Page_co]):
    """What ``orders.list`` and ``orders.costs`` give: one page, or all of them."""

    def __await__(self) -> Generator[Any, None, Page_co]: ...

    def __aiter__(self) -> AsyncIterator[T_co]: ...

    def pages(self) -> AsyncIterator[Page_co]:
        """Walk page by page."""


class _Facade(Protocol[Inner]):
    _inner: Inner
    _thread: LoopThread


def _waits(
    call: Callable[Concatenate[Inner, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[_Facade[Inner], P], T]:
    """Make of a coroutine function a method that waits."""

    def wait(self: _Facade[Inner], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._thread.run(call(self._inner, *args, **kwargs))

    update_wrapper(wait, call)
    return wait


def _walks(
    call: Callable[Concatenate[Inner, P], AsyncIterator[T]],
) -> Callable[Concatenate[_Facade[Inner], P], Iterator[T]]:
    """Make of an async iterator a plain one."""

    def walk(self: _Facade[Inner], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return _walked(self._thread, call(self._inner, *args, **kwargs))

    update_wrapper(walk, call)
    return walk


def _walked(thread: LoopThread, items: AsyncIterator[T]) -> Iterator[T]:
    async def following() -> tuple[T] | None:
        try:
            return (await anext(items),)
        except StopAsyncIteration:
            return None

    while (found := thread.run(following())) is not None:
        yield found[0]


class SyncAccounts:
    """``client.accounts``; see ``twap_client.accounts.Accounts``."""

    def __init__(self, inner: Accounts, thread: LoopThread) -> None:
        self._inner, self._thread = inner, thread
        self.begin_oidc = inner.begin_oidc

    register = _waits(Accounts.register)
    login = _waits(Accounts.login)
    login_oidc = _waits(Accounts.login_oidc)
    finish_oidc = _waits(Accounts.finish_oidc)
    logout = _waits(Accounts.logout)
    methods = _waits(Accounts.methods)
    invite = _waits(Accounts.invite)
    invites = _waits(Accounts.invites)
    withdraw_invite = _waits(Accounts.withdraw_invite)
    me = _waits(Accounts.me)
    change_password = _waits(Accounts.change_password)
    end_sessions = _waits(Accounts.end_sessions)
    create_key = _waits(Accounts.create_key)
    list_keys = _waits(Accounts.list_keys)
    revoke_key = _waits(Accounts.revoke_key)
    revoke_all_keys = _waits(Accounts.revoke_all_keys)


class SyncPages(Generic[T, Page]):
    """A list in pages: ``for`` walks all of it, ``first()`` is one page."""

    def __init__(self, inner: Paged[T, Page], thread: LoopThread) -> None:
        self._inner, self._thread = inner, thread

    def __repr__(self) -> str:
        return "<pages: for walks all, first() gives one>"

    def __iter__(self) -> Iterator[T]:
        return _walked(self._thread, aiter(self._inner))

    def pages(self) -> Iterator[Page]:
        """Walk page by page."""
        return _walked(self._thread, self._inner.pages())

    def first(self) -> Page:
        """Give one page; it says where the next begins."""

        async def page() -> Page:
            return await self._inner

        return self._thread.run(page())


def _leafs(
    call: Callable[Concatenate[Inner, P], Paged[T, Page]],
) -> Callable[Concatenate[_Facade[Inner], P], SyncPages[T, Page]]:
    """Make of a method that gives pages one that gives plain ones."""

    def leaf(self: _Facade[Inner], /, *args: P.args, **kwargs: P.kwargs) -> SyncPages[T, Page]:
        return SyncPages(call(self._inner, *args, **kwargs), self._thread)

    update_wrapper(leaf, call)
    return leaf


class SyncOrders:
    """``client.orders``; see ``twap_client.orders.Orders``."""

    def __init__(self, inner: Orders, thread: LoopThread) -> None:
        self._inner, self._thread = inner, thread

    list = _leafs(Orders.list)
    costs = _leafs(Orders.costs)
    get = _waits(Orders.get)
    wait_until_closed = _waits(Orders.wait_until_closed)
    slices = _walks(Orders.slices)
    fills = _walks(Orders.fills)
    events = _walks(Orders.events)
    report = _waits(Orders.report)
    report_html = _waits(Orders.report_html)
    report_csv = _waits(Orders.report_csv)
    proof = _waits(Orders.proof)
    pause = _waits(Orders.pause)
    resume = _waits(Orders.resume)
    amend = _waits(Orders.amend)
    cancel = _waits(Orders.cancel)

    @overload
    def submit(self, request: AnyRequest, *, timeout: timedelta | float | None = None) -> TwapOrder: ...
    @overload
    def submit(
        self, request: Iterable[AnyRequest], *, timeout: timedelta | float | None = None
    ) -> OrderList: ...
    @overload
    def submit(
        self,
        *,
        exchange: str,
        symbol: str,
        quantity: Amount,
        side: Side | str = Side.BUY,
        timeout: timedelta | float | None = None,
        **fields: Unpack[OrderFields],
    ) -> TwapOrder: ...
    @shows_order_fields
    def submit(
        self,
        request: AnyRequest | Iterable[AnyRequest] | None = None,
        *,
        timeout: timedelta | float | None = None,
        **fields: Any,
    ) -> TwapOrder | OrderList:
        """Submit one order or several; see ``twap_client.orders.Orders.submit``."""
        call: Any = self._inner.submit
        made: TwapOrder | OrderList = self._thread.run(call(request, timeout=timeout, **fields))
        return made

    @overload
    def preview(
        self,
        request: AnyRequest,
        *,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: timedelta | float | None = None,
    ) -> OrderPreview: ...
    @overload
    def preview(
        self,
        request: Iterable[AnyRequest],
        *,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: timedelta | float | None = None,
    ) -> PreviewList: ...
    @overload
    def preview(
        self,
        *,
        exchange: str,
        symbol: str,
        quantity: Amount,
        side: Side | str = Side.BUY,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: timedelta | float | None = None,
        **fields: Unpack[OrderFields],
    ) -> OrderPreview: ...
    @shows_order_fields
    def preview(
        self,
        request: AnyRequest | Iterable[AnyRequest] | None = None,
        *,
        compare: bool = False,
        supply: Amount | None = None,
        timeout: timedelta | float | None = None,
        **fields: Any,
    ) -> OrderPreview | PreviewList:
        """Say what would become of orders; see ``twap_client.orders.Orders.preview``."""
        call: Any = self._inner.preview
        made: OrderPreview | PreviewList = self._thread.run(
            call(request, compare=compare, supply=supply, timeout=timeout, **fields)
        )
        return made


class SyncMarket:
    """``client.market``; see ``twap_client.market.Market``."""

    def __init__(self, inner: Market, thread: LoopThread) -> None:
        self._inner, self._thread = inner, thread

    exchanges = _waits(Market.exchanges)
    symbols = _waits(Market.symbols)
    klines = _waits(Market.klines)
    orderbook = _waits(Market.orderbook)
    server = _waits(Market.server)
    books = _waits(Market.books)
    trades = _waits(Market.trades)


class SyncTournaments:
    """``client.tournaments``; see ``twap_client.tournaments.Tournaments``."""

    def __init__(self, inner: Tournaments, thread: LoopThread) -> None:
        self._inner, self._thread = inner, thread

    list = _waits(Tournaments.list)
    get = _waits(Tournaments.get)
    page = _waits(Tournaments.page)
    report = _waits(Tournaments.report)


class SyncStream:
    """The live feed as a plain iterator; see ``twap_client.TwapStream``. ``with`` closes it."""

    def __init__(self, inner: TwapStream, thread: LoopThread) -> None:
        self._inner, self._thread = inner, thread

    def __enter__(self) -> Self:
        self._thread.run(self._inner.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[StreamItem]:
        self._thread.run(self._inner.__aenter__())  # says so where it is over
        return self

    def __next__(self) -> StreamItem:
        async def following() -> StreamItem | None:
            try:
                return await anext(self._inner)
            except StopAsyncIteration:
                return None

        item = self._thread.run(following())
        if item is None:
            raise StopIteration
        return item

    @property
    def trouble(self) -> str:
        """Why there is no connection now, in words; empty while there is one."""
        return self._inner.trouble

    ready = _waits(TwapStream.ready)
    subscribe = _waits(TwapStream.subscribe)
    unsubscribe = _waits(TwapStream.unsubscribe)
    close = _waits(TwapStream.aclose)


def _streams(
    call: Callable[Concatenate[Inner, P], TwapStream],
) -> Callable[Concatenate[_Facade[Inner], P], SyncStream]:
    """Make of a method that opens a stream one that opens a plain one."""

    def open_stream(self: _Facade[Inner], /, *args: P.args, **kwargs: P.kwargs) -> SyncStream:
        return SyncStream(call(self._inner, *args, **kwargs), self._thread)

    update_wrapper(open_stream, call)
    return open_stream


class SyncTwapClient:
    """A twap server, as seen by one user; every call waits. Use it with ``with``, or ``close()`` it.

    Attributes:
        accounts, market, orders, tournaments: as those of ``twap_client.TwapClient``, without ``await``.
        config: the settings in force.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        token_store: TokenStore | None = None,
        verify: Verify | None = None,
        proxy: str | None = None,
        config: ClientConfig | None = None,
    ) -> None:
        """Prepare a client; see ``twap_client.TwapClient``.

        Raises:
            InvalidSetting: what is given, or an environment variable, cannot be used.
        """
        self._inner = AsyncTwapClient(
            base_url,
            username=username,
            password=password,
            api_key=api_key,
            token_store=token_store,
            verify=verify,
            proxy=proxy,
            config=config,
        )
        self._thread = LoopThread(self._inner)
        self.config = self._inner.config
        self.accounts = SyncAccounts(self._inner.accounts, self._thread)
        self.market = SyncMarket(self._inner.market, self._thread)
        self.orders = SyncOrders(self._inner.orders, self._thread)
        self.tournaments = SyncTournaments(self._inner.tournaments, self._thread)

    def __repr__(self) -> str:
        return f"<twap_client.sync.TwapClient of {self.config.base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all streams, close all connections, end the thread; any number of times."""
        self._thread.close()

    stream = _streams(AsyncTwapClient.stream)


TwapClient = SyncTwapClient
"""The name that programs import."""

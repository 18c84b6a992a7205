"""Use one server with one sign-in, and open streams through it."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from twap_client._background import Background
from twap_client._loop import HomeLoop
from twap_client._transport import SignIn, Transport
from twap_client.accounts import Accounts
from twap_client.config import ClientConfig, TokenStore, Verify
from twap_client.errors import InvalidSetting, UsageError, WrongEventLoop
from twap_client.market import Market
from twap_client.orders import Orders
from twap_client.stream import TwapStream
from twap_client.stream.names import Candles, Depth, wanted
from twap_client.tournaments import Tournaments


class TwapClient:
    """A twap server, as seen by one user. Use it with ``async with``, in one event loop.

    Attributes:
        accounts: register, sign in and out, change the password, make and revoke API keys.
        market: exchanges, instruments, candles, order books.
        orders: submit, look up, list, pause, resume, amend, cancel.
        tournaments: what ways to execute cost on recorded markets.
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
        """Prepare a client; nothing is sent yet.

        Args:
            base_url: the server; absent, that of ``config``.
            username: with ``password``, signs in by itself when a call first needs it.
            password: see ``username``.
            api_key: used instead of a sign-in.
            token_store: where a sign-in outlives this object. Beside a ``username``, only that user's counts.
            verify: whose certificates are trusted: a file of them, or an ``ssl.SSLContext``; absent, that of
                ``config``.
            proxy: in place of the environment's, ``""`` for none; absent, that of ``config``.
            config: settings; absent, read from the environment.

        What is given here goes before the environment: with a ``username`` or a ``token_store``,
        ``TWAP_API_KEY`` is not looked at.

        Raises:
            InvalidSetting: the address or an environment variable is wrong (a ``ValueError`` too), or what
                is given says twice who you are.
        """
        _check_who(username, password, api_key, token_store, config)
        by_sign_in = username is not None or token_store is not None
        settings = config or ClientConfig.from_env(with_key=not by_sign_in and api_key is None)
        settings = replace(
            settings,
            base_url=base_url or settings.base_url,
            api_key=api_key or settings.api_key,
            verify=settings.verify if verify is None else verify,
            proxy=settings.proxy if proxy is None else proxy,
        )
        self.config = settings
        self._home = HomeLoop()
        self._sign_in = SignIn(
            settings, username=username, password=password, store=token_store, home=self._home
        )
        transport = Transport(settings, self._sign_in)
        self.accounts = Accounts(transport, self._sign_in, settings)
        self.market = Market(transport)
        self.orders = Orders(transport, lambda: self.stream(orders=True))
        self.tournaments = Tournaments(transport)
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[Background] = set()

    def __repr__(self) -> str:
        return f"<TwapClient of {self.config.base_url}>"

    async def __aenter__(self) -> Self:
        self._home.check()
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop all streams and close all connections; any number of times.

        Raises:
            WrongEventLoop: the client was used in another event loop, which still runs.
        """
        if self._home.is_over:
            return
        self._home.check()
        group, self._group = self._group, None
        for task in self._tasks:
            task.stop()
        try:
            if group is not None:
                # Without the block's exception: the group must not wrap it into a group of exceptions.
                await group.__aexit__(None, None, None)
        finally:
            await self._sign_in.aclose()

    def stream(
        self,
        books: Iterable[str] = (),
        *,
        orders: bool = False,
        since: int | None = None,
        trades: Iterable[str] = (),
        klines: Iterable[Candles] = (),
        depth: Depth | None = None,
        own: bool | None = None,
    ) -> TwapStream:
        """Open a live feed: iterate over it with ``async for``.

        It yields ``BookMessage`` once a second for each book, ``TradeMessage``, ``KlineMessage``,
        ``OrderEvent``, and, about itself, ``Disconnected``, ``Reconnected``, ``Gap`` and
        ``SubscriptionRefused``. It reconnects for ever, and raises ``NotAuthenticated`` when the sign-in is
        refused, ``NotPermitted`` for an API key that may not read.

        Args:
            books: ``exchange:symbol``, such as ``binance:BTC-USDT`` or ``aggregate:BTC-USDT``.
            orders: also the events of this account's orders.
            since: replay order events after this number first.
            trades: public trades, ``exchange:symbol``; ``aggregate``: of all exchanges that list it.
            klines: live candles, ``exchange:symbol:interval`` or the parts, such as
                ``("binance", "BTC-USDT", "1m")``; of one exchange each.
            depth: levels a side of the books, 10, 25 or 100; None: 10.
            own: whether books also say what you took of them.

        Raises:
            UsageError: a book, trades or candles are not written like this (a ``ValueError`` too).
        """
        return TwapStream(
            wanted(books, trades=trades, klines=klines, orders=orders, depth=depth, own=own),
            depth=depth,
            own=own,
            since=since,
            config=self.config,
            sign_in=self._sign_in,
            spawn=self._spawn,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> Background:
        try:
            self._home.check()
        except WrongEventLoop:
            work.close()
            raise
        if self._group is None:
            work.close()
            raise UsageError(
                "a stream needs an open client: async with TwapClient(...) as client; where that is in the"
                " way, as in a notebook, twap_client.sync.TwapClient needs none"
            )
        made = Background(self._group.create_task(work, name="twap stream"))
        self._tasks.add(made)
        made.task.add_done_callback(lambda _: self._tasks.discard(made))
        return made


def _check_who(
    username: str | None,
    password: str | None,
    api_key: str | None,
    token_store: TokenStore | None,
    config: ClientConfig | None,
) -> None:
    """See that one user is given: of two, a program would act as one of them, and nobody would be told.

    Raises:
        InvalidSetting: says what to leave out, or what is missing.
    """
    if (username is None) != (password is None):
        missing = "password" if password is None else "username"
        raise InvalidSetting(f"{missing} is missing: give username and password, or neither of them")
    for name, value in {"username": username, "password": password, "api_key": api_key}.items():
        if value is not None and not value.strip():
            raise InvalidSetting(f"{name} is empty: leave it out if it is not meant to be given")
    other = "username and password" if username is not None else "token_store" if token_store else ""
    if other and api_key is not None:
        raise InvalidSetting(f"give api_key, or {other}, not both: each says who you are")
    if other and config is not None and config.api_key is not None:
        raise InvalidSetting(
            f"give {other}, or a config with an api_key, not both: each says who you are"
            " (leave the key out with dataclasses.replace(config, api_key=None))"
        )

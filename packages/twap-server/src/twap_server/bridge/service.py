"""Serve the protocol of ``exchanges/ccxt/wire.py`` on loopback: who does not know the secret gets nothing."""

import asyncio
import hmac
import secrets
import sys
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from twap_server.bridge.catalogue import Catalogue
from twap_server.bridge.feed import Feed, book_of
from twap_server.bridge.markets import size_of
from twap_server.bridge.opening import Opened
from twap_server.bridge.refusals import kind_of, words_of
from twap_server.bridge.unsent import Unsent
from twap_server.domain.clock import Clock
from twap_server.exchanges.ccxt import wire

_decode_request = msgspec.json.Decoder(wire.Request).decode
_STATUSES: Final[dict[wire.RefusedAs, HTTPStatus]] = {
    "unknown_symbol": HTTPStatus.NOT_FOUND,
    "rate": HTTPStatus.TOO_MANY_REQUESTS,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_permitted": HTTPStatus.FORBIDDEN,
    "other": HTTPStatus.BAD_REQUEST,
}
_ANSWER_WITHIN_S: Final = 60
_CLOSE_WITHIN_S: Final = 1


class Service:
    """Listens as long as the block lasts."""

    def __init__(self, found: Opened, *, depth: int, clock: Clock) -> None:
        """Start nothing yet."""
        self._api, self._version = found.api, found.version
        self._depth, self._clock = depth, clock
        self._catalogue = Catalogue(found.api, clock, complain=_complain)
        self._secret = secrets.token_urlsafe(32)
        self._group = asyncio.TaskGroup()
        self._feeds: dict[str, Feed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Of each symbol the newest, which may be ending."""
        self._listeners: dict[str, set[Unsent]] = {}
        self._server: Server

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._group.__aenter__()
        self._server = await serve(
            self._converse,
            "127.0.0.1",
            0,
            process_request=self._answer,
            open_timeout=_ANSWER_WITHIN_S,
            close_timeout=_CLOSE_WITHIN_S,
            compression=None,
            server_header=None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything, within a moment."""
        self._server.close()
        for task in self._tasks.values():
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._api.close()
        await self._group.__aexit__(kind, error, trace)

    def ready(self) -> wire.Ready:
        """Say where it listens, and what the exchange has."""
        has = self._api.has
        return wire.Ready(
            port=next(iter(self._server.sockets)).getsockname()[1],
            secret=self._secret,
            intervals=tuple(self._api.timeframes or ()) if has.get("fetchOHLCV") else (),
            polls=not has.get("watchOrderBook"),
            version=self._version,
        )

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer over HTTP; None for the stream, which goes on as a WebSocket."""
        url = urlsplit(request.path)
        secret, _, place = url.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return _response(HTTPStatus.NOT_FOUND, b"")
        if place == "stream":
            return None
        try:
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            return _response(HTTPStatus.OK, msgspec.json.encode(await self._found(place, asked)))
        except Exception as error:  # whatever ccxt raises
            kind = kind_of(error)
            problem = wire.Problem(kind=kind, message=words_of(error))
            return _response(_STATUSES[kind], msgspec.json.encode(problem))

    async def _found(self, place: str, asked: dict[str, str]) -> Any:
        match place:
            case "instruments":
                symbols = asked.get("symbols", "").split(" ") if asked.get("symbols") else ()
                return await self._catalogue.markets(int(asked["max_age"]), symbols)
            case "candles":
                times = int(asked["start"]), int(asked["end"])
                return await self._catalogue.candles(asked["symbol"], asked["interval"], *times)
            case "book":
                size = size_of(await self._catalogue.market(asked["symbol"]))
                book = await self._api.fetch_order_book(asked["symbol"])
                return book_of(book, asked["symbol"], size=size, depth=self._depth)
        raise LookupError(f"nothing is served under {place[:40]!r}")

    async def _converse(self, socket: ServerConnection) -> None:
        unsent = Unsent()
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(_drain(unsent, socket)), group.create_task(self._beat(unsent))]
            try:
                async for (
                    text
                ) in socket:  # one after the other: who gives up what he just asked for has nothing
                    await self._carry_out(_decode_request(text), unsent)
            except (ConnectionClosed, msgspec.MsgspecError):
                pass
            finally:
                for symbol in list(self._listeners):
                    self._leave(symbol, unsent)
                for task in beside:
                    task.cancel()

    async def _beat(self, unsent: Unsent) -> None:
        while True:
            unsent.put(wire.Beat())
            await self._clock.sleep(1)

    async def _carry_out(self, request: wire.Request, unsent: Unsent) -> None:
        if request.op == "unsubscribe":
            self._leave(request.symbol, unsent)
            unsent.put(wire.Done(id=request.id))
            return
        try:
            market = await self._catalogue.market(request.symbol)
        except Exception as error:  # whatever ccxt raises
            unsent.put(wire.Refusal(id=request.id, kind=kind_of(error), message=words_of(error)))
            return
        unsent.put(wire.Done(id=request.id))
        self._join(request.symbol, unsent, market)

    def _join(self, symbol: str, unsent: Unsent, market: Any) -> None:
        """Listen to a symbol; the first who does starts its feed."""
        listeners = self._listeners.setdefault(symbol, set())
        listeners.add(unsent)
        feed = self._feeds.get(symbol)
        if feed is not None:
            if feed.last is not None:
                unsent.put(feed.last)
            return

        def tell(message: wire.Message) -> None:
            for one in listeners:
                one.put(message)

        feed = Feed(self._api, symbol, size=size_of(market), depth=self._depth, clock=self._clock, tell=tell)
        self._feeds[symbol] = feed
        task = self._group.create_task(self._run(feed, self._tasks.get(symbol)))
        self._tasks[symbol] = task

    async def _run(self, feed: Feed, before: "asyncio.Task[None] | None") -> None:
        """Run a feed once the one before of its symbol has unsubscribed."""
        if before is not None:
            await asyncio.wait({before})
        await feed.run()

    def _leave(self, symbol: str, unsent: Unsent) -> None:
        """Listen no more; the last who leaves ends the feed."""
        listeners = self._listeners.get(symbol, set())
        listeners.discard(unsent)
        if not listeners and self._feeds.pop(symbol, None) is not None:
            del self._listeners[symbol]
            self._tasks[symbol].cancel()


async def _drain(unsent: Unsent, socket: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        await unsent.drain(socket.send)


def _response(status: HTTPStatus, body: bytes) -> Response:
    headers = Headers(
        {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    )
    return Response(status.value, status.phrase, headers, body)


def _complain(words: str) -> None:
    sys.stderr.write(f"{words}\n")

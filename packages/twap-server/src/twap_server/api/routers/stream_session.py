"""Serve one WebSocket client: read its requests and send what it subscribed to, until one side ends it.

Three parts in one task group: what comes in, what goes out, and the order to stop. The first that raises
``SessionOver`` ends the session; everything held is given back. What goes out is written at once where the
client is free and nothing waits for it (``ClientSocket.send_now``); the rest waits in the mailbox for
``_send``.
"""

import asyncio
import logging
import traceback
from typing import assert_never
from uuid import uuid4

from starlette.websockets import WebSocket

from twap_models.base import WireModel
from twap_models.enums import ErrorCode, Scope
from twap_models.stream import (
    Authenticate,
    Authenticated,
    Ping,
    Pong,
    StreamError,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from twap_server.api.auth.access import Caller, permit
from twap_server.api.auth.tokens import REFUSED
from twap_server.api.http.stream_slots import StreamSlot
from twap_server.api.services import Services
from twap_server.api.stream.framing import encode
from twap_server.api.stream.market_channels import MarketChannels
from twap_server.api.stream.order_feed import OrderFeed
from twap_server.api.stream.socket import INTERNAL, POLICY, TRY_LATER, ClientSocket, SessionOver, refusal
from twap_server.api.stream.subscriptions import StreamSubscriptions
from twap_server.domain.clock import to_datetime
from twap_server.domain.errors import AccessError, TwapError, UnavailableError
from twap_server.domain.orders.order import OrderEvent
from twap_server.feed.bus import CatchUp, EncodedMessage, Inbox
from twap_server.feed.mailbox import Mailbox, MailboxClosed

log = logging.getLogger(__name__)


class StreamSession:
    """The life of one connection; ``run`` it once."""

    def __init__(self, socket: WebSocket, services: Services, slot: StreamSlot) -> None:
        """Take an accepted socket, and the place it has until the end."""
        config = services.config.stream
        self._services = services
        self._place = slot
        slot.on_giving_way(lambda: self.end(TRY_LATER, "others need the quota: sign in at once"))
        self._config = config
        self._client = ClientSocket(socket, config, services.clock)
        self._inbox: Inbox = Mailbox(capacity=config.inbox_capacity, direct=self._client.send_now)
        self._feed = OrderFeed(
            services.records, self._client.send, page=config.replay_page, queue=services.catch_ups
        )
        subscriptions = StreamSubscriptions(
            f"ws:{uuid4().hex}",
            self._inbox,
            quota=services.quota,
            source=services.books,
            trades=services.trades,
            candles=services.live_candles,
            bus=services.bus,
            most=config.max_subscriptions,
        )
        self._channels = MarketChannels(subscriptions, services.books, self._inbox)
        self._caller: Caller | None = None
        self._end: asyncio.Future[SessionOver] = asyncio.get_running_loop().create_future()

    def end(self, code: int, reason: str) -> None:
        """Close soon with this code; never blocks."""
        self._end_with(SessionOver(code, reason))

    def check(self) -> None:
        """Close soon if the sign-in counts no more (revoked, or its time is over), or the server is unfit."""
        if why := self._services.self_report.unfit():
            self._end_with(refusal(ErrorCode.UNAVAILABLE, why, close=TRY_LATER))
        if self._caller is None:
            return
        if self._services.auth.access.is_current(self._caller):
            self._services.auth.access.note_use(self._caller)
        else:
            self._end_with(refusal(ErrorCode.NOT_AUTHENTICATED, REFUSED))

    @property
    def grant(self) -> str:
        """The sign-in or the API key of this session; empty before it is known."""
        return self._caller.grant if self._caller else ""

    def end_sign_in(self) -> None:
        """Let the sign-in count no more, for requests too: another process ended it."""
        if self._caller is not None:
            self._services.auth.access.revoke(self._caller.grant)
        self.check()

    def _end_with(self, over: SessionOver) -> None:
        if not self._end.done():
            self._end.set_result(over)

    async def run(self, credential: str | None) -> None:
        """Serve until the end; ``credential`` is what the upgrade carried, if anything."""
        self._services.sessions.add(self)
        try:
            await self._client.close(await self._serve(credential))
        finally:
            self._services.sessions.remove(self)

    async def _serve(self, credential: str | None) -> SessionOver:
        over = SessionOver(INTERNAL, "something went wrong on our side")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send())
                group.create_task(self._obey())
                await self._receive(credential)
        except* SessionOver as ended:
            over = _first(ended)
            _let_go(ended)
        except* Exception:
            log.exception("a stream session failed")
        finally:
            self._give_back()
        return over

    async def _receive(self, credential: str | None) -> None:
        caller = await self._sign_in(credential)
        self._caller = caller
        self._client.admit()
        self._place.sign_in()
        if not self._services.sessions.claim(caller.user_id, self._config.max_per_user):
            self._caller = None
            raise refusal(
                ErrorCode.RATE_LIMITED, f"expected at most {self._config.max_per_user} connections per user"
            )
        try:
            await self._greet(caller)
        except TwapError as error:
            raise _refused(error) from None
        while True:
            message = await self._client.read()
            try:
                await self._handle(message)
            except AccessError as error:
                raise refusal(error.code, str(error)) from None
            except TwapError as error:
                self._say(StreamError(code=error.code, message=str(error)))

    async def _sign_in(self, credential: str | None) -> Caller:
        try:
            async with asyncio.timeout(self._config.sign_in_timeout.total_seconds()):
                if credential is None:
                    first = await self._client.read()
                    credential = first.token if isinstance(first, Authenticate) else ""
                return await self._identify(credential)
        except TimeoutError:
            raise refusal(ErrorCode.NOT_AUTHENTICATED, "expected an auth message first, in time") from None
        except TwapError as error:
            raise _refused(error) from None

    async def _identify(self, credential: str) -> Caller:
        caller = await self._services.auth.access.identify(credential)
        permit(caller, Scope.READ)
        return caller

    async def _greet(self, caller: Caller) -> None:
        username = await self._services.auth.sign_in.username(caller)
        expires = None if caller.expires is None else to_datetime(caller.expires)
        self._say(Authenticated(username=username, expires_at=expires))

    async def _handle(self, message: Authenticate | Subscribe | Unsubscribe | Ping | StreamError) -> None:
        match message:
            case Authenticate():
                await self._sign_in_again(message.token)
            case Subscribe():
                await self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case Ping():
                self._say(Pong(id=message.id, time=to_datetime(self._services.clock.now())))
            case StreamError():
                self._say(message)
            case _:
                assert_never(message)

    async def _sign_in_again(self, credential: str) -> None:
        caller = await self._identify(credential)
        if caller.user_id != self._signed_in.user_id:
            raise refusal(ErrorCode.NOT_PERMITTED, "another user's token: open another connection")
        self._caller = caller
        await self._greet(caller)

    async def _subscribe(self, wanted: Subscribe) -> None:
        if wanted.channel == "orders":
            await self._subscribe_orders(wanted.since)
        else:
            await self._channels.prepare(wanted, self._signed_in.user_id)
            self._channels.subscribe(wanted, self._signed_in.user_id, say=self._say)

    async def _subscribe_orders(self, since: int | None) -> None:
        user_id = self._signed_in.user_id
        self._services.bus.subscribe_orders(user_id, self._inbox)
        async with self._services.catch_ups.take(user_id):
            last = await self._services.records.last_event_seq(user_id)
        self._say(Subscribed(channel="orders", seq=last))
        self._inbox.put(self._feed.ask(last if since is None else min(since, last)))

    def _unsubscribe(self, unwanted: Unsubscribe) -> None:
        if unwanted.channel == "orders":
            self._services.bus.unsubscribe_orders(self._signed_in.user_id, self._inbox)
            self._feed.stop()
        else:
            self._channels.unsubscribe(unwanted)
        self._say(
            Unsubscribed(
                channel=unwanted.channel,
                exchange=unwanted.exchange,
                symbol=unwanted.symbol,
                interval=unwanted.interval,
            )
        )

    async def _send(self) -> None:
        while True:
            try:
                item = await self._inbox.get()
                match item:
                    case EncodedMessage():
                        await self._client.send(item.text)
                    case CatchUp():
                        await self._catch_up(item)
                    case OrderEvent():
                        await self._feed.on_event(self._signed_in.user_id, item)
                    case _:
                        assert_never(item)
            except MailboxClosed:
                raise SessionOver(POLICY, "slow: too much waits to be read") from None
            except TwapError as error:
                raise refusal(error.code, str(error), close=TRY_LATER) from None

    async def _catch_up(self, mark: CatchUp) -> None:
        """Send a page of what is recorded; what waits meanwhile goes out before the next."""
        if await self._feed.go_on(self._signed_in.user_id, mark):
            self._inbox.put(mark)
            for passing in self._inbox.take_passing():
                await self._client.send(passing.text)

    async def _obey(self) -> None:
        raise await self._end

    @property
    def _signed_in(self) -> Caller:
        assert self._caller is not None, "nothing is handled before the sign-in"
        return self._caller

    def _say(self, message: WireModel) -> None:
        self._inbox.put(encode(message))

    def _give_back(self) -> None:
        self._channels.clear()
        if self._caller is not None:
            self._services.bus.unsubscribe_orders(self._caller.user_id, self._inbox)
            self._services.sessions.give_back(self._caller.user_id)
        self._inbox.close()


def _refused(error: TwapError) -> SessionOver:
    """No sign-in: for good, or for now where it is not the client's fault."""
    later = isinstance(error, UnavailableError)
    return refusal(error.code, str(error), close=TRY_LATER if later else POLICY)


def _first(group: BaseExceptionGroup[SessionOver]) -> SessionOver:
    first = group.exceptions[0]
    return first if isinstance(first, SessionOver) else _first(first)


def _let_go(error: BaseException | None) -> None:
    """Drop the frames of what failed, and the frames' locals: they hold the exception, and it holds them."""
    if error is None:
        return
    traceback.clear_frames(error.__traceback__)
    error.__traceback__ = None
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            _let_go(inner)
    _let_go(error.__context__)

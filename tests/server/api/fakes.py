"""What the API stands on, in memory: accounts, an engine that accepts, a market set by hand, a clock."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto

from twap_models.enums import Integrity, Interval, OrderEventType, OrderStatus, RejectReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import (
    BookUnavailable,
    OrderNotFound,
    OrderNotOpen,
    StoreConflict,
    UnknownExchange,
    UnknownSymbol,
)
from twap_server.domain.instrument import Instrument, InstrumentId
from twap_server.domain.market import BookStatus, BookView, Candle, PriceLevel
from twap_server.domain.order import (
    Fill,
    Order,
    OrderEvent,
    OrderProgress,
    OrderRequest,
    OrderTerms,
    SliceResult,
)
from twap_server.engine.verdict import Verdict, VerdictKind
from twap_server.feed.bus import Bus

START = Nanos(1_790_000_000 * SECOND)


class HandClock:
    """Moved by the test; whoever sleeps wakes when it has moved far enough."""

    def __init__(self) -> None:
        self.time = START
        self._moved = asyncio.Condition()

    def now(self) -> Nanos:
        return self.time

    def monotonic(self) -> Nanos:
        return self.time

    async def sleep(self, seconds: float) -> None:
        due = self.time + round(seconds * SECOND)
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= due)

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self.time = Nanos(self.time + round(seconds * SECOND))
            self._moved.notify_all()


@dataclass(frozen=True, kw_only=True)
class User:
    user_id: str
    username: str
    password_hash: str
    created: Nanos


@dataclass(frozen=True, kw_only=True)
class Key:
    key_id: str
    user_id: str
    name: str
    created: Nanos


class Rotation(Enum):
    OK = auto()
    RACED = auto()
    REUSED = auto()
    UNKNOWN = auto()
    EXPIRED = auto()
    REVOKED = auto()


@dataclass(frozen=True, kw_only=True)
class Rotated:
    outcome: Rotation
    user_id: str = ""
    family_id: str = ""


@dataclass(kw_only=True)
class _Refresh:
    family_id: str
    user_id: str
    expires: Nanos
    used: Nanos | None = None


class MemoryAccounts:
    """The rules of the real store, without a disk."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.refresh: dict[str, _Refresh] = {}
        self.ended: set[str] = set()
        self.keys: dict[str, Key] = {}

    async def create_user(self, user_id: str, username: str, password_hash: str, created: Nanos) -> User:
        if username.casefold() in self.users:
            raise StoreConflict("taken")
        user = User(user_id=user_id, username=username, password_hash=password_hash, created=created)
        self.users[username.casefold()] = user
        return user

    async def find_user(self, username: str) -> User | None:
        return self.users.get(username.casefold())

    async def user(self, user_id: str) -> User | None:
        return next((user for user in self.users.values() if user.user_id == user_id), None)

    async def add_refresh(
        self, token_hash: str, family_id: str, user_id: str, expires: Nanos, created: Nanos
    ) -> None:
        self.refresh[token_hash] = _Refresh(family_id=family_id, user_id=user_id, expires=expires)

    async def rotate_refresh(self, token_hash: str, new_hash: str, now: Nanos) -> Rotated:
        token = self.refresh.get(token_hash)
        if token is None:
            return Rotated(outcome=Rotation.UNKNOWN)
        outcome = self._judge(token, now)
        if outcome is Rotation.OK:
            self.refresh[new_hash] = replace(token, used=None)
            token.used = now
        return Rotated(outcome=outcome, user_id=token.user_id, family_id=token.family_id)

    def _judge(self, token: _Refresh, now: Nanos) -> Rotation:
        if token.family_id in self.ended:
            return Rotation.REVOKED
        if token.used is not None:
            return Rotation.RACED if now - token.used <= 10 * SECOND else Rotation.REUSED
        return Rotation.EXPIRED if token.expires <= now else Rotation.OK

    async def revoke_family(self, family_id: str) -> bool:
        self.ended.add(family_id)
        return True

    async def is_family_active(self, family_id: str) -> bool:
        known = any(token.family_id == family_id for token in self.refresh.values())
        return known and family_id not in self.ended

    async def add_key(self, key_id: str, user_id: str, name: str, key_hash: str, created: Nanos) -> Key:
        key = Key(key_id=key_id, user_id=user_id, name=name, created=created)
        self.keys[key_hash] = key
        return key

    async def find_key(self, key_hash: str) -> Key | None:
        return self.keys.get(key_hash)

    async def list_keys(self, user_id: str) -> list[Key]:
        return [key for key in self.keys.values() if key.user_id == user_id]

    async def revoke_key(self, user_id: str, key_id: str) -> bool:
        left = {h: k for h, k in self.keys.items() if (k.key_id, k.user_id) != (key_id, user_id)}
        ended = len(left) < len(self.keys)
        self.keys = left
        return ended


@dataclass(frozen=True, kw_only=True)
class Status:
    name: str
    state: str = "up"
    reason: str = ""
    since: Nanos | None = START
    connections: int = 1
    integrity: Integrity = Integrity.SEQUENCE
    intervals: Sequence[Interval] = (Interval.M1, Interval.H1)
    instruments: int = 1


def listed(exchange: str, symbol: str) -> Instrument:
    base, quote = symbol.split("-")
    return Instrument(
        id=InstrumentId(exchange, symbol),
        native=base + quote,
        base=base,
        quote=quote,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00000001"),
        min_quantity=Decimal("0.00000001"),
        min_notional=Decimal(0),
        status="trading",
    )


def view(
    bids: Sequence[tuple[str, str]] = (("99", "1"),),
    asks: Sequence[tuple[str, str]] = (("100", "2"),),
    *,
    status: BookStatus = BookStatus.LIVE,
) -> BookView:
    return BookView(
        status=status,
        reason="" if status is BookStatus.LIVE else "nothing came for a while",
        bids=tuple(PriceLevel(Decimal(p), Decimal(q)) for p, q in bids),
        asks=tuple(PriceLevel(Decimal(p), Decimal(q)) for p, q in asks),
        ts_exchange=START,
        ts_received=START,
        seq=7,
    )


class HandMarket:
    """Two exchanges; books are what the test puts into ``books``."""

    def __init__(self) -> None:
        self.listed: dict[str, dict[str, Instrument]] = {
            "binance": {s: listed("binance", s) for s in ("BTC-USDT", "ETH-USDT")},
            "kraken": {"BTC-USDT": listed("kraken", "BTC-USDT")},
        }
        self.books: dict[InstrumentId, BookView] = {InstrumentId("binance", "BTC-USDT"): view()}
        self.coming: dict[InstrumentId, BookView] = {}
        """Books that come to life once somebody waits for them."""
        self.held: set[tuple[InstrumentId, str]] = set()
        self.asked: list[tuple[object, ...]] = []
        self.candles: list[Candle] = []

    def exchanges(self) -> Sequence[Status]:
        return [Status(name=name) for name in self.listed]

    def instruments(self, exchange: str) -> Mapping[str, Instrument]:
        if exchange not in self.listed:
            raise UnknownExchange(f"{exchange!r} is not collected: expected one of {', '.join(self.listed)}")
        return self.listed[exchange]

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        wanted = spelling.upper().replace("/", "").replace("-", "")
        for symbol, instrument in self.instruments(exchange).items():
            if symbol.replace("-", "") == wanted:
                return instrument
        raise UnknownSymbol(f"{spelling!r} is not listed on {exchange}")

    def view(self, instrument: InstrumentId, depth: int) -> BookView | None:
        book = self.books.get(instrument)
        return None if book is None else replace(book, bids=book.bids[:depth], asks=book.asks[:depth])

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        self.held.add((instrument, owner))

    def release(self, instrument: InstrumentId, owner: str) -> None:
        self.held.discard((instrument, owner))

    async def wait_live(self, instrument: InstrumentId, timeout: float) -> BookView:
        assert any(held == instrument for held, _ in self.held), "wait only for a held book"
        if instrument in self.coming:
            self.books[instrument] = self.coming[instrument]
        found = self.books.get(instrument)
        if found is None or found.status is not BookStatus.LIVE:
            raise BookUnavailable(f"no live book of {instrument} within {timeout:g} s")
        return found

    async def klines(
        self,
        exchange: str,
        spelling: str,
        *,
        interval: Interval,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> list[Candle]:
        self.find_instrument(exchange, spelling)
        self.asked.append((exchange, spelling, interval, limit, start, end))
        return self.candles[-limit:]


@dataclass
class MemoryOrders:
    """Engine and order store in one: accepts whatever has a window, remembers by token id."""

    bus: Bus
    clock: HandClock
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    slices: dict[str, list[SliceResult]] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=dict)
    log: dict[str, list[OrderEvent]] = field(default_factory=dict)
    requests: list[OrderRequest] = field(default_factory=list)

    async def submit(self, user_id: str, requests: Sequence[OrderRequest]) -> list[Verdict]:
        self.requests.extend(requests)
        return [self._decide(user_id, request) for request in requests]

    def _decide(self, user_id: str, request: OrderRequest) -> Verdict:
        known = self.orders.get((user_id, request.token_id))
        if known is not None and known.terms.fingerprint == request.fingerprint:
            return Verdict(order=known, kind=VerdictKind.REPEAT)
        made = self._order(user_id, request)
        if known is not None:
            made = _rejected(made, RejectReason.DUPLICATE_TOKEN_ID)
            return Verdict(order=made, kind=VerdictKind.CONFLICT)
        if request.end <= self.clock.now():
            made = _rejected(made, RejectReason.WINDOW_ELAPSED)
        elif request.unsupported:
            made = _rejected(made, RejectReason.INVALID_OPTION)
        self.orders[user_id, request.token_id] = made
        kind = OrderEventType.REJECTED if not made.status.is_open else OrderEventType.ACCEPTED
        self.tell(user_id, made, kind)
        return Verdict(order=made, kind=VerdictKind.NEW)

    def _order(self, user_id: str, request: OrderRequest) -> Order:
        now = self.clock.now()
        start = now if request.start is None else max(request.start, now)
        length = max(0, request.end - start)
        interval = request.interval or max(1, length // (request.slices or 1))
        terms = OrderTerms(
            order_id=f"o-{user_id}-{request.token_id}",
            user_id=user_id,
            token_id=request.token_id,
            fingerprint=request.fingerprint,
            exchange=request.exchange,
            symbol=request.symbol,
            instrument=InstrumentId(request.exchange, "BTC-USDT"),
            side=request.side,
            quantity=request.quantity,
            limit=request.limit,
            created=now,
            start=Nanos(start),
            end=request.end,
            interval=interval,
            slice_count=-(-length // interval),
            carry=request.carry,
            max_slippage_bps=request.max_slippage_bps,
            fidelity=request.fidelity,
            lot_size=Decimal("0.00000001"),
            min_quantity=Decimal(0),
            min_notional=Decimal(0),
            arrival_price=Decimal(100),
        )
        return Order(terms=terms, progress=OrderProgress(status=OrderStatus.ACCEPTED))

    def tell(
        self, user_id: str, order: Order, kind: OrderEventType = OrderEventType.WORKING, *, live: bool = True
    ) -> OrderEvent:
        """Record an event and, unless told not to, publish it."""
        log = self.log.setdefault(user_id, [])
        event = OrderEvent(seq=len(log) + 1, type=kind, time=self.clock.now(), order=order)
        log.append(event)
        if live:
            self.bus.publish(user_id, event)
        return event

    async def cancel(self, user_id: str, token_id: str) -> Order:
        order = self.orders.get((user_id, token_id))
        if order is None:
            raise OrderNotFound(f"you have no order {token_id!r}")
        if not order.status.is_open:
            raise OrderNotOpen(f"order {token_id!r} has already ended as {order.status}")
        ended = order.ended_as(OrderStatus.CANCELED, reason="canceled_by_user", at=self.clock.now())
        self.orders[user_id, token_id] = ended
        self.tell(user_id, ended, OrderEventType.ENDED)
        return ended

    async def detail(self, user_id: str, token_id: str) -> tuple[Order, list[SliceResult], list[Fill]] | None:
        order = self.orders.get((user_id, token_id))
        if order is None:
            return None
        return order, self.slices.get(token_id, []), self.fills.get(token_id, [])

    async def list(
        self,
        user_id: str,
        *,
        token_id: str | None = None,
        statuses: Collection[OrderStatus] | None = None,
        exchange: str | None = None,
        symbols: Collection[str] | None = None,
        limit: int,
        after: tuple[Nanos, str] | None = None,
    ) -> list[Order]:
        found = [
            order
            for (owner, name), order in self.orders.items()
            if owner == user_id
            and token_id in (None, name)
            and (statuses is None or order.status in statuses)
            and exchange in (None, order.terms.exchange)
            and (symbols is None or (order.terms.instrument and order.terms.instrument.symbol in symbols))
        ]
        found.sort(key=_place, reverse=True)
        return [order for order in found if after is None or _place(order) < after][:limit]

    async def events(self, user_id: str, since: int, limit: int) -> "list[OrderEvent]":  # type: ignore[valid-type]
        return [event for event in self.log.get(user_id, ()) if event.seq > since][:limit]

    async def last_event_seq(self, user_id: str) -> int:
        return len(self.log.get(user_id, ()))


def _place(order: Order) -> tuple[Nanos, str]:
    return order.terms.created, order.terms.order_id


def _rejected(order: Order, reason: RejectReason) -> Order:
    return replace(order, progress=replace(order.progress, status=OrderStatus.REJECTED, reason=reason.value))

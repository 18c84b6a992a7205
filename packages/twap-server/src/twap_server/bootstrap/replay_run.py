"""Build market and engine over recordings, and play them once from the first message to the last.

Only the network, the clock and the store are others than in a running server.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

import httpx

from twap_models.enums import AGGREGATE
from twap_models.names import exchange_name
from twap_models.orders import TwapOrderRequest
from twap_server.api.wire.requests import to_request
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.needed_books import NeededBooks
from twap_server.bootstrap.played_exchange import PlayedExchange
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import Network
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import InvalidRequest, TwapError, UnknownSymbol
from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.orders.record import OrderRecord
from twap_server.engine.engine import Engine
from twap_server.feed.bus import Bus
from twap_server.recordings.losses import in_words
from twap_server.replay.apart import ApartOrders
from twap_server.replay.connections import RecordedStream
from twap_server.replay.holes import Holes
from twap_server.replay.onlooker import Onlooker, Traded
from twap_server.replay.origin import merged
from twap_server.replay.player import TapePlayer
from twap_server.replay.records import MemoryRecords
from twap_server.replay.windows import check_begins, check_ends
from twap_server.settings import Settings

USER: Final = "replay"
_LOOK_EVERY_MS: Final = 2_000
"""Silence and unanswered requests are of seconds; nothing waits for it."""
_NEVER_S: Final = 1_000_000_000
"""No planned reconnects, and none after silence: what was recorded comes over the one connection."""

Instruments: TypeAlias = Path | Mapping[str, Path] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of the orders."""

    records: Sequence[OrderRecord]
    """In the order given."""
    frames: int
    """Messages played."""
    start: Nanos
    end: Nanos
    """Recorded time of the first and of the last moment played."""
    unread: str = ""
    """How many messages could not be read, and why; empty when all were."""
    unread_count: int = 0
    missing: Sequence[str] = ()
    """Which messages the recordings lost while they were made, a line for each that lost some."""


class ReplayRun:
    """One run, on the loop of its ``player``."""

    def __init__(
        self,
        exchanges: Sequence[PlayedExchange],
        settings: Settings,
        *,
        instruments: Instruments,
        skip_unread: Decimal,
        apart: ApartOrders | None = None,
        onlooker: Onlooker | None = None,
        only_reads: bool = False,
    ) -> None:
        self._apart, self._only_reads = apart, only_reads
        self._exchanges = {one.name: one for one in exchanges}
        tapes = [tape for one in exchanges for tape in one.tapes()]
        known = [one.holes() for one in exchanges]
        if None in known:
            holes = Holes()
            self.player = TapePlayer(holes.watching(merged(tapes)))
        else:
            holes = Holes(filter(None, known))
            self.player = TapePlayer(merged(tapes))
        self._clock, self._records = self.player.clock, MemoryRecords(holes)
        self._holes = holes
        self._start = self._clock.now()
        self._settings, self._skip_unread = settings, skip_unread
        self._unlisted = set(self._exchanges)
        self._listed = asyncio.Event()
        self._onlooker, self._looking = onlooker, asyncio.Event()
        beside = self._lists(instruments)
        for one in exchanges:
            one.prepare(beside.get(one.name), self._clock)

    def _lists(self, instruments: Instruments) -> Mapping[str, Path]:
        """The lists beside the recordings, by exchange.

        Raises:
            InvalidRequest: it is not said of which exchange one is, or of one that is not played.
        """
        names = ", ".join(self._exchanges)
        if isinstance(instruments, Mapping):
            unknown = next((one for one in instruments if one not in self._exchanges), None)
            if unknown is not None:
                raise InvalidRequest(
                    f"a list of {unknown} is given, and the recordings are of {names}", field="--instruments"
                )
            return instruments
        if instruments is not None and len(self._exchanges) > 1:
            raise InvalidRequest(
                f"of which exchange is {instruments}? say it as EXCHANGE={instruments}, with one of {names}",
                field="--instruments",
            )
        return dict.fromkeys(self._exchanges, instruments) if instruments is not None else {}

    async def play(self, orders: Sequence[TwapOrderRequest]) -> Replayed:
        market = self._market()
        engine = self._engine(market)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(engine.run(), name="engine")
            collecting = group.create_task(market.run(), name="market data")
            watching = group.create_task(self._watch(), name="onlooker")
            failure = await self._through(orders, market, engine)
            engine.stop()
            await asyncio.wait([working])
            if self._onlooker is not None and failure is None:
                self._onlooker.finish()
            collecting.cancel()
            watching.cancel()
        self._check_read(failure)
        if failure is not None:
            raise failure
        if self._apart is not None:
            self._apart.rest(self._records)
        check_ends(self._records.records(), last=self._clock.now())
        unread, frames = self.player.unread, self.player.tape.taken
        return Replayed(
            records=tuple(self._records.records()),
            frames=frames,
            start=self._start,
            end=self._clock.now(),
            unread=f"{unread.text(frames)}, {unread.share(frames):.2g} %" if unread.total else "",
            unread_count=unread.total,
            missing=tuple(self._missing()),
        )

    def _missing(self) -> Iterator[str]:
        """What the recordings lost, as far as they were played; orders that run apart need not all of it."""
        every = [path for one in self._exchanges.values() for path in one.paths]
        return in_words(self._holes.losses, every if self._apart is None else ())

    def _check_read(self, failure: TwapError | None) -> None:
        """Tell nothing over messages that nobody read.

        Raises:
            InvalidRequest: a file broke off, or there are more of them than allowed, or any where something
                else failed, too.
        """
        if self.player.tape.failure is not None:
            raise self.player.tape.failure
        unread, frames = self.player.unread, self.player.tape.taken
        allowed = ZERO if failure is not None else self._skip_unread
        if unread.share(frames) > allowed and not isinstance(failure, InvalidRequest | UnknownSymbol):
            raise InvalidRequest(
                f"no result: {' and '.join(map(str, unread.paths))} has unreadable messages, "
                f"{unread.text(frames)}. "
                f"They are {unread.share(frames):.2g} %; at most {allowed} % may be skipped (--skip-unread)",
                field="recording",
            )

    async def _through(
        self, orders: Sequence[TwapOrderRequest], market: LiveMarket, engine: Engine
    ) -> TwapError | None:
        """Submit and play to the end; what is wrong with the orders is returned, for an orderly end."""
        await engine.ready.wait()
        try:
            await self._begin(orders, market, engine)
            await self._work(orders, engine)
        except TwapError as error:
            return error
        return None

    async def _work(self, orders: Sequence[TwapOrderRequest], engine: Engine) -> None:
        if self._only_reads:
            await self.player.ended.wait()
        elif self._apart is None:
            await self._together(orders, engine)
        else:
            await self._work_apart(self._apart, engine)

    async def _together(self, orders: Sequence[TwapOrderRequest], engine: Engine) -> None:
        """Send all at once, and play to the end."""
        now = self._clock.now()
        requests = [to_request(order, now=now) for order in orders]
        for request, order in zip(requests, orders, strict=True):
            check_begins([request], first=self._first(order), live=now)
        await engine.submit(USER, requests)
        await self.player.ended.wait()

    async def _work_apart(self, apart: ApartOrders, engine: Engine) -> None:
        apart.check(live=self._clock.now())
        await apart.work(engine, self._records, clock=self._clock, ended=self.player.ended)

    async def _begin(self, orders: Sequence[TwapOrderRequest], market: LiveMarket, engine: Engine) -> None:
        """Play until the books of all orders are live."""
        await self._until_listed()

        def show(needed: Sequence[Sequence[Instrument]]) -> None:
            self._show(list(zip(orders, needed, strict=True)), market, engine)

        await NeededBooks(self._exchanges, market, self.player).until_live(orders, on_held=show)

    async def _watch(self) -> None:
        if self._onlooker is not None:
            await self._looking.wait()
            await self._onlooker.run()

    def _show(
        self,
        needed: Sequence[tuple[TwapOrderRequest, Sequence[Instrument]]],
        market: LiveMarket,
        engine: Engine,
    ) -> None:
        """Tell the onlooker where the orders trade."""
        if self._onlooker is not None:
            traded = [Traded(_place_of(order, found), found[0].id.symbol) for order, found in needed]
            self._onlooker.look_at(traded, market=market, engine=engine, clock=self._clock)
            self._looking.set()

    def _first(self, order: TwapOrderRequest) -> Nanos:
        """When the first message was received of an order's exchange."""
        own = self._exchanges.get(exchange_name(order.exchange))
        return self._start if own is None else own.first

    async def _until_listed(self) -> None:
        """Wait without a timer: no time passes, so no frame is played yet.

        Raises:
            InvalidRequest: a list cannot be used, so that time went by until the recordings' end.
        """
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(one.wait()) for one in (self._listed, self.player.ended)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()
        if self._unlisted:
            names = ", ".join(sorted(self._unlisted))
            raise InvalidRequest(
                f"the instruments of {names} cannot be told from the recording", field="recording"
            )

    def _market(self) -> LiveMarket:
        exchanges = self._exchanges.values()
        return LiveMarket(
            [one.shape for one in exchanges],
            self._collector_config(),
            registry=BookRegistry(keeps_trades=False),
            interest=BookInterest(self._clock),
            clock=self._clock,
            rng=random.Random(1),
            on_instruments=lambda name, _: self._on_list(name),
            network=Network(
                open_socket=self.player.open,
                transport=lambda: httpx.MockTransport(self._answer),
                new_stream=lambda exchange: RecordedStream(exchange, self.player),
                on_unreadable=self.player.on_unreadable,
            ),
            watches_health=False,
        )

    def _collector_config(self) -> CollectorConfig:
        own = {name: self._own_config(one) for name, one in self._exchanges.items()}
        changed: dict[str, object] = {
            "exchanges": own, "lifetime_s": _NEVER_S, "silence_s": _NEVER_S, "look_every_ms": _LOOK_EVERY_MS
        }  # fmt: skip
        if all(one.has_made_list for one in self._exchanges.values()):
            changed["status_refresh_s"] = _NEVER_S
        return self._settings.collector.model_copy(update=changed)

    def _own_config(self, one: PlayedExchange) -> ExchangeConfig:
        given = self._settings.exchanges.get(one.name, ExchangeConfig())
        return given.model_copy(
            update={
                "ws_url": f"ws://recording/{one.name}",
                "rest_url": f"http://recording/{one.name}",
                "depth": one.depth,
            }
        )

    def _on_list(self, name: str) -> None:
        self._unlisted.discard(name)
        if not self._unlisted:
            self._listed.set()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """Answer over REST in the place of the exchange whose name the address begins with."""
        return await self._exchanges[request.url.path.split("/")[1]].rest(request)

    def _engine(self, market: LiveMarket) -> Engine:
        numbers = count(1)
        return Engine(
            store=self._records,
            market=market,
            events=Bus() if self._onlooker is None else self._onlooker,
            clock=self._clock,
            config=self._settings.engine,
            new_id=lambda: f"{next(numbers):032x}",
            has_users=False,
        )


def _place_of(order: TwapOrderRequest, found: Sequence[Instrument]) -> str:
    """The exchange that an order trades on, or ``aggregate``."""
    is_merged = exchange_name(order.exchange) == AGGREGATE
    return AGGREGATE if is_merged else found[0].id.exchange

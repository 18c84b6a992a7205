"""Replay a recording in virtual time through the live collector, books and engine: hours in seconds.

In: a recording and orders. Out: all that was recorded of each order, from which its execution report is made.
Only the network, the clock and the store are others than in a running server.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

import httpx
from starlette.applications import Starlette

from twap_models.enums import AGGREGATE
from twap_models.names import exchange_name
from twap_models.orders import TwapOrderRequest
from twap_server.api.wire.requests import resolve, to_request
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import VirtualClock
from twap_server.collector.config import ExchangeConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import Network
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import BookUnavailable, InvalidRequest, TwapError, UnknownSymbol
from twap_server.domain.exact import ZERO
from twap_server.domain.market.errors import FeedError
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.orders.record import OrderRecord
from twap_server.engine.engine import Engine
from twap_server.exchanges.base import Exchange, Start
from twap_server.exchanges.registry import EXCHANGES
from twap_server.feed.bus import Bus
from twap_server.recordings.frames import Recording, frames, is_answer
from twap_server.replay.answers import RecordedRest
from twap_server.replay.apart import ApartOrders, HandOut
from twap_server.replay.depth import recorded_depth
from twap_server.replay.origin import Origins, exchange_of, of_one
from twap_server.replay.player import TapePlayer
from twap_server.replay.records import MemoryRecords
from twap_server.replay.virtual import ReplayLoop
from twap_server.replay.windows import check_begins, check_ends
from twap_server.runtime import garbage
from twap_server.settings import Settings
from twap_server.venue.exchange import Switchboard
from twap_server.venue.instruments import BINANCE, KRAKEN
from twap_server.venue.recording import RecordingSource

USER = "replay"
_OWNER = "replay"
_SCANNED = 2_000
"""Messages among which the first books and lists are looked for."""
_SIMULATED = (BINANCE, KRAKEN)
"""Exchanges whose instruments can be told from a recording without their list."""
ORIGINS = Origins(
    {address: one.name for one in EXCHANGES for address in (one.default_ws_url, *one.other_ws_urls)}
)
_LOOK_EVERY_S = 0.01
_LOOK_EVERY_MS = 2_000
"""Silence and unanswered requests are of seconds; nothing waits for it."""
_NEVER_S = 1_000_000_000
"""No planned reconnects: the recording is one connection."""


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


def replay(
    recording: Path | Recording,
    orders: Sequence[TwapOrderRequest],
    settings: Settings,
    *,
    instruments: Path | None = None,
    skip_unread: Decimal = ZERO,
    make_loop: Callable[[VirtualClock, TapePlayer], ReplayLoop] = ReplayLoop,
) -> Replayed:
    """Play a recording from its first message to its last with these orders, submitted once their books live.

    Times of orders are times of the recording; ``now`` is when the books became live. What is still open when
    the recording ends stays open: its report is not final.

    Args:
        recording: what an exchange sent.
        orders: played at once.
        settings: of the server.
        instruments: the exchange's list of instruments, where the recording does not hold it: its answer over
            REST as JSON, or a recording of it.
        skip_unread: percent of the messages that may be unreadable; more are an error, for a result over
            messages that nobody read would be a guess.
        make_loop: for tests.

    Raises:
        InvalidRequest: no such recording, none that can be replayed, one with unreadable messages, or an
            order that is for another exchange or for a time outside of the recording.
        BookUnavailable: the recording ends before a book is live.
        UnknownSymbol: the recording does not have the instrument of an order.
    """
    played = recording if isinstance(recording, Recording) else Recording(recording)
    run = _Run(played, settings, instruments=instruments, skip_unread=skip_unread)
    tuned = garbage.aside() if settings.runtime.tune_gc else nullcontext()
    with tuned, asyncio.Runner(loop_factory=lambda: make_loop(run.player.clock, run.player)) as runner:
        return runner.run(run.play(orders))


def replay_apart(
    recording: Path | Recording,
    orders: Sequence[TwapOrderRequest],
    settings: Settings,
    *,
    hand_out: HandOut,
    instruments: Path | None = None,
    skip_unread: Decimal = ZERO,
) -> Replayed:
    """Play a recording once for many orders, each of a user of its own who sends it when it starts.

    Args:
        recording: what an exchange sent; played until all of the orders are over.
        orders: with absolute starts, and token ids of which no two are the same.
        settings: of the server.
        hand_out: takes each order's record as soon as nothing more will happen to it; what is given back has
            none.
        instruments: as for ``replay``, as is ``skip_unread``.

    Raises:
        InvalidRequest, BookUnavailable, UnknownSymbol: as ``replay``; or an order starts before the books are
            live.
    """
    played = recording if isinstance(recording, Recording) else Recording(recording)
    apart = ApartOrders([to_request(one, now=_start_of(one)) for one in orders], hand_out)
    run = _Run(played, settings, instruments=instruments, skip_unread=skip_unread, apart=apart)
    tuned = garbage.aside() if settings.runtime.tune_gc else nullcontext()
    with tuned, asyncio.Runner(loop_factory=lambda: ReplayLoop(run.player.clock, run.player)) as runner:
        return runner.run(run.play(orders))


def _start_of(order: TwapOrderRequest) -> Nanos:
    """When an order starts.

    Raises:
        InvalidRequest: it says no moment.
    """
    if not isinstance(order.start_time, datetime):
        raise InvalidRequest(
            f"order {order.token_id} has no absolute start_time: give one", field="start_time"
        )
    return resolve(order.start_time, now=Nanos(0), field="start_time")


def _simulated(source: RecordingSource, clock: Clock) -> httpx.AsyncBaseTransport:
    """Where an exchange can be simulated from a recording: its instruments."""
    board = Switchboard(source, clock=clock, recurring=())
    return httpx.ASGITransport(app=Starlette(routes=board.routes()))


def _add_list(rest: RecordedRest, path: Path) -> None:
    """Take the list of instruments from a file.

    Raises:
        InvalidRequest: there is none, or it cannot be read.
    """
    if path.suffix == ".gz" or path.is_dir():
        for at, raw, line, conn in frames(path):
            if is_answer(conn):
                rest.note(at, raw, -line, conn)
        return
    try:
        rest.list_body = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", field="--instruments") from None


def _listed(exchange: Exchange, rest: RecordedRest) -> Sequence[Instrument]:
    """Read the list of instruments: asking again, as a server does, would never give another.

    Raises:
        InvalidRequest: it cannot be read, or has nothing.
    """
    why = "it has nothing that can be read"
    try:
        if found := rest.lead(exchange.instruments()).found:
            return found
    except (TwapError, FeedError) as error:
        why = str(error)
    raise InvalidRequest(
        f"{exchange.name}'s list of instruments cannot be used: {why}: give another with --instruments, "
        "a recording of it where it takes more than one answer",
        field="--instruments",
    )


class _Run:
    def __init__(
        self,
        recording: Recording,
        settings: Settings,
        *,
        instruments: Path | None,
        skip_unread: Decimal,
        apart: ApartOrders | None = None,
    ) -> None:
        path = recording.path
        self._name = exchange_of(path, recording.frames(), ORIGINS)
        self._shape = next(one for one in EXCHANGES if one.name == self._name)
        self._rest = RecordedRest(f"/{self._name}")
        self.player = TapePlayer(of_one(path, recording.frames(), ORIGINS, self._rest.note))
        self._clock, self._records = self.player.clock, MemoryRecords()
        self._start = self._clock.now()
        self._source: RecordingSource | None = None
        self._depth = 0
        self._settings = settings
        self._recording = recording
        self._skip_unread = skip_unread
        self._listed = asyncio.Event()
        self._apart = apart
        self._find_list(instruments)

    def _find_list(self, instruments: Path | None) -> None:
        """Let the REST of the exchange know its list of instruments, from the recording or from beside it.

        Raises:
            InvalidRequest: it cannot.
        """
        rest, first = self._rest, next(self._shape().instruments())
        rest.clock = self._clock
        rest.list_paths.add(first.path)
        begin = list(islice(self._recording.frames(), _SCANNED))
        for frame in begin:
            if is_answer(frame[3]):
                rest.note(*frame)
        if instruments is not None:
            _add_list(rest, instruments)
        if rest.known(first) is not None:
            exchange = self._shape()
            self._depth = recorded_depth(exchange, _listed(exchange, rest), rest, begin)
        elif self._name in _SIMULATED and not self._recording.path.is_dir():
            self._source = RecordingSource(self._recording.path, clock=self._clock)
            self._depth = self._source.depth
            rest.fallback = _simulated(self._source, self._clock)
        else:
            beside = f", nor does {instruments} hold" if instruments is not None else ""
            raise InvalidRequest(
                f"the recording does not hold{beside} {self._name}'s list of instruments, which says "
                "how prices and quantities are written: give it with --instruments FILE, the answer of "
                f"{self._shape.default_rest_url}{first.path} as JSON, or a recording of it",
                field="recording",
            )

    async def play(self, orders: Sequence[TwapOrderRequest]) -> Replayed:
        market = self._market()
        engine = self._engine(market)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(engine.run(), name="engine")
            collecting = group.create_task(market.run(), name="market data")
            failure = await self._through(orders, market, engine)
            engine.stop()
            await asyncio.wait([working])
            collecting.cancel()
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
        )

    def _check_read(self, failure: TwapError | None) -> None:
        """Tell nothing over messages that nobody read.

        Raises:
            InvalidRequest: the file broke off, or there are more of them than allowed, or any where something
                else failed, too.
        """
        if self.player.tape.failure is not None:
            raise self.player.tape.failure
        unread, frames = self.player.unread, self.player.tape.taken
        allowed = ZERO if failure is not None else self._skip_unread
        if unread.share(frames) > allowed and not isinstance(failure, InvalidRequest | UnknownSymbol):
            raise InvalidRequest(
                f"no result: {self._recording.path} has unreadable messages, {unread.text(frames)}. "
                f"They are {unread.share(frames):.2g} %; at most {allowed} % may be skipped (--skip-unread)",
                field="recording",
            )

    async def _through(
        self, orders: Sequence[TwapOrderRequest], market: LiveMarket, engine: Engine
    ) -> TwapError | None:
        """Submit and play to the end; what is wrong with the orders is returned, for an orderly end."""
        await engine.ready.wait()
        try:
            await self._begin(orders, market)
            await (self._together(orders, engine) if self._apart is None else self._work_apart(engine))
        except TwapError as error:
            return error
        return None

    async def _together(self, orders: Sequence[TwapOrderRequest], engine: Engine) -> None:
        """Send all at once, and play to the end."""
        now = self._clock.now()
        requests = [to_request(order, now=now) for order in orders]
        check_begins(requests, first=self._start, live=now)
        await engine.submit(USER, requests)
        await self.player.ended.wait()

    async def _work_apart(self, engine: Engine) -> None:
        assert self._apart is not None
        self._apart.check(live=self._clock.now())
        await self._apart.work(engine, self._records, clock=self._clock, ended=self.player.ended)

    async def _begin(self, orders: Sequence[TwapOrderRequest], market: LiveMarket) -> None:
        """Play until the books of all orders are live."""
        await self._listed.wait()  # without a timer: no time passes, so no frame is played yet
        instruments = {self._instrument(order, market) for order in orders}
        for instrument in instruments:
            self._check_begins(instrument, market)
            market.hold(instrument.id, _OWNER)
        for instrument in instruments:
            await self._until_live(instrument.id, market)

    def _instrument(self, order: TwapOrderRequest, market: LiveMarket) -> Instrument:
        """Find the instrument of an order.

        Raises:
            InvalidRequest: the order is for another exchange.
            UnknownSymbol: the recording has nothing of it.
        """
        name = self._name
        if exchange_name(order.exchange) not in (name, AGGREGATE):
            raise InvalidRequest(
                f"order {order.token_id} is for {order.exchange}, and the recording is of {name}: "
                f"set its exchange to {name}, or replay a recording of {order.exchange}",
                field="--order",
            )
        try:
            return market.find_instrument(name, order.symbol)
        except UnknownSymbol as error:
            if self._source is None:
                raise UnknownSymbol(f"order {order.token_id}: {error}") from None
            held = ", ".join(sorted(self._source.pairs(name)))
            raise UnknownSymbol(
                f"order {order.token_id}: the recording has no message of {order.symbol}; it has {held}"
            ) from None

    def _check_begins(self, instrument: Instrument, market: LiveMarket) -> None:
        exchange = market.collector(instrument.id.exchange).exchange
        if exchange.start is not Start.FETCHED:
            return
        asked = next(exchange.snapshot(instrument))
        self._rest.book_paths.add(asked.path)
        if self._rest.known(asked) is None:
            raise InvalidRequest(
                f"the recording holds no REST book of {instrument.native} near its start: "
                f"a book of {exchange.name} cannot begin without one",
                field="recording",
            )

    async def _until_live(self, instrument: InstrumentId, market: LiveMarket) -> None:
        while (view := market.view(instrument, 1)) is None or view.status is not BookStatus.LIVE:
            if self.player.ended.is_set():
                raise BookUnavailable(f"the recording ends before the book of {instrument} is live")
            await self._clock.sleep(_LOOK_EVERY_S)

    def _market(self) -> LiveMarket:
        name = self._name
        given = self._settings.exchanges.get(name, ExchangeConfig())
        told = {
            "ws_url": f"ws://recording/{name}",
            "rest_url": f"http://recording/{name}",
            "depth": self._depth,
        }
        config = self._settings.collector.model_copy(
            update={
                "exchanges": {name: given.model_copy(update=told)},
                "lifetime_s": _NEVER_S,
                "look_every_ms": _LOOK_EVERY_MS,
            }
        )
        return LiveMarket(
            [self._shape],
            config,
            registry=BookRegistry(),
            interest=BookInterest(self._clock),
            clock=self._clock,
            rng=random.Random(1),
            on_instruments=lambda *_: self._listed.set(),
            network=Network(
                open_socket=self.player.open,
                transport=lambda: httpx.MockTransport(self._rest),
                on_unreadable=self.player.on_unreadable,
            ),
        )

    def _engine(self, market: LiveMarket) -> Engine:
        numbers = count(1)
        return Engine(
            store=self._records,
            market=market,
            events=Bus(),
            clock=self._clock,
            config=self._settings.engine,
            new_id=lambda: f"{next(numbers):032x}",
        )

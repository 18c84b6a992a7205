"""An order's state is a function of its events, whatever users, market, store and time do.

Random scripts drive the real engine under virtual time; ``support.replay`` rebuilds each order from its
events alone, and what the store holds must equal it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

import looptime
from hypothesis import event, given, settings
from hypothesis import strategies as st

from support import examples
from support.clocks import LoopClock
from support.replay import Replay, state_of
from support.stores.orders import MemoryStore
from support.trading import BTC, HandMarket, request
from twap_models.enums import Carry, Fidelity, LateStart, Side
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.order import OrderEvent
from twap_server.domain.orders.terms import Amendment
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine

LONGEST_WINDOW_S, LONGEST_SCRIPT_S = 12, 600


@dataclass
class World:
    """An engine at work, and its users."""

    clock: LoopClock = field(default_factory=LoopClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    told: list[tuple[str, OrderEvent]] = field(default_factory=list)
    refused: list[TwapError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.market = HandMarket(self.clock)
        self.market.fee = Decimal("0.001")
        self._numbers = count(1)

    async def play(self, script: list["Action"]) -> None:
        """Do all of it, then heal everything and wait until every order has ended."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._start()
            for action in script:
                await self._do(action)
            self.store.failing, self.store.doubt, self.store.latency_s = False, None, 0
            while any(order.status.is_open for order in self.store.orders.values()):
                assert asyncio.get_running_loop().time() < LONGEST_SCRIPT_S, "an order that never ends"
                await asyncio.sleep(1)
            self._task.cancel()

    async def _start(self) -> None:
        self.engine = Engine(
            store=self.store,
            market=self.market,
            events=self,
            clock=self.clock,
            config=EngineConfig(max_slices=60),
            new_id=lambda: f"o{next(self._numbers)}",
        )
        self._task = self._group.create_task(self.engine.run())

    def publish(self, user_id: str, event: OrderEvent) -> None:
        self.told.append((user_id, event))

    async def _do(self, action: "Action") -> None:
        try:
            await action(self)
        except TwapError as error:
            self.refused.append(error)

    async def restart(self) -> None:
        """Kill the engine and start another on the same store."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._start()

    def named(self, which: int) -> tuple[str, str]:
        """User and token of an order, an open one while there is one."""
        orders = list(self.store.orders.values())
        orders = [order for order in orders if order.status.is_open] or orders
        if not orders or which == 0:
            return "eve", "a"
        terms = orders[which % len(orders)].terms
        return terms.user_id, terms.token_id

    async def together(self, actions: list["Action"]) -> None:
        """Ask for all of it in one moment."""
        async with asyncio.TaskGroup() as group:
            for action in actions:
                group.create_task(self._do(action))


Action = Callable[[World], Awaitable[Any]]

users = st.sampled_from(["ada", "ada", "bob"])
targets = st.integers(0, 12)
tokens = st.sampled_from(["a", "a", "b", "c"])
lots = st.one_of(*[st.integers(20_000, 300_000)] * 4, st.integers(4_900, 5_100), st.integers(1, 20_000))
quantities = lots.map(lambda number: number * BTC.lot_size)
prices = st.integers(9_700, 10_300).map(lambda cents: Decimal(cents) / 100)
seconds = st.sampled_from([0.1, 0.25, 0.5, 1, 1, 1, 2, 3, 5]).map(lambda number: round(number * SECOND))
ends = st.integers(1, LONGEST_WINDOW_S * 4).map(lambda number: number * SECOND // 4)


@st.composite
def submissions(draw: st.DrawFn) -> Action:
    user, starts_in = draw(users), draw(st.sampled_from([None, None, -4, -1, 0, 1, 2]))
    length, by_slices = draw(ends) + max(0, starts_in or 0) * SECOND, draw(st.booleans())
    fields = {
        "token_id": draw(tokens),
        "side": draw(st.sampled_from(Side)),
        "quantity": draw(quantities),
        "limit": draw(st.none() | st.none() | prices),
        "interval": None if by_slices else draw(seconds),
        "slices": draw(st.integers(1, 20)) if by_slices else None,
        "carry": draw(st.sampled_from(Carry)),
        "late_start": draw(st.sampled_from(LateStart)),
        "fidelity": draw(st.sampled_from(Fidelity)),
        "max_slippage_bps": draw(st.none() | st.sampled_from([Decimal(50), Decimal(200)])),
        "randomize": draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("12.5"), Decimal(50)])),
        "participation_cap": draw(st.none() | st.sampled_from([Decimal(10), Decimal(100)])),
    }

    async def submit(world: World) -> None:
        now = world.clock.now()
        start = None if starts_in is None else Nanos(now + starts_in * SECOND)
        asked = request(now, start=start, end=Nanos(now + length), fingerprint=str(fields), **fields)
        await world.engine.submit(user, [asked])

    return submit


@st.composite
def changes(draw: st.DrawFn) -> Action:
    which, what = draw(targets), draw(st.sampled_from(["cancel", "pause", "pause", "resume", "resume"]))
    return lambda world: getattr(world.engine, what)(*world.named(which))


@st.composite
def amendments(draw: st.DrawFn) -> Action:
    which, revision = draw(targets), draw(st.sampled_from([None, None, None, 1, 2]))
    quantity, end = draw(st.none() | quantities), draw(st.none() | ends)
    limit_set = draw(st.booleans()) or quantity is end is None
    limit = draw(st.none() | prices) if limit_set else None
    to_filled = draw(st.booleans())

    async def amend(world: World) -> None:
        user, token = world.named(which)
        wanted = quantity
        if to_filled and quantity is not None:  # seldom met by chance
            found = (await world.store.find(user, [token])).get(token)
            wanted = found.progress.filled if found and found.progress.filled else quantity
        until = None if end is None else Nanos(world.clock.now() + end)
        change = Amendment(quantity=wanted, limit=limit, limit_set=limit_set, end=until)
        await world.engine.amend(user, token, change, revision=revision)

    return amend


@st.composite
def market_moves(draw: st.DrawFn) -> Action:
    bid, spread = draw(st.integers(9_800, 10_100)), draw(st.integers(1, 50))
    sizes = draw(st.lists(st.sampled_from(["0.0001", "0.02", "0.3", "10"]), min_size=2, max_size=6))
    half = len(sizes) // 2
    bids = [(f"{(bid - 10 * n) / 100:.2f}", size) for n, size in enumerate(sizes[:half])]
    asks = [(f"{(bid + spread + 10 * n) / 100:.2f}", size) for n, size in enumerate(sizes[half:])]
    traded = draw(st.sampled_from(["0.01", "1", "5"]))
    status = draw(st.sampled_from([BookStatus.LIVE] * 4 + [BookStatus.STALE, BookStatus.RESYNCING]))

    async def move(world: World) -> None:
        assert world.market.live is not None
        world.market.live.status = status
        world.market.show(bids=bids, asks=asks)
        world.market.trade(asks[0][0], traded)

    return move


@st.composite
def failures(draw: st.DrawFn) -> Action:
    failing, doubt = draw(st.booleans()), draw(st.sampled_from([None, None, True, False]))

    latency = draw(st.sampled_from([0, 0, 0.05, 0.4]))

    async def fail(world: World) -> None:
        world.store.failing, world.store.doubt = failing, None if failing else doubt
        world.store.latency_s = latency

    return fail


def clock_jumps() -> st.SearchStrategy[Action]:
    async def jump(world: World, by: int) -> None:
        world.clock.jump += by

    lengths = st.sampled_from([-5 * SECOND, -SECOND, 100 * MILLISECOND, 2 * SECOND, 10 * SECOND])
    return lengths.map(lambda by: lambda world: jump(world, by))


def waits() -> st.SearchStrategy[Action]:
    lengths = st.sampled_from([0, 0.001, 0.1, 0.25, 0.25, 0.5, 0.5, 1, 1, 1, 2, 4])
    return lengths.map(lambda length: lambda _: asyncio.sleep(length))


commands = submissions() | submissions() | changes() | changes() | amendments() | amendments()
actions = (
    commands
    | commands
    | waits()
    | waits()
    | market_moves()
    | failures()
    | clock_jumps()
    | st.just(World.restart)
    | st.lists(commands, min_size=2, max_size=4).map(lambda several: lambda world: world.together(several))
)


def played(script: list[Action]) -> World:
    async def play() -> World:
        world = World()
        await world.play(script)
        return world

    loop = looptime.new_event_loop(start=0, noop_cycles=1)
    try:
        return loop.run_until_complete(play())
    finally:
        loop.close()


@settings(max_examples=examples.of(150), deadline=None)
@given(
    st.tuples(
        st.lists(submissions(), min_size=1, max_size=3), st.lists(actions, min_size=10, max_size=60)
    ).map(lambda parts: parts[0] + parts[1])
)
def test_the_state_of_an_order_is_a_function_of_its_events(script: list[Action]) -> None:
    check(played(script))


def check(world: World) -> None:
    log, orders = world.store.log, world.store.orders
    for name in {user for user, _ in log}:
        recorded = [happened for user, happened in log if user == name]
        assert [happened.seq for happened in recorded] == list(range(1, len(recorded) + 1))
        told = [happened for user, happened in world.told if user == name]
        assert told == sorted(told, key=lambda happened: happened.seq)
        assert all(recorded[happened.seq - 1] is happened for happened in told)
        assert len({happened.seq for happened in told}) == len(told), "told once"
    replays: dict[str, Replay] = {}
    for user, happened in log:
        assert user == happened.order.terms.user_id
        replay = replays.setdefault(happened.order.terms.order_id, Replay())
        replay.take(happened)
        assert replay.state() == state_of(happened.order), f"the order right after {happened.type}"
        event(happened.type.value)
        if happened.fills:
            event(f"filled of {happened.order.terms.carry}, randomize {happened.order.terms.randomize}")
    assert replays.keys() == orders.keys()
    for order_id, replay in replays.items():
        assert replay.is_over and replay.state() == state_of(orders[order_id])
        event(str(replay.status))
        kept = {index: part for (owner, index), part in world.store.slices.items() if owner == order_id}
        assert sorted(kept) == list(range(replay.next_slice))
        assert kept == replay.slices
    fills = [fill for replay in replays.values() for fill in replay.fills]
    assert {fill.fill_id: fill for fill in fills} == world.store.fills
    assert len(fills) == len(world.store.fills)

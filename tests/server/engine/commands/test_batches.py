"""engine/: commands that come at once are recorded in one transaction, and each is answered for itself."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from support.clocks import ALONE, EPOCH
from support.engine import EngineAtWork, working
from support.stores.orders import MemoryStore
from support.trading import request
from twap_models.enums import OrderStatus
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import CommitInDoubt, OrderNotOpen, StoreConflict, StoreUnavailable
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import Amendment
from twap_server.domain.orders.write import OrderWrite
from twap_server.engine.commands.batches import Command
from twap_server.engine.commands.queue import CommandQueue
from twap_server.engine.config import EngineConfig
from twap_server.engine.entry.results import SubmitResultKind

pytestmark = ALONE


class PickyStore(MemoryStore):
    """Cannot record some orders, by token id: of others it keeps one key, or no column takes their values."""

    def __init__(self, **refused: Exception) -> None:
        super().__init__()
        self.refused = refused
        self.tried: list[int] = []

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        self.tried.append(len(writes))
        for write in writes:
            if write.order.terms.token_id in self.refused:
                raise self.refused[write.order.terms.token_id]
        await super().commit(writes, samples)


async def at_once(desk: EngineAtWork, tokens: Sequence[str]) -> list[Order | BaseException]:
    """Submit each in a command of its own, by users in turn; all of them wait for the same turn."""
    return await asyncio.gather(
        *(
            desk.submit_as(("ada", "bob")[n % 2], token_id=token, start=Nanos(EPOCH + 5 * SECOND))
            for n, token in enumerate(tokens)
        ),
        return_exceptions=True,
    )


def seqs(desk: EngineAtWork, user: str) -> list[int]:
    return [event.seq for event in desk.told if event.order.terms.user_id == user]


async def test_many_commands_at_once_are_one_commit() -> None:
    async with working() as desk:
        tokens = [str(n) for n in range(64)]
        orders = await at_once(desk, tokens)
        assert {order.status for order in orders if isinstance(order, Order)} == {OrderStatus.ACCEPTED}
        assert [order.terms.token_id for order in orders if isinstance(order, Order)] == tokens
        assert desk.store.commits == 1
        assert len(desk.store.orders) == len(desk.told) == 64
        assert seqs(desk, "ada") == seqs(desk, "bob") == list(range(1, 33))


async def test_changes_of_different_orders_share_a_commit_with_new_ones() -> None:
    async with working() as desk:
        await at_once(desk, ["a", "b", "c"])
        before = desk.store.commits
        canceled, amended, paused, _, gone = await asyncio.gather(
            desk.engine.cancel("ada", "a"),
            desk.engine.amend("bob", "b", Amendment(quantity=Decimal(2))),
            desk.engine.pause("ada", "c"),
            desk.submit_as("bob", token_id="d", start=Nanos(EPOCH + 5 * SECOND)),
            desk.engine.cancel("bob", "nothing"),
            return_exceptions=True,
        )
        assert (canceled.status, amended.plan.quantity, paused.status) == (  # type: ignore[union-attr]
            OrderStatus.CANCELED, Decimal(2), OrderStatus.PAUSED,
        )  # fmt: skip
        assert isinstance(gone, Exception), "refused without touching the others"
        assert desk.store.commits == before + 1
        for order in (canceled, amended, paused):
            assert isinstance(order, Order)
            assert desk.now(order) == order


async def test_nobody_is_answered_before_the_commit() -> None:
    async with working() as desk:
        desk.store.latency_s = 0.5
        asked = asyncio.ensure_future(at_once(desk, ["a", "b", "c"]))
        await desk.until(0.4)
        assert not asked.done()
        assert desk.told == []
        await desk.until(0.6)
        assert asked.done()
        assert len(desk.told) == 3


async def test_one_key_twice_at_once_is_one_order_and_another_body_conflicts() -> None:
    async with working() as desk:
        now = desk.clock.now()
        bodies = [("same", Decimal(1)), ("same", Decimal(1)), ("other", Decimal(3)), ("same", Decimal(1))]
        answers = await asyncio.gather(
            *(
                desk.engine.submit("ada", [request(now, "a", fingerprint=print_, quantity=quantity)])
                for print_, quantity in bodies
            ),
            desk.engine.submit("bob", [request(now, "a")]),
        )
        kinds = [result.kind for (result,) in answers]
        assert kinds == [
            SubmitResultKind.NEW,
            SubmitResultKind.REPEAT,
            SubmitResultKind.CONFLICT,
            SubmitResultKind.REPEAT,
            SubmitResultKind.NEW,
        ]
        assert len({answers[n][0].order.terms.order_id for n in (0, 1, 3)}) == 1
        assert len(desk.store.orders) == 2


async def test_one_key_twice_in_a_list_is_one_order() -> None:
    async with working() as desk:
        now = desk.clock.now()
        results = await desk.engine.submit("ada", [request(now, "a"), request(now, "b"), request(now, "a")])
        assert [v.kind for v in results] == [
            SubmitResultKind.NEW,
            SubmitResultKind.NEW,
            SubmitResultKind.REPEAT,
        ]
        assert desk.store.commits == 1


@pytest.mark.parametrize(
    "error", [StoreConflict("a key was taken"), ValueError("no column takes this")], ids=["key", "value"]
)
async def test_a_command_whose_data_break_the_commit_fails_alone(error: Exception) -> None:
    store = PickyStore(t9=error)
    async with working(store) as desk:
        answers = await at_once(desk, [f"t{n}" for n in range(32)])
        assert answers.pop(9) is error
        assert all(isinstance(order, Order) and order.status.is_open for order in answers)
        assert {order.terms.token_id for order in store.orders.values()} == {
            order.terms.token_id for order in answers if isinstance(order, Order)
        }
        assert len(store.tried) <= 11, "halves, not one by one"
        assert seqs(desk, "ada") == list(range(1, 17))
        assert seqs(desk, "bob") == list(range(1, 16)), "the number it would have had is given to another"
        assert (await desk.submit(token_id="later")).status is OrderStatus.ACCEPTED


async def test_a_change_recorded_elsewhere_fails_alone_and_is_read_again() -> None:
    store = PickyStore()
    async with working(store) as desk:
        await at_once(desk, ["a", "b", "c", "d"])
        store.refused["c"] = StoreConflict("changed by somebody else")
        answers = await asyncio.gather(
            *(desk.engine.pause(("ada", "bob")[n % 2], token) for n, token in enumerate("abcd")),
            return_exceptions=True,
        )
        assert answers.pop(2) is store.refused.pop("c")
        assert [order.status for order in answers if isinstance(order, Order)] == [OrderStatus.PAUSED] * 3
        assert (await desk.engine.pause("ada", "c")).status is OrderStatus.PAUSED


async def test_when_the_store_fails_everybody_hears_it_and_nobody_is_told_of_anything() -> None:
    async with working() as desk:
        desk.store.failing = True
        answers = await at_once(desk, ["a", "b", "c"])
        assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
        assert desk.told == []
        assert desk.engine.open_orders == 0
        desk.store.failing = False
        again = await at_once(desk, ["a", "b", "c"])
        assert all(isinstance(order, Order) for order in again)
        assert seqs(desk, "ada") == [1, 2]


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_group_in_doubt_is_looked_up_as_one(recorded: bool) -> None:
    """Nobody is told what became of it until that is known; then all of it stands, or none."""
    async with working() as desk:
        desk.store.doubt = recorded
        answers = await at_once(desk, ["a", "b", "c"])
        assert [type(answer) for answer in answers] == [CommitInDoubt] * 3
        assert desk.told == []
        desk.store.failing = False
        await desk.until(1)
        assert len(desk.told) == desk.engine.open_orders == (3 if recorded else 0)
        again = await asyncio.gather(
            *(
                desk.engine.submit(
                    ("ada", "bob")[n % 2], [request(EPOCH, token, start=Nanos(EPOCH + 5 * SECOND))]
                )
                for n, token in enumerate("abc")
            )
        )
        assert {v.kind for (v,) in again} == {SubmitResultKind.REPEAT if recorded else SubmitResultKind.NEW}
        assert len(desk.store.orders) == 3


async def test_the_most_open_orders_hold_within_a_group() -> None:
    async with working(config=EngineConfig(max_open_orders=3)) as desk:
        wanted = [*(("ada", str(n)) for n in range(5)), ("bob", "0")]
        start = Nanos(EPOCH + SECOND)
        answers = await asyncio.gather(
            *(desk.submit_as(user, token_id=token, start=start) for user, token in wanted)
        )
        assert [order.status is OrderStatus.REJECTED for order in answers] == [False] * 3 + [True] * 2 + [
            False
        ]
        assert desk.store.commits == 1


async def test_who_has_gone_is_not_carried_out() -> None:
    async with working() as desk:
        gone = asyncio.ensure_future(desk.submit(token_id="gone"))
        kept = asyncio.ensure_future(desk.submit(token_id="kept"))
        await asyncio.sleep(0)
        gone.cancel()
        await kept
        assert [order.terms.token_id for order in desk.store.orders.values()] == ["kept"]


async def test_many_lists_at_once_do_not_hold_up_a_slice() -> None:
    async with working() as desk:
        order = await desk.submit()
        desk.store.latency_s = 0.02
        now = desk.clock.now()
        async with asyncio.TaskGroup() as group:
            for user in range(20):
                start, end = Nanos(EPOCH + 90 * SECOND), Nanos(EPOCH + 99 * SECOND)
                several = [request(now, str(n), start=start, end=end) for n in range(100)]
                group.create_task(desk.engine.submit(f"user{user}", several))
            await asyncio.sleep(0.5)
        await desk.until(6)
        late = [piece.decided - piece.due for piece in desk.store.results(order) if piece.decided]
        assert max(late) < SECOND // 10
        assert len(desk.store.orders) == 2_001


async def test_cancel_right_behind_the_submission_meets_the_order() -> None:
    async with working() as desk:
        _, canceled, again = await asyncio.gather(
            desk.submit(start=Nanos(EPOCH + SECOND)),
            desk.engine.cancel("ada", "a"),
            desk.engine.cancel("ada", "a"),
            return_exceptions=True,
        )
        assert isinstance(canceled, Order)
        assert canceled.status is OrderStatus.CANCELED
        assert isinstance(again, OrderNotOpen)


def test_a_group_names_no_order_twice_and_is_bounded() -> None:
    def command(*tokens: str) -> Command[None]:
        keys = frozenset(("ada", token) for token in tokens)
        return Command(keys=keys, decide=lambda context: None, answer=None)  # type: ignore[arg-type, return-value]

    commands = [command("a"), command("b"), command("a"), command("c", "d"), command(*"efghi"), command("j")]
    waiting = CommandQueue(most=9, most_of_user=9)
    for one in commands:
        waiting.add("ada", one)
    found = [waiting.take(most=3) for _ in range(4)]
    assert [[commands.index(one) for one in group] for group in found] == [[0, 1], [2, 3], [4], [5]]
    assert not waiting
    assert waiting.take(most=3) == []

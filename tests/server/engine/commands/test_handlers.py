"""engine/: pause, resume and amend against slices, under virtual time."""

import asyncio
from decimal import Decimal

import pytest

from support.changes import replace
from support.clocks import ALONE, EPOCH
from support.engine import working
from twap_models.enums import OrderEventType, OrderStatus
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import (
    InvalidRequest,
    OrderNotFound,
    OrderNotOpen,
    RevisionMismatch,
    StoreConflict,
    StoreUnavailable,
)
from twap_server.domain.orders.terms import Amendment

pytestmark = ALONE


async def test_a_paused_order_misses_its_slices_and_catches_up_once_resumed() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(2.5)
        paused = await desk.engine.pause("ada", "a")
        assert (paused.status, paused.progress.filled) == (OrderStatus.PAUSED, Decimal("0.3"))
        assert await desk.engine.pause("ada", "a") == paused, "paused already"
        await desk.until(5.5)
        assert desk.reasons(order)[3:] == ["paused"] * 3
        assert desk.now(order).status is OrderStatus.PAUSED
        resumed = await desk.engine.resume("ada", "a")
        assert resumed.status is OrderStatus.WORKING
        assert await desk.engine.resume("ada", "a") == resumed
        await desk.until(6.5)
        assert desk.store.results(order)[6].filled == Decimal("0.3"), "at most three equal slices"
        await desk.until(11)
        assert desk.now(order).status is OrderStatus.FILLED
        kinds = [event.type for event in desk.told]
        assert kinds.count(OrderEventType.PAUSED) == kinds.count(OrderEventType.RESUMED) == 1


async def test_an_order_paused_before_it_began_is_accepted_again_when_resumed() -> None:
    async with working() as desk:
        order = await desk.submit(start=Nanos(EPOCH + 5 * SECOND), end=Nanos(EPOCH + 15 * SECOND))
        await desk.engine.pause("ada", "a")
        assert (await desk.engine.resume("ada", "a")).status is OrderStatus.ACCEPTED
        await desk.engine.pause("ada", "a")
        await desk.until(16)
        done = desk.now(order)
        assert (done.status, done.progress.reason) == (OrderStatus.EXPIRED, "end_reached")
        assert desk.reasons(order) == ["paused"] * 10


async def test_only_the_future_is_replanned() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(3.5)
        before = desk.store.results(order)
        wanted = Amendment(quantity=Decimal("1.6"), limit=Decimal(101), limit_set=True)
        changed = await desk.engine.amend("ada", "a", wanted, revision=1)
        assert (changed.plan.revision, changed.plan.quantity, changed.plan.limit) == (2, Decimal("1.6"), 101)
        await desk.until(11)
        results = desk.store.results(order)
        assert results[:4] == before
        assert [piece.filled for piece in results[4:]] == [Decimal("0.2")] * 6
        assert desk.now(order).status is OrderStatus.FILLED


async def test_an_amendment_made_for_another_revision_is_refused_and_changes_nothing() -> None:
    async with working() as desk:
        order = await desk.submit()
        wanted = Amendment(limit=Decimal(100), limit_set=True)
        await desk.engine.amend("ada", "a", wanted, revision=1)
        with pytest.raises(RevisionMismatch, match="at revision 2, not 1"):
            await desk.engine.amend("ada", "a", Amendment(limit_set=True), revision=1)
        with pytest.raises(InvalidRequest):
            await desk.engine.amend("ada", "a", Amendment(end=Nanos(EPOCH)), revision=None)
        assert desk.now(order).plan.limit == 100
        assert desk.now(order).plan.revision == 2


async def test_slices_do_not_raise_the_revision() -> None:
    async with working() as desk:
        await desk.submit()
        await desk.until(4.5)
        changed = await desk.engine.amend("ada", "a", Amendment(limit_set=True), revision=1)
        assert changed.plan.revision == 2


async def test_amending_to_what_is_filled_ends_the_order_as_filled() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(2.5)
        done = await desk.engine.amend("ada", "a", Amendment(quantity=Decimal("0.3")), revision=None)
        assert done.status is OrderStatus.FILLED
        assert [event.type for event in desk.told][-2:] == [OrderEventType.AMENDED, OrderEventType.ENDED]
        await desk.until(12)
        assert desk.now(order) == done and len(desk.store.results(order)) == 3


async def test_what_has_ended_or_is_not_there_cannot_be_changed() -> None:
    async with working() as desk:
        await desk.submit()
        await desk.engine.cancel("ada", "a")
        for change in (desk.engine.pause, desk.engine.resume):
            with pytest.raises(OrderNotOpen, match="Canceled"):
                await change("ada", "a")
            with pytest.raises(OrderNotFound):
                await change("bob", "a")
        with pytest.raises(OrderNotOpen):
            await desk.engine.amend("ada", "a", Amendment(limit_set=True))


async def test_of_commands_at_once_each_meets_what_the_one_before_left() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(3.0)
        answers = await asyncio.gather(
            desk.engine.pause("ada", "a"),
            desk.engine.amend("ada", "a", Amendment(quantity=Decimal(2)), revision=1),
            desk.engine.cancel("ada", "a"),
            desk.engine.resume("ada", "a"),
            return_exceptions=True,
        )
        assert [getattr(one, "status", None) for one in answers] == [
            OrderStatus.PAUSED, OrderStatus.PAUSED, OrderStatus.CANCELED, None,
        ]  # fmt: skip
        assert isinstance(answers[3], OrderNotOpen)
        assert desk.now(order).status is OrderStatus.CANCELED


async def test_a_change_that_cannot_be_recorded_did_not_happen() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(1.5)
        before = desk.now(order)
        desk.store.failing = True
        for change in (
            desk.engine.pause("ada", "a"),
            desk.engine.amend("ada", "a", Amendment(quantity=Decimal(2))),
        ):
            with pytest.raises(StoreUnavailable):
                await change
        desk.store.failing = False
        assert desk.now(order) == before
        await desk.until(11)
        assert desk.now(order).progress.filled == 1


async def test_an_amended_order_survives_a_restart() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(2.5)
        await desk.engine.amend("ada", "a", Amendment(quantity=Decimal(2), end=Nanos(EPOCH + 20 * SECOND)))
        await desk.engine.pause("ada", "a")
        store, market = desk.store, desk.market
    async with working(store, market) as desk:
        assert (await desk.engine.pause("ada", "a")).status is OrderStatus.PAUSED
        await desk.engine.resume("ada", "a")
        await desk.until(21)
        done = desk.now(order)
        assert (done.status, done.progress.filled, done.plan.slice_count) == (OrderStatus.FILLED, 2, 20)


async def test_an_order_whose_end_has_passed_is_not_amended_even_before_it_was_looked_at() -> None:
    async with working() as desk:
        order = await desk.submit(limit=Decimal(50))
        await desk.until(5.5)
        desk.clock.jump += 60 * SECOND
        with pytest.raises(OrderNotOpen, match="has reached its end"):
            await desk.engine.amend("ada", "a", Amendment(quantity=Decimal(2)))
        await desk.until(7)
        assert desk.now(order).status is OrderStatus.EXPIRED


async def test_each_event_shows_the_order_right_after_it() -> None:
    async with working() as desk:
        await desk.submit(slices=1, interval=None)
        await desk.until(1)
        shown = [
            (event.type.value, event.order.status.value, event.order.progress.filled) for event in desk.told
        ]
        assert shown == [
            ("accepted", "Accepted", 0),
            ("working", "Working", 0),
            ("slice", "Filled", 1),
            ("ended", "Filled", 1),
        ]


async def test_many_commands_do_not_hold_up_a_slice() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.9)
        desk.store.latency_s = 0.02
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(desk.engine.pause("ada", "a"))
                group.create_task(desk.engine.resume("ada", "a"))
        await desk.until(6)
        late = [piece.decided - piece.due for piece in desk.store.results(order) if piece.decided]
        assert max(late) < SECOND // 10


async def test_a_change_over_what_somebody_else_recorded_is_refused_and_read_again() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.5)
        now = desk.now(order)
        theirs = replace(now, progress=replace(now.progress, version=now.progress.version + 5))
        desk.store.orders[order.terms.order_id] = theirs
        with pytest.raises(StoreConflict):
            await desk.engine.pause("ada", "a")
        assert (await desk.engine.pause("ada", "a")).progress.version == theirs.progress.version + 1

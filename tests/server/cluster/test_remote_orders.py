"""cluster/remote_orders.py and engine_role.py: a gateway and the owners of a partition, in virtual time."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from support.clocks import ALONE
from support.partitions import ADA, PARTITION, cluster
from support.trading import BTC, HandMarket
from twap_models.enums import ErrorCode, OrderStatus, RealismProfile, Side, SliceReason
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import (
    EngineBusy,
    InvalidRequest,
    OrderNotFound,
    OrderNotOpen,
    RevisionMismatch,
    StoreUnavailable,
    UnavailableError,
)
from twap_server.domain.orders.order import OrderEvent
from twap_server.domain.orders.realism import PROFILES
from twap_server.domain.orders.terms import Amendment
from twap_server.engine.entry.results import SubmitResultKind

pytestmark = ALONE
HOUR = 3_600 * SECOND


async def test_orders_are_worked_by_an_engine_elsewhere() -> None:
    async with cluster() as nodes:
        await nodes.own()
        (result,) = await nodes.orders.submit(ADA, [nodes.request()])
        assert result.kind is SubmitResultKind.NEW
        assert result.order.terms == nodes.order().terms
        (again,) = await nodes.orders.submit(ADA, [nodes.request(end=result.order.plan.end)])
        assert again.kind is SubmitResultKind.REPEAT
        await asyncio.sleep(4.5)
        assert nodes.order().progress.filled == Decimal("0.5")
        assert (await nodes.orders.pause(ADA, "a")).status is OrderStatus.PAUSED
        assert (await nodes.orders.resume(ADA, "a")).status is OrderStatus.WORKING
        amended = await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(2)), revision=1)
        assert (amended.plan.quantity, amended.plan.revision) == (2, 2)
        assert (await nodes.orders.cancel(ADA, "a")).status is OrderStatus.CANCELED


async def test_a_preview_is_made_with_a_book_that_nobody_watched_there() -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        book, owner.market.live = owner.market.live, None
        asking = asyncio.ensure_future(nodes.orders.preview(ADA, [nodes.request()], compare=True))
        await asyncio.sleep(0.3)
        assert owner.market.held
        owner.market.live = book
        (preview,) = await asking
        assert preview.cost is not None and preview.schedule is not None
        assert len(preview.strategies) == 5
        assert not owner.market.held
        (broken,) = await nodes.orders.preview(ADA, [nodes.request(symbol="NONE")])
        assert broken.broken


async def test_what_is_refused_is_refused_in_the_same_words() -> None:
    async with cluster() as nodes:
        await nodes.own()
        with pytest.raises(OrderNotFound, match="you have no order with token_id 'none'"):
            await nodes.orders.cancel(ADA, "none")
        await nodes.submit()
        with pytest.raises(RevisionMismatch):
            await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(2)), revision=7)
        with pytest.raises(InvalidRequest) as refused:
            await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(0)))
        assert (refused.value.field, refused.value.nearest) == ("quantity", Decimal("0.10000"))
        await nodes.orders.cancel(ADA, "a")
        with pytest.raises(OrderNotOpen):
            await nodes.orders.pause(ADA, "a")
        nodes.store.failing = True
        with pytest.raises(StoreUnavailable):
            await nodes.submit("b")


async def test_while_nobody_owns_the_partition_it_is_asked_again_for_five_seconds() -> None:
    async with cluster() as nodes:
        begin = nodes.now()
        with pytest.raises(UnavailableError, match="may have done it or not") as away:
            await nodes.submit()
        assert away.value.code is ErrorCode.UNAVAILABLE, "busy would say that nothing was done"
        assert 5 * SECOND <= nodes.now() - begin < 7 * SECOND
        assert away.value.retry_after > 0
        asking = asyncio.ensure_future(nodes.submit(end=nodes.now() + HOUR))
        await asyncio.sleep(3)
        await nodes.own()
        assert (await asking).status is OrderStatus.ACCEPTED


async def test_work_that_takes_longer_is_waited_for_and_done_once() -> None:
    async with cluster() as nodes:
        await nodes.own()
        nodes.store.latency_s = 9
        (result,) = await nodes.orders.submit(ADA, [nodes.request(end=nodes.now() + HOUR)])
        assert result.kind is SubmitResultKind.NEW
        assert len(nodes.store.orders) == 1


async def test_a_submission_is_new_although_its_owner_died_before_it_answered() -> None:
    async with cluster() as nodes:
        first = await nodes.own()
        first.store.after_commit = lambda writes: first.die()
        requests = [nodes.request(name, end=nodes.now() + HOUR) for name in ("a", "b", "a")]
        asking = asyncio.ensure_future(nodes.orders.submit(ADA, requests))
        await asyncio.sleep(0.5)
        assert len(nodes.store.orders) == 2, "recorded, and nobody knows"
        await nodes.own()
        results = await asking
        kinds = [one.kind for one in results]
        assert kinds == [SubmitResultKind.NEW, SubmitResultKind.NEW, SubmitResultKind.REPEAT]
        assert len(nodes.store.orders) == 2
        (again,) = await nodes.orders.submit(ADA, requests[:1])
        assert again.kind is SubmitResultKind.REPEAT, "the client's own repeat is one"


async def test_an_order_that_waited_until_its_end_is_not_used_up() -> None:
    async with cluster() as nodes:
        asking = asyncio.ensure_future(nodes.submit(end=nodes.now() + 2 * SECOND))
        await asyncio.sleep(3)
        await nodes.own()
        with pytest.raises(UnavailableError, match="before the end") as late:
            await asking
        assert late.value.code is ErrorCode.UNAVAILABLE
        assert not nodes.store.orders


@pytest.mark.parametrize("what", ["cancel", "pause", "resume"])
async def test_a_change_that_was_made_before_its_owner_died_is_made(what: str) -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        if what == "resume":
            await nodes.orders.pause(ADA, "a")
        owner.store.after_commit = lambda writes: owner.die()
        asking = asyncio.ensure_future(getattr(nodes.orders, what)(ADA, "a"))
        await asyncio.sleep(0.6)
        events = len(nodes.store.log)
        await nodes.own()
        made = await asking
        assert made == nodes.order()
        assert len(nodes.store.log) == events, "done once"
        if what == "cancel":
            with pytest.raises(OrderNotOpen):
                await nodes.orders.cancel(ADA, "a")


async def test_a_pause_whose_order_has_ended_meanwhile_was_made() -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + SECOND, end=nodes.now() + 3 * SECOND)
        owner.store.after_commit = lambda writes: owner.die()
        asking = asyncio.ensure_future(nodes.orders.pause(ADA, "a"))
        await asyncio.sleep(4)
        await nodes.own()
        assert (await asking).status is OrderStatus.PAUSED
        assert nodes.order().status is OrderStatus.EXPIRED


@pytest.mark.parametrize("revision", [1, None])
@pytest.mark.parametrize("dies", ["before", "after"])
async def test_an_amendment_is_made_once(revision: int | None, dies: str) -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        if dies == "after":
            owner.store.after_commit = lambda writes: owner.die()
        else:
            owner.die()
        wanted = Amendment(quantity=Decimal("2.000001"), limit=Decimal("101.005"), limit_set=True)
        asking = asyncio.ensure_future(nodes.orders.amend(ADA, "a", wanted, revision=revision))
        await asyncio.sleep(0.6)
        await nodes.own()
        made = await asking
        assert made == nodes.order()
        assert (made.plan.revision, made.plan.quantity, made.plan.limit) == (2, 2, Decimal("101.00"))


@pytest.mark.parametrize("revision", [1, None])
@pytest.mark.parametrize("what", ["amend", "cancel"])
async def test_a_change_that_lands_just_after_its_event_was_looked_for_is_made_once(
    what: str, revision: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        events_of, looks = nodes.store.events_of, 0
        looks_early = what == "amend" and revision is None

        async def too_early(*args: Any, **named: Any) -> Sequence[OrderEvent] | None:
            nonlocal looks
            looks += 1
            found = await events_of(*args, **named)
            return (found or [])[:1] if looks == 1 and looks_early else found

        monkeypatch.setattr(nodes.store, "events_of", too_early)
        owner.store.after_commit = lambda writes: owner.die()
        wanted = Amendment(quantity=Decimal(2))
        changing = (
            nodes.orders.cancel(ADA, "a")
            if what == "cancel"
            else nodes.orders.amend(ADA, "a", wanted, revision=revision)
        )
        asking = asyncio.ensure_future(changing)
        await asyncio.sleep(0.6)
        await nodes.own()
        made = await asking
        assert looks == (2 if looks_early else 1)
        assert made == nodes.order()
        assert len(nodes.store.log) == 2, "done once"


@pytest.mark.parametrize(
    ("revision", "what"), [(None, "cancel"), (None, "pause"), (None, "resume"), (1, "amend"), (None, "amend")]
)
async def test_who_waits_for_an_owner_reads_nothing_again_and_again(
    what: str, revision: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        owner.die()
        events_of, looks = nodes.store.events_of, 0

        async def counted(*args: Any, **named: Any) -> Sequence[OrderEvent] | None:
            nonlocal looks
            looks += 1
            return await events_of(*args, **named)

        monkeypatch.setattr(nodes.store, "events_of", counted)
        with pytest.raises(UnavailableError):
            if what == "amend":
                await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(2)), revision=revision)
            else:
                await getattr(nodes.orders, what)(ADA, "a")
        assert looks == (1 if what == "amend" and revision is None else 0)


@pytest.mark.parametrize("what", ["pause", "resume", "amend"])
async def test_a_change_of_before_that_was_undone_since_is_not_ours(what: str) -> None:
    """It looks the same as the one whose answer is missing, and is a second old."""
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        changes = {
            "pause": lambda: nodes.orders.pause(ADA, "a"),
            "resume": lambda: nodes.orders.resume(ADA, "a"),
            "amend": lambda: nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(2))),
            "undo": lambda: nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(3))),
        }
        steps = {
            "pause": ["pause", "resume"],
            "resume": ["pause", "resume", "pause"],
            "amend": ["amend", "undo"],
        }
        for step in steps[what]:
            await changes[step]()
        owner.die()
        asking = asyncio.ensure_future(changes[what]())
        await asyncio.sleep(0.6)
        await nodes.own()
        assert await asking == nodes.order()
        expected = OrderStatus.PAUSED if what == "pause" else OrderStatus.ACCEPTED
        assert nodes.order().status is expected


async def test_an_owner_that_is_at_work_for_ever_is_not_waited_for_as_long() -> None:
    async with cluster() as nodes:
        await nodes.own()
        nodes.store.latency_s = 1_000
        begin = nodes.now()
        with pytest.raises(UnavailableError):
            await nodes.orders.submit(ADA, [nodes.request(end=nodes.now() + HOUR)])
        assert nodes.now() - begin < 70 * SECOND


async def test_another_ones_amendment_is_not_ours() -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        await nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(3)), revision=1)
        owner.die()
        asking = asyncio.ensure_future(
            nodes.orders.amend(ADA, "a", Amendment(quantity=Decimal(2)), revision=1)
        )
        await asyncio.sleep(0.5)
        await nodes.own()
        with pytest.raises(RevisionMismatch):
            await asking


async def test_who_gives_the_partition_away_answers_what_is_under_way_and_loses_nothing() -> None:
    async with cluster() as nodes:
        first = await nodes.own()
        nodes.store.latency_s = 0.3
        asking = [asyncio.ensure_future(nodes.submit(f"t{number}")) for number in range(4)]
        await asyncio.sleep(0.05)
        leaving = asyncio.ensure_future(first.give_away())
        late = asyncio.ensure_future(nodes.submit("late"))
        await leaving
        assert asking[0].done(), "its turn was under way"
        await nodes.own(market=first.market)
        accepted = await asyncio.gather(*asking, late)
        assert all(one.status is OrderStatus.ACCEPTED for one in accepted)
        assert len(nodes.store.orders) == 5


async def test_books_are_released_when_the_partition_is_given_away() -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        order = await nodes.submit()
        assert owner.market.held == {f"order:{order.terms.order_id}@partition/{PARTITION}:1"}
        await owner.give_away()
        assert not owner.market.held
        assert PARTITION not in owner.role.engines


async def test_slices_between_two_owners_are_lost_to_a_server_that_was_down() -> None:
    async with cluster() as nodes:
        first = await nodes.own()
        order = await nodes.submit()
        await asyncio.sleep(2.5)
        first.die()
        await asyncio.sleep(4)
        await nodes.own()
        await asyncio.sleep(6)
        results = nodes.store.results(order)
        reasons = [one.reason for one in results]
        assert reasons[:3] == [None] * 3
        assert reasons[3:6] == [SliceReason.ENGINE_DOWN] * 3
        assert nodes.order().status is OrderStatus.FILLED, "the curve catches up"
        assert [event.seq for _, event in nodes.store.log] == list(range(1, len(nodes.store.log) + 1))


async def test_an_owner_that_was_replaced_writes_nothing_and_sends_who_asks_to_the_next() -> None:
    async with cluster() as nodes:
        old = await nodes.own()
        await nodes.submit(start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=60 * SECOND)
        await nodes.own()
        listening = nodes.hub.listening
        nodes.hub.listening = [one for one in listening if one.node is old.messenger]
        asking = asyncio.ensure_future(nodes.orders.cancel(ADA, "a"))
        await asyncio.sleep(1)
        assert not asking.done()
        assert nodes.order().status.is_open
        nodes.hub.listening = listening
        assert (await asking).status is OrderStatus.CANCELED


async def test_a_thousand_orders_at_once_cross_in_parts() -> None:
    async with cluster() as nodes:
        await nodes.own()
        weights = {"fingerprint": "f" * 600}
        requests = [nodes.request(f"t{number}", **weights) for number in range(1_000)]
        results = await nodes.orders.submit(ADA, requests)
        assert [one.order.terms.token_id for one in results] == [one.token_id for one in requests]
        assert {one.kind for one in results} == {SubmitResultKind.NEW}


async def test_own_impact_is_remembered_by_the_next_owner() -> None:
    async with cluster() as nodes:
        market = HandMarket(nodes.clock)
        market.show(bids=[("99", "10")], asks=[("100", "1"), ("101", "10"), ("102", "10")])
        first = await nodes.own(market=market)
        await nodes.submit(end=nodes.now() + 10 * SECOND, interval=10 * SECOND, quantity=Decimal(3))
        await nodes.submit("open", start=nodes.now() + HOUR, end=nodes.now() + 2 * HOUR, interval=HOUR)
        await asyncio.sleep(5)
        first.die()
        other = HandMarket(nodes.clock)
        other.show(bids=[("99", "10")], asks=[("100", "1"), ("102", "10")])
        book, other.live = other.live, None
        second = await nodes.own(market=other)
        await asyncio.sleep(1)
        taken = second.engine.own_taken(ADA, BTC.id, Side.BUY, [Decimal(100), Decimal(101)])
        assert taken == {}, "there is no book yet"
        other.live = book
        await asyncio.sleep(4)
        taken = second.engine.own_taken(ADA, BTC.id, Side.BUY, [Decimal(100), Decimal(101)])
        assert set(taken) == {Decimal(100)}, "101 is not displayed any more"
        assert Decimal("0.49") < taken[Decimal(100)] < Decimal("0.51"), "half of it after ten seconds"


@pytest.mark.parametrize("profile", [RealismProfile.IDEAL, RealismProfile.LOCAL])
async def test_own_impact_after_a_take_over_is_what_it_would_have_been(profile: RealismProfile) -> None:
    """To the last digit: fills of both engines fade alike."""

    async def taken(*, dies: bool) -> object:
        async with cluster() as nodes:
            begin, market = nodes.now(), HandMarket(nodes.clock)
            owner = await nodes.own(market=market)
            await nodes.submit(realism=PROFILES[profile], start=nodes.now() + SECOND)
            await asyncio.sleep(5.7)
            if dies:
                owner.die()
                owner = await nodes.own(market=market)
            await asyncio.sleep((begin + 9 * SECOND - nodes.now()) / SECOND)
            return owner.engine.own_taken(ADA, BTC.id, Side.BUY, [Decimal(100)])

    assert await taken(dies=True) == await taken(dies=False) != {}


async def test_who_looks_at_own_impact_is_shown_what_the_owner_knows() -> None:
    async with cluster() as nodes:
        owner = await nodes.own()
        await nodes.submit(end=nodes.now() + 10 * SECOND, interval=10 * SECOND)
        await asyncio.sleep(0.1)
        await nodes.orders.look(ADA, [BTC.id])
        prices = [Decimal(100), Decimal(101)]

        def shown() -> object:
            return nodes.orders.own_taken(ADA, BTC.id, Side.BUY, prices)

        assert shown() == owner.engine.own_taken(ADA, BTC.id, Side.BUY, prices) != {}
        for _ in range(12):
            await asyncio.sleep(1)
            shown()
        assert (
            Decimal("0.3")
            < nodes.orders.own_taken(ADA, BTC.id, Side.BUY, prices)[Decimal(100)]
            < Decimal("0.5")
        )
        asked = nodes.hub.questions
        await asyncio.sleep(10)
        assert nodes.hub.questions - asked <= 7, "nobody asked for it any more"
        assert shown() == {}
        owner.die()
        with pytest.raises(EngineBusy):
            await nodes.orders.look(ADA, [BTC.id])

"""engine/: an order meets an exchange that does not trade, takes only limits, or has delisted the market."""

from decimal import Decimal

import pytest

from support.clocks import ALONE
from support.engine import working
from twap_models.enums import OrderStatus, RejectReason
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import stricter, takes_orders

pytestmark = ALONE


@pytest.mark.parametrize("status", ["maintenance", "cancel_only", "post_only", "halt", "not_listed"])
async def test_slices_are_missed_as_not_tradable_until_the_market_trades_again(status: str) -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.5)
        desk.market.status = status
        await desk.until(2.9)
        assert desk.reasons(order) == ["filled", "not_tradable", "not_tradable"]
        desk.market.status = "trading"
        await desk.until(3.5)
        assert desk.reasons(order)[3] == "filled"
        assert desk.store.results(order)[3].filled == Decimal("0.3")


async def test_a_market_for_limits_only_fills_an_order_with_a_limit_and_no_other() -> None:
    async with working() as desk:
        free = await desk.submit(token_id="free")
        bound = await desk.submit(token_id="bound", limit=Decimal(100))
        await desk.until(0.5)
        desk.market.status = "limit_only"
        await desk.until(1.9)
        assert desk.reasons(free) == ["filled", "not_tradable"]
        assert desk.reasons(bound) == ["filled", "filled"]


@pytest.mark.parametrize(
    ("status", "limit", "told"),
    [
        ("maintenance", "100", "says: maintenance"),
        ("unreadable", "100", "cannot be read now"),
        ("limit_only", None, "give a price"),
        ("limit_only", "100", None),
    ],
)
async def test_a_new_order_is_refused_while_its_market_does_not_take_it(
    status: str, limit: str | None, told: str | None
) -> None:
    async with working() as desk:
        desk.market.status = status
        order = await desk.submit(limit=Decimal(limit) if limit else None)
        if told is None:
            assert order.status is OrderStatus.ACCEPTED
        else:
            assert (order.status, order.progress.reason) == (OrderStatus.REJECTED, RejectReason.NOT_TRADABLE)
            assert told in order.progress.detail


async def test_a_book_that_its_exchange_bars_us_from_is_not_called_stale() -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.5)
        assert desk.market.live is not None
        desk.market.live.status, desk.market.live.is_barred = BookStatus.DOWN, True
        await desk.until(1.9)
        assert desk.reasons(order) == ["filled", "not_tradable"]


@pytest.mark.parametrize("paused", [False, True])
async def test_an_order_whose_every_market_was_delisted_fails_with_what_it_has(paused: bool) -> None:
    async with working() as desk:
        order = await desk.submit()
        await desk.until(0.5)
        if paused:
            await desk.engine.pause("ada", "a")
        desk.market.status = "delisted"
        await desk.until(1.5)
        done = desk.now(order)
        assert (done.status, done.progress.reason) == (OrderStatus.FAILED, "delisted")
        assert done.progress.filled == Decimal("0.1")
        assert [event.type for event in desk.told][-1] == "ended"


def test_the_stricter_of_two_states_counts() -> None:
    pairs = {
        ("trading", "trading"): "trading",
        ("maintenance", "trading"): "maintenance",
        ("trading", "cancel_only"): "cancel_only",
        ("limit_only", "trading"): "limit_only",
        ("trading", "limit_only"): "limit_only",
        ("maintenance", "limit_only"): "maintenance",
        ("limit_only", "cancel_only"): "cancel_only",
        ("maintenance", "cancel_only"): "cancel_only",
    }
    assert {pair: stricter(*pair) for pair in pairs} == pairs
    assert [takes_orders("limit_only", limited=one) for one in (True, False)] == [True, False]

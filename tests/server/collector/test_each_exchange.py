"""Each exchange of the registry, collected over a real WebSocket: its book goes live, and comes back."""

import pytest

from support.asking import told
from support.collector.parts import until
from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.exchanges.loopback import collected
from twap_models.enums import ExchangeState
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)


def instrument_of(case: ExchangeCase) -> InstrumentId:
    (listed,) = told(case.shape().instruments(), *case.lists(case.entry)).found
    return listed.id


@each
async def test_a_book_goes_live_and_comes_back_after_a_cut(case: ExchangeCase) -> None:
    wanted = instrument_of(case)
    async with collected(case) as (exchange, market):
        market.hold(wanted, "test")
        view = await market.wait_live(wanted, 10)
        assert view.bids and view.asks and view.bids[0].price < view.asks[0].price
        await exchange.cut()
        await until(lambda: market.view(wanted, 1).status is not BookStatus.LIVE)  # type: ignore[union-attr]
        await market.wait_live(wanted, 10)
        assert exchange.connections == 2


@each
async def test_nothing_is_connected_before_a_book_is_wanted(case: ExchangeCase) -> None:
    async with collected(case) as (exchange, market):
        await until(lambda: market.loaded(case.shape.name))
        assert exchange.connections == 0
        assert market.exchanges()[0].state == ExchangeState.IDLE


@each
async def test_a_book_is_given_up_when_nobody_wants_it(case: ExchangeCase) -> None:
    wanted = instrument_of(case)
    async with collected(case) as (exchange, market):
        market.hold(wanted, "test")
        await market.wait_live(wanted, 10)
        market.release(wanted, "test")
        await until(lambda: not exchange.sockets)

"""domain/orders/trading_rules.py: one grid for all markets; quantities down, limits to the safe side."""

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.trading import BTC
from twap_models.enums import Side
from twap_server.domain.exact import common_multiple, floor_to, to_grid, whole_up
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.orders.trading_rules import smallest_on, takes, trading_rules_of

KRAKEN = replace(
    BTC,
    id=InstrumentId("kraken", "BTC-USDT"),
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.00000004"),
    min_quantity=Decimal("0.00005"),
    min_notional=Decimal("0.5"),
)

BITFINEX = replace(
    BTC, id=InstrumentId("bitfinex", "BTC-USDT"), tick_size=Decimal("0.00000001"), price_digits=5
)

LEG = trading_rules_of([BTC], {}, exchange="binance").destinations[0]


def test_a_quantity_goes_down_and_a_limit_to_the_safe_side() -> None:
    rules = trading_rules_of([BTC], {}, exchange="binance")
    assert rules.floor_lot(Decimal("1.000019")) == Decimal("1.00001")
    assert rules.safe_limit(Decimal("100.019"), Side.BUY) == Decimal("100.01")
    assert rules.safe_limit(Decimal("100.011"), Side.SELL) == Decimal("100.02")
    assert rules.safe_limit(None, Side.SELL) is None


@pytest.mark.parametrize(
    ("markets", "limit", "buys", "sells"),
    [
        ([BITFINEX], "118945.01", "118940", "118950"),
        ([BITFINEX], "0.0123456", "0.012345", "0.012346"),
        ([BTC, BITFINEX], "118945.017", "118945.01", "118945.02"),
        ([BTC, BITFINEX], "0.0123456", "0.012345", "0.012346"),
        (
            [replace(BTC, tick_size=Decimal("0.5")), replace(KRAKEN, tick_size=Decimal("0.2"))],
            "7.55",
            "7.5",
            "7.6",
        ),
        ([replace(BITFINEX, whole_prices=True)], "118945.01", "118945", "118946"),
    ],
)
def test_a_limit_is_the_nearest_price_of_any_market(
    markets: list[Instrument], limit: str, buys: str, sells: str
) -> None:
    rules = trading_rules_of(markets, {}, exchange="aggregate")
    assert rules.safe_limit(Decimal(limit), Side.BUY) == Decimal(buys)
    assert rules.safe_limit(Decimal(limit), Side.SELL) == Decimal(sells)


def test_digits_that_fit_no_tick_make_no_grid() -> None:
    rules = trading_rules_of([replace(BITFINEX, tick_size=Decimal("0.25"))], {}, exchange="bitfinex")
    assert rules.fault == "its tick size is no power of ten, and its prices have 5 digits"


MARKETS = st.lists(
    st.builds(
        lambda exponent, digits, whole: replace(
            BTC, tick_size=Decimal(1).scaleb(exponent), price_digits=digits, whole_prices=whole
        ),
        st.integers(-8, 1),
        st.integers(0, 6),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


@given(markets=MARKETS, limit=st.decimals("0.000000001", "1000000", places=9), side=st.sampled_from(Side))
def test_no_limit_is_moved_to_where_it_allows_more(
    markets: list[Instrument], limit: Decimal, side: Side
) -> None:
    safe = trading_rules_of(markets, {}, exchange="aggregate").safe_limit(limit, side)
    assert safe is not None
    assert safe <= limit if side is Side.BUY else safe >= limit
    own = [one.prices.floor(limit) if side is Side.BUY else one.prices.ceiling(limit) for one in markets]
    assert all(price <= safe if side is Side.BUY else price >= safe for price in own), (
        "each has its own within"
    )
    assert safe in own


def test_several_markets_share_a_lot_that_all_of_them_take() -> None:
    rules = trading_rules_of([BTC, KRAKEN], {"kraken": Decimal("0.0026")}, exchange="aggregate")
    assert (rules.name, rules.lot_size, rules.lowest_price) == (
        "aggregate:BTC-USDT", Decimal("0.00001"), Decimal("0.01"),
    )  # fmt: skip
    assert [destination.fee for destination in rules.destinations] == [Decimal(0), Decimal("0.0026")]
    assert rules.smallest(Decimal(100)) == Decimal("0.005"), "one of them takes it: kraken's 0.5 / 100"


def test_a_market_that_does_not_trade_is_left_out_while_another_does() -> None:
    halted = replace(BTC, status="halt")
    assert [
        destination.instrument
        for destination in trading_rules_of([halted, KRAKEN], {}, exchange="aggregate").destinations
    ] == [KRAKEN.id]
    assert trading_rules_of([halted], {}, exchange="binance").status == "halt"


@pytest.mark.parametrize(
    ("price", "least"),
    [(None, "0.00001"), ("100", "0.05"), ("3", "1.66667"), ("10000000", "0.00001")],
)
def test_the_smallest_quantity_covers_the_notional(price: str | None, least: str) -> None:
    destination = trading_rules_of([BTC], {}, exchange="binance").destinations[0]
    made = smallest_on(destination, BTC.lot_size, None if price is None else Decimal(price))
    assert made == Decimal(least)


@given(steps=st.lists(st.tuples(st.integers(1, 60), st.integers(-8, 2)), min_size=1, max_size=4))
def test_the_common_lot_is_a_whole_multiple_of_each_and_none_smaller_is(steps: list[tuple[int, int]]) -> None:
    lots = [Decimal(digits).scaleb(exponent) for digits, exponent in steps]
    common = common_multiple(lots)
    assert all(common % lot == 0 for lot in lots)
    finest = min(lots)
    tried = range(1, min(500, int(common / finest)))
    assert not any(all((finest * n) % lot == 0 for lot in lots) for n in tried)


def test_no_lot_at_all() -> None:
    assert common_multiple([Decimal(0)]) == 0


@given(value=st.decimals("0", "1000", places=6), step=st.sampled_from(["0.01", "3", "0.000007"]))
def test_whole_steps_that_cover(value: Decimal, step: str) -> None:
    steps = whole_up(value, Decimal(step))
    assert steps * Decimal(step) >= value
    assert steps == 0 or (steps - 1) * Decimal(step) < value


@given(
    lots=st.integers(1, 10**6),
    lot=st.sampled_from(["0.00001", "0.5", "1", "1E-8"]),
    least=st.decimals("0", "100", places=6),
    notional=st.decimals("0", "1000", places=2),
    price=st.none() | st.decimals("0.01", "100000", places=2),
)
def test_what_is_taken_is_what_is_not_below_the_smallest(
    lots: int, lot: str, least: Decimal, notional: Decimal, price: Decimal | None
) -> None:
    destination = replace(LEG, min_quantity=least, min_notional=notional)
    quantity = lots * Decimal(lot)
    assert takes(destination, quantity, Decimal(lot), price) == (
        quantity >= smallest_on(destination, Decimal(lot), price)
    )


@given(value=st.decimals("0", "1000", places=9), step=st.sampled_from(["0.01", "3", "0.000007", "25"]))
def test_down_to_the_grid(value: Decimal, step: str) -> None:
    made = floor_to(value, Decimal(step))
    assert made == to_grid(value, Decimal(step), ROUND_FLOOR)
    assert 0 <= value - made < Decimal(step)


FIGURES = st.sampled_from(["0", "-1", "1e-18", "1e-30", "1e60", "0.1", "3", "0.00000007", "1e3"]).map(Decimal)


@given(st.lists(st.tuples(FIGURES, FIGURES, FIGURES, FIGURES), min_size=1, max_size=3))
def test_a_grid_is_made_of_what_can_be_used_or_says_why_not(figures: list[tuple[Decimal, ...]]) -> None:
    instruments = [
        replace(BTC, tick_size=tick, lot_size=lot, min_quantity=quantity, min_notional=value)
        for tick, lot, quantity, value in figures
    ]
    rules = trading_rules_of(instruments, {}, exchange="aggregate")
    assert bool(rules.fault) == all(one.fault for one in instruments) == (not rules.destinations)
    assert rules.fault or (
        rules.lot_size > 0 and rules.lowest_price > 0 and rules.smallest(Decimal(7)) >= rules.lot_size
    )

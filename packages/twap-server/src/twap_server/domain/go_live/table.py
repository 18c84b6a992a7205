"""List the rules of six exchanges' own TWAP orders, and of two own POV orders: each with source and date.

In: nothing. Out: ``RULES``, in the order they are told. A figure that was not found is not guessed: its row
says ``Unknown``. Shown in ``docs/go-live.md``, which a test compares with this table.
"""

from decimal import Decimal

from twap_models.enums import GoLiveRule, Strategy
from twap_server.domain.go_live.rules import (
    Absent,
    Bound,
    Divisible,
    Free,
    MultipleOf,
    OneOf,
    PairMinimum,
    Range,
    Required,
    Rule,
    RuleSource,
    Unknown,
)

_MINUTES_5, _DAY = Decimal(300), Decimal(86_400)
_SECOND, _NO_RANDOM = MultipleOf(step=Decimal(1)), OneOf(values=(Decimal(0),))

_BINANCE_SPOT = RuleSource(
    title="Binance Algo API, spot: TWAP New Order",
    url="https://developers.binance.com/docs/algo/spot-algo/Time-Weighted-Average-Price-New-Order",
    as_of="undated",
)
_BINANCE_SPOT_SIZES = RuleSource(
    title="Binance FAQ on algo orders (100 to 10,000,000) and TWAP New Order (1,000 to 100,000)",
    url="https://www.binance.com/en/support/faq/"
    "frequently-asked-questions-on-binance-algo-orders-91d7e7d0633846adb0ef9020037cc391",
    as_of="2023-10-12",
)
_BINANCE_FUTURES = RuleSource(
    title="Binance Algo API, futures: TWAP New Order",
    url="https://developers.binance.com/docs/algo/future-algo/Time-Weighted-Average-Price-New-Order",
    as_of="undated",
)
_BYBIT = RuleSource(
    title="Bybit API v5: Create Strategy Order",
    url="https://bybit-exchange.github.io/docs/v5/strategy/create-strategy",
    as_of="after 2026-05-26",
)
_OKX = RuleSource(
    title="OKX API v5: Place algo order, TWAP",
    url="https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-post-place-algo-order",
    as_of="2026-06-30",
)
_KRAKEN = RuleSource(
    title="Kraken API: Add Strategy",
    url="https://docs.kraken.com/api-reference/algo-trading/add-strategy",
    as_of="after 2026-06-11",
)
_HYPERLIQUID = RuleSource(
    title="Hyperliquid docs: Order types, TWAP",
    url="https://hyperliquid.gitbook.io/hyperliquid-docs/trading/order-types",
    as_of="2026-09-30",
)
_HYPERLIQUID_API = RuleSource(
    title="Hyperliquid docs: Exchange endpoint, place a TWAP order",
    url="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint",
    as_of="undated",
)
_DYDX = RuleSource(
    title="dYdX docs: TwapParameters",
    url="https://docs.dydx.xyz/types/twap_parameters",
    as_of="undated",
)
_DYDX_CODE = RuleSource(
    title="dYdX v4-chain: protocol/x/clob/keeper/twap_order_state.go",
    url="https://github.com/dydxprotocol/v4-chain/blob/main/protocol/x/clob/keeper/twap_order_state.go",
    as_of="undated",
)


_BINANCE_VP = RuleSource(
    title="Binance Algo API, futures: Volume Participation New Order",
    url="https://developers.binance.com/docs/algo/future-algo/Volume-Participation-New-Order",
    as_of="undated",
)
_BINANCE_VP_SIZES = RuleSource(
    title="Binance FAQ on Volume Participation (1,000) and Volume Participation New Order (10,000)",
    url="https://www.binance.com/en/support/faq/b0b94dcc8eb64c2585763b8747b60702",
    as_of="2022-04-13",
)


def _rows(
    exchange: str,
    market: str,
    *rows: tuple[GoLiveRule, Bound, RuleSource],
    strategy: Strategy = Strategy.TWAP,
) -> tuple[Rule, ...]:
    return tuple(
        Rule(exchange=exchange, market=market, what=what, bound=bound, source=source, strategy=strategy)
        for what, bound, source in rows
    )


RULES: tuple[Rule, ...] = (
    *_rows(
        "binance",
        "spot",
        (GoLiveRule.DURATION, Range(low=_MINUTES_5, high=_DAY), _BINANCE_SPOT),
        (GoLiveRule.DURATION_STEP, _SECOND, _BINANCE_SPOT),
        (GoLiveRule.INTERVAL, Free(note="chosen by Binance"), _BINANCE_SPOT),
        (
            GoLiveRule.MINIMUM_TOTAL,
            Range(low=Decimal(1_000), doubtful_low=Decimal(100)),
            _BINANCE_SPOT_SIZES,
        ),
        (
            GoLiveRule.MAXIMUM_TOTAL,
            Range(high=Decimal(100_000), doubtful_high=Decimal(10_000_000)),
            _BINANCE_SPOT_SIZES,
        ),
        (GoLiveRule.RANDOMIZE, _NO_RANDOM, _BINANCE_SPOT),
    ),
    *_rows(
        "binance",
        "usd-m futures",
        (GoLiveRule.DURATION, Range(low=_MINUTES_5, high=_DAY), _BINANCE_FUTURES),
        (GoLiveRule.DURATION_STEP, _SECOND, _BINANCE_FUTURES),
        (GoLiveRule.INTERVAL, Free(note="chosen by Binance"), _BINANCE_FUTURES),
        (
            GoLiveRule.MINIMUM_PER_SLICE,
            PairMinimum(seconds_per_slice=Decimal(60), strict=True),
            _BINANCE_FUTURES,
        ),
        (GoLiveRule.MINIMUM_TOTAL, Range(low=Decimal(1_000), strict=True), _BINANCE_FUTURES),
        (GoLiveRule.MAXIMUM_TOTAL, Range(high=Decimal(1_000_000), strict=True), _BINANCE_FUTURES),
        (GoLiveRule.RANDOMIZE, _NO_RANDOM, _BINANCE_FUTURES),
    ),
    *_rows(
        "bybit",
        "spot",
        (GoLiveRule.DURATION, Range(low=_MINUTES_5, high=_DAY), _BYBIT),
        (GoLiveRule.DURATION_STEP, _SECOND, _BYBIT),
        (GoLiveRule.INTERVAL, Range(low=Decimal(5), high=Decimal(120)), _BYBIT),
        (GoLiveRule.INTERVAL_STEP, _SECOND, _BYBIT),
        (GoLiveRule.DIVISIBILITY, Divisible(low=_MINUTES_5, high=_DAY, doubtful=True), _BYBIT),
        (GoLiveRule.MINIMUM_PER_SLICE, PairMinimum(value_margin=Decimal("1.1")), _BYBIT),
        (GoLiveRule.RANDOMIZE, OneOf(values=(Decimal(0), Decimal(20))), _BYBIT),
    ),
    *_rows(
        "okx",
        "spot",
        (GoLiveRule.DURATION, Free(note="follows from quantity, slice and interval"), _OKX),
        (GoLiveRule.INTERVAL, Unknown(why="timeInterval is in seconds, its bounds are not stated"), _OKX),
        (GoLiveRule.MINIMUM_PER_SLICE, Unknown(why="the least szLimit is not stated"), _OKX),
        (GoLiveRule.LIMIT_PRICE, Required(), _OKX),
        (GoLiveRule.RANDOMIZE, _NO_RANDOM, _OKX),
    ),
    *_rows(
        "kraken",
        "spot",
        (GoLiveRule.DURATION, Range(low=Decimal(60)), _KRAKEN),
        (GoLiveRule.HORIZON, Range(high=30 * _DAY), _KRAKEN),
        (GoLiveRule.INTERVAL, Free(note="chosen by Kraken"), _KRAKEN),
        (GoLiveRule.MINIMUM_TOTAL, PairMinimum(whole_order=True), _KRAKEN),
        (GoLiveRule.RANDOMIZE, OneOf(values=(Decimal(0),), doubtful=True), _KRAKEN),
    ),
    *_rows(
        "hyperliquid",
        "spot and perpetual",
        (GoLiveRule.DURATION, Range(low=_MINUTES_5, high=7 * _DAY), _HYPERLIQUID),
        (GoLiveRule.DURATION_STEP, MultipleOf(step=Decimal(60)), _HYPERLIQUID_API),
        (GoLiveRule.INTERVAL, Free(note="computed by Hyperliquid, 30 s or longer"), _HYPERLIQUID),
        (GoLiveRule.MINIMUM_TOTAL, Range(low=Decimal(100)), _HYPERLIQUID),
        (
            GoLiveRule.LIMIT_PRICE,
            Absent(why="a stop price was added in 2026, a limit is not documented"),
            _HYPERLIQUID,
        ),
        (GoLiveRule.RANDOMIZE, Free(note="on or off; how far is Hyperliquid's"), _HYPERLIQUID_API),
    ),
    *_rows(
        "dydx",
        "perpetual",
        (GoLiveRule.DURATION, Range(low=_MINUTES_5, high=_DAY), _DYDX),
        (GoLiveRule.DURATION_STEP, _SECOND, _DYDX),
        (GoLiveRule.INTERVAL, Range(low=Decimal(30), high=Decimal(3_600)), _DYDX),
        (GoLiveRule.INTERVAL_STEP, _SECOND, _DYDX),
        (GoLiveRule.DIVISIBILITY, Divisible(low=_MINUTES_5, high=_DAY), _DYDX),
        (GoLiveRule.MINIMUM_PER_SLICE, PairMinimum(), _DYDX_CODE),
        (GoLiveRule.RANDOMIZE, _NO_RANDOM, _DYDX),
    ),
    *_rows(
        "binance",
        "usd-m futures",
        (
            GoLiveRule.PARTICIPATION,
            Free(note="chosen by Binance, from an urgency: LOW, MEDIUM or HIGH"),
            _BINANCE_VP,
        ),
        (GoLiveRule.DURATION, Free(note="none can be given: it is filled or canceled"), _BINANCE_VP),
        (
            GoLiveRule.MINIMUM_TOTAL,
            Range(low=Decimal(10_000), doubtful_low=Decimal(1_000), strict=True),
            _BINANCE_VP_SIZES,
        ),
        (GoLiveRule.MAXIMUM_TOTAL, Range(high=Decimal(1_000_000), strict=True), _BINANCE_VP),
        strategy=Strategy.POV,
    ),
    *_rows(
        "bybit",
        "spot",
        (
            GoLiveRule.PARTICIPATION,
            Unknown(
                why="a percent of what others trade, so 10 % there is 9.09 % here; its bounds were not seen"
            ),
            _BYBIT,
        ),
        (GoLiveRule.DURATION, Unknown(why="its longest time is not stated"), _BYBIT),
        strategy=Strategy.POV,
    ),
)
"""Every rule, by exchange and market, in the order they are told."""

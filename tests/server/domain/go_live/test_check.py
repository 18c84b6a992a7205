"""domain/go_live*.py: each exchange's rules at their bounds, verdicts, and nearest values that do."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import GoLiveRule, GoLiveVerdict, InstrumentKind, Strategy
from twap_server.domain.clock import SECOND
from twap_server.domain.go_live.answers import PairMinimums, Proposed
from twap_server.domain.go_live.check import GoLive, RuleFinding, check
from twap_server.domain.go_live.table import RULES

HOUR = 3_600 * SECOND
ORDER = Proposed(
    quantity=Decimal(1),
    quote="USDT",
    lot_size=Decimal("0.00001"),
    price=Decimal(50_000),
    limit=Decimal(51_000),
    duration=HOUR,
    interval=60 * SECOND,
    ends_in=HOUR,
)
PAIR = PairMinimums(quantity=Decimal("0.0001"), value=Decimal(5))
PAIRS = {name: PAIR for name in ("binance", "bybit", "okx", "kraken")}
MARKETS = [
    ("binance", "spot"),
    ("binance", "usd-m futures"),
    ("bybit", "spot"),
    ("okx", "spot"),
    ("kraken", "spot"),
    ("hyperliquid", "spot and perpetual"),
    ("dydx", "perpetual"),
]


def answers(order: Proposed, pairs: dict[str, PairMinimums] = PAIRS) -> dict[tuple[str, str], GoLive]:
    return {(one.exchange, one.market): one for one in check(order, pairs)}


def finding(
    order: Proposed, where: str, what: GoLiveRule, pairs: dict[str, PairMinimums] = PAIRS
) -> RuleFinding:
    exchange, _, market = where.partition(" ")
    found = answers(order, pairs)[exchange, market or "spot"].findings
    return next(one for one in found if one.rule.what is what)


def test_a_perpetual_has_no_use_for_the_rules_of_a_spot_market() -> None:
    def perpetual(pair: PairMinimums) -> dict[tuple[str, str], GoLive]:
        found = check(ORDER, {"binance-usdm": pair}, InstrumentKind.PERPETUAL)
        return {(one.exchange, one.market): one for one in found}

    markets = [one for one in MARKETS if one[1] != "spot"]
    assert list(perpetual(PAIR)) == markets
    assert perpetual(PAIR)["binance", "usd-m futures"].verdict is GoLiveVerdict.ACCEPTED
    large = perpetual(replace(PAIR, quantity=Decimal(1)))["binance", "usd-m futures"]
    assert large.verdict is GoLiveVerdict.REFUSED, "its own minimum is looked at, not that of spot"
    assert check(ORDER, PAIRS, InstrumentKind.PERPETUAL)[0].verdict is GoLiveVerdict.UNKNOWN


def test_all_six_exchanges_answer_and_every_rule_names_its_source() -> None:
    assert list(answers(ORDER)) == MARKETS
    assert len({(rule.exchange, rule.market, rule.what, rule.strategy) for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.source.url.startswith("https://") and rule.source.title
        assert re.fullmatch(r"undated|(after )?\d{4}-\d\d-\d\d", rule.source.as_of)
        assert rule.limit


def test_an_order_that_fits_is_accepted_where_everything_is_known() -> None:
    verdicts = {where: one.verdict for where, one in answers(ORDER).items()}
    assert verdicts == {
        ("binance", "spot"): GoLiveVerdict.ACCEPTED,
        ("binance", "usd-m futures"): GoLiveVerdict.UNKNOWN,  # the future's smallest order is not known here
        ("bybit", "spot"): GoLiveVerdict.ACCEPTED,
        ("okx", "spot"): GoLiveVerdict.UNKNOWN,  # its page states no bounds
        ("kraken", "spot"): GoLiveVerdict.ACCEPTED,
        ("hyperliquid", "spot and perpetual"): GoLiveVerdict.UNKNOWN,  # it has a limit
        ("dydx", "perpetual"): GoLiveVerdict.UNKNOWN,  # the market's step is not known here
    }
    unlimited = answers(replace(ORDER, limit=None))
    assert unlimited["hyperliquid", "spot and perpetual"].verdict is GoLiveVerdict.ACCEPTED
    assert unlimited["okx", "spot"].verdict is GoLiveVerdict.REFUSED


DURATION, INTERVAL = GoLiveRule.DURATION, GoLiveRule.INTERVAL


@pytest.mark.parametrize(
    ("where", "what", "seconds", "ok", "nearest"),
    [
        ("binance", DURATION, "299.999999999", False, "300"),
        ("binance", DURATION, "300", True, None),
        ("binance", DURATION, "86400", True, None),
        ("binance", DURATION, "86401", False, "86400"),
        ("binance", GoLiveRule.DURATION_STEP, "300.4", False, "300"),
        ("bybit", DURATION, "60", False, "300"),
        ("kraken", DURATION, "59", False, "60"),
        ("kraken", DURATION, "60", True, None),
        ("hyperliquid spot and perpetual", DURATION, "604800", True, None),
        ("hyperliquid spot and perpetual", DURATION, "604860", False, "604800"),
        ("hyperliquid spot and perpetual", GoLiveRule.DURATION_STEP, "330", False, "360"),
        ("hyperliquid spot and perpetual", GoLiveRule.DURATION_STEP, "329", False, "300"),
        ("dydx perpetual", DURATION, "299", False, "300"),
        ("dydx perpetual", GoLiveRule.DIVISIBILITY, "360", True, None),
        ("dydx perpetual", GoLiveRule.DIVISIBILITY, "361", False, "360"),
        ("dydx perpetual", GoLiveRule.DIVISIBILITY, "86461", False, "86400"),
        ("bybit", GoLiveRule.DIVISIBILITY, "361", None, "360"),
        ("okx", DURATION, "1", True, None),
    ],
)
def test_durations(where: str, what: GoLiveRule, seconds: str, ok: bool | None, nearest: str | None) -> None:
    length = int(Decimal(seconds) * SECOND)
    found = finding(replace(ORDER, duration=length, ends_in=length), where, what)
    assert (found.ok, found.nearest) == (ok, None if nearest is None else Decimal(nearest))


@pytest.mark.parametrize(
    ("where", "seconds", "ok", "nearest"),
    [
        ("bybit", "4", False, "5"),
        ("bybit", "120", True, None),
        ("bybit", "121", False, "120"),
        ("dydx perpetual", "29", False, "30"),
        ("dydx perpetual", "3600", True, None),
        ("dydx perpetual", "3601", False, "3600"),
        ("binance", "1", True, None),
        ("okx", "60", None, None),
    ],
)
def test_intervals(where: str, seconds: str, ok: bool | None, nearest: str | None) -> None:
    found = finding(replace(ORDER, interval=int(Decimal(seconds) * SECOND)), where, INTERVAL)
    assert (found.ok, found.nearest) == (ok, None if nearest is None else Decimal(nearest))


def test_kraken_looks_a_month_ahead() -> None:
    found = finding(replace(ORDER, ends_in=31 * 24 * HOUR), "kraken", GoLiveRule.HORIZON)
    assert (found.ok, found.nearest, found.nearest_of) == (False, Decimal(30 * 86_400), "end")


MINIMUM, MAXIMUM = GoLiveRule.MINIMUM_TOTAL, GoLiveRule.MAXIMUM_TOTAL


@pytest.mark.parametrize(
    ("where", "what", "quantity", "ok", "nearest"),
    [
        ("binance", MINIMUM, "0.02", True, None),
        ("binance", MINIMUM, "0.01999", None, "0.02"),  # its own pages disagree below 1,000
        ("binance", MINIMUM, "0.00199", False, "0.02"),
        ("binance", MAXIMUM, "2", True, None),
        ("binance", MAXIMUM, "2.00001", None, "2"),
        ("binance", MAXIMUM, "200.00001", False, "2"),
        ("binance usd-m futures", MINIMUM, "0.02", False, "0.02001"),  # more than 1,000
        ("binance usd-m futures", MAXIMUM, "20", False, "19.99999"),
        ("hyperliquid spot and perpetual", MINIMUM, "0.00199", False, "0.002"),
        ("kraken", MINIMUM, "0.0001", True, None),
        ("kraken", MINIMUM, "0.00009", False, "0.0001"),
    ],
)
def test_totals(where: str, what: GoLiveRule, quantity: str, ok: bool | None, nearest: str | None) -> None:
    found = finding(replace(ORDER, quantity=Decimal(quantity)), where, what)
    assert (found.ok, found.nearest) == (ok, None if nearest is None else Decimal(nearest))
    assert found.nearest_of == ("" if nearest is None else "quantity")


SLICE = GoLiveRule.MINIMUM_PER_SLICE


def test_a_slice_must_reach_the_pairs_minimum() -> None:
    # 60 slices, each worth 5 × 1.1 at 50,000: 0.0066
    assert finding(replace(ORDER, quantity=Decimal("0.0066")), "bybit", SLICE).ok is True
    short = finding(replace(ORDER, quantity=Decimal("0.00659")), "bybit", SLICE)
    assert (short.ok, short.nearest) == (False, Decimal("0.0066"))
    big = {"bybit": PairMinimums(quantity=Decimal("0.01"), value=Decimal(5))}
    assert finding(replace(ORDER, quantity=Decimal("0.59")), "bybit", SLICE, big).nearest == Decimal("0.6")


def test_what_is_not_known_is_never_accepted() -> None:
    assert finding(ORDER, "bybit", SLICE, {}).ok is None
    assert answers(ORDER, {})["bybit", "spot"].verdict is GoLiveVerdict.UNKNOWN
    unpriced = answers(replace(ORDER, price=None))
    assert {one.verdict for one in unpriced.values()} == {GoLiveVerdict.UNKNOWN}
    foreign = finding(replace(ORDER, quote="BTC"), "binance", MINIMUM)
    assert foreign.ok is None and "not a dollar" in foreign.message


def test_randomize_is_asked_only_where_it_exists() -> None:
    order = replace(ORDER, randomize=Decimal(15))
    assert finding(order, "binance", GoLiveRule.RANDOMIZE).nearest == Decimal(0)
    assert finding(order, "bybit", GoLiveRule.RANDOMIZE).nearest == Decimal(20)
    assert finding(order, "kraken", GoLiveRule.RANDOMIZE).ok is None
    assert finding(order, "hyperliquid spot and perpetual", GoLiveRule.RANDOMIZE).ok is True


def test_a_refusal_teaches() -> None:
    found = finding(replace(ORDER, duration=120 * SECOND), "binance", DURATION)
    assert found.message == "duration: 120 s, must be at least 300 s and at most 86400 s → duration 300 s"
    needed = finding(replace(ORDER, limit=None), "okx", GoLiveRule.LIMIT_PRICE)
    assert needed.message == "limit price: none, must be given (it is required)"
    doubt = finding(replace(ORDER, quantity=Decimal("0.01")), "binance", MINIMUM)
    assert doubt.message == "minimum total: 500 USDT (the exchange's own pages disagree) → quantity 0.02"


def test_values_keep_every_digit() -> None:
    order = replace(ORDER, price=Decimal("0.123456789012345678901234567"), quantity=Decimal("1.000000000001"))
    found = finding(order, "hyperliquid spot and perpetual", MINIMUM)
    assert found.yours == "0.123456789012469135690246912678901234567 USDT"


lengths = st.integers(1, 40 * 86_400 * 10).map(lambda tenths: tenths * SECOND // 10)
orders = st.builds(
    replace,
    st.just(ORDER),
    quantity=st.integers(1, 10**9).map(lambda lots: lots * Decimal("0.00001")),
    price=st.none() | st.decimals("0.01", "100000", places=2),
    limit=st.none() | st.just(Decimal(51_000)),
    duration=lengths,
    interval=lengths,
    ends_in=lengths,
    randomize=st.integers(0, 50).map(Decimal),
)


def changed(order: Proposed, found: RuleFinding) -> Proposed:
    assert found.nearest is not None
    if found.nearest_of in ("quantity", "randomize"):
        return replace(order, **{found.nearest_of: found.nearest})
    name = "ends_in" if found.nearest_of == "end" else found.nearest_of
    return replace(order, **{name: int(found.nearest * SECOND)})


@given(orders)
def test_the_nearest_value_is_in_fact_taken(order: Proposed) -> None:
    for where, one in answers(order).items():
        for index, found in enumerate(one.findings):
            if found.nearest is not None:
                again = answers(changed(order, found))[where].findings[index]
                assert again.ok is True and again.nearest is None, (found.message, again.message)


@given(orders)
def test_a_verdict_follows_from_its_rules(order: Proposed) -> None:
    for one in answers(order).values():
        said = [found.ok for found in one.findings]
        assert (one.verdict is GoLiveVerdict.ACCEPTED) == all(said)
        assert (one.verdict is GoLiveVerdict.REFUSED) == (False in said)
        assert all(found.message for found in one.findings if not found.ok)


def test_a_pov_order_is_checked_against_the_exchanges_own_pov() -> None:
    order = replace(ORDER, strategy=Strategy.POV, participation=Decimal(10))
    assert list(answers(order)) == [("binance", "usd-m futures"), ("bybit", "spot")]
    share = finding(order, "binance usd-m futures", GoLiveRule.PARTICIPATION)
    assert (share.ok, share.yours) == (True, "10 %") and "LOW, MEDIUM or HIGH" in share.message
    assert answers(order)["bybit", "spot"].verdict is GoLiveVerdict.UNKNOWN


@pytest.mark.parametrize("strategy", [Strategy.VWAP, Strategy.IS, Strategy.SWEEP])
def test_no_exchange_is_said_to_take_what_none_documents(strategy: Strategy) -> None:
    assert check(replace(ORDER, strategy=strategy), PAIRS) == ()

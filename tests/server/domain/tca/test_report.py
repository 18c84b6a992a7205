"""domain/tca/report.py: figures worked out by hand, parts that sum to the whole, and nothing guessed."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.changes import replace
from support.records import EXPIRED, at, by_hand, destination, fill, order, record, sample, slice_of
from twap_models.enums import OrderStatus, RealismProfile, Side, SliceReason
from twap_server.domain import exact
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.curves import LINEAR, AtOnce, Curve, Decay, Participation
from twap_server.domain.orders.order import Fill, Sent, SliceResult
from twap_server.domain.orders.realism import PROFILES
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.sample import Sample
from twap_server.domain.tca.report import report

MISSED = [(0, SliceReason.LIMIT_NOT_MET), (1, SliceReason.STALE_BOOK), (2, SliceReason.LIMIT_NOT_MET)]


def test_costs_worked_out_by_hand() -> None:
    made = report(by_hand())
    prices, costs = made.prices, made.costs
    assert prices.decision and prices.arrival and prices.end
    assert (prices.decision.value, prices.decision.time) == (100, at(-2)), "the mid at acceptance"
    assert (prices.arrival.value, prices.arrival.time) == (Decimal("100.5"), at(0))
    assert (prices.end.value, prices.end.time) == (104, at(40)), "not the mid of 900 after the end"
    # X = 3, Σpx = 101.2 + 153.75 + 51.375 = 306.325, F = 0.306325
    assert costs.delay == Decimal("1.5"), "3 · (100.5 − 100)"
    assert costs.timing == Decimal("4.0"), "1 · (101 − 100.5) + 2 · (102.25 − 100.5)"
    assert costs.spread == Decimal("0.7"), "1 · 0.2 + 2 · 0.25"
    assert costs.depth == Decimal("0.125"), "0.5 · (102.75 − 102.5)"
    assert costs.opportunity == Decimal("4"), "1 · (104 − 100)"
    assert costs.fees == Decimal("0.306325")
    assert costs.implementation_shortfall == Decimal("10.631325")
    assert costs.reference == 400
    assert costs.bps(costs.implementation_shortfall) == Decimal("265.7831"), "of 400, half-even"


def test_benchmarks_worked_out_by_hand() -> None:
    measured = report(by_hand()).benchmarks
    # average 306.325 / 3 against 100.5
    assert measured.arrival_slippage_bps == Decimal("160.0332")
    # trades after the end do not count
    assert (measured.traded_volume, measured.market_vwap) == (6, Decimal("102.5"))
    assert measured.market_vwap_slippage_bps == Decimal("-38.2114")
    assert measured.participation_percent == 50
    # a mid stands until the next measurement, at most three seconds:
    # 0.1 · 100.5 + 1.1 · 101 + 3 · 101.5 + 0.4 · 103 + 3 · 103 + 0.1 · 102 + 1.2 · 102.25 + 3 · 102.5
    assert measured.market_twap == Decimal("102.205882352941")
    assert measured.market_twap_coverage_percent == Decimal("29.75"), "11.9 s of 40"


def test_mark_outs_worked_out_by_hand() -> None:
    one, ten, sixty = report(by_hand()).mark_outs
    # one second after the fills: 101.5 at 1.2 s, 102.5 at 21.3 s
    assert (one.fills, one.quantity) == (3, 3)
    assert one.amount == Decimal("-0.175"), "306.325 − (101.5 + 2 · 102.5): the mid went on, no cost"
    assert one.bps == Decimal("-5.7129")
    # ten seconds after: slice 1's own mid at 10.1 s; nothing trusted within a second of 30.1 s
    assert (ten.fills, ten.amount) == (1, Decimal("-1.8"))
    assert (sixty.fills, sixty.amount, sixty.bps) == (0, None, None)


def test_schedule_and_books_worked_out_by_hand() -> None:
    made = report(by_hand())
    assert made.drift is not None and made.book_age is not None
    # behind by 0, 1, 0 and 1
    assert (made.drift.max, made.drift.max_percent) == (1, 25)
    assert (made.drift.rms, made.drift.rms_percent) == (Decimal("0.707106781187"), Decimal("17.6777"))
    assert (made.book_age.slices, made.book_age.p50, made.book_age.p95) == (3, 7, 50)
    assert made.slices_by_outcome == {"filled": 2, "missed": 2}
    assert made.slices_by_reason == {"limit_not_met": 1, "stale_book": 1}
    (binance,) = made.exchanges
    assert (binance.fills, binance.quantity, binance.share_percent) == (3, 3, 100)
    assert binance.average_price == Decimal("102.108333333333")


def test_counterfactuals_worked_out_by_hand() -> None:
    others = report(by_hand()).counterfactuals
    assert others.sweep and others.naive_twap and others.vwap
    # 352.5 − 350 + 0.5 · 4 + 0.3525
    assert others.sweep.implementation_shortfall == Decimal("4.8525")
    assert others.sweep.difference == Decimal("5.778825"), "the order cost so much more"
    # slice 3 met no book: 101.2 + 103.1 + 102.5, 3 filled, fee 0.001
    assert (others.naive_twap.filled, others.naive_twap.fees) == (3, Decimal("0.3068"))
    assert others.naive_twap.implementation_shortfall == Decimal("11.1068")
    # 4 · 102.5 − 400 + 0.41
    assert others.vwap.implementation_shortfall == Decimal("10.41")
    assert others.vwap.average_price == Decimal("102.5")


def test_the_naive_twap_keeps_to_the_limit() -> None:
    made = by_hand()
    limited = replace(made, order=replace(made.order, plan=replace(made.order.plan, limit=Decimal(103))))
    naive = report(limited).counterfactuals.naive_twap
    assert naive and (naive.filled, naive.notional) == (2, Decimal("203.7"))


PRICES = ("100", "110", "130", "170")
"""What four slices met."""


@pytest.mark.parametrize("curve", [LINEAR, AtOnce(), Decay(Decimal("0.1")), Participation(Decimal(10))])
@pytest.mark.parametrize("randomize", [0, 50])
def test_the_naive_twap_is_equal_slices_whatever_the_curve_and_what_is_drawn(
    curve: Curve, randomize: int
) -> None:
    made = order(quantity="4")
    terms = replace(made.terms, randomize=Decimal(randomize))
    made = replace(made, terms=terms, plan=replace(made.plan, curve=curve))
    pieces = [
        slice_of(at, target=made.schedule.target(at), mid="100", touch=price)
        for at, price in enumerate(PRICES)
    ]
    naive = report(record(made, pieces)).counterfactuals.naive_twap
    assert naive and (naive.filled, naive.notional) == (4, 510)


def test_the_naive_twap_of_an_amended_order_is_equal_slices_of_each_plan() -> None:
    """Two of 4 are filled when it is amended to 8: the two slices that are left have 3 each."""
    made = order(quantity="4")
    later = replace(
        made.plan, revision=2, quantity=Decimal(8), start=at(20), first=2, base=Decimal(2), curve=AtOnce()
    )
    pieces = [slice_of(index, target="9", mid="100", touch=price) for index, price in enumerate(PRICES)]
    amended = replace(made, plan=later)
    naive = report(replace(record(amended, pieces), plans=(made.plan, later))).counterfactuals.naive_twap
    assert naive and (naive.filled, naive.notional) == (8, 100 + 110 + 3 * 130 + 3 * 170)


def test_the_naive_twap_never_exceeds_an_amended_quantity() -> None:
    first = order(quantity="4").plan
    made = order(quantity="1")
    made = replace(made, plan=replace(made.plan, revision=2, start=at(10), first=1, base=Decimal(0)))
    pieces = [
        slice_of(0, target="1", mid="100", touch="100", reason=SliceReason.DEPTH_EXHAUSTED),
        slice_of(1, target="1", mid="100", touch="100", reason=SliceReason.DEPTH_EXHAUSTED),
    ]
    naive = report(replace(record(made, pieces), plans=(first, made.plan))).counterfactuals.naive_twap
    assert naive and naive.filled == 1


def test_a_sell_pays_where_the_market_falls() -> None:
    made = report(
        record(
            order(side=Side.SELL, quantity="2"),
            [slice_of(0, fill("98", "1"), target="1", mid="99", touch="98.5")],
            [sample(0, "99.5"), sample(40, "97")],
            ended=EXPIRED,
        )
    )
    costs = made.costs
    assert (costs.delay, costs.timing, costs.spread, costs.depth) == (
        Decimal("0.5"),
        Decimal("0.5"),
        Decimal("0.5"),
        Decimal("0.5"),
    )
    assert (costs.opportunity, costs.implementation_shortfall) == (3, 5)
    assert made.mark_outs[0].fills == 0


def sent(mid: str, touch: str) -> Sent:
    return Sent(time=at(0), latency=1, mid=Decimal(mid), touch=Decimal(touch))


# The parts sum to the whole, whatever happened

tick = st.integers(1, 10**9).map(lambda n: str(Decimal(n).scaleb(-3)))
huge = st.decimals(
    min_value=Decimal("1e-18"), max_value=Decimal("1e12"), allow_nan=False, allow_infinity=False, places=18
).map(str)
price = tick | huge
amounts = st.integers(1, 10**6).map(lambda n: str(Decimal(n).scaleb(-5))) | huge


@st.composite
def records(draw: st.DrawFn) -> OrderRecord:
    pieces, reached = [], Decimal(0)
    for index in range(draw(st.integers(0, 5))):
        destinations = draw(st.lists(st.tuples(price, amounts, price), max_size=4))
        fills = [fill(*one) for one in destinations]
        reached = exact.total([reached, *(one.quantity for one in fills), Decimal(draw(amounts))])
        result, numbered = slice_of(index, *fills, target=reached, mid=draw(price), touch=draw(price))
        if draw(st.booleans()):
            result = replace(result, sent=sent(draw(price), draw(price)))
        pieces.append((result, numbered))
    filled = exact.total(one.quantity for _, fills in pieces for one in fills)
    whole = exact.add(filled, draw(st.just(Decimal(0)) | amounts.map(Decimal)))
    made = order(
        side=draw(st.sampled_from(Side)),
        quantity=str(whole or 1),
        limit=draw(st.none() | price),
        decision=draw(st.none() | price),
        slices=6,
    )
    samples = [sample(number, draw(st.none() | price)) for number in range(draw(st.integers(0, 8)))]
    return record(made, pieces, samples, ended=draw(st.sampled_from([None, (OrderStatus.EXPIRED, at(60))])))


@given(records())
def test_the_parts_sum_to_the_whole_to_the_last_digit(made: OrderRecord) -> None:
    costs = report(made).costs
    parts = (
        costs.delay,
        costs.timing,
        costs.spread,
        costs.latency,
        costs.depth,
        costs.opportunity,
        costs.fees,
    )
    if None in parts:
        return
    assert costs.implementation_shortfall is not None
    assert sum((Fraction(part) for part in parts if part is not None), Fraction(0)) == Fraction(
        costs.implementation_shortfall
    )


@given(records())
def test_the_shortfall_is_the_formula_of_the_contract(made: OrderRecord) -> None:
    done = report(made)
    sign, prices = made.order.terms.side.sign, done.prices
    paid = sum((Fraction(one.price) * Fraction(one.quantity) for one in made.fills), Fraction(0))
    filled = sum((Fraction(one.quantity) for one in made.fills), Fraction(0))
    left = Fraction(made.order.plan.quantity) - filled
    if done.costs.implementation_shortfall is None:
        assert prices.decision is None or (prices.end is None and left)
        return
    assert prices.decision is not None
    decision = Fraction(prices.decision.value)
    missed = left * (Fraction(prices.end.value) - decision) if left and prices.end else Fraction(0)
    fees = sum((Fraction(one.fee) for one in made.fills), Fraction(0))
    expected = sign * (paid - filled * decision) + sign * missed + fees
    assert Fraction(done.costs.implementation_shortfall) == expected


@given(records())
def test_no_figure_is_minus_zero(made: OrderRecord) -> None:
    def figures(value: object) -> list[Decimal]:
        if isinstance(value, Decimal):
            return [value]
        if isinstance(value, tuple):
            return [one for item in value for one in figures(item)]
        names = getattr(type(value), "__dataclass_fields__", ())
        return [one for name in names for one in figures(getattr(value, name))]

    found = figures(report(made))
    assert found and not any(one.is_signed() and not one for one in found)


# Nothing is guessed


def test_a_slice_on_its_way_is_measured_from_when_it_was_sent() -> None:
    result, fills = slice_of(0, fill("103", "2"), target="2", mid="101.5", touch="102")
    late = replace(result, sent=sent("100.5", "101"))
    made = report(record(order(quantity="2"), [(late, fills)], [sample(0, "100")], ended=EXPIRED))
    costs = made.costs
    assert (costs.timing, costs.spread, costs.latency, costs.depth) == (1, 1, 2, 2)
    ideal = report(record(order(quantity="2"), [(result, fills)], [sample(0, "100")], ended=EXPIRED)).costs
    assert (ideal.timing, ideal.spread, ideal.latency, ideal.depth) == (3, 1, 0, 2)
    assert costs.implementation_shortfall == ideal.implementation_shortfall


def test_a_report_says_which_latency_and_which_impact_it_was_made_under() -> None:
    made = order(quantity="2")
    adverse = replace(made, terms=replace(made.terms, realism=PROFILES[RealismProfile.ADVERSE]))
    notes = report(record(adverse, [], [sample(0, "100")], ended=EXPIRED)).notes
    assert any("took 190 to 310 ms" in note for note in notes)
    assert any("halves every 30.0 s" in note for note in notes)


def test_without_a_mid_at_acceptance_the_first_one_after_it_decides() -> None:
    pieces = [slice_of(0, fill("101", "4"), target="4", mid="100", touch="101")]
    made = report(record(order(decision=None), pieces, [sample("0.5", "100.5")]))
    assert made.prices.decision and made.prices.decision.time == at("0.1"), "the slice's own mid"
    assert made.costs.delay == 0, "decision and arrival are the same price"
    assert any("decision price is the first mid measured after it" in note for note in made.notes)


def test_without_any_mid_nothing_is_made_up() -> None:
    pieces = [slice_of(0, target="1", reason=SliceReason.NO_BOOK)]
    made = report(record(order(decision=None), pieces, [sample(0, None)], ended=EXPIRED))
    costs = made.costs
    assert (costs.implementation_shortfall, costs.opportunity, costs.reference) == (None, None, None)
    assert (costs.delay, costs.timing, costs.spread, costs.depth, costs.fees) == (0, 0, 0, 0, 0)
    assert made.benchmarks.market_twap is None and made.benchmarks.market_vwap is None
    others = made.counterfactuals
    assert (others.sweep, others.naive_twap, others.vwap) == (None, None, None)
    said = " ".join(made.notes)
    for part in ("no decision price", "no arrival price", "no end price", "no naive TWAP", "no sweep"):
        assert part in said, part


def test_an_unknown_decision_price_leaves_the_other_parts() -> None:
    def blind(made: SliceResult, fills: tuple[Fill, ...]) -> tuple[SliceResult, tuple[Fill, ...]]:
        return replace(made, mid=None), fills

    pieces = [blind(*slice_of(0, fill("101", "4"), target="4", touch="100.5"))]
    costs = report(record(order(decision=None), pieces)).costs
    assert (costs.implementation_shortfall, costs.delay, costs.timing, costs.spread) == (None,) * 4
    assert (costs.depth, costs.opportunity) == (2, 0)


def test_a_filled_order_needs_no_end_price() -> None:
    pieces = [slice_of(0, fill("101", "4"), target="4", mid="100", touch="101")]
    made = report(record(order(), pieces))
    assert made.final and made.costs.opportunity == 0
    assert made.costs.implementation_shortfall == 4


def test_an_order_at_work_says_that_it_is() -> None:
    pieces = [slice_of(0, fill("101", "1"), target="1", mid="100", touch="101")]
    made = report(record(order(), pieces, [sample(5, "107")]))
    assert not made.final and made.prices.end and made.prices.end.value == 107
    assert made.slices_by_outcome == {"filled": 1, "pending": 3}
    assert "still working" in made.notes[0]


def test_an_order_that_has_not_begun_is_one_note() -> None:
    made = report(record(order(status=OrderStatus.ACCEPTED)))
    assert made.notes == ("The order has not begun: nothing was measured yet.",)
    assert made.costs.implementation_shortfall is None and made.drift is None and made.book_age is None


def test_an_order_on_a_perpetual_says_first_what_is_not_simulated() -> None:
    made = by_hand()
    assert not any("funding" in note for note in report(made).notes)
    terms = replace(made.order.terms, instrument=InstrumentId("binance-usdm", "BTC-USDT-PERP"))
    told = report(replace(made, order=replace(made.order, terms=terms))).notes[0]
    assert told == (
        "BTC-USDT-PERP is a perpetual contract: funding and margin are not simulated, only its fills are."
    )


def test_a_rejected_order_cost_nothing() -> None:
    made = report(record(order(status=OrderStatus.REJECTED, slices=0)))
    assert made.costs.implementation_shortfall == 0 and made.costs.opportunity == 0
    assert made.notes == ("The order was rejected: nothing was executed.",)


def test_a_rejected_order_says_why() -> None:
    made = record(order(status=OrderStatus.REJECTED, slices=0))
    why = replace(made.order.progress, reason="invalid_price", detail="price -5 must be above 0")
    told = report(replace(made, order=replace(made.order, progress=why))).notes
    assert told == ("The order was rejected: price -5 must be above 0.",)


def test_an_order_that_filled_nothing_says_why_first() -> None:
    pieces = [slice_of(index, target="1", mid="100", touch="101", reason=why) for index, why in MISSED]
    told = report(record(order(), pieces, [sample(0, "100")], ended=EXPIRED)).notes[0]
    assert told.startswith(
        "Nothing was filled: limit_not_met in 2, stale_book in 1 of 3 slices. The shortfall is how"
    )
    assert told.endswith("what was not bought.")
    early = report(record(order(), (), [sample(0, "100")], ended=(OrderStatus.CANCELED, at(1)))).notes[0]
    assert "no slice was due" in early


def test_an_order_too_large_to_be_believed_says_so() -> None:
    assert any("The order is 50 % of what others traded" in note for note in report(by_hand()).notes)


def test_slices_that_never_were_decided_ended_with_their_order() -> None:
    made = report(record(order(), (), [sample(0, "100")], ended=(OrderStatus.CANCELED, at(1))))
    assert made.slices_by_outcome == made.slices_by_reason == {"canceled": 4}


def test_a_mid_does_not_stand_for_ever() -> None:
    restarted = record(order(), (), [sample(0, "100"), sample(39, "200")], ended=EXPIRED)
    measured = report(restarted).benchmarks
    assert measured.market_twap == 125, "three seconds of 100 and one of 200"
    assert measured.market_twap_coverage_percent == 10


def test_an_end_noted_long_after_the_plans_end_takes_no_later_mid() -> None:
    late = record(
        order(), (), [sample(0, "100"), sample(5_000, "200")], ended=(OrderStatus.EXPIRED, at(5_000))
    )
    made = report(late)
    assert made.prices.end and made.prices.end.value == 100
    assert any("The last mid before the end" in note for note in made.notes)


def test_exchanges_share_what_was_filled() -> None:
    pieces = [
        slice_of(
            0, fill("101", "3", "0.3", "kraken"), fill("102", "1", "0.2"), target="4", mid="100", touch="101"
        )
    ]
    both = (destination("binance", "0.001"), destination("kraken", "0.002"))
    made = report(record(order(destinations=both), pieces, [sample(0, "100", volume="8", notional="800")]))
    kraken, binance = made.exchanges
    assert (kraken.exchange, kraken.share_percent, kraken.fees) == ("kraken", 75, Decimal("0.3"))
    assert (binance.exchange, binance.share_percent, binance.notional) == ("binance", 25, 102)
    assert made.counterfactuals.vwap and made.counterfactuals.vwap.fees == 400 * Decimal("0.001234567901")


def test_an_amendment_below_the_sweep_is_said() -> None:
    swept = (sample(0, "100", sweep=("4", "400", "0")),)
    made = by_hand()
    less = replace(made.order.plan, quantity=Decimal("3.5"), revision=2)
    smaller = report(replace(made, order=replace(made.order, plan=less), samples=swept))
    assert smaller.counterfactuals.sweep is None
    assert any("amended to less" in note for note in smaller.notes)


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 100])
def test_percentiles_are_nearest_ranks(count: int) -> None:
    pieces = [
        slice_of(index, target="1", mid="1", touch="1", age_ms=index + 1, reason=SliceReason.LIMIT_NOT_MET)
        for index in range(count)
    ]
    age = report(record(order(slices=count), pieces)).book_age
    assert age and (age.p50, age.p95) == (-(-count // 2), -(-count * 95 // 100))


def test_a_sample_is_not_needed_where_a_slice_measured() -> None:
    pieces = [slice_of(0, fill("101", "1"), target="1", mid="100", touch="101")]
    made = report(record(order(), pieces, list[Sample]()))
    assert made.prices.arrival and made.prices.arrival.value == 100

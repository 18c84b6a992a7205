"""cluster/order_messages.py: what crosses to another node is the same there, to the last digit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clocks import ALONE
from support.engine import working
from support.trading import BTC, request
from twap_models.enums import (
    Carry,
    Fidelity,
    LateStart,
    OrderEventType,
    OrderStatus,
    Side,
    SliceOutcome,
    SliceReason,
    Urgency,
)
from twap_server.cluster.coding import decode, encode
from twap_server.cluster.order_messages import EventMessage, OrderMessage, PreviewMessage, ResultMessage
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact_forecast import ImpactForecast
from twap_server.domain.go_live.rules import Rule
from twap_server.domain.go_live.table import RULES
from twap_server.domain.orders.curves import (
    LINEAR,
    AtOnce,
    Curve,
    Decay,
    Participation,
    VolumeProfile,
)
from twap_server.domain.orders.market_facts import MarketFacts
from twap_server.domain.orders.order import Fill, Order, OrderEvent, OrderProgress, Sent, SliceResult
from twap_server.domain.orders.realism import PROFILES, Realism
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.strategies import AllAtOnce, Pov, Shortfall, StrategyChoice, Twap, Vwap
from twap_server.domain.orders.terms import OrderRequest, OrderTerms, Plan
from twap_server.domain.orders.trading_rules import trading_rules_of
from twap_server.domain.tca.report_hash import canonical_text
from twap_server.engine.entry.results import SubmitResult, SubmitResultKind

pytestmark = ALONE

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12, places=18)
moments = st.integers(0, 2**62).map(Nanos)
texts = st.text(max_size=20)
curves: st.SearchStrategy[Curve] = st.one_of(
    st.just(LINEAR),
    st.just(AtOnce()),
    st.builds(Decay, numbers),
    st.builds(Participation, numbers),
    st.builds(
        VolumeProfile,
        moments,
        st.integers(1, 2**60),
        st.lists(st.integers(0, 10**48), min_size=1, max_size=9).filter(any).map(tuple),
    ),
)
choices: st.SearchStrategy[StrategyChoice] = st.one_of(
    st.builds(Twap),
    st.builds(AllAtOnce),
    st.builds(Pov, numbers),
    st.builds(Vwap, st.none() | st.lists(numbers, max_size=5).map(tuple), st.integers(1, 60)),
    st.builds(
        Shortfall,
        risk_aversion=st.none() | numbers,
        half_life=st.none() | st.integers(1, 2**60),
        urgency=st.none() | st.sampled_from(Urgency),
        volatility=st.none() | numbers,
    ),
)
terms = st.builds(
    OrderTerms,
    order_id=texts,
    user_id=texts,
    token_id=texts,
    fingerprint=texts,
    exchange=texts,
    symbol=texts,
    instrument=st.sampled_from([None, BTC.id]),
    destinations=st.sampled_from([(), trading_rules_of([BTC], {}, exchange="binance").destinations]),
    side=st.sampled_from(Side),
    created=moments,
    start=moments,
    carry=st.sampled_from(Carry),
    max_slippage_bps=st.none() | numbers,
    fidelity=st.sampled_from(Fidelity),
    randomize=numbers,
    realism=st.sampled_from([*PROFILES.values(), Realism(latency=5, half_life=7)]),
    strategy=choices,
    lot_size=numbers,
    decision_price=st.none() | numbers,
)
plans = st.builds(
    Plan,
    revision=st.integers(1, 9),
    quantity=numbers,
    limit=st.none() | numbers,
    start=moments,
    end=moments,
    interval=st.integers(1, 2**60),
    slice_count=st.integers(0, 10**6),
    curve=curves,
    warnings=st.lists(texts, max_size=2).map(tuple),
)
orders = st.builds(
    Order,
    terms=terms,
    plan=plans,
    progress=st.builds(
        OrderProgress,
        status=st.sampled_from(OrderStatus),
        filled=numbers,
        notional=numbers,
        ended=st.none() | moments,
        detail=texts,
        version=st.integers(0, 2**40),
    ),
    drawn=st.none(),
)
fills = st.builds(
    Fill,
    fill_id=texts,
    slice_index=st.just(3),
    time=moments,
    exchange=texts,
    price=numbers,
    quantity=numbers,
    fee=numbers,
    book_seq=st.integers(0, 2**62),
    book_time=moments,
)
slices = st.builds(
    SliceResult,
    index=st.just(3),
    due=moments,
    outcome=st.sampled_from(SliceOutcome),
    reason=st.none() | st.sampled_from(SliceReason),
    wanted=numbers,
    mid=st.none() | numbers,
    decided=st.none() | moments,
    sent=st.none() | st.builds(Sent, time=moments, latency=st.integers(0, 9), mid=st.none(), touch=numbers),
)
events = st.builds(
    OrderEvent,
    seq=st.integers(1, 2**62),
    type=st.sampled_from(OrderEventType),
    time=moments,
    order=orders,
    slice=st.none() | slices,
    fills=st.lists(fills, max_size=3).map(tuple),
)


@given(event=events)
def test_an_event_is_the_same_to_the_last_digit_and_so_is_its_report(event: OrderEvent) -> None:
    read = decode(encode(EventMessage.of(event)), EventMessage).read()
    assert read == event
    assert _text(read) == _text(event)
    assert repr(read) == repr(event)  # 1.10 is not 1.1 there


@given(order=orders, kind=st.sampled_from(SubmitResultKind))
def test_an_answer_to_a_submission_is_the_same(order: Order, kind: SubmitResultKind) -> None:
    result = SubmitResult(order=order, kind=kind)
    assert decode(encode(ResultMessage.of(result)), ResultMessage).read() == result


@given(strategy=choices, realism=st.none() | st.sampled_from([*PROFILES.values()]), volume=numbers)
def test_a_request_is_the_same(strategy: StrategyChoice, realism: Realism | None, volume: Decimal) -> None:
    asked = request(
        Nanos(0),
        strategy=strategy,
        realism=realism,
        facts=MarketFacts(day_volumes=(volume,), is_answered=True),
        late_start=LateStart.SHIFT,
    )
    assert decode(encode(asked), OrderRequest) == asked


def test_a_schedule_is_drawn_anew_from_the_plan() -> None:
    order = _made(randomize=Decimal(10))
    _ = order.schedule
    message = OrderMessage.of(order)
    assert b"drawn" not in encode(message)
    assert decode(encode(message), OrderMessage).read().schedule == order.schedule


@pytest.mark.parametrize(
    "strategy", [Twap(), Pov(Decimal(10)), Shortfall(), AllAtOnce(), Vwap((Decimal(1),))]
)
async def test_a_preview_is_the_same(strategy: StrategyChoice) -> None:
    async with working() as desk:
        asked = request(desk.clock.now(), strategy=strategy, randomize=Decimal(5), limit=Decimal(102))
        (made,) = await desk.engine.preview("ada", [asked], compare=True)
        broken = (await desk.engine.preview("ada", [replace(asked, quantity=Decimal(0))]))[0]
    assert made.schedule is not None
    assert bool(made.go_live) is isinstance(strategy, (Twap, Pov))
    forecast = ImpactForecast(
        quantity=Decimal(12), duration=SECOND, day_volume=Decimal(576), volatility=Decimal("1.5")
    )
    for one in (made, broken, replace(made, forecast=forecast)):
        assert decode(encode(PreviewMessage.of(one)), PreviewMessage).read("ada") == one


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.exchange}-{rule.what.value}")
def test_a_rule_of_going_live_is_the_same(rule: Rule) -> None:
    assert decode(encode(rule), Rule) == rule


def _made(**change: Any) -> Order:
    rules = trading_rules_of([BTC], {}, exchange="binance")
    return Order(
        terms=OrderTerms(
            order_id="o",
            user_id="ada",
            token_id="t",
            fingerprint="",
            exchange="binance",
            symbol="BTCUSDT",
            instrument=BTC.id,
            destinations=rules.destinations,
            side=Side.BUY,
            created=Nanos(0),
            start=Nanos(0),
            carry=Carry.CATCH_UP,
            max_slippage_bps=None,
            fidelity=Fidelity.DEPTH,
            lot_size=rules.lot_size,
            **change,
        ),
        plan=Plan(
            quantity=Decimal(1),
            limit=None,
            start=Nanos(0),
            end=Nanos(10 * SECOND),
            interval=SECOND,
            slice_count=10,
        ),
        progress=OrderProgress(status=OrderStatus.WORKING),
    )


def _text(event: OrderEvent) -> str:
    results = () if event.slice is None else (event.slice,)
    return canonical_text(OrderRecord(order=event.order, slices=results, fills=event.fills, samples=()))

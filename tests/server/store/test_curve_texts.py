"""store/curve_texts.py: what is written of strategies and curves is read back as it was."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_models.enums import Urgency
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.curves import (
    LINEAR,
    AtOnce,
    Curve,
    Decay,
    Linear,
    Participation,
    VolumeProfile,
)
from twap_server.domain.orders.strategies import (
    TWAP,
    AllAtOnce,
    Pov,
    Shortfall,
    StrategyChoice,
    Twap,
    Vwap,
)
from twap_server.store.curve_texts import read_curve, read_strategy, write_curve, write_parameters

numbers = st.decimals("0", "1000000", places=12)
some = st.none() | numbers
curves: st.SearchStrategy[Curve] = st.one_of(
    st.just(AtOnce()),
    st.builds(Decay, numbers),
    st.builds(Participation, numbers),
    st.builds(
        VolumeProfile,
        st.integers(0, 2**62).map(Nanos),
        st.integers(1, 2**62),
        st.lists(st.integers(0, 10**30), min_size=1).map(tuple),
    ),
)
choices: st.SearchStrategy[StrategyChoice] = st.one_of(
    st.just(Twap()),
    st.just(AllAtOnce()),
    st.builds(Pov, numbers),
    st.builds(Vwap, st.none() | st.lists(numbers, min_size=1).map(tuple), st.integers(1, 30)),
    st.builds(
        Shortfall,
        risk_aversion=some,
        half_life=st.none() | st.integers(1, 2**62),
        urgency=st.none() | st.sampled_from(Urgency),
        volatility=some,
        temporary_impact=some,
        permanent_impact=some,
    ),
)


@given(curve=curves, step=numbers)
def test_curves(curve: Curve, step: Decimal) -> None:
    assert read_curve(write_curve(curve, step)) == (curve, step)


@given(choice=choices)
def test_strategies(choice: StrategyChoice) -> None:
    assert read_strategy(choice.name.value, write_parameters(choice)) == choice


def test_what_is_not_there_is_a_straight_line() -> None:
    assert write_curve(Linear(), ZERO) is None and read_curve(None)[0] is LINEAR
    assert read_strategy("twap", None) is TWAP


def test_a_curve_of_a_newer_server_is_refused() -> None:
    with pytest.raises(ValueError, match="a newer server"):
        read_curve('{"kind": "spiral", "step": "0"}')

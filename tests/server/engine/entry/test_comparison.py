"""engine/entry/comparison.py: the risk that is told is that of every slice, however many there are."""

from decimal import Decimal
from math import sqrt

import pytest

from support.engine import working
from support.trading import request
from twap_models.enums import Strategy
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.strategies import Shortfall

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("slices", [2, 60, 256, 720, 5_000])
@pytest.mark.parametrize("half_life", [2, 30, 10_000])
async def test_risk_is_that_of_what_is_left_after_each_slice(slices: int, half_life: int) -> None:
    async with working() as desk:
        choice = Shortfall(half_life=half_life * SECOND, volatility=Decimal(3))
        end = Nanos(desk.clock.now() + slices * SECOND)
        asked = request(desk.clock.now(), strategy=choice, quantity=Decimal(1_000), end=end)
        (seen,) = await desk.engine.preview("ada", [asked], compare=True)
        assert seen.schedule is not None
        left = [1 - float(seen.schedule.target(index)) / 1_000 for index in range(slices)]
        plain = 300 * sqrt(sum(one * one for one in left) / 86_400)
        (told,) = [one.risk_bps for one in seen.strategies if one.strategy is Strategy.IS]
        assert told is not None
        assert float(told) == pytest.approx(plain, abs=6e-5 if slices <= 256 else 1e-4 * plain)

"""domain/orders/almgren_chriss.py gives the published values of Almgren & Chriss 2000, Table 1."""

from decimal import Decimal
from itertools import pairwise

import pytest

from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.orders.almgren_chriss import Impact, kappa
from twap_server.domain.orders.curves import Decay, risk

WHOLE, SLICES = Decimal(1_000_000), 5
IMPACT = Impact(temporary=Decimal("2.5e-6"), permanent=Decimal("2.5e-7"))
HALF_SPREAD = Decimal("0.0625")
ONE = Decimal(1)


def expected_cost(left: list[Decimal], impact: Impact, interval: Decimal) -> Decimal:
    """``E = γX²/2 + ε·Σ|n| + η̃/τ·Σn²``, in the paper's words: ``left`` is x_0 … x_N."""
    traded = [before - after for before, after in pairwise(left)]
    passing = impact.bend(interval) / interval * sum(one * one for one in traded)
    return impact.permanent / 2 * left[0] ** 2 + HALF_SPREAD * sum(map(abs, traded)) + passing


def cost_variance(left: list[Decimal], *, variance: Decimal, interval: Decimal) -> Decimal:
    """``V = σ²·Στx²``: what the product shows as risk is this, of a unit of quantity, in whole lots."""
    lots = [int((WHOLE - one) * 10**6) for one in left[1:]]
    return variance * risk(lots, [int(interval * SECOND)] * len(lots)) * WHOLE**2


def decay(*, variance: str, risk_aversion: str) -> Decimal:
    return kappa(
        risk_aversion=Decimal(risk_aversion), variance=Decimal(variance), impact=IMPACT, interval=ONE
    )


def left(found: Decimal) -> list[Decimal]:
    """What is left at the begin and after each interval of a second."""
    curve, length = Decay(found), SLICES * SECOND
    return [WHOLE * curve.left(index * SECOND, length) for index in range(SLICES + 1)]


@pytest.mark.parametrize(
    ("variance", "risk_aversion", "holdings", "cost", "squared"),
    [
        (
            "0.9",
            "1e-6",
            ["542380.6932", "290295.1229", "148216.1254", "62303.2385"],
            "910477.8",
            "3.63868e11",
        ),
        (
            "0.9025",
            "1e-6",
            ["541955.5544", "289854.2194", "147897.4878", "62141.8016"],
            "911227.0",
            "3.64129e11",
        ),
        (
            "0.9025",
            "2e-6",
            ["428598.8457", "182932.8143", "76295.7216", "27643.3774"],
            "1140715.2",
            "2.01931e11",
        ),
    ],
)
def test_optimal_schedules(
    variance: str, risk_aversion: str, holdings: list[str], cost: str, squared: str
) -> None:
    rest = left(decay(variance=variance, risk_aversion=risk_aversion))
    assert [round(one, 4) for one in rest[1:-1]] == [Decimal(one) for one in holdings]
    assert round(expected_cost(rest, IMPACT, ONE), 1) == Decimal(cost)
    found = cost_variance(rest, variance=Decimal(variance), interval=ONE)
    assert f"{found:.5e}" == f"{Decimal(squared):.5e}"


def test_the_decay_itself() -> None:
    found = decay(variance="0.9", risk_aversion="1e-6")
    assert round(found, 6) == Decimal("0.606260")
    tilde = (Decimal("1e-6") * Decimal("0.9") / IMPACT.bend(ONE)).sqrt()
    assert round(tilde, 6) == Decimal("0.615587")


def test_equal_slices_and_one_shot() -> None:
    equal = [WHOLE * (SLICES - done) / SLICES for done in range(SLICES + 1)]
    variance = Decimal("0.9025")
    assert expected_cost(equal, IMPACT, ONE) == Decimal(662_500)
    assert round(cost_variance(equal, variance=variance, interval=ONE), -9) == Decimal("1.083e12")
    at_once = [WHOLE] + [Decimal(0)] * SLICES
    assert expected_cost(at_once, IMPACT, ONE) == Decimal(2_562_500)
    assert cost_variance(at_once, variance=variance, interval=ONE) == 0


def test_no_aversion_is_a_straight_line() -> None:
    lots = [Decay(Decimal(0)).lots(1_000, Nanos(0), Nanos(10), Nanos(moment)) for moment in range(11)]
    assert lots == list(range(0, 1_001, 100))

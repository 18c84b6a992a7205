"""Realism over REST: a name or figures, what is wrong named by its field, and what is answered."""

from decimal import Decimal
from typing import Any

import pytest

from support.api.bodies import BODY, submit
from support.api.desk import Desk
from twap_models import OrderRealism, TwapOrder, exact_json
from twap_models.enums import FeeSource, ImpactModel, RealismProfile
from twap_models.orders import TwapOrderRequest
from twap_server.api.wire.requests import fingerprint, to_request
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.orders.realism import PROFILES, Realism

NOW = Nanos(1_700_000_000 * SECOND)
FIGURES: dict[str, Any] = {
    "latency": "40ms",
    "latency_spread": 0.01,
    "impact": "price_shift",
    "fees": "published",
}
OWN = Realism(
    profile=RealismProfile.OWN,
    latency=40 * MILLISECOND,
    latency_spread=10 * MILLISECOND,
    impact=ImpactModel.PRICE_SHIFT,
    fees=FeeSource.PUBLISHED,
)


def wire(**fields: object) -> TwapOrderRequest:
    return TwapOrderRequest.model_validate({**BODY, **fields})


def test_a_name_figures_or_nothing() -> None:
    assert to_request(wire(), now=NOW).realism is None
    for name in ("ideal", "local", "remote", "adverse"):
        assert to_request(wire(realism=name), now=NOW).realism == PROFILES[RealismProfile(name)]
    assert to_request(wire(realism=FIGURES), now=NOW).realism == OWN


def test_another_realism_is_another_order_and_another_spelling_is_not() -> None:
    plain = fingerprint(wire())
    prints = {plain, *(fingerprint(wire(realism=one)) for one in ("ideal", "remote", FIGURES))}
    assert len(prints) == 4
    assert fingerprint(wire(realism={**FIGURES, "latency": 0.04})) == fingerprint(wire(realism=FIGURES))


@pytest.mark.parametrize(
    ("realism", "field", "told"),
    [
        ("fast", "realism", "adverse"),
        ("own", "realism", "adverse"),
        (5, "realism", ""),
        ([], "realism", ""),
        ({"latency": "2m"}, "realism.latency", "at most 60 s"),
        ({"latency": 1, "latency_spread": 2}, "realism.latency_spread", "at most the latency"),
        ({"impact": "none"}, "realism.impact", "price_shift"),
        ({"impact_half_life": "1ms"}, "realism.impact_half_life", "0.1 s to 3600 s"),
        ({"fees": "free"}, "realism.fees", "published"),
        ({"speed": 1}, "realism.speed", ""),
        ({"latency": -1}, "realism.latency", ""),
    ],
)
async def test_what_is_wrong_is_named(desk: Desk, realism: object, field: str, told: str) -> None:
    answer = await submit(desk, {**BODY, "realism": realism})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert told in error["message"]


async def test_the_order_answers_it_as_it_was_asked_for(desk: Desk) -> None:
    for number, (realism, answered) in enumerate(
        [
            ("remote", "remote"),
            (
                FIGURES,
                {
                    "latency": Decimal("0.04"),
                    "latency_spread": Decimal("0.01"),
                    "impact": "price_shift",
                    "impact_half_life": None,
                    "fees": "published",
                },
            ),
        ]
    ):
        answer = await submit(desk, {**BODY, "token_id": f"t-{number}", "realism": realism})
        (order,) = exact_json.loads(answer.content)
        assert order["realism"] == answered
        again = TwapOrder.model_validate(order).realism
        assert isinstance(again, OrderRealism) is (realism is FIGURES)

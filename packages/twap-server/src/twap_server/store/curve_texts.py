"""Store an order's strategy and the curve of its plan as text columns: read together, never searched.

Numbers are exact text. An order without a text follows a straight line.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from twap_models.enums import Strategy, Urgency
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


def write_parameters(choice: StrategyChoice) -> str | None:
    """Write what a strategy was asked for with; none where it has no parameters."""
    match choice:
        case Twap() | AllAtOnce():
            return None
        case Vwap():
            weights = None if choice.weights is None else [_number(one) for one in choice.weights]
            return json.dumps({"weights": weights, "days": choice.days})
        case Pov():
            return json.dumps({"participation": _number(choice.participation)})
    return json.dumps(
        {
            "risk_aversion": _number(choice.risk_aversion),
            "half_life": choice.half_life,
            "urgency": choice.urgency,
            "volatility": _number(choice.volatility),
            "temporary_impact": _number(choice.temporary_impact),
            "permanent_impact": _number(choice.permanent_impact),
        }
    )


@lru_cache(maxsize=1_024)
def read_strategy(name: str, parameters: str | None) -> StrategyChoice:
    """Read both back."""
    body: Mapping[str, Any] = json.loads(parameters) if parameters else {}
    match Strategy(name):
        case Strategy.VWAP:
            weights = body["weights"]
            return Vwap(None if weights is None else tuple(map(Decimal, weights)), body["days"])
        case Strategy.POV:
            return Pov(Decimal(body["participation"]))
        case Strategy.SWEEP:
            return AllAtOnce()
        case Strategy.IS:
            return _shortfall(body)
    return TWAP


def _shortfall(body: Mapping[str, Any]) -> Shortfall:
    return Shortfall(
        risk_aversion=_read(body["risk_aversion"]),
        half_life=body["half_life"],
        urgency=None if body["urgency"] is None else Urgency(body["urgency"]),
        volatility=_read(body["volatility"]),
        temporary_impact=_read(body["temporary_impact"]),
        permanent_impact=_read(body["permanent_impact"]),
    )


@lru_cache(maxsize=1_024)
def write_curve(curve: Curve, step: Decimal) -> str | None:
    """Write a curve and the steps it comes in; none for a straight line."""
    body: dict[str, Any]
    match curve:
        case Linear():
            return None
        case AtOnce():
            body = {"kind": "at_once"}
        case VolumeProfile():
            body = {
                "kind": "volume_profile",
                "anchor": curve.anchor,
                "period": curve.period,
                "weights": list(curve.weights),
            }
        case Decay():
            body = {"kind": "decay", "kappa": _number(curve.kappa)}
        case Participation():
            body = {"kind": "participation", "percent": _number(curve.percent)}
    return json.dumps({**body, "step": _number(step)})


@lru_cache(maxsize=1_024)
def read_curve(text: str | None) -> tuple[Curve, Decimal]:
    """Read both back."""
    if text is None:
        return LINEAR, ZERO
    body = json.loads(text)
    return _curve(body), Decimal(body["step"])


def _curve(body: Mapping[str, Any]) -> Curve:
    match body["kind"]:
        case "at_once":
            return AtOnce()
        case "volume_profile":
            return VolumeProfile(body["anchor"], body["period"], tuple(body["weights"]))
        case "decay":
            return Decay(Decimal(body["kappa"]))
        case "participation":
            return Participation(Decimal(body["percent"]))
    raise ValueError(f"a curve of a newer server: {body['kind']!r}")


def _number(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _read(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)

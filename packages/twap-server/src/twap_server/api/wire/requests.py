"""Translate wire requests to domain requests: absolute times, and the fingerprint that shows a repeat.

The fingerprint is taken from the body after defaults and normalisation, before relative times are resolved:
the same text sent again later is the same order.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.json import Encoder

from twap_models import exact_json
from twap_models.enums import LateStart, RealismProfile, Strategy
from twap_models.fields import format_time, parse_duration
from twap_models.orders import StrategyOrderRequest, TwapOrderAmendment, TwapOrderRequest
from twap_models.realism import RealismChoice
from twap_models.strategies import AUTO
from twap_server.domain.clock import Nanos, to_nanos, to_span
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.realism import PROFILES, Realism
from twap_server.domain.orders.strategies import (
    TWAP,
    AllAtOnce,
    Pov,
    Shortfall,
    StrategyChoice,
    Vwap,
)
from twap_server.domain.orders.terms import Amendment, OrderRequest

_written = Encoder().encode
"""As ``exact_json`` writes, for there are no numbers but whole ones."""
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def to_request(wire: TwapOrderRequest, *, now: Nanos) -> OrderRequest:
    """Translate one order.

    A duration that begins now keeps its length: the end moves by what the engine needs to take the order up.

    Raises:
        InvalidRequest: a time lies outside the years this server counts in.
    """
    is_now = wire.start_time in (None, "now")
    start = None if is_now else resolve(wire.start_time or "now", now=now, field="start_time")
    begins_now = is_now and wire.duration is not None
    return OrderRequest(
        token_id=wire.token_id,
        exchange=wire.exchange,
        symbol=wire.symbol,
        side=wire.side,
        quantity=wire.quantity,
        limit=wire.price,
        start=now if begins_now else start,
        end=_end(wire, start=now if start is None else start, now=now),
        interval=None if wire.interval is None else to_span(wire.interval),
        slices=wire.slices,
        carry=wire.carry,
        late_start=LateStart.SHIFT if begins_now else wire.late_start,
        max_slippage_bps=wire.max_slippage_bps,
        fidelity=wire.fidelity,
        randomize=wire.randomize or ZERO,
        participation_cap=wire.participation_cap,
        strategy=strategy_of(wire),
        realism=realism_of(wire.realism),
        fingerprint=fingerprint(wire),
    )


def realism_of(choice: RealismChoice | None) -> Realism | None:
    """What is to be simulated of an order's way."""
    if choice is None:
        return None
    if isinstance(choice, str):
        return PROFILES[RealismProfile(choice)]
    half_life = choice.impact_half_life
    return Realism(
        profile=RealismProfile.OWN,
        latency=to_span(choice.latency),
        latency_spread=to_span(choice.latency_spread),
        impact=choice.impact,
        half_life=None if half_life is None else to_span(half_life),
        fees=choice.fees,
    )


def strategy_of(wire: TwapOrderRequest) -> StrategyChoice:
    """How the order is to be spread, with its parameters."""
    if not isinstance(wire, StrategyOrderRequest):
        return TWAP
    match wire.strategy:
        case Strategy.VWAP:
            given = wire.volume_profile
            weights = None if given in (None, AUTO) else tuple(map(Decimal, given or ()))
            return Vwap(weights, wire.volume_days or Vwap.DAYS)
        case Strategy.IS:
            return Shortfall(
                risk_aversion=wire.risk_aversion,
                half_life=None if wire.half_life is None else to_span(wire.half_life),
                urgency=wire.urgency,
                volatility=wire.volatility,
                temporary_impact=wire.temporary_impact,
                permanent_impact=wire.permanent_impact,
            )
        case Strategy.POV:
            assert wire.participation is not None, "the model asks for it"
            return Pov(wire.participation)
        case Strategy.SWEEP:
            return AllAtOnce()
    return TWAP


def to_requests(body: TwapOrderRequest | Sequence[TwapOrderRequest], *, now: Nanos) -> list[OrderRequest]:
    """Translate one order or a list of them.

    Raises:
        InvalidRequest: as ``to_request``; its field says which of a list.
    """
    if isinstance(body, TwapOrderRequest):
        return [to_request(body, now=now)]
    return [_item(one, place, now) for place, one in enumerate(body)]


def _item(wire: TwapOrderRequest, place: int, now: Nanos) -> OrderRequest:
    try:
        return to_request(wire, now=now)
    except InvalidRequest as error:
        raise InvalidRequest(str(error), field=f"[{place}].{error.field}") from None


def to_amendment(wire: TwapOrderAmendment, *, now: Nanos) -> Amendment:
    """Translate a change: a price that is given as null means "no limit any more".

    Raises:
        InvalidRequest: a time lies outside the years this server counts in.
    """
    return Amendment(
        quantity=wire.quantity,
        limit=wire.price,
        limit_set="price" in wire.model_fields_set,
        end=None if wire.end_time is None else resolve(wire.end_time, now=now, field="end_time"),
    )


def resolve(moment: datetime | str, *, now: Nanos, field: str) -> Nanos:
    """Make a wire moment absolute: ``now`` and ``+15m`` count from ``now``.

    Raises:
        InvalidRequest: outside the years this server counts in; names ``field``.
    """
    if moment == "now":
        return now
    if isinstance(moment, str):
        return Nanos(now + to_span(parse_duration(moment.removeprefix("+"))))
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        raise InvalidRequest(
            f"expected a time from {_FIRST_YEAR} to {_LAST_YEAR - 1}, got {format_time(moment)}", field=field
        )
    return to_nanos(moment)


def fingerprint(wire: TwapOrderRequest) -> str:
    """Digest of what the order means: another spelling of the same value gives the same digest."""
    content = {
        "exchange": wire.exchange,
        "symbol": _plain_symbol(wire.symbol),
        "side": wire.side.value,
        "quantity": _plain(wire.quantity),
        "price": _plain(wire.price),
        "start_time": _plain_moment(wire.start_time or "now"),
        "end_time": None if wire.end_time is None else _plain_moment(wire.end_time),
        "duration": None if wire.duration is None else to_span(wire.duration),
        "interval": None if wire.interval is None else to_span(wire.interval),
        "slices": wire.slices,
        "carry": wire.carry.value,
        "late_start": wire.late_start.value,
        "max_slippage_bps": _plain(wire.max_slippage_bps),
        "randomize": _plain(wire.randomize or None),
        "participation_cap": _plain(wire.participation_cap),
        "fidelity": wire.fidelity.value,
        **_plain_strategy(wire),
        **_plain_realism(wire.realism),
    }
    return hashlib.sha256(_written(content)).hexdigest()


def _plain_strategy(wire: TwapOrderRequest) -> dict[str, object]:
    """Nothing for TWAP: however it is asked for, it is the same order. Defaults count as if given."""
    choice = strategy_of(wire)
    match choice:
        case Vwap():
            weights = None if choice.weights is None else [_plain(one) for one in choice.weights]
            given: dict[str, object] = {"weights": weights, "days": choice.days if weights is None else None}
        case Shortfall():
            given = {name: _plain(getattr(choice, name)) for name in _OF_SHORTFALL}
            given |= {"half_life": choice.half_life, "urgency": choice.pace if choice.is_by_urgency else None}
        case Pov():
            given = {"participation": _plain(choice.participation)}
        case AllAtOnce():
            given = {}
        case _:
            return {}
    return {"strategy": choice.name.value, "parameters": given}


_OF_SHORTFALL = ("risk_aversion", "volatility", "temporary_impact", "permanent_impact")


def _plain_realism(choice: RealismChoice | None) -> dict[str, object]:
    """Nothing where the server is to choose: another default makes no other order of the same text."""
    if choice is None:
        return {}
    if isinstance(choice, str):
        return {"realism": choice}
    return {"realism": {name: _plain_parameter(value) for name, value in choice}}


def _plain_parameter(value: object) -> object:
    if isinstance(value, timedelta):
        return to_span(value)
    return _plain(value) if isinstance(value, Decimal) else value


def _end(wire: TwapOrderRequest, *, start: Nanos, now: Nanos) -> Nanos:
    if wire.duration is not None:
        return Nanos(start + to_span(wire.duration))
    assert wire.end_time is not None, "the model asks for end_time or duration"
    return resolve(wire.end_time, now=now, field="end_time")


def _plain(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = exact_json.format_decimal(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain_moment(moment: datetime | str) -> str:
    if isinstance(moment, datetime):
        return format_time(moment)
    return moment if moment == "now" else f"+{to_span(parse_duration(moment.removeprefix('+')))}"


def _plain_symbol(symbol: str) -> str:
    return "".join(part for part in symbol.upper() if part not in "-/_:")

"""Define the arguments of the methods of ``client.orders``: amounts, keywords of a submission, ids."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal, Required, TypedDict, TypeVar, get_type_hints
from urllib.parse import quote
from uuid import uuid4

from twap_client._in_words import as_the_server, in_words
from twap_client.errors import InvalidValue, NaiveTime
from twap_models import (
    Carry,
    Fidelity,
    LateStart,
    Side,
    StrategyOrderRequest,
    TwapOrder,
    TwapOrderAmendment,
    TwapOrderRequest,
)
from twap_models.enums import Strategy, Urgency
from twap_models.fields import HOW_TO_WRITE_ZONES, Amount, lacks_zone
from twap_models.preview import ComparisonOptions
from twap_models.realism import ProfileName, RealismFigures

_NAMED = 3


class _Keep(Enum):
    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


Keep = Literal[_Keep.KEEP]
"""The type of ``KEEP``."""

KEEP: Final = _Keep.KEEP
"""For ``amend``: leave the limit as it is. None would take it away."""


class OrderFields(TypedDict, total=False):
    """Keywords of ``submit`` and ``preview``; see ``twap_models.StrategyOrderRequest`` for their meaning."""

    token_id: str
    price: Amount | None
    limit_price: Amount | None
    start_time: datetime | str | None
    end_time: datetime | str | None
    duration: timedelta | Amount | None
    interval: timedelta | Amount | None
    slices: int | None
    carry: Carry | str
    late_start: LateStart | str
    max_slippage_bps: Amount | None
    randomize: Amount | None
    participation_cap: Amount | None
    fidelity: Fidelity | str
    realism: ProfileName | RealismFigures | Mapping[str, Any] | None
    strategy: Strategy | str
    volume_profile: Sequence[Amount] | Literal["auto"] | None
    volume_days: int | None
    risk_aversion: Amount | None
    half_life: timedelta | Amount | None
    urgency: Urgency | str | None
    volatility: Amount | None
    temporary_impact: Amount | None
    permanent_impact: Amount | None
    participation: Amount | None


class _Order(OrderFields):
    """All keywords of an order."""

    exchange: Required[str]
    symbol: Required[str]
    quantity: Required[Amount]
    side: Side | str


_F = TypeVar("_F", bound=Callable[..., Any])
_FIRST = ("exchange", "symbol", "side", "quantity", "price", "token_id")


def shows_order_fields(function: _F) -> _F:
    """Let ``submit?`` and ``help()`` show the keywords of an order in place of ``**fields``."""
    written = inspect.signature(function)
    kinds = get_type_hints(_Order)
    names = [*_FIRST, *(name for name in kinds if name not in _FIRST)]
    fields = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=kinds[name])
        for name in names
    ]
    named = [one for one in written.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    before = [one for one in named if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    after = [one for one in named if one.kind is inspect.Parameter.KEYWORD_ONLY]
    function.__signature__ = written.replace(parameters=[*before, *fields, *after])  # type: ignore[attr-defined]
    return function


def check_zones(**times: Any) -> None:
    """Let no time pass that means another moment on another machine: a schedule would change in silence.

    Raises:
        NaiveTime: a datetime or text without its zone; names the field and says how to write it.
    """
    for name, value in times.items():
        if lacks_zone(value):
            shown = value.isoformat() if isinstance(value, datetime) else value
            raise NaiveTime(f"{name}: {shown} has no zone: {HOW_TO_WRITE_ZONES}")


_OF_STRATEGIES = frozenset(StrategyOrderRequest.model_fields) - frozenset(TwapOrderRequest.model_fields)

AnyRequest = TwapOrderRequest | Mapping[str, Any]
"""An order: a model, or its fields by name, as they are given as keywords."""


def wanted_orders(
    request: AnyRequest | Iterable[AnyRequest] | None, fields: dict[str, Any]
) -> TwapOrderRequest | list[TwapOrderRequest]:
    """Give the orders of a call: as they are, or made of its fields, with a new ``token_id`` if need be.

    Raises:
        TypeError: there are both, or something else than orders.
        InvalidValue: a field is wrong or missing; in a list it has the order's place, as ``[1].quantity``.
        NaiveTime: a time has no zone.
    """
    if request is None:
        return _wanted(fields)
    if fields:
        raise TypeError(f"unexpected keywords beside a request: {', '.join(fields)}")
    if isinstance(request, TwapOrderRequest | Mapping):
        return _wanted(request)
    try:
        several = list(request)
    except TypeError:
        raise TypeError(f"expected an order or several, got {type(request).__name__}") from None
    return [_wanted(item, within=f"[{place}]") for place, item in enumerate(several)]


def _wanted(request: Any, within: str = "") -> TwapOrderRequest:
    if isinstance(request, TwapOrderRequest):
        return request
    if not isinstance(request, Mapping):
        raise TypeError(f"expected a TwapOrderRequest or its fields as a dict, got {type(request).__name__}")
    check_zones(start_time=request.get("start_time"), end_time=request.get("end_time"))
    with in_words(as_the_server, within=within):
        return order_shape(request).model_validate({"token_id": str(uuid4())} | dict(request))


def order_shape(fields: Iterable[str]) -> type[TwapOrderRequest]:
    """Which model an order with these fields is: any strategy's, where it names one or a parameter of one."""
    return TwapOrderRequest if _OF_STRATEGIES.isdisjoint(fields) else StrategyOrderRequest


def submission_path(wanted: TwapOrderRequest | Sequence[TwapOrderRequest]) -> str:
    """Where orders are sent: an older server knows TWAP alone."""
    several = [wanted] if isinstance(wanted, TwapOrderRequest) else wanted
    return "/orders" if any(isinstance(one, StrategyOrderRequest) for one in several) else "/orders/twap"


def order_bodies(wanted: TwapOrderRequest | Sequence[TwapOrderRequest]) -> Any:
    """Give them as plain values of a body."""
    if isinstance(wanted, TwapOrderRequest):
        return wanted.model_dump(exclude_none=True)
    return [item.model_dump(exclude_none=True) for item in wanted]


def comparison_params(*, compare: bool, supply: Amount | None) -> dict[str, str]:
    """Give what a preview is asked for beside its orders, as an address has it.

    Raises:
        InvalidValue: the supply is no number above 0.
    """
    with in_words(as_the_server):
        options = ComparisonOptions.model_validate({"supply": supply})
    told = {} if options.supply is None else {"supply": f"{options.supply:f}"}
    return {"compare": "true"} | told if compare or told else {}


def amendment_body(
    *, quantity: Amount | None, price: Amount | Keep | None, end_time: datetime | str | None
) -> dict[str, Any]:
    """Give what an amendment changes as plain values of a body.

    Raises:
        InvalidValue: a value is wrong, or there is nothing to change.
        NaiveTime: the end has no zone.
    """
    check_zones(end_time=end_time)
    fields = {"quantity": quantity, "end_time": end_time}
    wanted = {name: value for name, value in fields.items() if value is not None}
    limit = {} if price is KEEP else {"price": price}
    with in_words(as_the_server):
        return TwapOrderAmendment.model_validate(wanted | limit).model_dump(exclude_unset=True)


AnyOrder = TwapOrder | str
"""An order as the server showed it, or its ``token_id``."""


def id_of(order: AnyOrder) -> str:
    """Give the ``token_id``.

    Raises:
        InvalidValue: it is no order, or a text that leads elsewhere in an address.
    """
    token_id = getattr(order, "token_id", order)
    if not isinstance(token_id, str) or token_id in ("", ".", ".."):
        raise InvalidValue(f"order: expected its token_id, or the order, got {token_id!r:.60}", field="order")
    return token_id


def order_path(order: AnyOrder) -> str:
    """Where an order is."""
    return f"/orders/{quote(id_of(order), safe='')}"


def may_exist(token_ids: Sequence[str]) -> str:
    """Say which orders may exist after a submission without an answer."""
    if len(token_ids) == 1:
        return f"the order {token_ids[0]!r} may exist"
    named = ", ".join(repr(token_id) for token_id in token_ids[:_NAMED])
    more = f" and {len(token_ids) - _NAMED} more" if len(token_ids) > _NAMED else ""
    return f"the orders {named}{more} may exist"

"""Store an order's legs as one text column: they are always read together and never searched."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from twap_server.domain.exact import ZERO
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.price_grid import PriceGrid
from twap_server.domain.orders.terms import Destination


def write_legs(legs: Sequence[Destination]) -> str:
    """Write legs as JSON, numbers as exact text."""
    return json.dumps([_leg_body(leg) for leg in legs])


@lru_cache(maxsize=1_024)
def read_legs(text: str, tick_size: Decimal) -> tuple[Destination, ...]:
    """Read them back; orders on the same markets under the same rules share their legs.

    Args:
        text: as written.
        tick_size: of the order as a whole: the legs of older servers have none of their own.
    """
    return tuple(_to_leg(body, tick_size) for body in json.loads(text))


def finest_tick(legs: Sequence[Destination]) -> Decimal:
    """The tick of an order as a whole: an older server that reads it again knows no other."""
    return min((leg.prices.tick_size for leg in legs), default=ZERO)


def _leg_body(leg: Destination) -> dict[str, str | int]:
    return {
        "exchange": leg.instrument.exchange,
        "symbol": leg.instrument.symbol,
        "tick_size": format(leg.prices.tick_size, "f"),
        "price_digits": leg.prices.digits,
        "whole_prices": leg.prices.whole,
        "lot_size": format(leg.lot_size, "f"),
        "min_quantity": format(leg.min_quantity, "f"),
        "min_notional": format(leg.min_notional, "f"),
        "fee": format(leg.fee, "f"),
    }


def _to_leg(body: Mapping[str, Any], tick_size: Decimal) -> Destination:
    return Destination(
        instrument=InstrumentId(body["exchange"], body["symbol"]),
        prices=PriceGrid(
            Decimal(body.get("tick_size", tick_size)),
            body.get("price_digits", 0),
            body.get("whole_prices", False),
        ),
        lot_size=Decimal(body["lot_size"]),
        min_quantity=Decimal(body["min_quantity"]),
        min_notional=Decimal(body["min_notional"]),
        fee=Decimal(body["fee"]),
    )

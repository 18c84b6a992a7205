"""Store an order's legs as one text column: they are always read together and never searched."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.terms import Destination


def write_legs(legs: Sequence[Destination]) -> str:
    """Write legs as JSON, numbers as exact text."""
    return json.dumps([_leg_body(leg) for leg in legs])


@lru_cache(maxsize=1_024)
def read_legs(text: str) -> tuple[Destination, ...]:
    """Read them back; orders on the same markets under the same rules share their legs."""
    return tuple(_to_leg(body) for body in json.loads(text))


def _leg_body(leg: Destination) -> dict[str, str]:
    return {
        "exchange": leg.instrument.exchange,
        "symbol": leg.instrument.symbol,
        "lot_size": format(leg.lot_size, "f"),
        "min_quantity": format(leg.min_quantity, "f"),
        "min_notional": format(leg.min_notional, "f"),
        "fee": format(leg.fee, "f"),
    }


def _to_leg(body: Mapping[str, str]) -> Destination:
    return Destination(
        instrument=InstrumentId(body["exchange"], body["symbol"]),
        lot_size=Decimal(body["lot_size"]),
        min_quantity=Decimal(body["min_quantity"]),
        min_notional=Decimal(body["min_notional"]),
        fee=Decimal(body["fee"]),
    )

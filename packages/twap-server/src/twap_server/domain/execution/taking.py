"""Describe what a user took before, as it is recorded: who works the orders from now on remembers it."""

from decimal import Decimal

from msgspec import Struct

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.realism import Realism


class Taking(Struct, frozen=True, kw_only=True, gc=False):
    """What a slice took from one level."""

    user_id: str
    instrument: InstrumentId
    side: Side
    """Of the taker."""
    realism: Realism
    """Of its order: which memory it counts in."""
    time: Nanos
    price: Decimal
    quantity: Decimal
    touch: Decimal | None
    """Best price on the side it took from, of all exchanges that it met."""

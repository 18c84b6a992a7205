"""What the methods of ``client.orders`` take: amounts, the keywords of a submission, "leave the limit"."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, TypedDict

from twap_client.errors import NaiveTime
from twap_models import Carry, Fidelity, LateStart
from twap_models.fields import HOW_TO_WRITE_ZONES, lacks_zone

Amount = Decimal | int | str | float
"""A float is read through its ``repr``: 0.1 means one tenth."""


class _Keep(Enum):
    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


Keep = Literal[_Keep.KEEP]
"""The type of ``KEEP``."""

KEEP: Final = _Keep.KEEP
"""For ``amend``: leave the limit as it is. None would take it away."""


class OrderFields(TypedDict, total=False):
    """Keywords of ``submit`` and ``preview``; see ``twap_models.TwapOrderRequest`` for their meaning."""

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


def check_zones(**times: Any) -> None:
    """Let no time pass that means another moment on another machine: a schedule would change in silence.

    Raises:
        NaiveTime: a datetime or text without its zone; names the field and says how to write it.
    """
    for name, value in times.items():
        if lacks_zone(value):
            shown = value.isoformat() if isinstance(value, datetime) else value
            raise NaiveTime(f"{name}: {shown} has no zone: {HOW_TO_WRITE_ZONES}")

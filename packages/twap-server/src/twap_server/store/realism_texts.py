"""Store an order's realism, and what a slice saw when it was sent, as text columns: never searched.

Both are absent where nothing takes time and nothing else was asked for: then a slice's row is as it was.
"""

import json
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import Struct

from twap_models.enums import FeeSource, ImpactModel, RealismProfile
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Sent
from twap_server.domain.orders.realism import IDEAL, Realism
from twap_server.store.columns import to_text


class _SentText(Struct, array_like=True, gc=False):
    """As it stands in the text; prices are exact text."""

    time: int
    latency: int
    mid: str | None
    touch: str | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_SentText).decode


def write_realism(realism: Realism) -> str | None:
    """Write it with its figures: a profile of today must not mean another tomorrow."""
    if realism == IDEAL:
        return None
    return json.dumps(
        {
            "profile": realism.profile,
            "latency": realism.latency,
            "latency_spread": realism.latency_spread,
            "impact": realism.impact,
            "half_life": realism.half_life,
            "fees": realism.fees,
        }
    )


@lru_cache(maxsize=1_024)
def read_realism(text: str | None) -> Realism:
    """Read it back."""
    if text is None:
        return IDEAL
    body = json.loads(text)
    return Realism(
        profile=RealismProfile(body["profile"]),
        latency=body["latency"],
        latency_spread=body["latency_spread"],
        impact=ImpactModel(body["impact"]),
        half_life=body["half_life"],
        fees=FeeSource(body["fees"]),
    )


def write_sent(sent: Sent) -> str:
    """Write what a slice saw when it was sent."""
    return _encode((sent.time, sent.latency, _number(sent.mid), _number(sent.touch))).decode()


def read_sent(text: str | None) -> Sent | None:
    """Read it back."""
    if text is None:
        return None
    one = _decode(text)
    return Sent(time=Nanos(one.time), latency=one.latency, mid=_decimal(one.mid), touch=_decimal(one.touch))


def _number(value: Decimal | None) -> str | None:
    return None if value is None else to_text(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)

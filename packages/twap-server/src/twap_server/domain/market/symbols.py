"""Make canonical symbols and take them apart: ``BTC-USDT`` is spot, ``BTC-USDT-PERP`` a perpetual swap."""

from typing import Final

from twap_models.enums import InstrumentKind

_PERPETUAL: Final = "PERP"
NOT_SIMULATED: Final = "funding and margin are not simulated, only its fills are"
"""What whoever orders on a perpetual has to know."""


def symbol_of(base: str, quote: str, kind: InstrumentKind = InstrumentKind.SPOT) -> str:
    """The canonical symbol."""
    return f"{base}-{quote}" if kind is InstrumentKind.SPOT else f"{base}-{quote}-{_PERPETUAL}"


def assets_of(symbol: str | None) -> tuple[str, str]:
    """Base and quote of a canonical symbol; empty where it names none."""
    base, quote, *_ = (*(symbol or "").split("-"), "")
    return base, quote


def kind_of(symbol: str) -> InstrumentKind:
    """What a canonical symbol names. A quote may be called PERP, too: only a third part says it."""
    is_perpetual = symbol.count("-") > 1 and symbol.endswith(f"-{_PERPETUAL}")
    return InstrumentKind.PERPETUAL if is_perpetual else InstrumentKind.SPOT

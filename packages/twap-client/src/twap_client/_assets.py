"""Take canonical symbols apart: ``BTC-USDT``, and ``BTC-USDT-PERP`` of a perpetual."""


def assets_of(symbol: str | None) -> tuple[str, str]:
    """Base and quote of a canonical symbol; empty where it names none."""
    base, quote, *_ = (*(symbol or "").split("-"), "")
    return base, quote

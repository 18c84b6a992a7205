"""Translate Bitfinex's asset names to the usual ones. Pure.

The exchange itself says what most of its short names stand for (``UST`` is ``USDt``). What it does not say,
or says by a name that means another coin elsewhere, is in the table here.
"""

from collections.abc import Iterable, Mapping

from twap_server.domain.market.errors import WireFormatError

CANONICAL: Mapping[str, str] = {
    "UST": "USDT",
    "UDC": "USDC",
    "BCHN": "BCH",
    "BCHABC": "XEC",
    "LUNA": "LUNC",
    "LUNA2": "LUNA",
    "TERRAUST": "USTC",
}
"""Bitfinex's own asset name to the canonical one; it wins over what the exchange says."""

_SHORT = 3
_TEST = "TEST"


def named(told: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Join what the exchange says of its names to the table; ``LN-BTC`` and the like stay as they are."""
    return {**{own: name.upper() for own, name in told if name.isalnum()}, **CANONICAL}


def assets(pair: str) -> tuple[str, str]:
    """Split a pair into its own names: ``BTCUSD``, or ``AVAX:USD`` where one of them is long.

    Raises:
        WireFormatError: it cannot be split.
    """
    base, colon, quote = pair.partition(":")
    if not colon:
        base, quote = pair[:_SHORT], pair[_SHORT:]
    if not (base and quote) or (not colon and len(pair) != 2 * _SHORT):
        raise WireFormatError("a pair cannot be split into two assets")
    return base, quote


def is_play(asset: str) -> bool:
    """Tell an asset of the exchange's paper trading by its canonical name."""
    return asset.startswith(_TEST)


def is_derivative(asset: str) -> bool:
    """Tell an asset that only stands for a contract's collateral or underlying: ``BTCF0``."""
    return asset.endswith("F0")

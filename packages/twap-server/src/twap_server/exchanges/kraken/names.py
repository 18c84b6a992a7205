"""Translate Kraken's asset names to the usual ones. Pure.

Kraken kept a coin's first ticker where the rest of the world moved it to another coin: its ``LUNA`` is Terra
Classic, which is ``LUNC`` elsewhere. A name that is not in the table means the same everywhere.
"""

from collections.abc import Mapping

CANONICAL: Mapping[str, str] = {
    "XBT": "BTC",
    "XDG": "DOGE",
    "LUNA": "LUNC",
    "LUNA2": "LUNA",
    "UST": "USTC",
    "REP": "REPV1",
    "REPV2": "REP",
}
"""Kraken's own asset name to the canonical one."""

_ON_STREAM: Mapping[str, str] = {"XBT": "BTC", "XDG": "DOGE"}
"""WebSocket v2 renamed these and no others."""


def canonical(wsname: str) -> tuple[str, str]:
    """Base and quote of a pair such as ``XBT/USD``, by their canonical names."""
    base, quote = (CANONICAL.get(asset, asset) for asset in wsname.split("/"))
    return base, quote


def on_stream(wsname: str) -> str:
    """The pair as WebSocket v2 spells it."""
    return "/".join(_ON_STREAM.get(asset, asset) for asset in wsname.split("/"))

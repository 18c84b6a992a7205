"""List what each exchange publishes as the taker fee of its first tier: without volume, tokens or promotions.

None of their pages was reached from where this was developed. Each line says where the exchange publishes its
fees, who said so when it was looked up, and as of when. Fees change: look at the page before you rely on one.
An exchange whose fee is not known, or about which sources disagree, has none here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from twap_models.enums import InstrumentKind
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.symbols import kind_of

LOOKED_UP: Final = "2026-11-30"
_BASIS_POINT = Decimal("0.0001")
_INDEX = "an index of futures fees, loweef"
_CCXT = "ccxt 4.5.64"


class PublishedFee(NamedTuple):
    """The taker fee of one exchange."""

    spot: Decimal | None
    """Share of the notional; None: not known, ``seen`` says why."""
    perpetual: Decimal | None
    url: str
    """Where the exchange publishes it."""
    seen: str
    """Where the figure was seen."""
    as_of: str
    """When that said so: a date, or ``undated``."""

    def of(self, kind: InstrumentKind) -> Decimal | None:
        """The fee of an instrument of this kind."""
        return self.spot if kind is InstrumentKind.SPOT else self.perpetual


def _bps(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value) * _BASIS_POINT


def _fee(
    url: str, seen: str, as_of: str = "undated", *, spot: str | None = None, perpetual: str | None = None
) -> PublishedFee:
    """In basis points."""
    return PublishedFee(_bps(spot), _bps(perpetual), url, seen, as_of)


TAKER_FEES: Final[Mapping[str, PublishedFee]] = {
    "binance": _fee("https://www.binance.com/en/fee/schedule", _CCXT, spot="10"),
    "binance-usdm": _fee("https://www.binance.com/en/fee/futureFee", _INDEX, "2026-10-12", perpetual="5"),
    "bitfinex": _fee(
        "https://www.bitfinex.com/fees", "news of the end of its trading fees (MEXC News 303430)", spot="0"
    ),
    "bitget": _fee("https://www.bitget.com/fee", "Bitget Academy on its fee structure", spot="10"),
    "bitstamp": _fee("https://www.bitstamp.net/fee-schedule/", _CCXT, spot="40"),
    "bybit": _fee(
        "https://www.bybit.com/en/help-center/article/Trading-Fee-Structure", "its help centre", spot="10"
    ),
    "bybit-linear": _fee(
        "https://www.bybit.com/en/help-center/article/Trading-Fee-Structure",
        _INDEX,
        "2026-10-16",
        perpetual="5.5",
    ),
    "coinbase": _fee(
        "https://help.coinbase.com/en/coinbase/trading-and-funding/advanced-trade/advanced-trade-fees",
        "not known: its page shows the tiers only to who is signed in",
    ),
    "coinbase-exchange": _fee(
        "https://help.coinbase.com/en/exchange/trading-and-funding/exchange-fees", "that page", spot="60"
    ),
    "cryptocom": _fee(
        "https://crypto.com/exchange/document/fees-limits",
        "not known: sources say anything from 7.5 to 50 basis points",
    ),
    "gate": _fee("https://www.gate.com/fee", "that page", spot="10"),
    "gemini": _fee("https://www.gemini.com/fees/api-fee-schedule", "that page", "2022-06-30", spot="40"),
    "htx": _fee("https://www.htx.com/fee", _CCXT, spot="20"),
    "hyperliquid": _fee(
        "https://hyperliquid.gitbook.io/hyperliquid-docs/trading/fees", _CCXT, spot="7", perpetual="4.5"
    ),
    "kraken": _fee(
        "https://www.kraken.com/features/fee-schedule",
        "its public list of pairs, as a project on GitHub quotes it",
        "2026-09-04",
        spot="40",
    ),
    "kucoin": _fee(
        "https://www.kucoin.com/vip/privilege/fee",
        "its announcements (class A pairs)",
        "2024-11-29",
        spot="10",
    ),
    "mexc": _fee("https://www.mexc.com/fee", "MEXC Learn on its spot fees", "2025-07-16", spot="5"),
    "okx": _fee(
        "https://www.okx.com/fees", f"that page; of swaps {_INDEX}, 2026-10-16", spot="10", perpetual="5"
    ),
}
"""By the name of the exchange here."""


def published_fee(instrument: InstrumentId) -> Decimal | None:
    """What an instrument's exchange publishes, as a share of the notional; None: not known."""
    fee = TAKER_FEES.get(instrument.exchange)
    return None if fee is None else fee.of(kind_of(instrument.symbol))

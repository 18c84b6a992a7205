"""List the exchanges that are collected: one line each, and ccxt's by name."""

from twap_server.exchanges.base import Exchange
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.binance.usdm import BinanceUsdmExchange
from twap_server.exchanges.bitfinex.adapter import BitfinexExchange
from twap_server.exchanges.bitget.adapter import BitgetExchange
from twap_server.exchanges.bitstamp.adapter import BitstampExchange
from twap_server.exchanges.bybit.linear import BybitLinearExchange
from twap_server.exchanges.bybit.spot import BybitExchange
from twap_server.exchanges.ccxt.adapter import ccxt_exchange
from twap_server.exchanges.ccxt.names import ccxt_name
from twap_server.exchanges.coinbase.adapter import CoinbaseExchange
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed
from twap_server.exchanges.cryptocom.adapter import CryptocomExchange
from twap_server.exchanges.gate.adapter import GateExchange
from twap_server.exchanges.gemini.adapter import GeminiExchange
from twap_server.exchanges.htx.adapter import HtxExchange
from twap_server.exchanges.hyperliquid.adapter import HyperliquidExchange
from twap_server.exchanges.kraken.adapter import KrakenExchange
from twap_server.exchanges.kucoin.adapter import KucoinExchange
from twap_server.exchanges.mexc.adapter import MexcExchange
from twap_server.exchanges.okx.adapter import OkxExchange

EXCHANGES = (
    BinanceExchange,
    KrakenExchange,
    CoinbaseExchange,
    CoinbaseExchangeFeed,
    BitstampExchange,
    GateExchange,
    OkxExchange,
    KucoinExchange,
    BybitExchange,
    BybitLinearExchange,
    BinanceUsdmExchange,
    BitfinexExchange,
    CryptocomExchange,
    BitgetExchange,
    GeminiExchange,
    HyperliquidExchange,
    HtxExchange,
    MexcExchange,
)
_BY_NAME = {shape.name: shape for shape in EXCHANGES}


def shape_of(name: str) -> type[Exchange] | None:
    """Return an exchange by its canonical name, None where there is none.

    Any that ccxt may know is one: whether it does, only the process that runs ccxt can say.
    """
    found = _BY_NAME.get(name)
    return found or ccxt_exchange(name, feed_of=_markets_of(ccxt_name(name)))


def _markets_of(own: str) -> tuple[str, ...]:
    """Which of our exchanges are one of ccxt's, by name: its ``binance`` has the markets of two of ours."""
    alike = [
        one
        for one in EXCHANGES
        if one.name == own or one.name.startswith(f"{own}-") or one.name.replace("-", "") == own
    ]
    return tuple(dict.fromkeys(market for one in alike for market in one.feed_of or (one.name,)))

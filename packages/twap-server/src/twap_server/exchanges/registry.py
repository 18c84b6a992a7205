"""List the exchanges that are collected: one line each."""

from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.binance.usdm import BinanceUsdmExchange
from twap_server.exchanges.bitfinex.adapter import BitfinexExchange
from twap_server.exchanges.bitget.adapter import BitgetExchange
from twap_server.exchanges.bitstamp.adapter import BitstampExchange
from twap_server.exchanges.bybit.linear import BybitLinearExchange
from twap_server.exchanges.bybit.spot import BybitExchange
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

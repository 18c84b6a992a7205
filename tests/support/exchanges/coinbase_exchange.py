"""What the shared tests need to know of Coinbase's Exchange feed."""

import json
import re
from collections.abc import Sequence

from support.exchanges.case import ExchangeCase
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed

ENTRY = {
    "id": "BTC-USD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "quote_increment": "0.01",
    "base_increment": "0.00000001",
    "min_market_funds": "1",
    "status": "online",
}


def _acks(text: str) -> Sequence[str]:
    """All channels that are subscribed, whatever was asked."""
    products = json.loads(text)["product_ids"]
    names = ("level2_50", "matches") if "level2_batch" in text else ("heartbeat",)
    channels = [{"name": name, "product_ids": products} for name in names]
    return [json.dumps({"type": "subscriptions", "channels": channels})]


CASE = ExchangeCase(
    shape=CoinbaseExchangeFeed,
    native=lambda base, quote: f"{base}-{quote}",
    tick="0.1",
    pairs=(
        "BTC-USDT",
        "BTC-USD",
        "ETH-USD",
        "SKL-USD",
        "SKL-BTC",
        "BAND-GBP",
        "BAND-BTC",
        "NMR-EUR",
        "NU-GBP",
    ),
    recordings={
        "coinbase/exchange-6-products-2021-04-17.jsonl.gz": {
            "booksnapshot": 6,
            "bookchange": 6348,
            "applied": 6354,
            "trade": 81,
            "faults": 0,
            "live": 6,
        }
    },
    named=re.compile(rb'"product_id": ?"([^"]+)"'),
    frames=(
        '{"type":"snapshot","product_id":"BTC-USD","asks":[["60001.00","2"]],"bids":[["60000.10","1.5"]],'
        '"time":"2021-04-17T00:00:00.000000Z"}',
        '{"type":"l2update","product_id":"BTC-USD","changes":[["buy","60000.10","0.5"],["sell","60001.00","0"]],'
        '"time":"2021-04-17T00:00:00.000001Z"}',
        '{"type":"match","trade_id":5,"maker_order_id":"a","taker_order_id":"b","side":"buy","size":"0.1","price":"60000.1",'
        '"product_id":"BTC-USD","sequence":6,"time":"2021-04-17T00:00:00.000002Z"}',
        '{"type":"heartbeat","last_trade_id":5,"product_id":"BTC-USD","sequence":7,"time":"2021-04-17T00:00:01.000000Z"}',
        '{"type":"subscriptions","channels":[{"name":"level2","product_ids":["BTC-USD"]}]}',
        '{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}',
    ),
    answers=(
        '[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01","base_increment":"0.00000001",'
        '"min_market_funds":"1","status":"online","trading_disabled":false,"post_only":false,"limit_only":false}]',
        "[[1754006400,59999.9,60002.0,60000.1,60001.0,12.5],[1754006340,59999.9,60002.0,60000.1,60001.0,12.5]]",
        '{"bids":[["60000.1","1.5",3]],"asks":[["60001.0","2.0",1]],"sequence":9,"time":"2026-08-07T00:00:00.000000Z"}',
        '{"message":"Rate limit exceeded"}',
    ),
    entry=ENTRY,
    entry_name="BTC-USD",
    bad_entries=(
        {"base_currency": None},
        {"quote_increment": 0.01},
        {"base_increment": "1_0"},
        {"post_only": "no"},
    ),
    new_entries=(({"status": "Asleep", "new": None, "max_slippage_percentage": 0.1}, "asleep"),),
    candle=(60, 0.5, 3, 1, 2, 7),
    level=("1", "2", 3),
    book_body=lambda bids: {"bids": bids, "asks": []},
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and "level2_batch" in text,
    opens=(
        '{"type":"snapshot","product_id":"BTC-USD","asks":[["60001.00","2"]],"bids":[["60000.10","1.5"]],'
        '"time":"2026-04-17T00:00:00.000000Z"}',
    ),
    garbage=(b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1","1"]],"time":"now"}',),
)

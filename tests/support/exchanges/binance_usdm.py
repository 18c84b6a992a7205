"""What the shared tests need to know of Binance USD-M."""

import json
import re

from support.exchanges.case import GONE, ExchangeCase
from twap_models.enums import InstrumentKind
from twap_server.exchanges.binance.usdm import BinanceUsdmExchange

_BIDS, _ASKS = '[["61800.20","2.507"],["61799.90","0.000"]]', '[["61800.30","3.330"]]'
ENTRY = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.01", "minQty": "0.01"},
        {"filterType": "MIN_NOTIONAL", "notional": "50"},
    ],
}


def update(before: int, last: int, *, bids: str = "[]", asks: str = _ASKS) -> str:
    """A change of BTCUSDT behind the update ``before``."""
    return (
        f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT",'
        f'"U":{before + 7},"u":{last},"pu":{before},"b":{bids},"a":{asks}}}}}'
    )


CASE = ExchangeCase(
    shape=BinanceUsdmExchange,
    native=lambda base, quote: f"{base}{quote}",
    kind=InstrumentKind.PERPETUAL,
    tick="0.1",
    pairs=("BTC-USDT-PERP",),
    recordings={
        "binance/usdm-btcusdt-2024-08-08.jsonl.gz": {
            "bookchange": 6551,
            "applied": 6551,
            "trade": 21313,
            "faults": 0,
            "live": 1,
        },
    },
    named=re.compile(rb'"s": ?"([^"]+)"'),
    frames=(
        update(100, 120, bids=_BIDS),
        '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,'
        '"p":"61800.30","q":"0.006","X":"MARKET","m":false}}',
        '{"stream":"btcusdt@depth5@500ms","data":{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT",'
        f'"U":107,"u":120,"pu":100,"b":{_BIDS},"a":{_ASKS}}}}}',
        '{"result":null,"id":1}',
        '{"error":{"code":2,"msg":"Invalid request"},"id":2}',
    ),
    answers=(
        json.dumps({"timezone": "UTC", "symbols": [ENTRY]}),
        '[[1723161240000,"60000.1","60002.0","59999.9","60001.0","12.5",1723161299999,"750000.1",150,"6.1","366000.1","0"]]',
        f'{{"lastUpdateId":100,"E":1723161256501,"T":1723161256493,"bids":{_BIDS},"asks":{_ASKS}}}',
        '{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until 1723161299999."}',
    ),
    entry=ENTRY,
    entry_name="BTCUSDT",
    bad_entries=(
        {"baseAsset": None},
        {"marginAsset": GONE},
        {"contractType": 1},
        {"filters": GONE},
        {"filters": [None]},
        {"filters": [{"filterType": "PRICE_FILTER", "tickSize": 0.01}]},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": "one"}]},
        {"status": 1},
    ),
    new_entries=(
        (
            {"status": "PENDING_TRADING", "underlyingSubType": ["NEW"], "new": {"deep": [None]}},
            "pending_trading",
        ),
        (
            {"filters": [*ENTRY["filters"], {"filterType": "NEW", "minQty": 7, "tickSize": None}]},
            "trading",
        ),
    ),
    list_body=lambda entries: {"timezone": "UTC", "symbols": entries},
    candle=(60_000, "1", "3", "0.5", "2", "7", 119_999, "9", 1, "1", "1", "0"),
    level=("1", "2"),
    book_body=lambda bids: {"lastUpdateId": 1, "E": 1, "T": 1, "bids": bids, "asks": []},
    acks=lambda text: [json.dumps({"result": None, "id": json.loads(text)["id"]})],
    subscribes_book=lambda text: '"SUBSCRIBE"' in text and "@depth@" in text,
    opens=(update(1, 20),),
    garbage=(
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT"',
        update(20, 20).encode(),
        update(20, 30).replace('"pu":20,', "").encode(),
    ),
)

"""Write Binance's messages as text, from events and candles.

Recorded events keep their own text; everything else is written here, field by field in the venue's
order, numbers as strings with eight decimals.
"""

from collections.abc import Iterable

from twap_server.venue import text
from twap_server.venue.book import Level
from twap_server.venue.candles import MONTH, WEEK, CandleInterval, VenueCandle, VenueTrade, minutes
from twap_server.venue.source import BookEvent, Spec, TickerEvent

INTERVALS: dict[str, CandleInterval] = {
    "1m": minutes(1),
    "3m": minutes(3),
    "5m": minutes(5),
    "15m": minutes(15),
    "30m": minutes(30),
    "1h": minutes(60),
    "2h": minutes(120),
    "4h": minutes(240),
    "6h": minutes(360),
    "8h": minutes(480),
    "12h": minutes(720),
    "1d": minutes(1_440),
    "3d": minutes(3 * 1_440),
    "1w": WEEK,
    "1M": MONTH,
}
MILLISECOND = 1_000_000


def price(value: int, spec: Spec) -> str:
    """Write a price with eight decimals."""
    return text.rescale(value, spec.price_decimals, wanted=text.QTY_DECIMALS)


def qty(value: int) -> str:
    """Write a quantity with eight decimals."""
    return text.fixed(value, text.QTY_DECIMALS)


def value(amount: int, spec: Spec) -> str:
    """Write a quote amount with eight decimals."""
    return text.rescale(amount, spec.price_decimals + text.QTY_DECIMALS, wanted=text.QTY_DECIMALS)


def levels(side: Iterable[Level], spec: Spec) -> str:
    """Write levels as an array of pairs."""
    return ",".join(f'["{price(at, spec)}","{qty(there)}"]' for at, there in side)


def depth_update(event: BookEvent, spec: Spec) -> str:
    """Write a diff event."""
    if event.text is not None:
        return event.text
    return (
        f'{{"e":"depthUpdate","E":{event.time // MILLISECOND},"s":"{event.symbol}",'
        f'"U":{event.first_id},"u":{event.last_id},'
        f'"b":[{levels(event.bids, spec)}],"a":[{levels(event.asks, spec)}]}}'
    )


def crossed(update: str, best_ask: int, *, spec: Spec) -> str:
    """Add a bid above the best ask to a diff event."""
    level = levels([(best_ask + best_ask // 1_000 + 1, 10**text.QTY_DECIMALS)], spec)
    return update.replace('"b":[', f'"b":[{level},', 1).replace(",]", "]", 1)


def trade(made: VenueTrade, spec: Spec) -> str:
    """Write a trade; the event follows the trade at once."""
    return (
        f'{{"e":"trade","E":{made.time // MILLISECOND},"s":"{spec.symbol}","t":{made.id},'
        f'"p":"{price(made.price, spec)}","q":"{qty(made.qty)}","T":{made.time // MILLISECOND},'
        f'"m":{_flag(not made.taker_buys)},"M":true}}'
    )


def agg_trade(made: VenueTrade, spec: Spec) -> str:
    """Write a trade as an aggregate of itself."""
    return (
        f'{{"e":"aggTrade","E":{made.time // MILLISECOND},"s":"{spec.symbol}","a":{made.id},'
        f'"p":"{price(made.price, spec)}","q":"{qty(made.qty)}","f":{made.id},"l":{made.id},'
        f'"T":{made.time // MILLISECOND},"m":{_flag(not made.taker_buys)},"M":true}}'
    )


def ticker(event: TickerEvent, spec: Spec) -> str:
    """Write a best bid and ask."""
    if event.text is not None:
        return event.text
    return (
        f'{{"u":{event.update_id},"s":"{event.symbol}",'
        f'"b":"{price(event.bid[0], spec)}","B":"{qty(event.bid[1])}",'
        f'"a":"{price(event.ask[0], spec)}","A":"{qty(event.ask[1])}"}}'
    )


def kline(candle: VenueCandle, *, symbol: str, interval: str, spec: Spec, now_ms: int, closed: bool) -> str:
    """Write a kline event."""
    end = INTERVALS[interval].next(candle.open_ms) - 1
    return (
        f'{{"e":"kline","E":{now_ms},"s":"{symbol}","k":{{"t":{candle.open_ms},"T":{end},"s":"{symbol}",'
        f'"i":"{interval}","f":{candle.first_id},"L":{candle.last_id},"o":"{price(candle.open, spec)}",'
        f'"c":"{price(candle.close, spec)}","h":"{price(candle.high, spec)}",'
        f'"l":"{price(candle.low, spec)}","v":"{qty(candle.volume)}","n":{candle.count},'
        f'"x":{_flag(closed)},"q":"{value(candle.quote, spec)}","V":"{qty(candle.taker_volume)}",'
        f'"Q":"{value(candle.taker_quote, spec)}","B":"0"}}}}'
    )


def kline_row(candle: VenueCandle, interval: CandleInterval, *, spec: Spec) -> list[int | str]:
    """Give the twelve items of a REST row."""
    return [
        candle.open_ms,
        price(candle.open, spec),
        price(candle.high, spec),
        price(candle.low, spec),
        price(candle.close, spec),
        qty(candle.volume),
        interval.next(candle.open_ms) - 1,
        value(candle.quote, spec),
        candle.count,
        qty(candle.taker_volume),
        value(candle.taker_quote, spec),
        "0",
    ]


def _flag(yes: bool) -> str:
    return "true" if yes else "false"

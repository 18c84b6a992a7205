"""Make models for tests; every field can be given another value."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from twap_client._assets import assets_of
from twap_models import (
    BookHealth,
    BookMessage,
    BookTop,
    Candle,
    Exchange,
    ExecutionReport,
    Instrument,
    KlineMessage,
    OrderCost,
    OrderPreview,
    OrderStatus,
    ServerInfo,
    TradeMessage,
    TwapOrderDetail,
    __version__,
)
from twap_models.fields import parse_duration

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""What the scripted server's clock says."""


def moment(wanted: datetime | str | None) -> datetime | None:
    """Read ``now`` and ``+15m`` by the scripted server's clock."""
    if not isinstance(wanted, str):
        return wanted
    return NOON if wanted == "now" else NOON + parse_duration(wanted.removeprefix("+"))


def book(name: str = "binance:BTC-USDT", *, seq: int = 1, **fields: Any) -> BookMessage:
    """Make a live book of two levels a side."""
    exchange_name, _, symbol = name.partition(":")
    standard = {
        "exchange": exchange_name,
        "symbol": symbol,
        "instrument": symbol,
        "bids": [["61837.63", "0.5"], ["61837.62", "1.25"]],
        "asks": [["61837.64", "0.75"], ["61837.70", "2"]],
        "ts_exchange": NOON,
        "ts_received": NOON,
        "ts_sent": NOON,
        "seq": seq,
        "status": "live",
        "age_ms": 120,
        "lag_ms": 40,
    }
    return BookMessage.model_validate(standard | fields)


def trade(name: str = "binance:BTC-USDT", *, id: str = "1", **fields: Any) -> TradeMessage:
    """Make a public trade."""
    exchange_name, _, symbol = name.partition(":")
    standard = {
        "exchange": exchange_name,
        "symbol": symbol,
        "instrument": symbol,
        "time": NOON,
        "price": "61837.63",
        "quantity": "0.0125",
        "side": "buy",
        "id": id,
    }
    return TradeMessage.model_validate(standard | fields)


def kline(name: str = "binance:BTC-USDT:1m", **fields: Any) -> KlineMessage:
    """Make a candle of the stream that is forming."""
    exchange_name, symbol, interval = name.split(":")
    named = {"exchange": exchange_name, "symbol": symbol, "instrument": symbol, "interval": interval}
    return KlineMessage.model_validate(candle(closed=False).model_dump() | named | fields)


def exchange(name: str = "binance", **fields: Any) -> Exchange:
    """Make an exchange that is up."""
    standard = {"name": name, "status": "connected", "integrity": "sequence", "intervals": ["1m", "1h"]}
    return Exchange.model_validate(standard | {"connections": 1, "instruments": 1} | fields)


def instrument(symbol: str = "BTC-USDT", **fields: Any) -> Instrument:
    """Make an instrument that trades."""
    base, quote = assets_of(symbol)
    steps = {"tick_size": "0.01", "lot_size": "0.00001", "min_quantity": "0.00001", "min_notional": "5"}
    names = {"symbol": symbol, "native": base + quote, "base": base, "quote": quote, "status": "trading"}
    return Instrument.model_validate(names | steps | fields)


def candle(minute: int = 0, **fields: Any) -> Candle:
    """Make a closed one-minute candle, so many minutes after noon."""
    start = NOON + timedelta(minutes=minute)
    standard = {
        "open_time": start,
        "open": "61800.1",
        "high": "61900",
        "low": "61750.55",
        "close": "61837.63",
        "volume": "12.3456789",
        "close_time": start + timedelta(minutes=1),
        "closed": True,
    }
    return Candle.model_validate(standard | fields)


def order(token_id: str = "order-1", **fields: Any) -> TwapOrderDetail:
    """Make an accepted order; fields of a request such as ``duration`` are understood too."""
    quantity = Decimal(str(fields.get("quantity", 1)))
    window = parse_duration(fields.pop("duration", 60))
    count = fields.pop("slices") if isinstance(fields.get("slices"), int) else 12
    standard = {
        "token_id": token_id,
        "symbol": "BTC-USDT",
        "instrument": "BTC-USDT",
        "exchange": "binance",
        "side": "buy",
        "quantity": quantity,
        "remaining_quantity": quantity,
        "limit_price": fields.pop("price", None),
        "status": OrderStatus.ACCEPTED,
        "creation_time": NOON,
        "order_id": f"id-{token_id}",
        "start_time": NOON,
        "end_time": NOON + window,
        "interval": window / count,
        "slice_count": count,
    }
    return TwapOrderDetail.model_validate(standard | fields)


def report(about: TwapOrderDetail, **fields: Any) -> ExecutionReport:
    """Make a report that repeats what an order says of itself; nothing was measured."""
    shared = about.model_dump(include=set(ExecutionReport.model_fields))
    counted = {"fills": len(about.fills), "final": not about.status.is_open}
    return ExecutionReport.model_validate(shared | counted | fields)


def cost(about: TwapOrderDetail, **fields: Any) -> OrderCost:
    """Make what a closed order cost, which repeats what it says of itself; no price was measured."""
    shared = about.model_dump(include=set(OrderCost.model_fields))
    notional = about.filled_quantity * (about.average_price or 0)
    standard = {"notional": notional, "fees": 0, "started": about.start_time, "ended": about.end_time}
    return OrderCost.model_validate(shared | standard | fields)


def health(about: BookTop, **fields: Any) -> BookHealth:
    """Make how a book fares that is as it says, and was never lost."""
    standard = {
        "exchange": about.exchange,
        "symbol": about.instrument,
        "status": about.status,
        "reason": about.reason,
        "since": NOON,
        "integrity": "sequence",
        "messages_per_second": 10,
        "changes": 1,
        "resyncs": 0,
        "reconnects": 0,
        "last_change": about.ts_received,
        "age_ms": about.age_ms,
        "lag_ms": about.lag_ms,
    }
    return BookHealth.model_validate(standard | fields)


def server_info(**fields: Any) -> ServerInfo:
    """Make what a server tells of itself."""
    standard = {"name": "twap-server", "version": __version__, "time": NOON, "market": "demo"}
    return ServerInfo.model_validate(standard | {"registration": "open"} | fields)


def preview(token_id: str = "order-1", **fields: Any) -> OrderPreview:
    """Make the preview of an order that would be accepted; fields as for ``order`` and of a preview."""
    made = order(token_id, **fields)
    each = round(made.quantity / made.slice_count, 8)
    interval = made.interval or timedelta(0)
    slices = [
        {"index": index, "due_time": NOON + index * interval, "quantity": each}
        for index in range(made.slice_count)
    ]
    names = set(OrderPreview.model_fields)
    standard = made.model_dump(include=names) | {"accepted": True, "slices": slices}
    given = {name: value for name, value in fields.items() if name in names and name != "slices"}
    return OrderPreview.model_validate(standard | given)

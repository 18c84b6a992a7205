"""Translate Binance's messages to the domain. In: bytes and typed wire values. Out: MarketEvents."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Candle,
    Heartbeat,
    MarketEvent,
    Refused,
    ShutdownNotice,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.exchanges.binance import refusals, wire
from twap_server.exchanges.decode import (
    UNREADABLE,
    WRONG_SHAPE,
    decoder,
    envelope,
    from_epoch,
    number,
    text_of,
)

_decode_stream = msgspec.json.Decoder(wire.Stream).decode
_decode_control = msgspec.json.Decoder(wire.Control).decode
_decode_text = decoder(str)

_MILLIS = range(10**11, 10**14)
"""Times that count milliseconds, as Binance sends them unless asked for microseconds (``timeUnit``)."""
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_OURS = ("@depth", "@trade", "@kline", "!serverShutdown")
_NO_CHANGES = ("trade", "kline", "serverShutdown")


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Exchange.decode``.
    """
    try:
        data = _decode_stream(raw).data
        if type(data) is wire.DepthUpdate:
            symbol = symbols.get(data.s)
            if symbol is None:
                return _NOTHING
            return (_change(data, symbol),)
        if type(data) is wire.TradeMessage:
            symbol = symbols.get(data.s)
            return _NOTHING if symbol is None else (_trade(data, symbol),)
    except UNREADABLE:
        return _other_events(raw, symbols)
    return (ShutdownNotice(),) if type(data) is wire.ServerShutdown else _HEARTBEAT


def to_snapshot(depth: wire.Depth, symbol: str) -> BookSnapshot:
    """Translate a REST book."""
    return BookSnapshot(symbol=symbol, bids=depth.bids, asks=depth.asks, last_id=depth.lastUpdateId)


def to_instrument(entry: wire.SymbolEntry, exchange: str) -> Instrument:
    """Translate one symbol; filters are looked up by type, a grid of zero means none."""
    filters = {one.filterType: one for one in entry.filters}
    none = wire.Filter(filterType="")
    lot = filters.get("LOT_SIZE", none)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or none
    trading = entry.status == "TRADING" and entry.isSpotTradingAllowed
    status = "trading" if trading else ("halt" if entry.status == "TRADING" else entry.status.lower())
    return Instrument(
        id=InstrumentId(exchange, f"{entry.baseAsset}-{entry.quoteAsset}"),
        native=entry.symbol,
        base=entry.baseAsset,
        quote=entry.quoteAsset,
        tick_size=_of_filter(filters.get("PRICE_FILTER", none).tickSize),
        lot_size=_of_filter(lot.stepSize),
        min_quantity=_of_filter(lot.minQty),
        min_notional=_of_filter(notional.minNotional),
        status=status,
    )


def to_candle(row: wire.KlineRow) -> Candle:
    """Translate one row of candles."""
    return Candle(
        open_time=from_epoch(row.open_time),
        close_time=from_epoch(row.close_time),
        open=number(row.open),
        high=number(row.high),
        low=number(row.low),
        close=number(row.close),
        volume=number(row.volume),
        closed=False,
    )


def _of_filter(raw: msgspec.Raw) -> Decimal:
    return number(_decode_text(bytes(raw)), signed=True)


def _change(data: wire.DepthUpdate, symbol: str) -> BookChange:
    if data.u < data.U:
        raise WireFormatError("a depth update is not what the manual says")
    return BookChange(
        symbol=symbol,
        bids=data.b,
        asks=data.a,
        first_id=data.U,
        last_id=data.u,
        ts_exchange=data.E * MILLISECOND if data.E in _MILLIS else from_epoch(data.E),  # type: ignore[arg-type]  # hot
    )


def _trade(data: wire.TradeMessage, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=str(data.t),
        price=number(data.p),
        quantity=number(data.q),
        taker_side=Side.SELL if data.m else Side.BUY,
        ts_exchange=from_epoch(data.T),
    )


def _other_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    try:
        control = _decode_control(raw)
    except WRONG_SHAPE:
        control = wire.Control()
    if control.e == "serverShutdown":
        return (ShutdownNotice(),)
    if control.code is not None or control.error is not None:
        return (_refusal(control),)
    if control.result is not msgspec.UNSET:
        return (Subscribed(request_id=_request_id(control)),)
    return _unknown_events(raw, symbols)


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a stream we did not ask for as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    stream = text_of(outer.get("stream"))
    inner = envelope(outer.get("data")) or outer
    if stream is None:
        raise WireFormatError("a frame has an unexpected shape", doubted=_doubted(outer, inner, symbols))
    if not any(mine in stream for mine in _OURS):
        return _HEARTBEAT
    natives = {stream.partition("@")[0].upper(), text_of(inner.get("s"))} if "@depth" in stream else set()
    raise WireFormatError(
        "a message of a known stream has an unexpected shape",
        doubted=[symbols[one] for one in natives if one is not None and one in symbols],
    )


def _doubted(
    outer: Mapping[str, Raw], inner: Mapping[str, Raw], symbols: Mapping[str, str]
) -> Collection[str] | None:
    """The books that a frame without a stream's name may have changed; None: any."""
    is_answer = "id" in outer and not outer.keys() & {"stream", "data", "e"}
    if is_answer or text_of(inner.get("e")) in _NO_CHANGES:
        return ()
    native = text_of(inner.get("s"))
    return None if native is None else [symbols[one] for one in (native,) if one in symbols]


def _refusal(control: wire.Control) -> Refused:
    code, message = (control.error.code, control.error.msg) if control.error else (control.code, control.msg)
    kind = refusals.of_stream(code)
    return Refused(request_id=_request_id(control), symbol=None, kind=kind, message=message)


def _request_id(control: wire.Control) -> int | None:
    return control.id if isinstance(control.id, int) else None

"""Translate Binance's messages to the domain. In: bytes and typed wire values. Out: MarketEvents.

What spot and USD-M futures say in two ways has a function for each; all else is said once, for both.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Raw

from twap_models.enums import InstrumentKind, Side
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
from twap_server.domain.market.symbols import symbol_of
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

SPOT_BEAT: Final = "btcusdt@kline_1m"
"""A stream of spot that is always busy: one candle of the busiest pair every two seconds."""
USDM_BEAT: Final = "btcusdt@depth5@500ms"
"""The same of USD-M: the best levels of the busiest contract; candles come over another address only."""

_decode_spot = msgspec.json.Decoder(wire.SpotFrame).decode
_decode_usdm = msgspec.json.Decoder(wire.UsdmFrame).decode
_decode_control = msgspec.json.Decoder(wire.Control).decode
_decode_text = decoder(str)

_MILLIS = range(10**11, 10**14)
"""Times that count milliseconds, as Binance sends them unless asked for microseconds (``timeUnit``)."""
_NO_FILTER = wire.Filter(filterType="")
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_OURS = ("@depth", "@trade", "!serverShutdown")
_NO_CHANGES = ("trade", "kline", "bookTicker", "serverShutdown")
_AGAINST_THE_BOOK = "MARKET"


def spot_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame of spot; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    try:
        data = _decode_spot(raw).data
        if type(data) is wire.SpotDepth:
            symbol = symbols.get(data.s)
            return _NOTHING if symbol is None else (_spot_change(data, symbol),)
        if type(data) is wire.TradeMessage:
            symbol = symbols.get(data.s)
            return _NOTHING if symbol is None else (_trade(data, symbol),)
    except UNREADABLE:
        return _other_events(raw, symbols, SPOT_BEAT)
    return (ShutdownNotice(),) if type(data) is wire.ServerShutdown else _HEARTBEAT


def usdm_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame of USD-M, as ``spot_events``."""
    try:
        found = _decode_usdm(raw)
        data = found.data
        if type(data) is wire.UsdmDepth:
            if found.stream == USDM_BEAT:
                return _HEARTBEAT
            symbol = symbols.get(data.s)
            return _NOTHING if symbol is None else (_usdm_change(data, symbol),)
        if type(data) is wire.UsdmTradeMessage:
            symbol = symbols.get(data.s)
            if symbol is None or data.X != _AGAINST_THE_BOOK:
                return _NOTHING
            return (_trade(data, symbol),)
    except UNREADABLE:
        return _other_events(raw, symbols, USDM_BEAT)
    return _HEARTBEAT


def to_snapshot(depth: wire.Depth, symbol: str) -> BookSnapshot:
    """Translate a REST book."""
    return BookSnapshot(symbol=symbol, bids=depth.bids, asks=depth.asks, last_id=depth.lastUpdateId)


def spot_instrument(entry: wire.SpotSymbol, exchange: str) -> Instrument:
    """Translate one symbol of spot; filters are looked up by type, a grid of zero means none."""
    filters = _by_type(entry)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or _NO_FILTER
    trading = entry.status == "TRADING" and entry.isSpotTradingAllowed
    return _instrument(
        entry,
        exchange,
        min_notional=notional.minNotional,
        status="trading" if trading else ("halt" if entry.status == "TRADING" else entry.status.lower()),
    )


def usdm_instrument(entry: wire.Contract, exchange: str) -> Instrument:
    """Translate one perpetual of USD-M. Quantities are base currency already."""
    return _instrument(
        entry,
        exchange,
        min_notional=_by_type(entry).get("MIN_NOTIONAL", _NO_FILTER).notional,
        status=entry.status.lower(),
        kind=InstrumentKind.PERPETUAL,
        settle=entry.marginAsset,
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


def _by_type(entry: wire.SymbolEntry) -> Mapping[str, wire.Filter]:
    return {one.filterType: one for one in entry.filters}


def _instrument(
    entry: wire.SymbolEntry,
    exchange: str,
    *,
    min_notional: Raw,
    status: str,
    kind: InstrumentKind = InstrumentKind.SPOT,
    settle: str = "",
) -> Instrument:
    filters = _by_type(entry)
    lot = filters.get("LOT_SIZE", _NO_FILTER)
    return Instrument(
        id=InstrumentId(exchange, symbol_of(entry.baseAsset, entry.quoteAsset, kind)),
        native=entry.symbol,
        base=entry.baseAsset,
        quote=entry.quoteAsset,
        kind=kind,
        settle=settle,
        tick_size=_figure(filters.get("PRICE_FILTER", _NO_FILTER).tickSize),
        lot_size=_figure(lot.stepSize),
        min_quantity=_figure(lot.minQty),
        min_notional=_figure(min_notional),
        status=status,
    )


def _figure(raw: Raw) -> Decimal:
    return number(_decode_text(bytes(raw)), signed=True)


def _spot_change(data: wire.SpotDepth, symbol: str) -> BookChange:
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


def _usdm_change(data: wire.UsdmDepth, symbol: str) -> BookChange:
    """It begins where its predecessor ended: U lies behind that, for ids are shared by all symbols."""
    if data.u <= data.pu:
        raise WireFormatError("a depth update is not what the manual says")
    return BookChange(
        symbol=symbol,
        bids=data.b,
        asks=data.a,
        first_id=data.pu + 1,
        last_id=data.u,
        ts_exchange=from_epoch(data.E),
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


def _other_events(raw: bytes | str, symbols: Mapping[str, str], beat: str) -> Sequence[MarketEvent]:
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
    return _unknown_events(raw, symbols, beat)


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str], beat: str) -> Sequence[MarketEvent]:
    """Take a stream we did not ask for as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    stream = text_of(outer.get("stream"))
    inner = envelope(outer.get("data")) or outer
    if stream is None:
        raise WireFormatError("a frame has an unexpected shape", doubted=_doubted(outer, inner, symbols))
    if stream != beat and not any(mine in stream for mine in _OURS):
        return _HEARTBEAT
    is_change = "@depth" in stream and stream != beat
    natives = {stream.partition("@")[0].upper(), text_of(inner.get("s"))} if is_change else set()
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

"""Translate Binance USD-M's messages to the domain. In: bytes and typed wire values. Out: MarketEvents."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Raw

from twap_models.enums import InstrumentKind, Side
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Candle,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.symbols import symbol_of
from twap_server.exchanges.binance_usdm import refusals, wire
from twap_server.exchanges.decode import (
    UNREADABLE,
    WRONG_SHAPE,
    decoder,
    envelope,
    from_epoch,
    number,
    text_of,
)

BEAT: Final = "btcusdt@depth5@500ms"
"""A stream that is always busy: the five best levels of the busiest contract, twice a second."""

_decode_stream = msgspec.json.Decoder(wire.Stream).decode
_decode_control = msgspec.json.Decoder(wire.Control).decode
_decode_text = decoder(str)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_OURS = ("@depth", "@trade")
_NO_CHANGES = ("trade", "bookTicker")
_AGAINST_THE_BOOK = "MARKET"


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    try:
        found = _decode_stream(raw)
        data = found.data
        if found.stream == BEAT or type(data) is wire.BookTicker:
            return _HEARTBEAT
        symbol = symbols.get(data.s)  # type: ignore[union-attr]  # a ticker is gone
        if symbol is None:
            return _NOTHING
        if type(data) is wire.DepthUpdate:
            return (_change(data, symbol),)
        return _trades(data, symbol)  # type: ignore[arg-type]
    except UNREADABLE:
        return _other_events(raw, symbols)


def to_snapshot(depth: wire.Depth, symbol: str) -> BookSnapshot:
    """Translate a REST book."""
    return BookSnapshot(symbol=symbol, bids=depth.bids, asks=depth.asks, last_id=depth.lastUpdateId)


def to_instrument(entry: wire.SymbolEntry, exchange: str) -> Instrument:
    """Translate one perpetual; filters are looked up by type. Quantities are base currency already."""
    filters = {one.filterType: one for one in entry.filters}
    none = wire.Filter(filterType="")
    lot = filters.get("LOT_SIZE", none)
    symbol = symbol_of(entry.baseAsset, entry.quoteAsset, InstrumentKind.PERPETUAL)
    return Instrument(
        id=InstrumentId(exchange, symbol),
        native=entry.symbol,
        base=entry.baseAsset,
        quote=entry.quoteAsset,
        kind=InstrumentKind.PERPETUAL,
        settle=entry.marginAsset,
        tick_size=_of_filter(filters.get("PRICE_FILTER", none).tickSize),
        lot_size=_of_filter(lot.stepSize),
        min_quantity=_of_filter(lot.minQty),
        min_notional=_of_filter(filters.get("MIN_NOTIONAL", none).notional),
        status=entry.status.lower(),
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


def _trades(data: wire.TradeMessage, symbol: str) -> Sequence[MarketEvent]:
    """A trade; nothing where it was not one against the book, such as of the insurance fund."""
    if data.X != _AGAINST_THE_BOOK:
        return _NOTHING
    made = Trade(
        symbol=symbol,
        trade_id=str(data.t),
        price=number(data.p),
        quantity=number(data.q),
        taker_side=Side.SELL if data.m else Side.BUY,
        ts_exchange=from_epoch(data.T),
    )
    return (made,)


def _other_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    try:
        control = _decode_control(raw)
    except WRONG_SHAPE:
        control = wire.Control()
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
    is_change = "@depth" in stream and stream != BEAT
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

"""Translate Kraken's messages to the domain. In: bytes. Out: MarketEvents, numbers with all digits."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    TextLevel,
    Trade,
    TradingStatus,
)
from twap_server.domain.market.instrument import TRADING, Instrument
from twap_server.domain.market.native import from_iso
from twap_server.exchanges.decode import decoder, entries_of, envelope, number, text_of
from twap_server.exchanges.kraken import refusals, wire

_decode_frame = decoder(wire.Frame)
_decode_books = decoder(list[wire.Book])
_decode_book = decoder(wire.Book)
_decode_trades = decoder(list[wire.TradeEntry])
_decode_trade = decoder(wire.TradeEntry)
_decode_systems = decoder(list[wire.SystemEntry])
_decode_pair = decoder(wire.PairEntry)
_decode_reference = decoder(wire.Reference)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NO_BOOKS = ("trade", "heartbeat", "status", "instrument", "ticker", "ohlc")
_LEVELS = {"bids", "asks"}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


@dataclass(frozen=True, slots=True)
class Grid:
    """How one symbol's numbers are written."""

    symbol: str
    price_places: int
    quantity_places: int


def trading_rules_of(instrument: Instrument) -> Grid:
    """Take the places from the grid: tick and lot size carry the exchange's precision in their exponents."""
    return Grid(instrument.id.symbol, places(instrument.tick_size), places(instrument.lot_size))


def places(step: Decimal) -> int:
    """Count the decimals a step is written with: ``0.10`` has two."""
    exponent = step.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def to_events(raw: bytes | str, grids: Mapping[str, Grid]) -> Sequence[MarketEvent]:
    """Translate one frame; ``grids`` is keyed by the stream's symbols, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Exchange.decode``.
    """
    try:
        frame = _decode_frame(raw)
        if frame.channel == "book":
            return _book_events(frame, grids)
        return _other_events(frame, grids)
    except WireFormatError:
        return _unknown_events(raw, grids)


def _other_events(frame: wire.Frame, grids: Mapping[str, Grid]) -> Sequence[MarketEvent]:
    if frame.channel == "trade":
        return _trade_events(frame, grids)
    if frame.channel in ("status", "instrument"):
        return _status_events(frame, grids)
    if frame.method == "pong":
        return ()
    if frame.method:
        return (_answer(frame, grids),)
    if frame.error:
        return (_refused(frame, None),)
    if frame.channel not in _NO_BOOKS and not frame.method:
        raise WireFormatError("a frame names no known channel and no method")
    return _HEARTBEAT


def _unknown_events(raw: bytes | str, grids: Mapping[str, Grid]) -> Sequence[MarketEvent]:
    """Take a new channel without levels as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    channel, data = text_of(outer.get("channel")), entries_of(outer.get("data"))
    if channel in _NO_BOOKS or ("method" in outer and "data" not in outer):
        trades = _readable_trades(data or (), grids) if channel == "trade" else ()
        raise WireFormatError("a message about no book has an unexpected shape", doubted=(), readable=trades)
    if channel not in (None, "book") and not any(
        _LEVELS & (envelope(one) or {}).keys() for one in data or ()
    ):
        return _HEARTBEAT
    if data is None:
        raise WireFormatError("a message has an unexpected shape")
    raise _read_apart(data, text_of(outer.get("type")) if channel == "book" else None, grids)


def _read_apart(data: Sequence[Raw], kind: str | None, grids: Mapping[str, Grid]) -> WireFormatError:
    """Read the books of a message one by one."""
    found: list[BookSnapshot | BookChange] = []
    natives: list[str | None] = []
    for raw in data:
        try:
            book = _decode_book(bytes(raw))
            if book.symbol in grids:
                found.append(_book_event(book, grids[book.symbol], kind))
        except WireFormatError:
            natives.append(text_of((envelope(raw) or {}).get("symbol")))
    doubted = {grids[one].symbol for one in natives if one is not None and one in grids}
    return WireFormatError(
        "a book message has an unexpected shape",
        doubted=None if None in natives or not data else doubted,
        readable=[one for one in found if one.symbol not in doubted],
    )


def fixed(text: str, decimals: int) -> str:
    """Write a number with at least ``decimals`` decimals, digit for digit.

    Raises:
        WireFormatError: not a number that is zero or more.
    """
    whole, _, part = text.partition(".")
    if not (whole.isdigit() and (not part or part.isdigit()) and text.isascii()):
        whole, _, part = format(number(text), "f").partition(".")
    if len(part) > decimals:
        part = part[:decimals] + part[decimals:].rstrip("0")
    elif len(part) < decimals:
        part = part.ljust(decimals, "0")
    return f"{whole}.{part}" if part else whole


def _book_events(frame: wire.Frame, grids: Mapping[str, Grid]) -> Sequence[MarketEvent]:
    return [
        _book_event(book, grids[book.symbol], frame.type)
        for book in _decode_books(bytes(frame.data))
        if book.symbol in grids
    ]


def _book_event(book: wire.Book, grid: Grid, kind: str | None) -> BookSnapshot | BookChange:
    if kind not in ("snapshot", "update"):
        raise WireFormatError("a book message is neither snapshot nor update")
    shape = BookSnapshot if kind == "snapshot" else BookChange
    return shape(
        symbol=grid.symbol,
        bids=_levels(book.bids, grid),
        asks=_levels(book.asks, grid),
        checksum=book.checksum,
        ts_exchange=from_iso(book.timestamp) if book.timestamp else Nanos(0),
    )


def _levels(levels: list[wire.Level], grid: Grid) -> list[TextLevel]:
    return [
        (
            fixed(str(level.price, "latin-1"), grid.price_places),
            fixed(str(level.qty, "latin-1"), grid.quantity_places),
        )
        for level in levels
    ]


def _trade_events(frame: wire.Frame, grids: Mapping[str, Grid]) -> Sequence[MarketEvent]:
    entries = _decode_trades(bytes(frame.data))
    return [_trade(one, grids[one.symbol]) for one in entries if one.symbol in grids]


def _readable_trades(data: Sequence[Raw], grids: Mapping[str, Grid]) -> Sequence[Trade]:
    found = []
    for raw in data:
        with suppress(WireFormatError):
            entry = _decode_trade(bytes(raw))
            if entry.symbol in grids:
                found.append(_trade(entry, grids[entry.symbol]))
    return found


def _trade(entry: wire.TradeEntry, grid: Grid) -> Trade:
    side = _SIDES.get(entry.side)
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=grid.symbol,
        trade_id=str(entry.trade_id),
        price=number(str(entry.price, "latin-1")),
        quantity=number(str(entry.qty, "latin-1")),
        taker_side=side,
        ts_exchange=from_iso(entry.timestamp),
    )


def _status_events(frame: wire.Frame, grids: Mapping[str, Grid]) -> Sequence[MarketEvent]:
    data = bytes(frame.data)
    if frame.channel == "status":
        told = _decode_systems(data)
        return [TradingStatus(symbol=None, status=status_of(one.system)) for one in told] or _HEARTBEAT
    found: list[MarketEvent] = []
    for raw in _decode_reference(data).pairs:
        with suppress(WireFormatError):  # one pair that cannot be read costs no other
            pair = _decode_pair(bytes(raw))
            if pair.symbol in grids:
                found.append(TradingStatus(symbol=grids[pair.symbol].symbol, status=status_of(pair.status)))
    return found or _HEARTBEAT


def status_of(word: str) -> str:
    """Read a status of the exchange or of a pair: all but ``online`` keep their own word."""
    return TRADING if word == "online" else word.lower()


def _answer(frame: wire.Frame, grids: Mapping[str, Grid]) -> MarketEvent:
    native = frame.symbol or (frame.result.symbol if frame.result else None)
    grid = grids.get(native) if native else None
    symbol = grid.symbol if grid else None
    if frame.success is False or frame.error:
        return _refused(frame, symbol)
    return Subscribed(request_id=frame.req_id, symbol=symbol)


def _refused(frame: wire.Frame, symbol: str | None) -> Refused:
    kind = refusals.of_text(frame.error)
    return Refused(request_id=frame.req_id, symbol=symbol, kind=kind, message=frame.error)


def encode(request: wire.Request | wire.TradeRequest | wire.InstrumentRequest) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()

"""Translate Gemini's messages to the domain. In: frames that ``stream.py`` has sorted. Out: MarketEvents."""

from collections.abc import Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Trade,
)
from twap_server.exchanges.decode import decoder, entries_of, envelope, from_epoch, number, text_of
from twap_server.exchanges.gemini import refusals, wire

_decode_levels = decoder(wire.Levels)
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)


def snapshot(frame: wire.Frame, symbol: str) -> BookSnapshot:
    """The whole book."""
    return BookSnapshot(
        symbol=symbol,
        bids=_decode_levels(bytes(frame.b)),
        asks=_decode_levels(bytes(frame.a)),
        last_id=frame.u,
        ts_exchange=from_epoch(frame.E),
    )


def change(frame: wire.Frame, symbol: str) -> BookChange:
    """Changes of a book: ``U`` is the number of the message before, not of the first change in this one."""
    return BookChange(
        symbol=symbol,
        bids=_decode_levels(bytes(frame.b)),
        asks=_decode_levels(bytes(frame.a)),
        first_id=frame.U + 1,
        last_id=frame.u,
        ts_exchange=from_epoch(frame.E),
    )


def trade(frame: wire.Frame, symbol: str) -> Trade:
    """One trade."""
    if frame.m is None or frame.t is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbol,
        trade_id=str(frame.t),
        price=number(frame.p),
        quantity=number(frame.q),
        taker_side=Side.SELL if frame.m else Side.BUY,
        ts_exchange=from_epoch(frame.E),
        is_numbered=False,  # one count for all markets
    )


def request_id(frame: wire.Frame) -> int | None:
    """Which request an answer is to; it is written as a text, or as a number."""
    text = str(frame.id)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def refused(frame: wire.Frame) -> Refused:
    """A refusal."""
    problem = frame.error or wire.Problem()
    return Refused(
        request_id=request_id(frame),
        symbol=None,
        kind=refusals.of_error(problem.code, problem.msg),
        message=f"{problem.code}: {problem.msg}",
    )


def unknown(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a new kind of message without levels as a heartbeat; say of all else which books it may change."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    kind = text_of(outer.get("e"))
    if not any(entries_of(outer.get(side)) is not None for side in ("b", "a")):
        if kind not in (None, wire.BOOK):
            return _HEARTBEAT
        if kind is None and ("status" in outer or "t" in outer):
            raise WireFormatError("a message about no book has an unexpected shape", doubted=())
    native = text_of(outer.get("s"))
    doubted = None if native is None else [symbols[one] for one in (native,) if one in symbols]
    raise WireFormatError("a book message has an unexpected shape", doubted=doubted)


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()


def names(native: str, streams: Sequence[str]) -> list[str]:
    """What the streams of one market are called."""
    return [f"{native}@{one}" for one in streams]

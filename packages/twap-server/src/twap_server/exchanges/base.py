"""Define what an exchange must say about itself. Only values: nothing is sent from here.

The collector holds one ``Exchange`` per exchange and does all input and output for it. Add an exchange by
writing one class with this shape and one line in ``registry.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import Nanos
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import BookChange, BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """What the exchange allows one address. Zero means it states no limit."""

    messages_per_second: int
    symbols_per_connection: int
    symbols_per_request: int
    connect_attempts: int
    connect_window_s: int
    rest_weight_per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """How to tell a quiet connection from a dead one."""

    silence_s: int
    """Without any frame for so long, while something is subscribed, the connection is dead."""
    beat_s: int = 0
    """How often the connection speaks by itself: its heartbeat, or the canary; 0 where there is neither."""
    ping_every_s: int = 0
    """Send ``ping`` so often; 0 where the WebSocket's own ping is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WsRequest:
    """One message to send, and what its acknowledgement will stand for."""

    request_id: int
    text: str
    symbols: tuple[str, ...] = ()
    """Canonical symbols; empty for the canary."""
    is_book: bool = True
    """Whether its refusal costs the symbol its book."""
    acks: int = 1
    """How many acknowledgements to expect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One GET, relative to the REST base URL; ``weight`` counts against the minute's budget."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which candles to ask for: inclusive start and end by open time, at most ``limit`` rows."""

    native_interval: str
    limit: int
    start: Nanos | None = None
    end: Nanos | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineRules:
    """How the exchange serves candles."""

    native: Mapping[Interval, str]
    """Intervals it has itself, in its own spelling."""
    max_rows: int
    """Rows of one answer."""
    pages: bool
    """Whether older rows can be reached by asking again with an end time."""
    gaps: bool = False
    """Whether intervals without a trade are left out, so that a short answer is not the last."""


class Sequencer(Protocol):
    """The exchange's own rule for a gapless book of one instrument."""

    def admit(self, change: BookChange) -> bool:
        """Tell whether to apply the change now: False when it is old, or held until a snapshot is joined.

        Raises:
            SequenceGap: a message is missing, or more than 10,000 changes are held.
        """
        ...

    def splice(self, snapshot: BookSnapshot) -> list[BookChange]:
        """Join a snapshot to the held changes and return those to apply on top of it, in order.

        Raises:
            SnapshotTooOld: it ends before the first held change begins.
            SequenceGap: a message is missing between the held changes.
        """
        ...

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Compare the book after the event with what the exchange says about it.

        Raises:
            ChecksumMismatch: they differ.
        """
        ...

    def proven(self) -> bool:
        """Tell whether snapshot and changes are known to overlap."""
        ...

    def reset(self) -> None:
        """Forget everything: the next snapshot starts anew."""
        ...


class SnapshotFirst:
    """The rule where a snapshot comes over the stream and nothing is numbered: what comes after it counts."""

    __slots__ = ("_has_snapshot",)

    def __init__(self) -> None:
        self._has_snapshot = False

    def admit(self, change: BookChange) -> bool:
        """Pass changes after the snapshot."""
        return self._has_snapshot

    def splice(self, snapshot: BookSnapshot) -> list[BookChange]:
        """Start from a snapshot; nothing is held."""
        self._has_snapshot = True
        return []

    def proven(self) -> bool:
        """Tell whether there was a snapshot: what follows joins it."""
        return self._has_snapshot

    def reset(self) -> None:
        """Wait for a snapshot again."""
        self._has_snapshot = False


class Exchange(Protocol):
    """One exchange. Keeps only the mapping of its symbols, given by ``learn``."""

    name: ClassVar[str]
    integrity: ClassVar[Integrity]
    needs_rest_snapshot: ClassVar[bool]
    """Whether a book starts from a REST snapshot (else the stream sends one)."""
    refresh_s: ClassVar[int]
    """Ask for each book anew after so long, where nothing proves it; 0 elsewhere."""
    limits: ClassVar[RequestLimits]
    heartbeat: ClassVar[Liveness]
    klines: ClassVar[KlineRules]
    depths: ClassVar[tuple[int, ...]]
    """Depths that can be asked for, ascending; empty where all levels come."""
    book_depth: int
    """Levels to keep per side; 0 keeps all that arrive."""

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        """Empty URLs and a zero depth mean the exchange's own."""
        ...

    @property
    def ws_url(self) -> str:
        """Where to open the WebSocket, complete."""
        ...

    @property
    def rest_url(self) -> str:
        """The base URL of REST, without a final slash."""
        ...

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Replace the mapping between native and canonical symbols."""
        ...

    def subscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """Ask for book and trades, request ids counting from ``first_id``."""
        ...

    def unsubscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """Give up book and trades."""
        ...

    def resubscribe(self, instrument: Instrument, *, first_id: int) -> Sequence[WsRequest]:
        """Give up the book only and ask for it again; empty where a REST snapshot heals it."""
        ...

    def canary(self, *, first_id: int) -> Sequence[WsRequest]:
        """Ask for what each connection needs beside its books.

        That is a stream that is always busy, where the exchange sends no heartbeats, and what it says of
        itself.
        """
        ...

    def ping(self, request_id: int) -> str:
        """Build the exchange's own ping message."""
        ...

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame; symbols nobody taught us are left out.

        Raises:
            WireFormatError: the frame is not what the manual says. ``doubted`` names the books that may have
                lost a change by it, ``readable`` has what could be translated all the same. Where a symbol
                can be read and nobody taught it to us, no book is doubted.
        """
        ...

    def new_sequencer(self, instrument: Instrument) -> Sequencer:
        """Build the gap rule for one instrument."""
        ...

    def instruments_request(self) -> HttpRequest:
        """Ask for all instruments."""
        ...

    def parse_instruments(self, body: bytes) -> Entries[Instrument]:
        """Read the list, entry by entry; those that cannot be read are left out by name.

        Raises:
            WireFormatError: the body has another shape.
            ExchangeUnavailable: the body is an error.
        """
        ...

    def status_requests(self, instruments: Sequence[Instrument]) -> Sequence[HttpRequest]:
        """Ask for some instruments anew, for ``parse_instruments``; empty where the stream tells changes."""
        ...

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than HTTP 200: what kind of refusal it is, and until when, if it says so."""
        ...

    def klines_request(self, instrument: Instrument, page: Page) -> HttpRequest:
        """Ask for one page of candles."""
        ...

    def parse_klines(self, body: bytes, native_interval: str) -> Entries[Candle]:
        """Read candles, row by row, oldest first; ``closed`` is False throughout, the caller knows the time.

        Raises:
            WireFormatError: the body has another shape.
            ExchangeUnavailable: the body is an error.
        """
        ...

    def depth_request(self, instrument: Instrument) -> HttpRequest:
        """Ask for the book."""
        ...

    def parse_depth(self, body: bytes, instrument: Instrument) -> BookSnapshot:
        """Read the book, all of it or nothing.

        Raises:
            WireFormatError: the body, or a single level, has another shape.
            ExchangeUnavailable: the body is an error.
        """
        ...

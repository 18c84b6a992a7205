"""Define what an exchange must say about itself. Only values: nothing is sent from here.

Three parts. ``Exchange`` is what holds for the exchange: limits, candles, what to ask over REST. ``Stream``
is one connection to it: what to send, how to read what comes, and whatever begins anew with a connection
(channel numbers, a count of all its messages). ``Sequencer`` is the rule for one book; most take ``Chain``.

The collector holds one ``Exchange`` per exchange and one ``Stream`` per connection, and does all input and
output for them. Add an exchange by writing these classes and one line in ``registry.py``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto
from itertools import count
from typing import ClassVar, NamedTuple, Protocol, TypeAlias, TypeVar

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ONE
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import Refusal

T = TypeVar("T")


class Rate(NamedTuple):
    """At most ``amount`` within any ``window_s`` seconds."""

    amount: int
    window_s: int

    def shared_by(self, sharers: int) -> "Rate":
        """The share of one of so many."""
        return Rate(self.amount // sharers, self.window_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the exchange allows one address. What is left out has no stated limit."""

    connects: Rate
    """Attempts to connect."""
    connections: int = 0
    """Open at a time, those that replace others for a while included."""
    sends: tuple[Rate, ...] = ()
    """Requests on one connection, not pings or replies; all of them hold, as 5 a second and 480 an hour."""
    symbols_per_connection: int = 0
    symbols_per_request: int = 1
    rest: Mapping[str, Rate] = field(default_factory=dict)
    """Weight over REST, by ``HttpRequest.bucket``."""
    heaviest: int = 1
    """Weight of the heaviest request over REST."""

    @property
    def kept_connections(self) -> int:
        """Over how many connections books are spread at most: each may have a successor beside it; 0: any."""
        return max(1, self.connections // 2) if self.connections else 0

    @property
    def most_sharers(self) -> int:
        """Among how many these limits can be shared out so that each may still do everything."""
        shares = [self.connects.amount, *(rate.amount // self.heaviest for rate in self.rest.values())]
        return max(1, min([*shares, *filter(None, (self.kept_connections,))]))

    def shared_by(self, sharers: int) -> "Limits":
        """The share of one of so many, who have one address: together they never exceed what is allowed.

        What is allowed on one connection stays as it is.
        """
        return replace(
            self,
            connects=self.connects.shared_by(sharers),
            connections=self.connections // sharers,
            rest={bucket: rate.shared_by(sharers) for bucket, rate in self.rest.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """How to tell a quiet connection from a dead one, and when to speak first."""

    silence_s: int
    """Without any frame for so long, while something is subscribed, the connection is dead."""
    beat_s: int = 0
    """How often the connection speaks by itself: its heartbeat, or an opening stream; 0 where neither is."""
    ping_every_s: int = 0
    """Send ``Stream.ping`` so often; 0 where the WebSocket's own ping is enough."""
    greets: bool = False
    """The exchange speaks first: nothing is sent before its first message."""
    settle_ms: int = 0
    """Send nothing for so long after connecting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A Python process that speaks with the exchange in our place, started and watched by the collector.

    It writes lines to its standard output, the first once it can serve, others every few seconds, and ends
    when its standard input does.
    """

    module: str
    """Run as ``python -m``."""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeWord:
    """What a line of a bridge says."""

    failure: str = ""
    """Why it cannot serve; empty where it can."""
    remark: str = ""
    """What to know of it while it serves."""


class Start(Enum):
    """Where a book comes from, first and after each fault."""

    PUSHED = auto()
    """Subscribing brings a snapshot: ``Stream.renew`` unsubscribes and subscribes."""
    FETCHED = auto()
    """Changes are held, ``Exchange.snapshot`` brings over REST what they join."""
    WHOLE = auto()
    """Every message is the whole book: the next one heals. Where none comes, ``Stream.renew``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WsRequest:
    """One message to send, and what its acknowledgement will stand for."""

    request_id: int
    text: str
    symbols: tuple[str, ...] = ()
    """Canonical symbols; empty for what concerns the connection."""
    is_book: bool = True
    """Whether its refusal costs the symbol its book."""
    acks: int = 1
    """How many acknowledgements to expect; with 0 it counts as acknowledged once it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request relative to the REST base URL: a GET, or a POST of JSON where there is a ``body``."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    weight: int = 1
    """Counts against the budget of its bucket."""
    bucket: str = ""
    """Which of ``Limits.rest`` it draws on."""

    @property
    def method(self) -> str:
        """Of HTTP."""
        return "GET" if self.body is None else "POST"


Asking: TypeAlias = Generator[HttpRequest, bytes, T]
"""A conversation over REST: yields what to ask, is sent the body of each answer, returns what it read.

Several pages, or two lists, are more than one ``yield``. It raises WireFormatError (a body has another
shape), UnknownSymbol, Throttled (a body says to slow down) or ExchangeUnavailable (a body is another error).
"""


def asked(request: HttpRequest, read: Callable[[bytes], T]) -> Asking[T]:
    """Make the conversation of one question."""
    body = yield request
    return read(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which candles to ask for: by open time, both ends included and on the interval's grid.

    Ask by the times, or for ``limit`` rows up to ``end``: never more than ``limit`` lie within.
    """

    interval: Interval
    start: Nanos
    end: Nanos
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineRules:
    """How the exchange serves candles."""

    native: Mapping[Interval, str]
    """Intervals it has itself and that begin in UTC where ours do, in its own spelling."""
    max_rows: int
    """Rows of one answer."""
    pages: bool
    """Whether older rows can be reached by asking again with an end time."""
    gaps: bool = False
    """Whether intervals without a trade are left out, so that a short answer is not the last."""
    reach: int = 0
    """Rows back from now that can be had at all; 0: no stated limit."""
    is_fixed: bool = False
    """Whether an answer is of a fixed stretch of time: fewer rows than asked for are not the oldest."""


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
    """The rule where the stream sends the snapshot and does not number a book's changes: order of arrival.

    1. Ignore changes until the snapshot.
    2. A snapshot replaces the book. It comes before the changes that follow it, on one ordered connection.
    3. Apply every change in the order of arrival.

    ``proven`` says that what follows joins the snapshot. That all of it arrives is for the connection's
    count, or for a checksum in ``verify``, to prove; where there is neither, nothing does.
    """

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

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """Do nothing: there is nothing to compare with."""

    def proven(self) -> bool:
        """Tell whether there was a snapshot: what follows joins it."""
        return self._has_snapshot

    def reset(self) -> None:
        """Wait for a snapshot again."""
        self._has_snapshot = False


class Stream(ABC):
    """One connection, from its opening to its end. Pure: told what came, says what to send.

    Keep in it what a new connection begins anew: channel numbers, the count of all messages, which symbols
    wait for their first message.
    """

    def __init__(self) -> None:
        self.next_id: Callable[[], int] = count(1).__next__
        """Gives a request id not used on this connection."""
        self.wall_time: Callable[[], Nanos] = lambda: Nanos(0)
        """Tells the time, for requests that have to say it; whoever opens the connection gives a clock's."""

    def opening(self) -> Sequence[WsRequest]:
        """Ask for what each connection needs beside its books, once, right after it is open.

        That is a setting of the connection, a stream that is always busy where the exchange sends no
        heartbeats, or what the exchange says of itself.
        """
        return ()

    @abstractmethod
    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """Ask for books and trades of at most ``symbols_per_request`` instruments."""

    @abstractmethod
    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """Give up books and trades."""

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Ask for one book anew over this stream, its trades go on; nothing where REST heals it."""
        return ()

    def ping(self) -> str:
        """Build the exchange's own ping; called only where ``Liveness`` says so."""
        return ""

    @abstractmethod
    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame; symbols nobody taught us are left out.

        A ``Reply`` among the events is sent back at once.

        Raises:
            WireFormatError: the frame is not what the manual says. ``doubted`` names the books that may have
                lost a change by it, ``readable`` has what could be translated all the same. Where a symbol
                can be read and nobody taught it to us, no book is doubted.
            StreamGap: the connection's own count shows a loss; it is opened anew, with all its books.
        """


class Exchange(ABC):
    """One exchange. Keeps only what ``learn`` is given: names, and sizes of contracts."""

    name: ClassVar[str]
    by_default: ClassVar[bool] = False
    """Whether it is collected without being named by the settings."""
    feed_of: ClassVar[tuple[str, ...]] = ()
    """The exchanges whose markets this is another feed of: never collected beside it, or they count twice."""
    integrity: ClassVar[Integrity]
    start: ClassVar[Start]
    refresh_s: ClassVar[int] = 0
    """Ask for each book anew after so long, where nothing proves it; 0 elsewhere."""
    limits: Limits
    """Of this server at the exchange: all that one address is allowed, or a share of it."""
    liveness: ClassVar[Liveness]
    klines: KlineRules
    depths: ClassVar[tuple[int, ...]] = ()
    """Depths that can be asked for, ascending; empty where all levels come."""
    usual_depth: ClassVar[int] = 0
    """The depth where none is asked for."""
    default_ws_url: ClassVar[str]
    other_ws_urls: ClassVar[tuple[str, ...]] = ()
    """Other addresses of the same stream, by which a recording of it may be known."""
    default_rest_url: ClassVar[str]
    book_depth: int
    """Levels to keep per side; 0 keeps all that arrive."""
    closes_on_refusal: ClassVar[bool] = False
    """Whether it closes the connection, without a word, when it is asked for what it does not know."""
    numbers_connections: ClassVar[bool] = False
    """Whether it numbers all messages of a connection in one row: a recording can do without none of them."""
    tells_status: ClassVar[bool] = False
    """Whether the stream tells what stops trading; else ``statuses`` is asked for what is wanted."""

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        """Empty URLs and a zero depth mean the exchange's own."""
        self.ws_url = (ws_url or self.default_ws_url).rstrip("/")
        """Where to open the WebSocket, complete."""
        self.rest_url = (rest_url or self.default_rest_url).rstrip("/")
        """The base URL of REST, without a final slash."""
        wanted = depth or self.usual_depth
        self.book_depth = next((one for one in self.depths if one >= wanted), max(self.depths, default=0))
        self._symbols: dict[str, str] = {}
        """Native to canonical."""
        self._multipliers: dict[str, Decimal] = {}
        """By native symbol, base currency in a unit of the exchange's quantities: of what it counts in
        contracts."""

    def share_limits(self, sharers: int) -> None:
        """Keep to the share of one of so many who have one address."""
        self.limits = self.limits.shared_by(sharers)

    @staticmethod
    def says_nothing(raw: bytes) -> bool:
        """Whether a frame says only that the connection lives, on every connection, whatever came before.

        True is a promise: ``decode`` gives one ``Heartbeat`` and remembers nothing. Of several such in a row
        a replay plays the last.
        """
        return False

    @property
    def book_silence_s(self) -> int:
        """After so long without a word of it a book is not to be trusted; 0: it speaks when it changes."""
        return 0

    @property
    def bridge(self) -> Bridge | None:
        """The process that speaks with the exchange for us; None where we do it ourselves."""
        return None

    def hear_bridge(self, line: bytes) -> BridgeWord:
        """Read a line of the bridge, and take from it what is said here of the exchange.

        Raises:
            WireFormatError: it is none of the bridge's.
        """
        raise WireFormatError("no bridge was asked for")

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Replace what is known of native symbols, in place: open streams use it."""
        every = list(instruments)
        self._symbols.clear()
        self._symbols.update((one.native, one.id.symbol) for one in every)
        self._multipliers.clear()
        self._multipliers.update((one.native, one.multiplier) for one in every if one.multiplier != ONE)

    @abstractmethod
    def new_stream(self) -> Stream:
        """Begin a connection."""

    @abstractmethod
    def new_sequencer(self, instrument: Instrument) -> Sequencer:
        """Build the gap rule of one book."""

    @abstractmethod
    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than HTTP 200: what kind of refusal it is, and until when, if it says so."""

    @abstractmethod
    def instruments(self) -> Asking[Entries[Instrument]]:
        """List all instruments, entry by entry; those that cannot be read are left out by name."""

    def statuses(self, instruments: Sequence[Instrument]) -> Asking[Entries[Instrument]]:
        """List some instruments anew; others may be among them."""
        return self.instruments()

    @abstractmethod
    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """Fetch one page, oldest first; ``closed`` is False throughout: the caller knows the time."""

    @abstractmethod
    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """Fetch the book, all of it or nothing.

        Where a book starts otherwise this still tells whether the exchange knows the instrument.
        """

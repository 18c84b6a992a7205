"""The shape of a case: recordings, and messages made up from the exchange's manual."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.recordings import ROOT, rows
from twap_models.enums import InstrumentKind
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.symbols import symbol_of
from twap_server.exchanges.base import Exchange

GONE: Any = object()
"""In a change to an entry: without this field."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExchangeCase:
    """One exchange."""

    shape: type[Exchange]
    native: Callable[[str, str], str]
    """The exchange's spelling of base and quote."""
    kind: InstrumentKind = InstrumentKind.SPOT
    """Of ``entry``, and of an instrument that is named by its two assets only."""
    tick: str = "0.1"
    depth: int = 0
    """As the recordings were subscribed."""
    pairs: Sequence[str]
    """Canonical symbols of the recordings, and of ``frames``."""
    recordings: Mapping[str, Mapping[str, int]]
    """Recordings of its stream below ``TWAP_RECORDINGS``, and the figures that must come out of each: see
    ``support.exchanges.following.Figures``."""
    frame_of: Callable[[str], bytes] = str.encode
    """A row's text to the bytes that came over the wire; unpacked where they were packed, for damage to these
    tells nothing of what is in them."""
    on_wire: Callable[[str], bytes] = str.encode
    """A made-up message to the bytes that come over the wire."""
    named: re.Pattern[bytes]
    """What names the book of a change, in its first group: spoiled into another name, nobody could tell."""
    needs_past: bool = False
    """Whether a frame can only be read after those of its connection before it."""
    shows_proof: bool = True
    """Whether the recordings have what proves a book; else proofs are tried on ``frames``."""

    frames: Sequence[str]
    """Made up: at least a snapshot or change, a trade, an acknowledgement and a refusal."""
    answers: Sequence[str]
    """Made up, over REST: instruments, candles, a book, an error."""

    entry: Mapping[str, Any]
    """One good entry of the list of instruments, ``BTC-USDT`` or ``BTC-USD``."""
    entry_name: str
    """How that entry is called where it cannot be read, first of a list of two."""
    place_name: str = "entry {}"
    """How an entry is called that has no name, by its place."""
    bad_entries: Sequence[Mapping[str, Any]]
    """Changes to ``entry`` by which it cannot be read."""
    new_entries: Sequence[tuple[Mapping[str, Any], str]]
    """Changes to ``entry`` that are new and no error, and the status that it then has."""
    list_body: Callable[[list[Any]], Any] = list
    """Puts entries into the body of the list."""
    more_lists: Sequence[str] = ()
    """Bodies of the lists that are asked for after that one, in this order, with nothing in them."""
    candle: Sequence[Any]
    """A row: open time 60 s after the epoch, open 1, high 3, low 0.5, close 2, volume 7. Where rows are
    objects: its values, to which ``candle_body`` gives their names."""
    candle_body: Callable[[list[Any]], Any] = list
    level: Sequence[Any]
    """A level of a book over REST."""
    book_body: Callable[[list[Any]], Any] | None
    """Puts bids into the body of a book; None where its REST book is of another kind."""
    garbage: Sequence[bytes] = field(default=())
    """Spoiled frames of its own."""
    greeting: Sequence[str] = ()
    """What the exchange says right after a connection is open."""
    acks: Callable[[str], Sequence[str]]
    """A request on the stream to its acknowledgements."""
    subscribes_book: Callable[[str], bool]
    """Whether a request asks for a book."""
    opens: Sequence[str]
    """What the exchange sends then: frames after which the book of ``entry`` is live. A book that starts over
    REST joins ``book_body([level])``."""

    def instrument(self, base: str = "BTC", quote: str = "USDT", ending: str = "") -> Instrument:
        """As the exchange lists it, by the parts of its symbol; of the case's kind without an ending."""
        kind = InstrumentKind.PERPETUAL if ending else self.kind
        return Instrument(
            kind=kind,
            id=InstrumentId(self.shape.name, symbol_of(base, quote, kind)),
            native=self.native(base, quote),
            base=base,
            quote=quote,
            tick_size=Decimal(self.tick),
            lot_size=Decimal("0.00000001"),
            min_quantity=Decimal(0),
            min_notional=Decimal(0),
            status="trading",
        )

    def taught(self) -> Exchange:
        """The exchange, which knows the instruments of its case."""
        exchange = self.shape(depth=self.depth)
        exchange.learn([self.instrument(*pair.split("-")) for pair in self.pairs])
        return exchange

    def body(self, *entries: Any) -> bytes:
        """A list of instruments."""
        return json.dumps(self.list_body(list(entries))).encode()

    def lists(self, *entries: Any) -> Sequence[bytes]:
        """All lists that the exchange is asked for, with these in the first of them."""
        return [self.body(*entries), *(one.encode() for one in self.more_lists)]

    def found(self) -> list[Path]:
        """The recordings that are there."""
        return [ROOT / name for name in self.recordings if (ROOT / name).is_file()]

    def received(self, path: Path) -> Iterator[tuple[str, bytes]]:
        """Connection and frame of what came over WebSockets."""
        for row in rows(path):
            if row["dir"] == "in" and row["conn"].startswith("ws"):
                yield row["conn"], self.frame_of(row["raw"])

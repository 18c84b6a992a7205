"""Describe an exchange that ccxt collects in a process of its own. One class for all of them, made by name.

What is said here is our own protocol with that process (``wire.py``); ccxt alone speaks with the exchange.
Nothing proves a book: ccxt checks what it checks, and reads numbers as floats, so that more than 15
significant digits are not kept.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.market.candles import length
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import (
    Asking,
    Bridge,
    BridgeWord,
    Exchange,
    HttpRequest,
    KlineRules,
    Limits,
    Liveness,
    Page,
    Rate,
    SnapshotFirst,
    Start,
    Stream,
    WsRequest,
)
from twap_server.exchanges.ccxt import mapper, names, refusals, rest, wire
from twap_server.exchanges.decode import decoder

_decode_line: Callable[[bytes | str], wire.Line] = decoder(wire.Line)  # type: ignore[arg-type]
_OLD_S = 300
"""How old a list may be that only says what trades: each loads all of the exchange's markets."""
_LONGEST = length(Interval.H4)
"""Where a day begins differs between exchanges, and ccxt does not say it: longer ones are built of these."""
_MUTE_S = 30
"""The process tells a quiet book every ten seconds: one without a word for longer is not trusted."""
_MOST_ASKED = 2_000
"""Characters of symbols in an address; more, and all are listed."""


class CcxtStream(Stream):
    """One connection to the process."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: ccxt's to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for book and trades of each."""
        return [self._request("subscribe", one) for one in instruments]

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for book and trades of each."""
        return [self._request("unsubscribe", one) for one in instruments]

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _request(self, op: Literal["subscribe", "unsubscribe"], instrument: Instrument) -> WsRequest:
        request = wire.Request(id=self.next_id(), op=op, symbol=instrument.native)
        text, symbols = mapper.encode(request), (instrument.id.symbol,)
        return WsRequest(request_id=request.id, text=text, symbols=symbols)


class CcxtExchange(Exchange):
    """What holds for all of them. ``ccxt_exchange`` makes the class of one."""

    integrity = Integrity.NONE
    start = Start.WHOLE
    limits = Limits(connects=Rate(20, 10), symbols_per_connection=0, symbols_per_request=1)
    liveness = Liveness(silence_s=10, beat_s=1)
    klines = KlineRules(native={}, max_rows=200, pages=True)
    depths = (10, 25, 50, wire.MAX_LEVELS)
    usual_depth = wire.MAX_LEVELS
    default_ws_url = "ws://127.0.0.1"
    default_rest_url = "http://127.0.0.1"
    own_name = ""
    """ccxt's."""

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        """The addresses replace scheme, host and port of ccxt's own, and stand before their paths."""
        super().__init__(depth=depth)
        self._elsewhere = (ws_url, rest_url)

    @property
    def book_silence_s(self) -> int:
        """Whatever happens to a book in ccxt or on the way: an old one is not filled from."""
        return _MUTE_S

    @property
    def bridge(self) -> Bridge:
        """The process that runs ccxt."""
        arguments = [self.own_name, "--depth", str(self.book_depth)]
        for option, url in zip(("--ws-url", "--rest-url"), self._elsewhere, strict=True):
            arguments += [option, url] if url else []
        return Bridge(module="twap_server.bridge", arguments=tuple(arguments))

    def hear_bridge(self, line: bytes) -> BridgeWord:
        """Read a line of the process, and take from the first where it listens and what it has."""
        told = _decode_line(line)
        match told:
            case wire.Failed():
                return BridgeWord(failure=told.why)
            case wire.Alive():
                return BridgeWord()
        self.ws_url = f"ws://127.0.0.1:{told.port}/{told.secret}/stream"
        self.rest_url = f"http://127.0.0.1:{told.port}/{told.secret}"
        known = {one.value: one for one in Interval if length(one) <= _LONGEST}
        native = {known[one]: one for one in told.intervals if one in known}
        self.klines = KlineRules(native=native, max_rows=200, pages=True)
        return BridgeWord(remark=_remark(told))

    def new_stream(self) -> CcxtStream:
        """Begin a connection."""
        return CcxtStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> SnapshotFirst:
        """Take each message as the whole book."""
        return SnapshotFirst()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All markets, loaded anew."""
        body = yield HttpRequest(path="/instruments", params={"max_age": "0"})
        return rest.instruments(body, self.name)

    def statuses(self, instruments: Sequence[Instrument]) -> Asking[Entries[Instrument]]:
        """Some markets, as they were within the last five minutes."""
        asked = " ".join(one.native for one in instruments)
        params = {"max_age": str(_OLD_S)} | ({"symbols": asked} if len(asked) <= _MOST_ASKED else {})
        body = yield HttpRequest(path="/instruments", params=params)
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by both ends."""
        params = {
            "symbol": instrument.native,
            "interval": self.klines.native[page.interval],
            "start": str(page.start // MILLISECOND),
            "end": str(page.end // MILLISECOND),
        }
        body = yield HttpRequest(path="/candles", params=params)
        return rest.candles(body, length(page.interval) // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        body = yield HttpRequest(path="/book", params={"symbol": instrument.native})
        return rest.depth(body, instrument.id.symbol)


def _remark(told: wire.Ready) -> str:
    said = f"through ccxt {told.version}, which proves nothing"
    return (
        f"{said} and asks for each book about once a second: it has no stream of them" if told.polls else said
    )


@cache
def ccxt_exchange(name: str, *, feed_of: tuple[str, ...] = ()) -> type[CcxtExchange] | None:
    """Make the class of one of ccxt's exchanges; None where the name is no such one.

    Args:
        name: the canonical one. Whether ccxt knows it, the process says.
        feed_of: our own exchanges that are the same markets.
    """
    own = names.ccxt_name(name)
    if not own:
        return None
    members = {"name": name, "own_name": own, "feed_of": feed_of, "__doc__": f"ccxt's {own}."}
    return type(f"Ccxt{own.capitalize()}", (CcxtExchange,), members)

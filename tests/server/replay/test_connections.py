"""Several recorded connections of an exchange that numbers the messages of each: each by its count."""

from pathlib import Path

from support.asking import told
from support.exchanges.coinbase import CASE, book, message
from twap_server.domain.market.events import BookChange, BookLost, BookSnapshot, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.replay.connections import RecordedStream
from twap_server.replay.origin import NOWHERE, PlayedConnection

BTC, ETH = "BTC-USD", "ETH-USD"
SNAPSHOT, CHANGE = "snapshot", "update"


def connection(name: str, *, is_boundary: bool = False) -> PlayedConnection:
    return PlayedConnection(exchange="coinbase", path=Path("a"), conn=name, is_boundary=is_boundary)


class Heard:
    """A stream, and the connections over which it hears."""

    def __init__(self) -> None:
        exchange = CASE.taught()
        exchange.learn(listed())
        self.source = NOWHERE
        self.stream = RecordedStream(exchange, self)
        self.stream.opening()
        self.stream.subscribe(listed())

    def bound(self, one: PlayedConnection) -> list[MarketEvent]:
        """Open or end a connection."""
        self.source = connection(one.conn, is_boundary=True)
        return list(self.stream.decode(b""))

    def says(
        self, one: PlayedConnection, number: int, kind: str, product: str, price: str
    ) -> list[MarketEvent]:
        """Hear one level of a book."""
        self.source = one
        return list(self.stream.decode(message("l2_data", number, book(kind, product, ("bid", price, "1")))))


def listed() -> list[Instrument]:
    entries = [CASE.entry | {"product_id": one, "base_currency_id": one[:3]} for one in (BTC, ETH)]
    return list(told(CASE.shape().instruments(), CASE.body(*entries)).found)


def kinds(events: list[MarketEvent]) -> list[tuple[type[MarketEvent], str]]:
    return [(type(one), getattr(one, "symbol", "")) for one in events]


def test_each_connection_has_its_own_count() -> None:
    heard, one, other = Heard(), connection("1"), connection("2")
    assert kinds(heard.says(one, 7, SNAPSHOT, BTC, "60000.10")) == [(BookSnapshot, BTC)]
    assert kinds(heard.says(other, 0, SNAPSHOT, ETH, "3000.10")) == [(BookSnapshot, ETH)]
    assert kinds(heard.says(one, 8, CHANGE, BTC, "60000.20")) == [(BookChange, BTC)]
    assert kinds(heard.says(other, 1, CHANGE, ETH, "3000.20")) == [(BookChange, ETH)]


def test_a_loss_costs_the_books_of_its_connection_alone() -> None:
    heard, one, other = Heard(), connection("1"), connection("2")
    heard.says(one, 0, SNAPSHOT, BTC, "60000.10")
    heard.says(other, 0, SNAPSHOT, ETH, "3000.10")
    assert kinds(heard.says(one, 2, CHANGE, BTC, "60000.20")) == [(BookLost, BTC)]
    assert heard.says(one, 3, CHANGE, BTC, "60000.20") == [], "nobody knows what it missed"
    assert kinds(heard.says(other, 1, CHANGE, ETH, "3000.20")) == [(BookChange, ETH)]


def test_books_are_lost_where_their_connection_ended() -> None:
    heard, one = Heard(), connection("1")
    assert heard.bound(one) == []
    heard.says(one, 0, SNAPSHOT, BTC, "60000.10")
    assert kinds(heard.bound(one)) == [(BookLost, BTC)]
    assert heard.bound(one) == [], "a server that was killed began anew, with the same name"
    assert kinds(heard.says(one, 0, SNAPSHOT, BTC, "60000.30")) == [(BookSnapshot, BTC)]


def test_a_book_goes_on_over_the_connection_that_replaces_its_own() -> None:
    heard, one, other = Heard(), connection("1"), connection("2")
    heard.bound(one)
    heard.says(one, 0, SNAPSHOT, BTC, "60000.10")
    heard.bound(other)
    assert heard.says(other, 0, SNAPSHOT, BTC, "60000.20") == [], "it waits"
    assert heard.says(other, 1, CHANGE, BTC, "60000.30") == []
    assert kinds(heard.says(one, 1, CHANGE, BTC, "60000.30")) == [(BookChange, BTC)]
    assert kinds(heard.bound(one)) == [(BookSnapshot, BTC), (BookChange, BTC)]
    assert kinds(heard.says(other, 2, CHANGE, BTC, "60000.40")) == [(BookChange, BTC)]


def test_without_boundaries_nothing_waits() -> None:
    heard, one, other = Heard(), connection("1"), connection("2")
    heard.says(one, 0, SNAPSHOT, BTC, "60000.10")
    assert kinds(heard.says(other, 0, SNAPSHOT, BTC, "60000.20")) == [(BookSnapshot, BTC)]
    assert kinds(heard.says(one, 1, CHANGE, BTC, "60000.30")) == [(BookChange, BTC)]

"""engine/work/slice_decision.py: several exchanges as one, the participation cap, the market of a slice."""

from dataclasses import dataclass, field
from decimal import Decimal

from support.changes import replace
from support.orders import unlimited
from support.trading import BTC, HandBook
from twap_models.enums import Side, SliceOutcome, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.impact import LevelKey
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.market.events import BookSnapshot
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.terms import Destination
from twap_server.engine.market.book_view import BookView
from twap_server.engine.market.snapshot import Quotes
from twap_server.engine.work.slice_decision import Decision, SliceDecider

NOW = Nanos(1_700_000_004 * SECOND)
Levels = list[tuple[str, str]]


@dataclass
class Markets:
    """Books of several exchanges, and a decider that remembers."""

    decider: SliceDecider = field(
        default_factory=lambda: SliceDecider(
            impact=ImpactMemories(half_life=10 * SECOND, monotonic=lambda: NOW)
        )
    )
    open: dict[str, tuple[Destination, HandBook]] = field(default_factory=dict)

    def add(self, name: str, *, bids: Levels, asks: Levels, fee: str = "0", notional: str = "0") -> None:
        book = HandBook(seq=7, ts_received=Nanos(NOW - len(self.open) - 1))
        book.book.replace(BookSnapshot(symbol="BTC-USDT", bids=bids, asks=asks))
        destination = Destination(
            instrument=InstrumentId(name, "BTC-USDT"),
            prices=BTC.prices,
            lot_size=BTC.lot_size,
            min_quantity=Decimal(0),
            min_notional=Decimal(notional),
            fee=Decimal(fee),
        )
        self.open[name] = (destination, book)

    def decide(self, order: Order, *, traded: str | None = None) -> Decision:
        destinations = tuple(destination for destination, _ in self.open.values())
        order = replace(order, terms=replace(order.terms, destinations=destinations))
        quotes = Quotes(
            open=tuple((destination, BookView(book)) for destination, book in self.open.values()), closed=None
        )
        made = self.decider.decide(
            order,
            order.progress.next_slice,
            quotes,
            now=NOW,
            final=True,
            traded=None if traded is None else Decimal(traded),
        )
        assert made is not None
        return made


def taken(made: Decision) -> list[tuple[str, str, str]]:
    return [(fill.exchange, f"{fill.price:f}", f"{fill.quantity.normalize():f}") for fill in made.fills]


def test_two_exchanges_are_walked_cheapest_first_with_fees() -> None:
    markets = Markets()
    markets.add("dear", bids=[("98", "9")], asks=[("100", "0.06")], fee="0.02")
    markets.add("free", bids=[("99", "9")], asks=[("101", "0.03"), ("103", "9")])
    made = markets.decide(unlimited())
    assert taken(made) == [("free", "101", "0.03"), ("dear", "100", "0.06"), ("free", "103", "0.01")]
    assert [fill.fee for fill in made.fills] == [0, Decimal("0.12"), 0]
    result = made.result
    assert (result.mid, result.touch, result.touch_exchange) == (Decimal("99.5"), 101, "free")
    assert result.book_time == NOW - 2, "the oldest of the books it met"
    assert [(fill.book_seq, fill.book_time) for fill in made.fills[:2]] == [(7, NOW - 2), (7, NOW - 1)]
    assert result.notional == sum(fill.price * fill.quantity for fill in made.fills)


def test_an_exchange_that_would_get_too_little_is_left_out_and_the_rest_goes_elsewhere() -> None:
    markets = Markets()
    markets.add("small", bids=[("98", "9")], asks=[("100", "0.01")], notional="5")
    markets.add("deep", bids=[("98", "9")], asks=[("101", "9")], notional="5")
    made = markets.decide(unlimited())
    assert taken(made) == [("deep", "101", "0.1")], "0.01 at 100 is below small's 5"


def test_the_whole_slice_may_be_sent_to_one_exchange_that_shows_less() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "0.05")], notional="9")
    markets.add("b", bids=[("98", "9")], asks=[("101", "0.04")], notional="9")
    made = markets.decide(unlimited())
    assert taken(made) == [("a", "100", "0.05")], "as an order on that exchange alone: 0.1 is enough to send"
    assert (made.result.outcome, made.result.reason) == (SliceOutcome.PARTIAL, SliceReason.DEPTH_EXHAUSTED)


def test_when_the_slice_is_below_every_exchanges_minimum_nothing_is_sent() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "9")], notional="100")
    markets.add("b", bids=[("98", "9")], asks=[("101", "9")], notional="100")
    assert markets.decide(unlimited()).result.reason is SliceReason.BELOW_MINIMUM


def test_an_exchange_whose_minimum_is_above_the_slice_is_not_asked() -> None:
    markets = Markets()
    markets.add("big", bids=[("98", "9")], asks=[("100", "9")], notional="100")
    markets.add("any", bids=[("98", "9")], asks=[("101", "9")])
    assert taken(markets.decide(unlimited())) == [("any", "101", "0.1")]


def test_what_was_taken_on_one_exchange_is_remembered_there_alone() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "0.08"), ("102", "9")])
    markets.add("b", bids=[("98", "9")], asks=[("101", "0.05")])
    assert taken(markets.decide(unlimited())) == [("a", "100", "0.08"), ("b", "101", "0.02")]
    assert taken(markets.decide(unlimited())) == [("b", "101", "0.03"), ("a", "102", "0.07")]


def test_a_seller_takes_the_best_bid_wherever_it_is() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "9")])
    markets.add("b", bids=[("99", "0.04")], asks=[("100", "9")])
    assert taken(markets.decide(unlimited(side=Side.SELL))) == [("b", "99", "0.04"), ("a", "98", "0.06")]


def test_the_participation_cap_bounds_a_slice_by_what_was_traded() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "9")])
    capped = unlimited(participation_cap=Decimal(10))
    made = markets.decide(capped, traded="0.25")
    assert taken(made) == [("a", "100", "0.025")]
    assert (made.result.outcome, made.result.reason) == (SliceOutcome.PARTIAL, SliceReason.PARTICIPATION_CAP)
    assert (made.result.wanted, made.result.traded) == (Decimal("0.1"), Decimal("0.25"))
    nothing = markets.decide(capped, traded="0")
    assert (nothing.fills, nothing.result.reason) == ((), SliceReason.PARTICIPATION_CAP)
    enough = markets.decide(capped, traded="1")
    assert (enough.result.outcome, enough.result.reason) == (SliceOutcome.FILLED, None)


def test_a_capped_slice_stays_on_the_lot_grid() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "9")])
    made = markets.decide(unlimited(participation_cap=Decimal("33.3333")), traded="0.1")
    assert made.result.filled == Decimal("0.03333")


def test_a_displayed_part_of_a_lot_is_not_taken() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "0.000019"), ("101", "9")])
    assert taken(markets.decide(unlimited()))[0] == ("a", "100", "0.00001")


def test_what_was_taken_counts_below_the_lot_of_an_order_on_coarser_exchanges_too() -> None:
    markets, terms = Markets(), unlimited().terms
    markets.add("a", bids=[("98", "9")], asks=[("100", "0.0504"), ("101", "9")])
    destination, book = markets.open["a"]
    key = LevelKey(terms.user_id, destination.instrument, Side.BUY, Decimal(100))
    epoch = book.book.ensure_level_epoch(Side.BUY, Decimal(100))
    markets.decider._impact.usual.take(key, Decimal("0.0006"), level_epoch=epoch)
    made = markets.decide(unlimited(lot_size=Decimal("0.01")))
    assert taken(made)[0] == ("a", "100", "0.04"), "of 0.0504 shown 0.0498 is left, which holds four lots"


def test_a_slice_keeps_where_the_curve_wanted_the_order_to_be() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "9")])
    assert markets.decide(unlimited()).result.target == Decimal("0.5")


def test_of_two_exchanges_that_would_get_too_little_one_gets_it_all() -> None:
    markets = Markets()
    markets.add("a", bids=[("98", "9")], asks=[("100", "0.06"), ("102", "9")], notional="9")
    markets.add("b", bids=[("98", "9")], asks=[("101", "0.04"), ("103", "9")], notional="9")
    made = markets.decide(unlimited())
    assert taken(made) == [("a", "100", "0.06"), ("a", "102", "0.04")], "6 and 4.04 are below 9, 10.08 is not"

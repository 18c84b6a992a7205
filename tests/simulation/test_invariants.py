"""Each invariant against a doctored history: fed what a broken product would have recorded, it objects."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from simulation.clock import Shown, SimClock
from simulation.ledger import Ledger, Recorded
from simulation.made import accepted, new_order
from simulation.venues.binance import SPECS
from simulation.venues.truth import Truth
from simulation.violation import Violation
from simulation.witness import Witness
from support.changes import replace
from twap_models.enums import OrderEventType, OrderStatus, SliceOutcome, SliceReason
from twap_server.books.live import LiveBook
from twap_server.clock import SteadyClock
from twap_server.domain.clock import SECOND, Nanos, to_iso
from twap_server.domain.market.events import BookSnapshot, BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.write import OrderWrite
from twap_server.exchanges.chain import Chain

BTC = InstrumentId("binance", "BTC-USDT")
Doctor = Callable[[OrderWrite], OrderWrite]


@dataclass
class At:
    """An event loop of which only the time is asked."""

    _now: float


def sliced(order: Order, *, quantity: str = "0.1", price: str = "100") -> OrderWrite:
    """The first slice, filled in full."""
    at = Nanos(order.plan.start + 1)
    fill = Fill(
        fill_id="f",
        slice_index=0,
        time=at,
        exchange="binance",
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(0),
        book_time=Nanos(at - 1),
    )
    result = SliceResult(
        index=0,
        due=order.plan.start,
        outcome=SliceOutcome.FILLED,
        reason=None,
        wanted=Decimal(quantity),
        filled=Decimal(quantity),
        decided=at,
    )
    after = order.after_slice(result, (fill,))
    event = OrderEvent(seq=2, type=OrderEventType.SLICE, time=at, order=after, slice=result, fills=(fill,))
    return OrderWrite(order=after, slices=(result,), fills=(fill,), events=(event,))


def fill_as(write: OrderWrite, **changes: Any) -> OrderWrite:
    return replace(write, fills=(replace(write.fills[0], **changes),))


def progress_as(write: OrderWrite, **changes: Any) -> OrderWrite:
    order = replace(write.order, progress=replace(write.order.progress, **changes))
    return replace(write, order=order)


def slice_as(write: OrderWrite, **changes: Any) -> OrderWrite:
    return replace(write, slices=(replace(write.slices[0], **changes),))


def seq_as(write: OrderWrite, seq: int) -> OrderWrite:
    return replace(write, events=(replace(write.events[0], seq=seq),))


def test_an_honest_history_is_taken_in() -> None:
    ledger, order = Ledger(fee=lambda _: Decimal(0)), new_order()
    ledger.take_in(accepted(order))
    ledger.take_in(sliced(order))
    assert (ledger.slices, ledger.fills, ledger.events, len(ledger.open)) == (1, 1, 2, 1)


@pytest.mark.parametrize(
    ("invariant", "doctor"),
    [
        ("I1", lambda w: fill_as(w, quantity=Decimal("0.2"))),
        ("I1", lambda w: slice_as(w, wanted=Decimal("0.01"))),
        ("I1", lambda w: fill_as(slice_as(w, filled=Decimal(-1)), quantity=Decimal(-1))),
        ("I2", lambda w: slice_as(w, outcome=SliceOutcome.PARTIAL)),
        ("I2", lambda w: progress_as(w, version=5)),
        ("I2", lambda w: fill_as(w, slice_index=7)),
        ("I2", lambda w: replace(w, order=replace(w.order, plan=replace(w.order.plan, limit=Decimal(9))))),
        ("I2", lambda w: replace(w, order=replace(w.order, terms=replace(w.order.terms, symbol="x")))),
        ("I6", lambda w: fill_as(w, time=Nanos(w.order.plan.end + 1))),
        ("I6", lambda w: fill_as(w, time=Nanos(w.order.terms.start - 1))),
        ("I6", lambda w: fill_as(w, book_time=Nanos(w.fills[0].time + 1))),
        ("I7", lambda w: fill_as(w, fee=Decimal("1e-18"))),
        ("I7", lambda w: progress_as(w, notional=Decimal("10.000000000000000000000000000001"))),
        ("I7", lambda w: progress_as(w, status=OrderStatus.FILLED, ended=Nanos(1))),
        ("I8", lambda w: replace(w, order=replace(w.order, terms=replace(w.order.terms, order_id="?")))),
        ("I9", lambda w: progress_as(w, ended=Nanos(1))),
        ("I10", lambda w: replace(w, is_new=True)),
        ("I15", lambda w: seq_as(w, 3)),
        ("I15", lambda w: seq_as(w, 1)),
        ("I15", lambda w: replace(w, events=())),
    ],
)
def test_a_doctored_write_is_refused(invariant: str, doctor: Doctor) -> None:
    ledger, order = Ledger(fee=lambda _: Decimal(0)), new_order()
    ledger.take_in(accepted(order))
    with pytest.raises(Violation) as seen:
        ledger.take_in(doctor(sliced(order)))
    assert seen.value.invariant == invariant, seen.value


def test_a_slice_that_comes_twice_is_refused() -> None:
    ledger, order = Ledger(fee=lambda _: Decimal(0)), new_order()
    ledger.take_in(accepted(order))
    first = sliced(order)
    ledger.take_in(first)
    again = progress_as(seq_as(first, 3), version=first.order.progress.version + 1)
    with pytest.raises(Violation, match=r"I2: .* has two outcomes"):
        ledger.take_in(again)


def test_a_fill_past_the_curve_is_refused() -> None:
    ledger, order = Ledger(fee=lambda _: Decimal(0)), new_order()
    ledger.take_in(accepted(order))
    with pytest.raises(Violation, match=r"I1: .* past the curve"):
        ledger.take_in(sliced(order, quantity="0.5"))


def test_a_fill_beyond_the_limit_is_refused() -> None:
    order = new_order()
    order = replace(order, plan=replace(order.plan, limit=Decimal(99)))
    ledger = Ledger(fee=lambda _: Decimal(0))
    ledger.take_in(accepted(order))
    with pytest.raises(Violation, match="I4"):
        ledger.take_in(sliced(order))


def test_what_has_ended_does_not_change() -> None:
    ledger, order = Ledger(fee=lambda _: Decimal(0)), new_order()
    ended = progress_as(accepted(order), status=OrderStatus.CANCELED, ended=Nanos(1))
    ended = replace(ended, events=(replace(ended.events[0], order=ended.order),))
    ledger.take_in(ended)
    with pytest.raises(Violation, match="I9"):
        ledger.take_in(sliced(order))


def test_an_order_that_outlives_its_end_is_noticed() -> None:
    ledger, order = Ledger(fee=lambda _: Decimal(0)), new_order()
    ledger.take_in(accepted(order))
    late = order.plan.end + 6 * SECOND
    ledger.overdue(late, up_ns=lambda _: 4 * SECOND)
    ledger.overdue(order.plan.end + 4 * SECOND, up_ns=lambda _: 60 * SECOND)
    with pytest.raises(Violation, match="I9"):
        ledger.overdue(late, up_ns=lambda _: 6 * SECOND)


class Scene:
    """A true book of an exchange, a server's copy of it, and the witness between them."""

    def __init__(self) -> None:
        self.truth = Truth(SPECS[0], Random(7), now=100.0)
        self.witness = Witness({BTC: self.truth})
        self.live = LiveBook(BTC, Chain(holds=True))
        self.live.confirmed_at, self.live.seq = Nanos(100 * SECOND), 5
        self.live.status = BookStatus.LIVE
        self.copy()

    def copy(self) -> None:
        """The server's book becomes the true one."""
        spec = self.truth.spec
        sides = [
            [(spec.price_text(price), spec.quantity_text(lots)) for price, lots in levels]
            for levels in (self.truth.now.bids, self.truth.now.asks)
        ]
        self.live.book.replace(BookSnapshot(symbol="BTC-USDT", bids=sides[0], asks=sides[1]))

    def fill(
        self,
        *,
        at: int = 100,
        lots: int | None = None,
        ticks: int | None = None,
        reason: SliceReason | None = None,
    ) -> None:
        """Look at the book, and record a buy of the best ask; a reason says why no more of 99 was taken."""
        self.witness.look(self.live, at=float(at), mono=at * SECOND, wall=at * SECOND)
        spec, (price, shown) = self.truth.spec, self.truth.now.asks[0]
        bid = self.truth.now.bids[0][0]
        fill = Fill(
            fill_id="f",
            slice_index=0,
            time=Nanos(at * SECOND),
            exchange="binance",
            price=spec.price(price if ticks is None else ticks),
            quantity=spec.quantity(shown if lots is None else lots),
            fee=Decimal(0),
            book_seq=self.live.seq,
        )
        result = SliceResult(
            index=0,
            due=Nanos(0),
            outcome=SliceOutcome.FILLED if reason is None else SliceOutcome.PARTIAL,
            reason=reason,
            wanted=fill.quantity if reason is None else Decimal(99),
            filled=fill.quantity,
            decided=Nanos(at * SECOND),
            mid=spec.price(1) * (bid + price) / 2,
        )
        order = new_order()
        terms = replace(order.terms, destinations=(replace(order.terms.destinations[0], instrument=BTC),))
        self.witness.check_slice(Recorded(terms, order.plan, order.progress), result, [fill])


def test_an_honest_fill_is_believed() -> None:
    scene = Scene()
    scene.fill()
    assert scene.witness.checked == 1


def stale(scene: Scene) -> None:
    scene.live.status = BookStatus.STALE


def silent(scene: Scene) -> None:
    scene.live.confirmed_at = Nanos(60 * SECOND)


def foreign(scene: Scene) -> None:
    change = BookSnapshot(symbol="BTC-USDT", bids=[("1", "1")], asks=[("2", "1")])
    scene.live.book.replace(change)


@pytest.mark.parametrize("doctor", [stale, silent, foreign])
def test_a_fill_from_a_bad_book_is_noticed(doctor: Callable[[Scene], None]) -> None:
    scene = Scene()
    doctor(scene)
    with pytest.raises(Violation, match="I3"):
        scene.fill()


def test_a_fill_from_a_book_of_long_ago_is_noticed() -> None:
    scene = Scene()
    for second in range(101, 150):
        scene.truth.step(float(second))
    scene.live.confirmed_at = Nanos(149 * SECOND)
    with pytest.raises(Violation, match="I3"):
        scene.fill(at=149)


def test_a_fill_that_names_a_book_nobody_looked_at_is_noticed() -> None:
    scene = Scene()
    scene.fill()
    scene.live.seq = 6
    with pytest.raises(Violation, match="I3"):
        scene.witness.look = lambda *_, **__: None  # type: ignore[method-assign]
        scene.fill()


def test_more_than_was_shown_is_noticed() -> None:
    scene = Scene()
    with pytest.raises(Violation, match="I4"):
        scene.fill(lots=scene.truth.now.asks[0][1] + 1)


def test_a_price_that_was_not_shown_is_noticed() -> None:
    scene = Scene()
    with pytest.raises(Violation, match="I4"):
        scene.fill(ticks=scene.truth.now.asks[0][0] - 1)


def test_the_same_size_twice_is_noticed_and_half_of_it_is_free_after_ten_seconds() -> None:
    scene = Scene()
    shown = scene.truth.now.asks[0][1]
    scene.fill()
    with pytest.raises(Violation, match="I5"):
        scene.fill(at=101, lots=shown // 2)
    scene.fill(at=110, lots=shown - -(-shown // 2))


@pytest.mark.parametrize("reason", [SliceReason.DEPTH_EXHAUSTED, SliceReason.RESYNCING])
def test_what_was_left_untaken_is_noticed(reason: SliceReason) -> None:
    with pytest.raises(Violation, match="I14"):
        Scene().fill(reason=reason)


@pytest.mark.parametrize(
    ("change", "invariant"),
    [({}, ""), ({"bids": [[Decimal(1), Decimal(1)]]}, "I12"), ({"status": "stale", "bids": []}, "")],
)
def test_a_feed_that_shows_no_true_book_as_live_is_noticed(change: dict[str, Any], invariant: str) -> None:
    scene = Scene()
    shown, clock = watched(At(100.0))
    message = told(scene.truth, clock.now())
    assert (
        _violated(lambda: scene.witness.feed("binance", "BTC-USDT", message | change, shown=shown))
        == invariant
    )


def watched(loop: At, machine: SimClock | None = None) -> tuple[Shown, SteadyClock]:
    """The server's clock, and the notes of what it shows."""
    shown, clock = Shown(loop), SteadyClock(machine or SimClock(loop))
    shown.watch(clock)
    return shown, clock


def told(truth: Truth, made: int) -> dict[str, Any]:
    """A message that shows the book of this moment."""
    message: dict[str, Any] = {"status": "live", "seq": 1, "age_ms": 3, "ts_sent": to_iso(made)}
    for side, levels in (("bids", truth.now.bids), ("asks", truth.now.asks)):
        message[side] = [[truth.spec.price(price), truth.spec.quantity(lots)] for price, lots in levels[:10]]
    return message


def _violated(act: Callable[[], None]) -> str:
    try:
        act()
    except Violation as violation:
        return violation.invariant
    return ""


@pytest.mark.parametrize("step_s", [20, 300, -20, -300])
def test_a_true_book_read_late_stays_true_when_the_wall_clock_was_set_meanwhile(step_s: int) -> None:
    scene, loop = Scene(), At(100.0)
    machine = SimClock(loop)
    shown, clock = watched(loop, machine)
    scene.truth.step(100.0)
    message = told(scene.truth, clock.now())
    loop._now = 112.0
    machine.step(step_s * SECOND)
    clock.now()
    assert _violated(lambda: scene.witness.feed("binance", "BTC-USDT", message, shown=shown)) == ""
    bad = message | {"bids": message["asks"]}
    assert _violated(lambda: scene.witness.feed("binance", "BTC-USDT", bad, shown=shown)) == "I12"


def test_a_book_sent_at_a_time_that_never_was_is_noticed() -> None:
    scene = Scene()
    shown, clock = watched(At(100.0))
    message = told(scene.truth, clock.now() + SECOND)
    assert _violated(lambda: scene.witness.feed("binance", "BTC-USDT", message, shown=shown)) == "I12"


def test_a_feed_without_status_is_noticed() -> None:
    with pytest.raises(Violation, match="I12"):
        Scene().witness.feed("binance", "BTC-USDT", {"seq": 1}, shown=Shown(At(100.0)))

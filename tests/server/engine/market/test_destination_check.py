"""engine/: an aggregate order fills only across books that show the same asset."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.changes import replace
from support.clocks import ALONE, LoopClock
from support.engine import EngineAtWork, preview, working
from support.orders import unlimited
from support.trading import BTC, HandBook, HandMarket
from twap_models.enums import AGGREGATE, Carry, Fidelity, OrderStatus, Side, SliceReason
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.market.events import BookSnapshot, BookStatus
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.same_asset import agree
from twap_server.domain.orders.terms import Destination
from twap_server.engine.config import EngineConfig
from twap_server.engine.market.snapshot import MarketReader
from twap_server.engine.work.slice_decision import SliceDecider

FIVE = Decimal("0.05")
NAMES = ("binance", "coinbase", "kraken")
NOW = Nanos(1_700_000_004 * SECOND)


class ManyMarket(HandMarket):
    """One symbol on several exchanges, each with a book of its own."""

    def __init__(self, clock: LoopClock, mids: Mapping[str, str]) -> None:
        super().__init__(clock)
        self.books = {name: HandBook() for name in mids}
        self.volumes = dict.fromkeys(mids, Decimal(0))
        for name, mid in mids.items():
            self.quote(name, mid)

    def quote(self, name: str, mid: str) -> None:
        """Show a tight book around a mid."""
        price = Decimal(mid)
        bids, asks = [(f"{price * Decimal('0.999'):f}", "9")], [(f"{price * Decimal('1.001'):f}", "9")]
        self.books[name].book.replace(BookSnapshot(symbol="BTC-USDT", bids=bids, asks=asks))

    def live_book(self, instrument: InstrumentId) -> HandBook | None:
        book = self.books.get(instrument.exchange)
        if book is not None:
            book.ts_received = book.confirmed_at = self._clock.now()
        return book

    def find_everywhere(self, spelling: str) -> list[Instrument]:
        return [
            replace(BTC, id=InstrumentId(name, "BTC-USDT"), min_notional=Decimal(0)) for name in self.books
        ]

    def traded_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        return self.volumes[instrument.exchange]

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        return self.volumes[instrument.exchange], Decimal(0)


def exchanges(desk: EngineAtWork) -> set[str]:
    return {fill.exchange for fill in desk.store.fills.values()}


@ALONE
async def test_two_that_disagree_are_not_filled_from_and_the_order_says_so() -> None:
    market = ManyMarket(LoopClock(), {"binance": "0.1", "kraken": "0.00007"})
    async with working(market=market) as desk:
        seen = await preview(desk, exchange=AGGREGATE)
        assert seen.cost is None and "disagree" in seen.cost_reason
        made = await desk.submit(exchange=AGGREGATE)
        assert made.status is OrderStatus.ACCEPTED
        told = [warning for warning in made.plan.warnings if "may be another asset" in warning]
        assert [warning.partition(":")[0] for warning in told] == ["binance", "kraken"]
        assert "its mid 0.00007 lies more than 5 %" in told[1]
        assert seen.warnings == made.plan.warnings
        await desk.until(11)
        done = desk.now(made)
        assert (done.status, done.progress.filled) == (OrderStatus.EXPIRED, 0)
        assert desk.reasons(made) == ["prices_disagree"] * 10


@ALONE
async def test_the_odd_one_of_three_is_left_out_until_it_agrees_again() -> None:
    market = ManyMarket(LoopClock(), {"binance": "100", "coinbase": "101", "kraken": "0.07"})
    async with working(market=market) as desk:
        made = await desk.submit(exchange=AGGREGATE)
        assert [warning.partition(":")[0] for warning in made.plan.warnings] == ["kraken"]
        await desk.until(4.5)
        assert exchanges(desk) == {"binance"}, "the cheaper of the two that agree"
        market.quote("kraken", "99")
        await desk.until(11)
        assert (desk.now(made).status, exchanges(desk)) == (OrderStatus.FILLED, {"binance", "kraken"})


@ALONE
async def test_the_odd_one_is_not_trusted_for_being_the_only_one_left() -> None:
    market = ManyMarket(LoopClock(), {"binance": "100", "kraken": "0.07"})
    async with working(market=market) as desk:
        made = await desk.submit(exchange=AGGREGATE)
        await desk.until(2.5)
        market.books["binance"].status = BookStatus.RESYNCING
        await desk.until(11)
        assert desk.now(made).progress.filled == 0
        assert desk.reasons(made) == ["prices_disagree"] * 10


@ALONE
@pytest.mark.parametrize(("seconds", "filled"), [(2, 0), (20, 5)])
async def test_the_book_that_comes_first_waits_to_be_compared(seconds: int, filled: int) -> None:
    """It may be another asset's. Where no other comes within the patience, it stands alone."""
    market = ManyMarket(LoopClock(), {"binance": "100", "kraken": "0.07"})
    market.books["binance"].status = BookStatus.RESYNCING
    async with working(market=market) as desk:
        made = await desk.submit(exchange=AGGREGATE, carry=Carry.SKIP)
        await desk.until(seconds)
        market.books["binance"].status = BookStatus.LIVE
        await desk.until(21)
        assert len(desk.store.fills) == filled
        assert desk.reasons(made)[:5] == ["resyncing"] * min(seconds, 5) + ["prices_disagree"] * (
            5 - min(seconds, 5)
        )


@ALONE
async def test_another_assets_volume_does_not_count() -> None:
    market = ManyMarket(LoopClock(), {"binance": "100", "coinbase": "101", "kraken": "0.07"})
    market.volumes |= {"binance": Decimal("0.1"), "kraken": Decimal(1_000_000)}
    async with working(market=market) as desk:
        made = await desk.submit(exchange=AGGREGATE, participation_cap=Decimal(10))
        await desk.until(0.5)
        result = desk.store.results(made)[0]
        assert (result.traded, result.filled) == (Decimal("0.1"), Decimal("0.01"))
        await desk.until(1.5)
        market.volumes |= {"binance": Decimal("0.3"), "kraken": Decimal(2_000_000)}
        await desk.until(11)
        await desk.until(75)
        volumes = [sample.volume for sample in desk.store.samples.values()]
        assert sum(volumes) == Decimal("0.2")


LOOKS = st.lists(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(st.none(), st.sampled_from(["0.07", "95", "100", "103", "104.9", "106", "250"])),
        max_size=3,
    ),
    min_size=1,
    max_size=8,
)


@given(
    LOOKS, st.sampled_from([Fidelity.DEPTH, Fidelity.L1]), st.sampled_from(list(Side)), st.integers(1, 400)
)
def test_no_fill_mixes_books_whose_mids_differ_by_more_than_the_setting(
    looks: list[dict[str, str | None]], fidelity: Fidelity, side: Side, tenths: int
) -> None:
    """Whatever comes and goes: within a slice, and from one slice to the next while nothing was compared."""
    market = ManyMarket(LoopClockAt(), dict.fromkeys(NAMES, "100"))  # type: ignore[arg-type]
    market_reader = MarketReader(market, EngineConfig(max_leg_spread=FIVE))
    decider = SliceDecider(impact=ImpactMemories(half_life=SECOND, monotonic=lambda: NOW))
    destinations = tuple(
        Destination(
            instrument=InstrumentId(name, "BTC-USDT"),
            prices=BTC.prices,
            lot_size=BTC.lot_size,
            min_quantity=Decimal(0),
            min_notional=Decimal(0),
        )
        for name in NAMES
    )
    made = unlimited(side=side, fidelity=fidelity)
    made = replace(
        made,
        terms=replace(made.terms, destinations=destinations),
        plan=replace(made.plan, quantity=Decimal(tenths)),
    )
    apart: set[str] = set()
    for look in looks:
        for name in NAMES:
            mid = look.get(name)
            market.books[name].status = BookStatus.LIVE if mid else BookStatus.STALE
            if mid:
                market.quote(name, mid)
        quotes = market_reader.snapshot(NOW).quotes(destinations, filling=True)
        decided = decider.decide(made, 4, quotes, now=NOW, final=True)
        assert decided is not None
        mids = {name: Decimal(mid) for name, mid in look.items() if mid}
        filled = {fill.exchange for fill in decided.fills}
        assert all(agree(mids[one], mids[other], FIVE) for one, other in combinations(filled, 2))
        if len(mids) == 1:
            assert not filled & apart, "it was the odd one when it was last compared"
        else:
            for one, price in mids.items():
                lonely = not any(agree(price, mids[other], FIVE) for other in mids.keys() - {one})
                (apart.add if lonely else apart.discard)(one)
                assert not (lonely and one in filled)
        if decided.result.reason is SliceReason.PRICES_DISAGREE:
            assert not quotes.open and quotes.odd


class LoopClockAt:
    """Stands still."""

    def now(self) -> Nanos:
        return NOW

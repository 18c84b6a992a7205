"""An exchange whose symbols several collectors share, as its readers see it; in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from msgspec import Struct

from support.clocks import ALONE, LoopClock
from support.cluster_market import EXCHANGE, SUBJECTS, CollectorNode, levels_of, many, reader
from support.cluster_messenger import MessengerNetwork
from twap_models.enums import Interval
from twap_server.cluster.coding import decode, encode
from twap_server.cluster.market_messages import BookPulse, ExchangePulse
from twap_server.cluster.replica_market import ReplicaMarket
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.status import ExchangeStatus
from twap_server.domain.ownership import ExchangePart, part_of, parts_of

pytestmark = ALONE

LISTED = many(12)
PULSES_S = 0.6
"""By then two pulses have come."""
MINUTE = Interval("1m")


@dataclass
class Place:
    """Collectors of one exchange, and a reader of all of its books."""

    network: MessengerNetwork
    clock: LoopClock
    market: ReplicaMarket
    group: asyncio.TaskGroup
    collectors: dict[ExchangePart, CollectorNode] = field(default_factory=dict)
    """By the part that each collects, the newest of each."""
    tasks: "dict[CollectorNode, asyncio.Task[None]]" = field(default_factory=dict)

    def start(self, part: ExchangePart, epoch: int, **options) -> CollectorNode:
        """Let a new node collect a part, too."""
        messenger = self.network.node(f"{part} since {epoch}")
        node = CollectorNode(messenger, self.clock, epoch=epoch, instruments=LISTED, part=part, **options)
        self.collectors[part] = node
        self.tasks[node] = self.group.create_task(node.run())
        return node

    def divide(self, of: int, *, first_epoch: int) -> list[CollectorNode]:
        """Let as many new nodes collect all parts of a division."""
        return [self.start(part, first_epoch + at) for at, part in enumerate(parts_of(EXCHANGE, of))]

    def kill(self, node: CollectorNode) -> None:
        """It says nothing more."""
        self.tasks[node].cancel()

    def hold_all(self) -> None:
        for one in LISTED.values():
            self.market.hold(one.id, "order:1")

    async def all_live(self, within_s: int = 5) -> None:
        for one in LISTED.values():
            await self.market.wait_live(one.id, within_s)

    def status(self, symbol: str) -> BookStatus:
        view = self.market.view(InstrumentId(EXCHANGE, symbol), 1)
        assert view is not None
        return view.status

    def live(self) -> set[str]:
        """Symbols whose books the reader trusts."""
        return {symbol for symbol in LISTED if self.status(symbol) is BookStatus.LIVE}

    @property
    def exchange(self) -> ExchangeStatus:
        return self.market.exchanges()[0]


def own(*parts: ExchangePart) -> set[str]:
    """The symbols of these parts."""
    return {symbol for symbol in LISTED for part in parts if part.has(symbol)}


@asynccontextmanager
async def place(of: int = 0) -> AsyncIterator[Place]:
    """A reader, which holds all books, and collectors of so many parts; all books are live then."""
    network, clock = MessengerNetwork(), LoopClock()
    async with asyncio.TaskGroup() as group:
        made = Place(network, clock, reader(network.node("reader"), clock), group)
        reading = group.create_task(made.market.run())
        try:
            if of:
                made.divide(of, first_epoch=1)
                made.hold_all()
                await made.all_live()
                await asyncio.sleep(PULSES_S)
            yield made
        finally:
            for one in (reading, *made.tasks.values()):
                one.cancel()


FIRST, OTHER = parts_of(EXCHANGE, 2)


async def test_each_collects_its_part_and_a_reader_has_the_whole():
    async with place(2) as made:
        for part, node in made.collectors.items():
            assert {book.instrument.symbol for book in node.market.registry} == own(part)
            assert node.market.interest.wanted(EXCHANGE) == own(part)
        assert made.live() == set(LISTED)
        assert made.market.instruments(EXCHANGE) == LISTED
        assert (made.exchange.state, made.exchange.reason) == ("connected", "")
        assert (made.exchange.connections, made.exchange.books) == (2, 2), "one of each, as each says"
        await asyncio.sleep(6)
        fares = made.market.collected(EXCHANGE)
        assert [one.instrument.symbol for one in fares] == sorted(LISTED)


async def test_one_silent_part_makes_only_its_own_books_untrusted():
    async with place(2) as made:
        made.kill(made.collectors[OTHER])
        await asyncio.sleep(1.7)
        assert made.live() == set(LISTED)
        await asyncio.sleep(0.6)
        assert made.live() == own(FIRST)
        assert {made.status(one) for one in own(OTHER)} == {BookStatus.STALE}
        assert made.exchange.state == "connected"
        assert made.exchange.reason == "part 2 of 2: no word from the collector for 2 s"
        assert made.exchange.connections == 1
        made.start(OTHER, epoch=3)
        await made.all_live()
        await asyncio.sleep(PULSES_S)
        assert made.exchange.reason == ""


async def test_without_any_collector_the_exchange_is_down():
    async with place(2) as made:
        for node in made.tasks:
            made.kill(node)
        await asyncio.sleep(3.5)
        assert made.live() == set()
        assert made.exchange.state == "down"
        assert made.exchange.reason == "no word from the collector for 3 s"
        assert SECOND < made.clock.now() - made.exchange.since < 2 * SECOND


async def test_a_replaced_collector_of_a_part_is_ignored():
    async with place(2) as made:
        old, symbol = made.collectors[OTHER], min(own(OTHER))
        new = made.start(OTHER, epoch=3)
        await asyncio.sleep(PULSES_S)
        await made.all_live()
        old.market.change([("10.9", "5")], [], symbol)
        await asyncio.sleep(PULSES_S)
        book = made.market.live_book(InstrumentId(EXCHANGE, symbol))
        assert levels_of(book) == levels_of(new.market.book(symbol)) != levels_of(old.market.book(symbol))
        assert made.live() == set(LISTED)
        made.kill(new)
        await asyncio.sleep(3)
        assert made.live() == own(FIRST), "whatever the old one says"
        assert made.exchange.reason == "part 2 of 2: no word from the collector for 3 s"


async def test_questions_go_to_the_collector_of_the_symbol():
    async with place(2) as made:
        made.network.refused = SUBJECTS.market(OTHER)
        for symbol in LISTED:
            asking = made.market.klines(EXCHANGE, symbol, MINUTE, limit=2)
            if FIRST.has(symbol):
                assert len((await asking).candles) == 2
            else:
                with pytest.raises(ExchangeUnavailable, match="its collector does not answer"):
                    await asking
        lost, well = min(own(OTHER)), min(own(FIRST))
        for symbol in (lost, well):
            part = OTHER if OTHER.has(symbol) else FIRST
            bids = [(f"9.{at:06}", "1") for at in range(9_999, 0, -1)]
            made.collectors[part].market.snapshot(symbol, bids, [("11.0", "1")])
        await asyncio.sleep(PULSES_S)
        assert made.live() == set(LISTED) - {lost}, "too large to be told unasked"
        made.network.refused = ""
        await made.all_live()


async def test_of_an_instrument_the_list_of_its_own_part_counts():
    async with place() as made:
        first = made.start(FIRST, epoch=1)
        await asyncio.sleep(PULSES_S)
        assert made.market.instruments(EXCHANGE) == LISTED, "any part has the whole list"
        mine, theirs = min(own(FIRST)), min(own(OTHER))
        first.exchange.listed = LISTED | {one: replace(LISTED[one], status="halt") for one in (mine, theirs)}
        await asyncio.sleep(PULSES_S)

        def status(symbol: str) -> str:
            return made.market.trading_status(InstrumentId(EXCHANGE, symbol))

        assert (status(mine), status(theirs)) == ("halt", "halt")
        second = made.start(OTHER, epoch=2)
        await asyncio.sleep(PULSES_S)
        assert (status(mine), status(theirs)) == ("halt", "trading")
        second.exchange.listed = {symbol: one for symbol, one in LISTED.items() if symbol != theirs}
        second.exchange.left = {theirs: replace(LISTED[theirs], status="delisted")}
        await asyncio.sleep(PULSES_S)
        assert (status(mine), status(theirs)) == ("halt", "delisted")
        assert set(made.market.instruments(EXCHANGE)) == set(LISTED) - {theirs}


async def test_each_part_has_room_for_as_many_books_of_readers():
    async with place() as made:
        for at, part in enumerate((FIRST, OTHER)):
            made.start(part, epoch=1 + at, max_books=2)
        await asyncio.sleep(PULSES_S)
        for one in LISTED.values():
            made.market.hold(one.id, "reader")
        await asyncio.sleep(3)
        for part in (FIRST, OTHER):
            assert len(made.live() & own(part)) == 2
        refused = next(one for one in sorted(own(OTHER)) if one not in made.live())
        assert made.status(refused) is BookStatus.DOWN


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 2), (2, 1), (1, 2)])
async def test_another_division_is_followed_and_the_one_before_ignored(before: int, after: int):
    async with place(before) as made:
        old = list(made.tasks)
        seqs = {one: made.market.live_book(LISTED[one].id).seq for one in LISTED}
        for node in old:
            node.messenger.cut()
        await asyncio.sleep(1)
        new = made.divide(after, first_epoch=before + 1)
        for node in old:
            node.messenger.mend()  # they know nothing of it yet
        await asyncio.sleep(PULSES_S)
        await made.all_live()
        for symbol in LISTED:
            for node in old:
                if node.part.has(symbol):
                    node.market.change([("10.9", "5")], [], symbol)
            (owner,) = [node for node in new if node.part.has(symbol)]
            owner.market.change([("10.7", "3")], [], symbol)
        await asyncio.sleep(PULSES_S)
        assert made.live() == set(LISTED)
        for symbol in LISTED:
            book = made.market.live_book(LISTED[symbol].id)
            assert book.book.top_text(1)[0] == [("10.7", "3")]
            assert book.seq > seqs[symbol]
        assert made.exchange.connections == after and made.exchange.reason == ""
        assert len(await _candles(made, new)) == len(LISTED)


async def _candles(made: Place, nodes: Sequence[CollectorNode]) -> list[str]:
    """Symbols whose candles one of these nodes alone answers for."""
    answered = []
    for symbol in LISTED:
        (owner,) = [node for node in nodes if node.part.has(symbol)]
        owner.exchange.refuses = "it was me"
        with pytest.raises(ExchangeUnavailable, match="it was me"):
            await made.market.klines(EXCHANGE, symbol, MINUTE)
        owner.exchange.refuses = ""
        answered.append(symbol)
    return answered


async def test_with_the_first_word_of_a_new_division_no_book_of_the_old_one_is_trusted():
    async with place(2) as made:
        part = ExchangePart(EXCHANGE, 3, 1)
        made.start(part, epoch=3)
        await asyncio.sleep(0.2)
        assert made.live() <= own(part), "though the old ones still tell"
        assert {made.status(one) for one in set(LISTED) - own(part)} == {BookStatus.STALE}
        await asyncio.sleep(PULSES_S)
        assert made.live() == own(part)
        assert made.exchange.reason == (
            "part 2 of 3: no collector of it is known; part 3 of 3: no collector of it is known"
        )


async def test_a_division_of_before_that_wakes_up_late_is_ignored():
    async with place(1) as made:
        (node,) = made.tasks
        node.messenger.cut()
        made.divide(2, first_epoch=2)
        await made.all_live()
        node.messenger.mend()
        await asyncio.sleep(10)
        assert made.live() == set(LISTED)
        assert made.exchange.connections == 2


def test_the_symbols_of_these_tests_are_in_all_parts():
    for of in (2, 3):
        assert {part_of(symbol, of) for symbol in LISTED} == set(range(1, of + 1))


class _PulseOfBefore(Struct, kw_only=True):
    """As a release tells and reads it that knows of no parts."""

    epoch: int
    moment: int
    status: ExchangeStatus
    revision: int
    books: list[BookPulse]
    refused: list[str] = []


def _pulse(made: Place, **fields: int) -> ExchangePulse:
    status = made.collectors[FIRST].exchange.status()
    return ExchangePulse(
        epoch=9, moment=made.clock.monotonic(), status=status, revision=1, books=[], **fields
    )


async def test_nodes_of_before_tell_of_an_exchange_that_is_not_split():
    async with place(2) as made:
        told = _pulse(made, part=2, parts=2)
        heard = decode(encode(told), _PulseOfBefore)
        assert (heard.epoch, heard.moment) == (told.epoch, told.moment)
        again = decode(encode(heard), ExchangePulse)
        assert (again.part, again.parts) == (1, 1)
        made.network.tell("one of before", SUBJECTS.pulse(EXCHANGE), encode(heard))
        await asyncio.sleep(0.001)
        assert made.live() == set(), "it has a higher epoch, and the whole exchange"


@pytest.mark.parametrize(("part", "parts"), [(0, 2), (3, 2), (1, 0), (-1, 3)])
async def test_a_pulse_of_no_part_there_can_be_is_ignored(part: int, parts: int):
    async with place(2) as made:
        body = encode(_pulse(made, part=part, parts=parts))
        made.network.tell("a wrong one", SUBJECTS.pulse(EXCHANGE), body)
        await asyncio.sleep(PULSES_S)
        assert made.live() == set(LISTED)
        assert (made.exchange.connections, made.exchange.reason) == (2, "")

"""feed/: publishing never blocks, books conflate, order events are never dropped."""

import asyncio
from decimal import Decimal

import pytest

from twap_models.enums import Carry, Fidelity, OrderEventType, OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Order, OrderEvent, OrderProgress
from twap_server.domain.orders.terms import OrderTerms, Plan
from twap_server.feed.bus import BookTopic, Bus, EncodedMessage, Inbox, TradeTopic
from twap_server.feed.mailbox import MOST_TRADES, Mailbox, MailboxClosed
from twap_server.feed.newest import Counted

TOPIC = BookTopic("binance", "BTC-USDT", "BTCUSDT")
OTHER = BookTopic("kraken", "BTC-USDT", "BTCUSDT")
TRADES = TradeTopic("binance", "BTC-USDT", "BTCUSDT")


def event(seq: int) -> OrderEvent:
    terms = OrderTerms(
        order_id="o",
        user_id="u",
        token_id="t",
        fingerprint="",
        exchange="binance",
        symbol="BTCUSDT",
        instrument=None,
        side=Side.BUY,
        created=Nanos(0),
        start=Nanos(0),
        carry=Carry.SKIP,
        max_slippage_bps=None,
        fidelity=Fidelity.DEPTH,
        lot_size=Decimal(1),
    )
    plan = Plan(quantity=Decimal(1), limit=None, start=Nanos(0), end=Nanos(1), interval=1, slice_count=1)
    order = Order(terms=terms, plan=plan, progress=OrderProgress(status=OrderStatus.WORKING))
    return OrderEvent(seq=seq, type=OrderEventType.WORKING, time=Nanos(0), order=order)


async def test_the_newest_book_of_each_topic_wins() -> None:
    bus, inbox = Bus(), Mailbox[OrderEvent, EncodedMessage](capacity=1)
    box: Inbox = inbox  # type: ignore[assignment]
    bus.subscribe_book(TOPIC, box)
    bus.subscribe_book(TOPIC, box)
    bus.subscribe_book(OTHER, box)
    for text in ("1", "2", "3"):
        bus.publish_book(TOPIC, EncodedMessage(text))
        bus.publish_book(OTHER, EncodedMessage(f"other {text}"))
    assert len(inbox) == 2
    assert [await inbox.get(), await inbox.get()] == [EncodedMessage("3"), EncodedMessage("other 3")]


async def test_order_events_come_in_order_and_before_books() -> None:
    bus, inbox = Bus(), _inbox(10)
    bus.subscribe_orders("u", inbox)
    bus.subscribe_book(TOPIC, inbox)
    bus.publish_book(TOPIC, EncodedMessage("book"))
    for seq in (1, 2):
        bus.publish("u", event(seq))
        bus.publish("another", event(99))
    got = [await inbox.get() for _ in range(3)]
    assert [one.seq if isinstance(one, OrderEvent) else one for one in got] == [1, 2, EncodedMessage("book")]


async def test_a_full_mailbox_closes_as_slow_and_others_go_on() -> None:
    bus, slow, quick = Bus(), _inbox(2), _inbox(3)
    for inbox in (slow, quick):
        bus.subscribe_orders("u", inbox)
    for seq in (1, 2, 3):
        bus.publish("u", event(seq))
    assert slow.is_closed
    with pytest.raises(MailboxClosed) as closed:
        await slow.get()
    assert closed.value.slow
    assert len(quick) == 3


async def test_closing_wakes_the_reader() -> None:
    inbox = _inbox(1)
    async with asyncio.TaskGroup() as group:
        reader = group.create_task(_ended(inbox))
        group.create_task(_close(inbox))
    assert reader.result() is False
    inbox.put(event(1))
    inbox.put_book(TOPIC, EncodedMessage("x"))
    assert len(inbox) == 0


async def test_unsubscribing_drops_the_waiting_book_and_forgets_the_topic() -> None:
    bus, inbox = Bus(), _inbox(1)
    bus.subscribe_book(TOPIC, inbox)
    bus.publish_book(TOPIC, EncodedMessage("x"))
    bus.unsubscribe_book(TOPIC, inbox)
    bus.unsubscribe_orders("nobody", inbox)
    assert bus.book_topics() == []
    assert len(inbox) == 0


def _inbox(capacity: int) -> Inbox:
    return Mailbox(capacity=capacity)


async def _ended(inbox: Inbox) -> bool:
    try:
        await inbox.get()
    except MailboxClosed as closed:
        return closed.slow
    raise AssertionError("something came")


async def _close(inbox: Inbox) -> None:
    inbox.close()


async def test_a_waiting_reader_is_handed_things_directly_and_nothing_overtakes_what_was_kept() -> None:
    taken: list[object] = []
    takes = True

    def direct(thing: object) -> bool:
        if takes:
            taken.append(thing)
        return takes

    inbox: Inbox = Mailbox(capacity=5, direct=direct)
    inbox.put(EncodedMessage("before anybody reads"))
    assert await inbox.get() == EncodedMessage("before anybody reads")
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        reader = group.create_task(inbox.get())
        await asyncio.sleep(0)
        inbox.put(EncodedMessage("1"))
        inbox.put_book(TOPIC, EncodedMessage("2"))
        assert taken == [EncodedMessage("1"), EncodedMessage("2")]
        takes = False
        inbox.put_book(TOPIC, EncodedMessage("busy"))
        takes = True
        inbox.put(EncodedMessage("3"))
        inbox.put_book(TOPIC, EncodedMessage("newest"))
        assert await reader == EncodedMessage("3")
    inbox.put(EncodedMessage("while the reader is at work"))
    assert len(taken) == 2
    assert await inbox.get() == EncodedMessage("while the reader is at work")
    assert await inbox.get() == EncodedMessage("newest")


def _counted(number: int, left_out: int = 0) -> Counted[EncodedMessage]:
    def saying(count: int) -> EncodedMessage:
        return EncodedMessage(f"{number} after {count}")

    return Counted(saying(left_out), left_out, saying)


async def test_of_trades_the_newest_are_kept_and_the_first_says_how_many_were_dropped() -> None:
    bus, inbox = Bus(), _inbox(1)
    bus.subscribe_trades(TRADES, inbox)
    for number in range(1, MOST_TRADES + 4):
        bus.publish_trade(TRADES, _counted(number, left_out=10 if number == 2 else 0))
    assert len(inbox) == MOST_TRADES
    assert await inbox.get() == EncodedMessage("4 after 13"), "1, 2 and 3, and the ten before 2"
    assert await inbox.get() == EncodedMessage("5 after 0")
    for number in (104, 105, 106):
        bus.publish_trade(TRADES, _counted(number, left_out=3 if number == 104 else 0))
    assert await inbox.get() == EncodedMessage("7 after 1")
    rest = [await inbox.get() for _ in range(len(inbox))]
    assert rest[-3:] == [EncodedMessage(text) for text in ("104 after 3", "105 after 0", "106 after 0")]
    assert not inbox.is_closed


async def test_trades_come_after_events_and_books_and_topics_take_turns() -> None:
    bus, inbox = Bus(), _inbox(5)
    other = TRADES._replace(exchange="kraken")
    for topic in (TRADES, other):
        bus.subscribe_trades(topic, inbox)
        for number in (1, 2):
            bus.publish_trade(topic, _counted(number, left_out=0 if topic is TRADES else 9))
    bus.subscribe_book(TOPIC, inbox)
    bus.publish_book(TOPIC, EncodedMessage("book"))
    inbox.put(EncodedMessage("event"))
    assert len(inbox) == 6
    got = [await inbox.get() for _ in range(6)]
    assert [one.text for one in got if isinstance(one, EncodedMessage)] == [
        "event", "book", "1 after 0", "1 after 9", "2 after 0", "2 after 9",
    ]  # fmt: skip


async def test_what_passes_is_taken_at_once_between_other_things() -> None:
    inbox = _inbox(1)
    inbox.put_trade(TRADES, _counted(1))
    inbox.put_trade(TRADES, _counted(2))
    inbox.put_book(TOPIC, EncodedMessage("book"))
    assert [one.text for one in inbox.take_passing()] == ["book", "1 after 0", "2 after 0"]
    assert len(inbox) == 0


async def test_unsubscribing_drops_waiting_trades_and_forgets_the_topic() -> None:
    bus, inbox = Bus(), _inbox(1)
    bus.subscribe_trades(TRADES, inbox)
    bus.publish_trade(TRADES, _counted(1))
    bus.unsubscribe_trades(TRADES, inbox)
    bus.unsubscribe_trades(TRADES, inbox)
    assert len(inbox) == 0
    assert not bus.trade_topics("BTC-USDT") and not bus.trade_readers(TRADES)

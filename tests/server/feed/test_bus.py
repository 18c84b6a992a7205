"""feed/: publishing never blocks, books conflate, order events are never dropped."""

import asyncio
from decimal import Decimal

import pytest

from twap_models.enums import Carry, Fidelity, OrderEventType, OrderStatus, Side
from twap_server.domain.clock import Nanos
from twap_server.domain.orders.order import Order, OrderEvent, OrderProgress
from twap_server.domain.orders.terms import OrderTerms, Plan
from twap_server.feed.bus import BookTopic, Bus, EncodedMessage, Inbox
from twap_server.feed.mailbox import Mailbox, MailboxClosed

TOPIC = BookTopic("binance", "BTC-USDT", "BTCUSDT")
OTHER = BookTopic("kraken", "BTC-USDT", "BTCUSDT")


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
        tick_size=Decimal(1),
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

"""What a server records of any exchange is enough to work an order on it again."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from support.asking import led, page
from support.collector.parts import until
from support.collector.stepped import stepped
from support.exchanges import case_of
from twap_models import OrderStatus, TwapOrderRequest
from twap_server.bootstrap import replay
from twap_server.clock import SystemClock
from twap_server.collector.network import INTERNET
from twap_server.collector.recorded_network import RecordedExchanges
from twap_server.domain.market.events import BookStatus
from twap_server.exchanges.base import Start
from twap_server.exchanges.hyperliquid.adapter import HyperliquidExchange
from twap_server.exchanges.registry import EXCHANGES
from twap_server.recordings.lines import Message
from twap_server.recordings.manifest import Retention
from twap_server.recordings.writer import RecordingWriter
from twap_server.settings import Settings
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.registry import PROTOCOLS

FOR_EVER = Retention(0, Settings().record.max_age)


def writer_for(folder: Path) -> RecordingWriter:
    return RecordingWriter(folder, segment_s=600, retention=FOR_EVER, on_trouble=pytest.fail)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.name)
async def test_a_recording_of_each_exchange_is_replayed(protocol: VenueProtocol, tmp_path: Path) -> None:
    folder = tmp_path / protocol.name
    writer = writer_for(folder)
    shape = next(one for one in EXCHANGES if one.name == protocol.name)

    def network(urls):  # type: ignore[no-untyped-def]
        return RecordedExchanges(INTERNET, {shape(**urls): writer}, SystemClock()).network()

    async with stepped(protocol, network=network) as world:
        await until(lambda: world.market.loaded(world.name))
        (_, instrument), *_ = world.pairs()
        world.market.hold(instrument.id, "test")

        def is_live() -> bool:
            world.source.play(1)
            view = world.market.view(instrument.id, 1)
            return view is not None and view.status is BookStatus.LIVE

        await until(is_live, 15)
        enough = 3 if shape.start is Start.WHOLE else 30  # whole books may come once a second only
        moved = world.market.view(instrument.id, 1).seq + enough
        await until(lambda: is_live() and world.market.view(instrument.id, 1).seq > moved)
    writer.begin()
    writer.end()
    asked = TwapOrderRequest(
        token_id="a",
        exchange=protocol.name,
        symbol=instrument.id.symbol,
        side="buy",
        quantity=max(Decimal("0.01"), instrument.min_quantity),
        duration="1s",
        slices=1,
    )
    done = await asyncio.to_thread(replay, folder, [asked], Settings())
    (record,) = done.records
    assert record.order.status is OrderStatus.FILLED, record.order


class Lists(RecordingWriter):
    """Remembers only what is kept for good."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def keep(self, messages: object) -> None:
        """Do nothing."""

    def keep_list(self, message: Message) -> None:
        self.asked.append(message[2].partition("#")[2])


async def test_where_one_address_takes_every_question_only_lists_are_kept_for_good() -> None:
    kept, exchange = Lists(), HyperliquidExchange(rest_url="https://exchange.test")
    echo = httpx.MockTransport(lambda request: httpx.Response(200, content=request.content))
    network = RecordedExchanges(
        replace(INTERNET, transport=lambda: echo), {exchange: kept}, SystemClock()
    ).network()
    case = case_of("hyperliquid")
    lists, _ = led(exchange.instruments(), *case.lists(case.entry))
    one = case.instrument("BTC", "USD", "PERP")
    async with httpx.AsyncClient(transport=network.transport()) as client:
        for question in (*lists, next(exchange.snapshot(one)), next(exchange.candles(one, page()))):
            await client.post(f"https://exchange.test{question.path}", content=question.body)
    assert kept.asked == ['{"type":"meta"}', '{"type":"spotMeta"}']

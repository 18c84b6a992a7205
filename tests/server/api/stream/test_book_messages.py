"""Books are sent without being validated: what is made says all the same what a reader's model takes."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

import pytest

from support.api.fakes import HandMarket, view
from support.clocks import HandClock
from twap_models import BookMessage, Level, Side
from twap_models.enums import AGGREGATE
from twap_server.api.stream.book_messages import BookSource
from twap_server.books.counters import BookCounters
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.feed.bus import BookTopic

LONG = ("123456789012.345678901234567891", "0.000000000000000001")


class Took:
    """Somebody took a tenth at every price."""

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        """It is known."""

    def own_taken(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        return dict.fromkeys(prices, Decimal("0.1"))


@pytest.fixture
def source() -> BookSource:
    market = HandMarket()
    market.books = {
        InstrumentId("binance", "BTC-USDT"): view(bids=[("99", "1.50"), ("98", "2")], asks=[("100", "7E-8")]),
        InstrumentId("kraken", "BTC-USDT"): view(bids=[("99", "3")], asks=[("100.5", "0.10")]),
        InstrumentId("binance", "ETH-USDT"): view([], [LONG], status=BookStatus.RESYNCING),
    }
    return BookSource(market, HandClock(), BookCounters(), max_spread=Decimal("0.05"), own_impact=Took())


@pytest.mark.parametrize("exchange", ["binance", "kraken", AGGREGATE])
@pytest.mark.parametrize("symbol", ["BTC-USDT", "ETH-USDT"])
@pytest.mark.parametrize("owner", ["", "ada"])
def test_what_is_sent_is_what_the_model_would_make_of_it(
    source: BookSource, exchange: str, symbol: str, owner: str
) -> None:
    topic = BookTopic(exchange, symbol, symbol.replace("-", "").lower(), owner=owner)
    made = source.message(topic)
    checked = BookMessage.model_validate(made.model_dump())
    assert made == checked
    assert made.to_json() == checked.to_json()
    for side in (made.bids, made.asks, *((made.own.bids, made.own.asks) if made.own else ())):
        assert all(type(level) is Level for level in side)
    assert {name: type(value) for name, value in made} == {name: type(value) for name, value in checked}


def test_an_answer_has_the_same(source: BookSource) -> None:
    topic = BookTopic("binance", "BTC-USDT", "btcusdt")
    top, sent = source.top(topic, 1), source.message(topic)
    assert (top.bids, top.status) == (sent.bids[:1], sent.status)

"""An exchange that speaks first is told nothing before its greeting."""

import random
from dataclasses import replace

from support.asking import told
from support.collector.parts import QUICK, until
from support.exchanges import case_of
from support.exchanges.loopback import LoopbackExchange
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.market_data import LiveMarket


async def test_nothing_is_sent_to_an_exchange_that_has_not_greeted() -> None:
    case, clock = replace(case_of("kucoin"), greeting=()), SystemClock()
    (wanted,) = told(case.shape().instruments(), *case.lists(case.entry)).found
    async with LoopbackExchange(case).serving() as exchange:
        config = CollectorConfig(exchanges={case.shape.name: exchange.config}, ack_timeout_s=1, **QUICK)
        market = LiveMarket(
            (case.shape,),
            config,
            registry=BookRegistry(),
            interest=BookInterest(clock, linger_s=0),
            clock=clock,
            rng=random.Random(1),
            network=exchange.network,
        )
        async with market:
            market.hold(wanted.id, "test")
            await until(lambda: exchange.connections == 2)
            assert exchange.requests == []

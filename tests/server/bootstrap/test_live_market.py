"""bootstrap/live_market.py: what whoever collects an exchange anew has of those who did before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest

from support.cluster_market import EXCHANGE, many
from twap_server import bootstrap, settings
from twap_server.books.live import LiveBook
from twap_server.bootstrap.live_market import MarketBuilder
from twap_server.clock import SystemClock
from twap_server.collector.collector import Collector
from twap_server.collector.network import INTERNET
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.market.errors import AttemptRefused
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.ownership import ExchangePart, parts_of
from twap_server.store.database import Database
from twap_server.store.instruments import SqlInstrumentStore

WHOLE = ExchangePart(EXCHANGE)


@asynccontextmanager
async def builder(folder: Path) -> AsyncIterator[tuple[MarketBuilder, SqlInstrumentStore]]:
    """A builder that read a list of three when its process began."""
    chosen = bootstrap.choose(settings.load(file=None, flags={}, environment={}), [EXCHANGE])
    async with Database.open(f"sqlite:///{folder / 'x.db'}") as database, asyncio.TaskGroup() as group:
        store = SqlInstrumentStore(database)
        await store.save(EXCHANGE, many(3).values())
        made = await MarketBuilder.remembering(
            chosen, database=database, network=INTERNET, clock=SystemClock(), rng=Random(1), group=group
        )
        yield made, store


async def collector_of(made: MarketBuilder, part: ExchangePart = WHOLE) -> Collector:
    """As with each taking of the lease."""
    return (await made.market_of_part(part, LiveBook)).collector(EXCHANGE)


async def test_whoever_takes_an_exchange_over_has_the_list_that_was_kept_last(tmp_path: Path) -> None:
    """The collector before may have kept a newer one, weeks after this process began."""
    async with builder(tmp_path) as (made, store):
        await store.save(EXCHANGE, many(5).values())
        assert (await collector_of(made)).instruments().keys() == many(5).keys()


async def test_whoever_takes_over_without_an_answer_begins_without_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An old one would be told to all as the newest; the exchange is asked in any case."""
    async with builder(tmp_path) as (made, _):

        async def never(self: SqlInstrumentStore, exchange: str) -> dict[str, Instrument]:
            await answer.wait()
            raise StoreUnavailable("no connection is free")

        answer = asyncio.Event()
        monkeypatch.setattr(SqlInstrumentStore, "load", never)
        async with asyncio.timeout(5):
            assert not (await collector_of(made)).loaded
        answer.set()
    assert "the list of before could not be read: no connection is free" in caplog.text


async def test_whoever_collects_an_exchange_again_knows_what_was_spent_and_forbidden(tmp_path: Path) -> None:
    """The address is the same: to ask an exchange that banned it makes the ban longer."""
    async with builder(tmp_path) as (made, _):
        first = await collector_of(made)
        first.history._rest.hold_off(7_200, "banned")
        for budget in first.history._rest._limiters.values():
            await budget.spend(budget._shares[0])
        await first._context.connects.spend(9)
        await first._context.resubscribes.spend(7)
        first._context.cooldown.shut(3_600, partial(AttemptRefused, "too many", is_barred=True))
        again = await collector_of(made)
        assert again.history.refusal is not None and again._context.cooldown.refusal is not None
        assert all(sum(one._sums) == one._shares[0] for one in again.history._rest._limiters.values())
        assert sum(again._context.connects._sums) == 9 and sum(again._context.resubscribes._sums) == 7


async def test_each_part_has_its_own_share_of_what_is_allowed(tmp_path: Path) -> None:
    async with builder(tmp_path) as (made, _):
        one, other = parts_of(EXCHANGE, 2)
        await (await collector_of(made, one))._context.connects.spend(9)
        assert sum((await collector_of(made, other))._context.connects._sums) == 0
        assert sum((await collector_of(made, one))._context.connects._sums) == 9

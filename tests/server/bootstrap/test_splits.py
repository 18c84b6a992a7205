"""Which exchanges are split into how many parts: read from three places, refused with words."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from twap_server import bootstrap, settings
from twap_server.books.live import LiveBook
from twap_server.bootstrap.live_market import MarketBuilder
from twap_server.bootstrap.splits import check_splits, collected_parts
from twap_server.cli.main import app
from twap_server.clock import SystemClock
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import INTERNET
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.ownership import MOST_PARTS, ExchangePart, parts_of
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.registry import EXCHANGES


def loaded(
    split: Mapping[str, int | str], exchanges: Sequence[str] = ("binance", "kraken")
) -> settings.Settings:
    given = {"cluster": {"split": dict(split)}}
    return bootstrap.choose(settings.load(file=None, flags=given, environment={}), exchanges)


def test_an_exchange_that_nothing_is_said_of_is_one_part() -> None:
    chosen = loaded({"binance": 3})
    check_splits(chosen)
    assert [part.lease for part in collected_parts(chosen)] == [
        "exchange/binance/1-of-3",
        "exchange/binance/2-of-3",
        "exchange/binance/3-of-3",
        "exchange/kraken",
    ]
    assert [part.lease for part in collected_parts(loaded({}))] == ["exchange/binance", "exchange/kraken"]
    assert collected_parts(loaded({"kraken": 1})) == collected_parts(loaded({}))


@pytest.mark.parametrize("name", ["TWAP_CLUSTER__SPLIT", "TWAP_CLUSTER__SPLIT__BINANCE"])
def test_variables_say_it_too(name: str) -> None:
    value = '{"Binance": 4}' if name.endswith("SPLIT") else "4"
    read = settings.load(file=None, flags={}, environment={name: value})
    assert read.cluster.split == {"binance": 4}


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"binance": 0}, "cluster.split.binance: expected 1 or more"),
        ({"binance": MOST_PARTS + 1}, "cluster.split.binance: expected 64 or less"),
        ({"binance": "many"}, "cluster.split.binance: "),
        ({"nowhere": 2}, "cluster.split: 'nowhere' is not collected here; there are: binance, kraken, okx"),
        (
            {"okx": 64},
            "okx takes 3 parts at most, not 64: of 3 attempts to connect in 1 s each part needs a share",
        ),
        (
            {"binance": 64},
            "binance takes 24 parts at most, not 64: of a weight of 6000 of requests in 60 s each part needs",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_words(split: Mapping[str, int | str], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        check_splits(loaded(split, ["binance", "kraken", "okx"]))


def test_an_exchange_that_ccxt_collects_is_not_split() -> None:
    with pytest.raises(InvalidRequest, match="ccxt-upbit cannot be split: ccxt paces its requests by itself"):
        check_splits(loaded({"ccxt:upbit": 2}, ["ccxt:upbit"]))
    check_splits(loaded({"ccxt:upbit": 1}, ["ccxt:upbit"]))


@pytest.mark.parametrize("shape", EXCHANGES, ids=lambda one: one.name)
def test_each_of_ours_takes_at_least_two_parts(shape: type) -> None:
    check_splits(loaded({shape.name: 2}, [shape.name]))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--role", "collector", "--split", "binance"],
            "--split 'binance': expected NAME=PARTS, such as binance=4",
        ),
        (["--role", "collector", "--split", "binance=x"], "--split 'binance=x': expected NAME=PARTS"),
        (["--role", "collector", "--split", "binance=65"], "cluster.split.binance: "),
        (["--role", "gateway", "--split", "binance=4"], "--split: only a collector splits exchanges"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(words: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["node", *words])
    assert done.exit_code == 2
    assert told in done.output and done.output.count("\n") == 1


class NoLists:
    async def load(self, _: str) -> dict[str, Instrument]:
        return {}


async def market_of(chosen: settings.Settings, part: ExchangePart) -> LiveMarket:
    """What a collector node builds for a part."""
    lists: Any = NoLists()
    async with asyncio.TaskGroup() as group:
        builder = MarketBuilder(
            settings=chosen,
            network=INTERNET,
            clock=SystemClock(),
            rng=Random(1),
            group=group,
            lists=lists,
            archive=None,
            known={},
        )
        return await builder.market_of_part(part, LiveBook)


async def test_a_part_has_its_own_symbols_of_the_settings_and_its_share_of_the_limits() -> None:
    symbols = [f"COIN{number}-USDT" for number in range(12)]
    chosen = loaded({"binance": 3}, [f"binance:{','.join(symbols)}", "kraken"])
    wanted = set[str]()
    for part in parts_of("binance", 3):
        market = await market_of(chosen, part)
        mine = market.interest.wanted("binance")
        assert mine == {symbol for symbol in symbols if part.has(symbol)}
        wanted |= mine
        collector = market.collector("binance")
        assert collector.exchange.limits == BinanceExchange.limits.shared_by(3)
        assert [status.name for status in market.exchanges()] == ["binance"]
    assert wanted == set(symbols)


async def test_an_exchange_that_is_not_split_is_collected_as_by_one_server() -> None:
    market = await market_of(loaded({}, ["binance:BTC-USDT"]), ExchangePart("binance"))
    assert market.collector("binance").exchange.limits == BinanceExchange.limits
    assert market.interest.wanted("binance") == {"BTC-USDT"}

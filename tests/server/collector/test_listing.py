"""A list with entries that cannot be read: the rest works, what was known stays known and takes no order."""

from dataclasses import replace

from support.collector.parts import collecting, until
from support.collector.venues import INFO, scripted
from support.instruments import instrument
from twap_server.collector.listing import UNREADABLE, in_words, merged
from twap_server.domain.market.instrument import InstrumentId

BTC, ETH = INFO["symbols"]
BINANCE = instrument("binance")


def test_what_was_known_and_cannot_be_read_stays_and_takes_no_order():
    known = {BINANCE.id.symbol: BINANCE}
    (kept,) = merged({}, (BINANCE.native,), known).values()
    assert kept.status == UNREADABLE
    assert kept == replace(BINANCE, status=UNREADABLE)
    assert merged(known, (BINANCE.native,), {kept.id.symbol: kept}) == known
    assert merged({}, ("OTHER",), known) == {}, "not listed any more"
    by_alias = {BINANCE.id.symbol: replace(BINANCE, aliases=("KEY",))}
    assert merged({}, ("KEY",), by_alias)


def test_the_words_name_the_first_few():
    assert in_words(["A"]) == "1 that cannot be read left out: 'A'"
    assert in_words(["A\n"] * 3000) == "3000 that cannot be read left out: " + "'A\\n', " * 5 + "…"
    assert len(in_words(["x" * 100_000] * 9)) < 300


async def test_an_exchange_with_one_bad_entry_is_up_and_says_so_once(caplog):
    async with scripted() as venue:
        venue.info = {"symbols": [BTC | {"filters": None}, ETH, None]}
        cached = {"binance": [replace(BINANCE, id=InstrumentId("binance", "BTC-USDT"), native="BTCUSDT")]}
        async with collecting(venue.urls, cached=cached, quiet_proof_s=0) as market:
            await until(lambda: len(market.instruments("binance")) == 2)
            ether = market.find_instrument("binance", "ETHUSDT")
            market.hold(ether.id, "test")
            await market.wait_live(ether.id, 10)
            assert ether.status == "trading"
            assert market.find_instrument("binance", "BTCUSDT").status == UNREADABLE
        said = [record.message for record in caplog.records if "cannot be read" in record.message]
        assert said == ["binance instruments: 2 that cannot be read left out: 'BTCUSDT', 'entry 2'"]

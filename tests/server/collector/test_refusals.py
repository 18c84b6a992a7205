"""What an exchange refuses is asked for again, ever later, and says why meanwhile; on a real socket."""

from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest
from websockets.datastructures import Headers

from support.clocks import HandClock
from support.collector.parts import HastyClock, SystemClock, collecting, statuses, until
from support.collector.venues import scripted
from support.instruments import instrument as of_kraken
from support.kraken import DEAD, LoopbackKraken
from twap_server.books.live import LiveBook
from twap_server.books.pulse import Pulse
from twap_server.collector.backoff import KeyedBackoff
from twap_server.collector.config import CollectorConfig
from twap_server.collector.context import Served
from twap_server.collector.requests import Asked
from twap_server.collector.subscriptions import ChannelSubscriptions
from twap_server.collector.suspects import Suspects
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.kraken.adapter import KrakenExchange

BTC, ETH = InstrumentId("kraken", "BTC-USD"), InstrumentId("kraken", "ETH-USD")
TETHER = InstrumentId("binance", "BTC-USDT")


@asynccontextmanager
async def kraken(*instruments, **settings):
    venue = LoopbackKraken()
    async with venue.serving(), collecting(venue.urls, **settings) as market:
        venue.market = market
        yield venue, market


def reason(market, instrument):
    view = market.view(instrument, 1)
    return view.reason if view is not None else ""


def test_waits_grow_up_to_the_longest_and_start_anew_after_a_quiet_time():
    clock = HandClock(Nanos(0))
    backoff = KeyedBackoff(clock, Random(1), initial_ms=500, cap_s=600)
    waits = []
    for _ in range(20):
        waits.append(backoff.failed("a"))
        clock.after(waits[-1])
    assert 0.25 <= waits[0] <= 0.5
    assert all(0.5 * 2**n / 2 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits[:11]))
    assert all(300 <= wait <= 600 for wait in waits[-5:])
    assert backoff.failures("a") == 20 and backoff.failures("b") == 0
    clock.after(601)
    assert backoff.failed("a") <= 0.5
    assert backoff.failed("b", free=2) == backoff.failed("b", free=2) == 0 < backoff.failed("b", free=2)
    assert backoff.failed("c", at_least_s=60) >= 60
    backoff.forget("b")
    assert backoff.failures("b") == 0


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("Exceeded msg rate", "the exchange asks us to slow down"),
        ("EService:Busy", "the exchange is too busy to serve this"),
        ("EGeneral:Permission denied", "the exchange does not permit us this"),
        ("SECRET", "the exchange refused this"),
    ],
)
async def test_a_passing_refusal_is_not_final_and_says_why(refusal, words):
    async with kraken(backoff_initial_ms=100) as (venue, market):
        venue.answers["BTC/USD"] = [refusal]
        market.hold(BTC, "test")
        market.hold(ETH, "test")
        await until(lambda: reason(market, BTC) == words)
        assert market.live_book(BTC).is_barred
        await market.wait_live(ETH, 10)
        await market.wait_live(BTC, 10)
        assert not market.live_book(BTC).is_barred
        assert (venue.subscriptions("BTC/USD"), venue.subscriptions("ETH/USD")) == (2, 1)
        assert len(venue.sockets) == 1


async def test_what_is_refused_again_and_again_is_asked_for_ever_later():
    async with kraken(backoff_initial_ms=5) as (venue, market):
        venue.answers["BTC/USD"] = ["Exceeded msg rate"] * 5
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)
        assert venue.subscriptions("BTC/USD") == 6
        backoff = market.collector("kraken")._context.backoff
        assert backoff.failures("BTC-USD") == 5


async def test_an_unknown_symbol_is_asked_for_again_after_the_next_list():
    async with kraken() as (venue, market):
        venue.answers["BTC/USD"] = ["Currency pair not supported BTC/USD"]
        await until(lambda: venue.lists == 1)
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)
        assert (venue.subscriptions("BTC/USD"), venue.lists) == (2, 2)


async def test_one_page_of_another_kind_does_not_end_a_book():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0) as market:
        venue.depth_answers = [(404, "<html>"), (500, ""), (403, "")]
        market.hold(TETHER, "test")
        await until(lambda: "does not let this address in (HTTP 403)" in reason(market, TETHER))
        assert market.live_book(TETHER).is_barred
        assert "nothing is asked until" in reason(market, TETHER)
        (told,) = market.exchanges()
        assert told.state == "connected" and "HTTP 403" in told.reason and told.retry_at


async def test_one_page_that_is_missing_does_not_end_a_book():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0, clock=HastyClock()) as market:
        venue.depth_answers = [(404, "<html>"), (500, "")]
        market.hold(TETHER, "test")
        await market.wait_live(TETHER, 10)


class NotingClock(HastyClock):
    def __init__(self):
        super().__init__()
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await super().sleep(seconds)


@pytest.mark.parametrize(("status", "waits"), [(404, False), (500, False), (503, True)])
async def test_only_an_exchange_that_is_asked_nothing_is_waited_for(status, waits):
    clock, longest = NotingClock(), 2
    settings = {"quiet_proof_s": 0, "backoff_max_s": longest}
    async with scripted() as venue, collecting(venue.urls, clock=clock, **settings) as market:
        venue.depth_answers = [(status, "<html>")]
        market.hold(TETHER, "test")
        if waits:
            await until(lambda: longest in clock.slept)
            return
        await market.wait_live(TETHER, 10)
        assert longest not in clock.slept


async def test_a_subscription_that_is_not_answered_is_asked_for_again():
    async with kraken(ack_timeout_s=1) as (venue, market):
        venue.answers["BTC/USD"] = [DEAD]
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)
        assert venue.subscriptions("BTC/USD") == 2


async def test_a_subscription_that_is_acknowledged_and_then_silent_is_renewed_ever_later():
    async with kraken(ack_timeout_s=1) as (venue, market):
        venue.mute = {"BTC/USD"}
        market.hold(BTC, "test")
        await until(lambda: venue.subscriptions("BTC/USD") == 2)
        venue.mute = set()
        await market.wait_live(BTC, 10)
        assert market.collector("kraken")._context.backoff.failures("BTC-USD") == 2


async def test_of_a_batch_only_what_was_not_taken_is_asked_for_again(monkeypatch):
    limits = replace(KrakenExchange.limits, symbols_per_request=50)
    monkeypatch.setattr(KrakenExchange, "limits", limits)
    async with kraken(backoff_initial_ms=50) as (venue, market):
        venue.answers["ETH/USD"], venue.names_symbols = ["Exceeded msg rate"], False
        await until(lambda: market.loaded("kraken"))
        market.hold(BTC, "test")
        market.hold(ETH, "test")
        await market.wait_live(BTC, 10)
        await market.wait_live(ETH, 10)
        assert (venue.subscriptions("BTC/USD"), venue.subscriptions("ETH/USD")) == (1, 2)


async def test_a_decimal_more_loads_the_list_anew_and_the_book_is_right_again():
    async with kraken() as (venue, market):
        market.hold(BTC, "test")
        market.hold(ETH, "test")
        await market.wait_live(BTC, 10)
        await market.wait_live(ETH, 10)
        async with statuses(market, ETH) as other:
            venue.pairs["BTC/USD"].places = 2
            await venue.change()
            await until(lambda: market.view(BTC, 1).status is BookStatus.RESYNCING)
            await market.wait_live(BTC, 10)
            assert market.find_instrument("kraken", "BTC-USD").tick_size.as_tuple().exponent == -2
            assert 2 <= venue.lists <= 4 and venue.subscriptions("BTC/USD") <= 6
            assert (other, len(venue.sockets)) == ([], 1)


async def test_a_checksum_that_is_never_right_is_asked_for_ever_later():
    async with kraken(backoff_initial_ms=5) as (venue, market):
        venue.spoilt = {"BTC/USD"}
        market.hold(BTC, "test")
        await until(lambda: venue.subscriptions("BTC/USD") == 8)
        assert market.collector("kraken")._context.backoff.failures("BTC-USD") >= 7
        assert venue.lists <= 7
        venue.spoilt = set()
        await market.wait_live(BTC, 10)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (418, "the exchange has banned this address for asking too much (HTTP 418)"),
        (451, "the exchange does not serve this location (HTTP 451)"),
    ],
)
async def test_a_ban_is_told_by_book_and_exchange_with_its_end(status, words):
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0) as market:
        await until(lambda: market.loaded("binance"))
        headers = [("Retry-After", "1000"), ("Content-Length", "0"), ("Connection", "close")]
        venue.refuse_upgrade = (status, "No", Headers(headers), b"")
        market.hold(TETHER, "test")
        await until(lambda: words in reason(market, TETHER))
        assert market.live_book(TETHER).is_barred
        (told,) = market.exchanges()
        assert (told.state, told.reason) == ("down", reason(market, TETHER))
        assert told.reason.startswith(f"{words}; nothing is tried until 20")
        assert 990 <= (told.retry_at - market._clock.now()) / SECOND <= 1_000


async def test_a_ban_outlives_the_connection_it_was_told_to():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0, linger_s=0) as market:
        await until(lambda: market.loaded("binance"))
        headers = [("Retry-After", "1000"), ("Content-Length", "0"), ("Connection", "close")]
        venue.refuse_upgrade = (418, "No", Headers(headers), b"")
        market.hold(TETHER, "test")
        await until(lambda: "HTTP 418" in reason(market, TETHER))
        market.release(TETHER, "test")
        await until(lambda: market.exchanges()[0].state == "idle")
        assert market.exchanges()[0].retry_at is not None
        venue.refuse_upgrade, venue.upgrades = None, 0
        market.hold(TETHER, "test")
        await until(lambda: "HTTP 418" in reason(market, TETHER))
        assert (market.live_book(TETHER).is_barred, venue.upgrades) == (True, 0)


async def test_the_same_failure_is_one_line_in_the_log(caplog, unused_tcp_port):
    async with scripted() as venue:
        urls = {"binance": {**venue.urls["binance"], "ws_url": f"ws://127.0.0.1:{unused_tcp_port}"}}
        async with collecting(urls, clock=HastyClock()) as market:
            market.hold(TETHER, "test")
            connects = market.collector("binance")._context.connects
            await until(lambda: len(connects._spent) > 3)
    said = [one.message for one in caplog.records if "refuses the connection" in one.message]
    assert said == [f"binance: 127.0.0.1:{unused_tcp_port} refuses the connection: nothing listens there"]


async def test_what_is_forgotten_while_another_is_given_up_is_no_failure():
    exchange, books, sent = KrakenExchange(), {}, []
    listed = {one.id.symbol: one for one in (of_kraken("kraken", coin, "USD") for coin in ("AAA", "BTC"))}
    context = SimpleNamespace(
        exchange=exchange, config=CollectorConfig(), clock=SystemClock(), instruments=lambda: listed
    )
    context.suspects = Suspects(SystemClock(), KeyedBackoff(SystemClock(), Random(1), initial_ms=1, cap_s=1))
    subscriptions = ChannelSubscriptions(
        context,
        Served(books=books, primary=True),
        exchange.new_stream(),
        Pulse(context.clock),
        SimpleNamespace(forget=lambda symbol: None),
    )
    for symbol, instrument in listed.items():
        book = LiveBook(instrument.id, exchange.new_sequencer(instrument))
        subscriptions._asked[symbol] = Asked(book=book, instrument=instrument, request_id=1)

    class Connection:
        acknowledges = True
        moment = None

        async def send(self, text):
            sent.append(text)
            subscriptions._asked.pop("BTC-USD", None)  # its wait after a refusal is over meanwhile

    await subscriptions._reconcile(Connection())
    assert len(sent) == 2 and all("AAA" in text for text in sent)

"""A book is trusted as long as its connection speaks at its own pace, and not while it is mute."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.collector.memory import Lane
from support.collector.parts import collecting, until
from support.collector.venues import scripted
from twap_models.enums import SliceReason
from twap_server.books.consolidated import consolidate
from twap_server.books.live import LiveBook
from twap_server.books.pulse import LEAST
from twap_server.collector.silence import MOST, SilenceLimit
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.engine.market.eligibility import why_not_tradable
from twap_server.exchanges.registry import EXCHANGES

SYMBOL = "BTC-USD"


@asynccontextmanager
async def lane(name, *, beats_s=0.0, changes_s=0.0, **settings):
    """A lane with one live book, on an exchange that beats and changes it so often, or never."""
    made = Lane(name, **settings)
    made.do("want", SYMBOL)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(made.shard.run())]
        if beats_s:
            tasks.append(group.create_task(made.venue.beat(beats_s)))
        if changes_s:
            tasks.append(group.create_task(made.venue.change_books(changes_s)))
        await made.clock.sleep(3 * changes_s + 5)
        yield made
        for task in tasks:
            task.cancel()


def shown(made):
    """What every reader sees: the same."""
    live, view = (
        made.registry.live_book(made.listed[SYMBOL].id),
        made.registry.view(made.listed[SYMBOL].id, 1),
    )
    merged = consolidate({"one": view}, 1, max_spread=Decimal("0.05"))
    closed = why_not_tradable(
        live, status="trading", limited=False, now=made.clock.now(), max_age=30 * SECOND
    )
    assert (merged.status is BookStatus.LIVE) == (view.status is BookStatus.LIVE) == (closed is None)
    if view.status is BookStatus.STALE:
        assert closed is SliceReason.STALE_BOOK
    return view


@pytest.mark.looptime
@pytest.mark.parametrize(("name", "beats_s"), [("kraken", 1), ("binance", 2)])
async def test_a_mute_connection_is_trusted_for_three_seconds(name, beats_s):
    async with lane(name, beats_s=beats_s, changes_s=30) as made:
        assert shown(made).status is BookStatus.LIVE
        made.venue.is_mute = True
        heard_at = made.registry.live_book(made.listed[SYMBOL].id).pulse.heard_at
        await made.clock.sleep((heard_at + 3 * SECOND - made.clock.monotonic()) / SECOND)
        assert shown(made).status is BookStatus.LIVE
        await made.clock.sleep(0.001)
        stale = shown(made)
        assert (stale.status, stale.reason) == (
            BookStatus.STALE,
            "the connection has delivered nothing for 3 s",
        )
        assert stale.bids, "what was seen last stays readable"
        made.venue.is_mute = False
        await made.clock.sleep(beats_s)
        assert shown(made).status is BookStatus.LIVE, "nothing was missing"
        assert made.venue.connections == 1


@pytest.mark.looptime
@pytest.mark.parametrize(("name", "beats_s"), [("kraken", 1), ("binance", 2)])
async def test_a_quiet_book_of_a_speaking_connection_stays_live(name, beats_s):
    async with lane(name, beats_s=beats_s) as made:
        for _ in range(150):
            await made.clock.sleep(0.37)
            assert shown(made).status is BookStatus.LIVE


@pytest.mark.looptime
async def test_a_connection_without_a_beat_is_judged_by_its_own_pace():
    async with lane("binance", changes_s=2.5) as made:
        await made.clock.sleep(30)
        made.venue.is_mute = True
        heard_at = made.registry.live_book(made.listed[SYMBOL].id).pulse.heard_at
        await made.clock.sleep((heard_at - made.clock.monotonic()) / SECOND + 6)
        assert shown(made).status is BookStatus.LIVE
        await made.clock.sleep(2)
        assert shown(made).status is BookStatus.STALE


@pytest.mark.looptime
async def test_the_setting_decides_alone():
    async with lane("kraken", beats_s=1, changes_s=1, borne_silence_ms=700) as made:
        seen = set()
        for _ in range(100):
            await made.clock.sleep(0.05)
            seen.add(shown(made).status)
        assert seen == {BookStatus.LIVE, BookStatus.STALE}


@pytest.mark.looptime
async def test_what_waits_while_we_are_busy_is_no_silence_of_the_exchange():
    async with lane("kraken", beats_s=1, changes_s=1) as made:
        made.clock.stood += 30 * SECOND
        assert shown(made).status is BookStatus.STALE, "what waits to be read is not known"
        await made.clock.sleep(1.5)
        assert shown(made).status is BookStatus.LIVE
        assert made.venue.connections == 1, "the exchange was not silent"


@pytest.mark.looptime
async def test_readers_hear_of_a_silence_and_of_its_end():
    async with lane("kraken", beats_s=1, changes_s=1) as made:
        told = []
        made.registry.listen(lambda instrument: told.append(made.registry.view(instrument, 1).status))
        made.venue.is_mute = True
        await made.clock.sleep(3.6)
        made.venue.is_mute = False
        await made.clock.sleep(2)
        assert told == [BookStatus.STALE, BookStatus.LIVE]


async def test_on_a_real_socket_a_mute_exchange_is_seen_and_forgiven():
    first = InstrumentId("binance", "BTC-USDT")
    async with (
        scripted() as venue,
        collecting(venue.urls, quiet_proof_s=0, borne_silence_ms=300) as market,
    ):
        told = []
        market.registry.listen(lambda instrument: told.append(market.view(instrument, 1)))
        market.hold(first, "test")
        await until(lambda: [one.status for one in told[-2:]] == [BookStatus.LIVE, BookStatus.STALE])
        assert "delivered nothing" in told[-1].reason
        assert market.live_book(first).is_silent
        told.clear()
        await venue.step()
        await until(lambda: told)
        assert (told[0].status, told[0].bids[0].quantity) == (BookStatus.LIVE, venue.last_id)
        assert len(venue.sockets) == 1


@pytest.mark.parametrize("shape", EXCHANGES, ids=lambda shape: shape.name)
def test_every_exchange_beats_each_second_or_two_and_is_borne_for_three_or_is_made_to_speak(shape):
    if shape.liveness.beat_s == 0:
        assert 0 < shape.liveness.ping_every_s <= 5
        return
    assert shape.liveness.beat_s in (1, 2)
    silence_limit = SilenceLimit(beat_s=shape.liveness.beat_s)
    silence_limit.beat(Nanos(0))
    assert silence_limit.borne(Nanos(SECOND), Nanos(SECOND)) == 3 * SECOND


@given(pauses=st.lists(st.integers(1, 20_000), min_size=1, max_size=40), beat_s=st.sampled_from((0, 1, 2)))
def test_what_is_borne_is_a_few_times_the_longest_pause_within_bounds(pauses, beat_s):
    silence_limit, now = SilenceLimit(beat_s=beat_s), Nanos(0)
    for pause in pauses:
        heard_at = now
        now = Nanos(now + pause * 1_000_000)
        during = silence_limit.borne(now, heard_at)
        assert LEAST <= during <= MOST
    after = silence_limit.borne(now, now)
    total_minutes = now // (60 * SECOND)
    if total_minutes < 4:
        assert after == min(max(3 * max(pauses) * 1_000_000, LEAST), MOST)
    assert silence_limit.borne(Nanos(now + 400 * SECOND), Nanos(now + 400 * SECOND)) == LEAST, "long ago"


def test_a_silence_that_goes_on_does_not_make_itself_normal():
    silence_limit = SilenceLimit(beat_s=0)
    assert [silence_limit.borne(Nanos(second * SECOND), Nanos(1)) for second in range(1, 30)] == [LEAST] * 29


def test_without_a_connection_nothing_is_silent():
    book = LiveBook(InstrumentId("binance", "BTC-USDT"), EXCHANGES[0]().new_sequencer(None))
    assert not book.is_silent

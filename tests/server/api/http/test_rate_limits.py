"""Hits per key in a moving window, by our clock."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clocks import HandClock
from twap_server.api.http.rate_limits import RateLimit, site_of
from twap_server.domain.errors import TooManyAttempts

MINUTE = timedelta(minutes=1)


async def test_of_forty_at_once_as_many_pass_as_allowed() -> None:
    limit = RateLimit(10, MINUTE, HandClock())
    passed = await asyncio.gather(*(limit.hit("ada") for _ in range(40)))
    assert sum(passed) == 10
    assert await limit.hit("bob")


async def test_each_hit_ends_after_the_span_and_a_refused_one_prolongs_nothing() -> None:
    clock = HandClock()
    limit = RateLimit(2, MINUTE, clock)
    await limit.require("ada", "wait")
    await clock.advance(20)
    await limit.require("ada", "wait")
    for waited, left in ((0, 40), (39.5, 1)):
        await clock.advance(waited)
        with pytest.raises(TooManyAttempts, match="wait") as refused:
            await limit.require("ada", "wait")
        assert refused.value.retry_after == limit.wait("ada") == left
    await clock.advance(0.5)
    assert limit.wait("ada") == 0
    assert [await limit.hit("ada") for _ in range(2)] == [True, False]


async def test_a_hit_given_back_does_not_count() -> None:
    limit = RateLimit(1, MINUTE, HandClock())
    assert await limit.hit("ada")
    limit.give_back("ada")
    limit.give_back("nobody")
    assert [await limit.hit("ada") for _ in range(2)] == [True, False]


async def test_keys_are_bounded_and_those_in_use_stay() -> None:
    limit = RateLimit(1, MINUTE, HandClock(), most_keys=2)
    assert await limit.hit("ada")
    assert await limit.hit("bob")
    assert not await limit.hit("ada"), "asked for a moment ago"
    assert await limit.hit("cleo")
    assert not await limit.hit("ada")
    assert await limit.hit("bob"), "forgotten"


async def test_what_is_over_takes_no_memory() -> None:
    clock = HandClock()
    limit = RateLimit(1, MINUTE, clock)
    for at in range(1_000):
        await limit.hit(f"caller {at}")
        await clock.advance(1)
    assert len(limit) <= 61


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 5))
async def test_no_span_has_more_hits_than_allowed(pauses: list[int], amount: int) -> None:
    clock = HandClock()
    limit = RateLimit(amount, MINUTE, clock)
    passed, now = [], 0
    for pause in pauses:
        now += pause
        await clock.advance(pause)
        if await limit.hit("ada"):
            passed.append(now)
    for start in passed:
        assert sum(start <= moment < start + 60 for moment in passed) <= amount


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_one_caller_is_one_site(address: str, site: str) -> None:
    assert site_of(address) == site

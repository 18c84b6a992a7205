"""Gateways over one store let pass what one server does: one after another the same, at once no more."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.clocks import ALONE, HandClock, LoopClock
from support.stores.shared_limits import MemoryLimits
from twap_server.api.auth.lockout import Lockout, PasswordAttempts, WrongPassword
from twap_server.api.auth.shared_lockout import SharedLockout
from twap_server.api.config import PasswordConfig
from twap_server.domain.clock import Clock
from twap_server.domain.errors import StoreUnavailable, TooManyAttempts

SMALL = PasswordConfig(max_failures=3, max_failures_per_address=5, max_failures_per_name=5)
NAMES, ADDRESSES = ("ada", "bob"), ("192.0.2.1", "192.0.2.2", "198.51.100.1")
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.integers(0, 2), st.sampled_from(NAMES), st.sampled_from(ADDRESSES), st.sampled_from("RWW")
        ),
        st.sampled_from([1, 2, 7, 59, 61, 400, 901]),
    ),
    max_size=80,
)


def gateways(
    many: int, limits: MemoryLimits, clock: Clock, config: PasswordConfig = SMALL
) -> list[SharedLockout]:
    return [SharedLockout(config, limits.tries, clock) for _ in range(many)]


async def attempt(lockout: PasswordAttempts, name: str, address: str, *, right: bool, took: float = 0) -> int:
    """Try a password; gives the seconds to wait where it was not looked at, 0 where it was."""
    try:
        async with lockout.attempt(name, address):
            if took:
                await asyncio.sleep(took)
            if not right:
                raise WrongPassword
    except WrongPassword:
        return 0
    except TooManyAttempts as refused:
        return refused.retry_after
    return 0


@given(STEPS)
async def test_one_after_another_they_are_as_one(
    steps: Sequence[tuple[int, str, str, str] | int],
) -> None:
    clock = HandClock()
    one, several = Lockout(SMALL, clock), gateways(3, MemoryLimits(clock), clock)
    for step in steps:
        if isinstance(step, int):
            await clock.advance(step)
            continue
        number, name, address, outcome = step
        expected = await attempt(one, name, address, right=outcome == "R")
        assert await attempt(several[number], name, address, right=outcome == "R") == expected, step


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(ADDRESSES), st.floats(0, 30), st.floats(0, 0.2)),
        min_size=20,
        max_size=60,
    )
)
@ALONE
async def test_at_once_they_look_at_no_more_than_the_waits_allow(
    guesses: list[tuple[int, str, float, float]],
) -> None:
    clock = LoopClock()
    several, looked_at = gateways(4, MemoryLimits(clock), clock), 0

    async def guess(number: int, address: str, at: float, took: float) -> None:
        nonlocal looked_at
        await asyncio.sleep(at)
        looked_at += await attempt(several[number], "ada", address, right=False, took=took) == 0

    await asyncio.gather(*(guess(*one) for one in guesses))
    per_address = 3 + 5
    """Three free, and within 30 seconds those after 1, 2, 4, 8 and 16 of waiting."""
    assert looked_at <= per_address * len({address for _, address, _, _ in guesses})


@ALONE
async def test_forty_guesses_at_once_on_four_gateways_are_three() -> None:
    clock = LoopClock()
    several = gateways(4, MemoryLimits(clock), clock)
    waits = await asyncio.gather(
        *(attempt(several[number % 4], "ada", "192.0.2.1", right=False, took=0.05) for number in range(40))
    )
    assert waits.count(0) == 3


@ALONE
async def test_right_passwords_that_come_together_on_many_gateways_all_pass() -> None:
    clock = LoopClock()
    several = gateways(8, MemoryLimits(clock), clock)
    for _ in range(2):
        await attempt(several[0], "ada", "192.0.2.1", right=False)
    waits = await asyncio.gather(
        *(attempt(one, "ada", "192.0.2.1", right=True, took=0.05) for one in several * 2)
    )
    assert waits == [0] * 16


@ALONE
async def test_who_signed_in_at_one_gateway_is_kept_out_at_none_by_others() -> None:
    clock = LoopClock()
    first, second = gateways(2, MemoryLimits(clock), clock)
    assert await attempt(first, "ada", "192.0.2.1", right=True) == 0
    for host in range(50):
        await attempt(second, "ada", f"198.51.100.{host}", right=False)
    assert await attempt(first, "ada", "203.0.113.1", right=True) > 0, "a newcomer waits"
    assert await attempt(second, "ada", "192.0.2.1", right=True) == 0


@ALONE
async def test_what_a_gateway_that_died_had_in_hand_counts_for_a_minute() -> None:
    clock, config = LoopClock(), SMALL.model_copy(update={"max_failures": 1})
    limits = MemoryLimits(clock)
    dead, alive = gateways(2, limits, clock, config)
    attempts = [dead.attempt(name, "192.0.2.1") for name in NAMES]
    for one in attempts:
        await one.__aenter__()
    assert await attempt(alive, "ada", "192.0.2.1", right=True) == 1
    await asyncio.sleep(61)
    assert await attempt(alive, "ada", "192.0.2.1", right=True) == 0


@pytest.mark.parametrize("right", [True, False])
async def test_an_outcome_that_the_store_does_not_take_is_told_to_nobody(right: bool) -> None:
    clock = HandClock()
    limits = MemoryLimits(clock)
    (gateway,) = gateways(1, limits, clock)
    with pytest.raises(StoreUnavailable):
        async with gateway.attempt("ada", "192.0.2.1"):
            limits.is_away = True
            if not right:
                raise WrongPassword
    with pytest.raises(StoreUnavailable):
        async with gateway.attempt("ada", "192.0.2.1"):
            raise AssertionError("no password is looked at")


async def test_who_must_wait_takes_no_turn_at_writing_and_is_told_once_why() -> None:
    clock = HandClock()
    limits = MemoryLimits(clock)
    first, second = gateways(2, limits, clock)
    for host in range(5):
        await attempt(first, "ada", f"198.51.100.{host}", right=False)
    for gateway in (first, second):
        assert await attempt(gateway, "ada", "192.0.2.1", right=True) > 0
    turns = limits.turns
    for gateway in (first, second) * 20:
        assert await attempt(gateway, "ada", "192.0.2.1", right=True) > 0
    assert limits.turns == turns
    await clock.advance(1)
    assert await attempt(first, "ada", "192.0.2.1", right=True) == 0, "it waited as long as it was told"


async def test_what_counts_no_more_is_not_kept() -> None:
    clock = HandClock()
    limits = MemoryLimits(clock)
    first, second = gateways(2, limits, clock)
    for name in NAMES:
        assert await attempt(first, name, "192.0.2.1", right=True) == 0
    await attempt(second, "eve", "192.0.2.1", right=False)
    assert len(limits.tries_of) == 7, "three pairs, an address and three names"
    await clock.advance(2 * 900)
    await limits.forget()
    assert len(limits.tries_of) == 2, "the pairs that are known"
    await clock.advance(91 * 86_400)
    await limits.forget()
    assert not limits.tries_of

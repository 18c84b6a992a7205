"""Waits for wrong passwords grow and end, and strangers keep no owner out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.api.desk import PASSWORD, Desk
from support.clocks import HandClock
from twap_server.api.auth.failure_delays import FailureDelays, FailureRule
from twap_server.api.auth.lockout import Lockout, WrongPassword
from twap_server.api.config import PasswordConfig
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import TooManyAttempts

SMALL = PasswordConfig(max_failures=2, max_failures_per_address=4, max_failures_per_name=4)


async def guess(lockout: Lockout, name: str, address: str) -> int:
    """Try a wrong password; gives the seconds to wait where it was not looked at."""
    try:
        async with lockout.attempt(name, address):
            raise WrongPassword
    except WrongPassword:
        return 0
    except TooManyAttempts as refused:
        return refused.retry_after


async def sign_in(lockout: Lockout, name: str, address: str) -> int:
    try:
        async with lockout.attempt(name, address):
            return 0
    except TooManyAttempts as refused:
        return refused.retry_after


async def test_each_wrong_password_doubles_the_wait_up_to_the_longest() -> None:
    clock = HandClock()
    lockout, waits = Lockout(SMALL, clock), []
    for _ in range(2):
        assert await guess(lockout, "ada", "a") == 0
    for _ in range(13):
        waits.append(await guess(lockout, "ada", "a"))
        await clock.advance(waits[-1])
        assert await guess(lockout, "ada", "a") == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


async def test_what_others_do_costs_an_owner_elsewhere_a_minute_at_most() -> None:
    clock = HandClock()
    lockout, longest = Lockout(SMALL, clock), 0
    for newcomer in range(50):
        for host in range(20):
            await guess(lockout, "ada", f"192.0.2.{host}")
        longest = max(longest, await guess(lockout, "ada", f"203.0.113.{newcomer}"))
        await clock.advance(61)
    assert longest == 60
    await clock.advance(60)
    assert await sign_in(lockout, "ada", "198.51.100.1") <= 60


async def test_who_waited_as_long_as_told_may_try_whatever_strangers_did_meanwhile() -> None:
    clock = HandClock()
    lockout = Lockout(SMALL, clock)
    for host in range(4):
        await guess(lockout, "ada", f"192.0.2.{host}")
    told = await sign_in(lockout, "ada", "198.51.100.1")
    assert told > 0
    for second in range(told):
        assert await sign_in(lockout, "ada", "198.51.100.1") == told - second, "the wait that was told"
        await clock.advance(1)
        for host in range(10, 250):
            await guess(lockout, "ada", f"192.0.2.{host}")
    assert await sign_in(lockout, "ada", "203.0.113.1") > 0, "somebody new waits"
    assert await sign_in(lockout, "ada", "198.51.100.1") == 0
    assert await sign_in(lockout, "ada", "198.51.100.1") == 0, "and is known from now on"


async def test_a_stranger_gets_one_guess_for_each_wait() -> None:
    clock = HandClock()
    lockout = Lockout(SMALL, clock)
    for host in range(4):
        await guess(lockout, "ada", f"192.0.2.{host}")
    looked_at = 0
    for _ in range(600):
        looked_at += await guess(lockout, "ada", "198.51.100.1") == 0
        await clock.advance(1)
    assert looked_at <= 2 + 9, "1, 2, 4 … 256 seconds apart"


async def test_one_address_guesses_at_many_names_ever_more_slowly() -> None:
    clock = HandClock()
    lockout = Lockout(SMALL, clock)
    looked_at = 0
    for second in range(600):
        looked_at += await guess(lockout, f"user{second}", "a") == 0
        await clock.advance(1)
    assert looked_at <= 4 + 7 + 10
    assert await sign_in(lockout, "ada", "b") == 0


async def test_waits_are_forgotten_when_nothing_more_is_guessed() -> None:
    clock = HandClock()
    lockout = Lockout(SMALL, clock)
    for _ in range(2):
        await guess(lockout, "ada", "a")
    await clock.advance(1 + 900)
    assert [await guess(lockout, "ada", "a") for _ in range(3)] == [0, 0, 1]


async def test_keys_are_bounded_and_those_in_use_stay() -> None:
    hourly = FailureRule(free=1, longest=3_600 * SECOND, forget=3_600 * SECOND)
    delays = FailureDelays(HandClock(), hourly, most_keys=2)
    for key in ("ada", "bob"):
        delays.begin(key)
        delays.failed(key)
    assert delays.wait("ada") == SECOND, "asked for a moment ago"
    delays.begin("cleo")
    delays.failed("cleo")
    assert (len(delays), delays.wait("ada"), delays.wait("bob")) == (2, SECOND, 0)
    delays.give_back("bob")
    delays.failed("bob")


@given(st.lists(st.sampled_from(["begin", "failed", "give_back", "later"]), max_size=60))
@settings(deadline=None)
async def test_no_more_than_allowed_wait_for_their_outcome(steps: list[str]) -> None:
    clock = HandClock()
    delays = FailureDelays(clock, FailureRule(free=3, longest=60 * SECOND, forget=60 * SECOND))
    pending = failures = 0
    for step in steps:
        if step == "begin" and not delays.wait("ada"):
            delays.begin("ada")
            pending += 1
        elif step == "later":
            await clock.advance(7)
        elif step in ("failed", "give_back") and pending:
            getattr(delays, step)("ada")
            pending -= 1
            failures += step == "failed"
        assert pending <= max(1, 3 - failures) if failures < 3 else pending <= 3
        assert 0 <= delays.wait("ada") <= 60 * SECOND


async def test_tokens_and_keys_are_never_shut_out(desk: Desk) -> None:
    tokens = await desk.sign_in()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    key = (await desk.http.post("/auth/keys", json={}, headers=bearer)).json()["key"]
    for _ in range(25):
        await desk.http.post("/auth/token", data={"username": "ada", "password": "wrong"})
    form = {"username": "ada", "password": PASSWORD}
    refused = await desk.http.post("/auth/token", data=form)
    assert refused.status_code == 429
    again = await desk.http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert again.status_code == 200
    for headers in (bearer, {"X-API-Key": key}):
        assert (await desk.http.get("/orders", headers=headers)).status_code == 200


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_waits_tell_nothing_of_the_name(desk: Desk, name: str) -> None:
    await desk.sign_in("bob")
    seen = []
    for _ in range(14):
        answer = await desk.http.post("/auth/token", data={"username": name, "password": "wrong"})
        seen.append((answer.status_code, answer.headers.get("retry-after")))
    assert seen == [(401, None)] * 10 + [(429, "1")] * 4

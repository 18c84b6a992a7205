"""Guessing passwords is bounded; a new password, and who asks for it, end what they should."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import PASSWORD, Desk
from twap_server.api.auth.lockout import Lockout, WrongPassword
from twap_server.api.config import PasswordConfig
from twap_server.api.fair_queue import FairQueue, Rank
from twap_server.domain.errors import EngineBusy, TooManyAttempts

NEW = "battery staple"
SMALL = PasswordConfig(max_failures=2, max_failures_per_address=4, max_failures_per_name=4, max_waiting=3)
RIGHT, WRONG = True, False


async def post(desk: Desk, username: str, password: str, address: str = "10.0.0.1") -> Any:
    transport = ASGITransport(desk.app, client=(address, 1))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        return await http.post("/auth/token", data={"username": username, "password": password})


async def statuses(desk: Desk, tries: int, username: str, password: str) -> Counter[int]:
    answers = await asyncio.gather(*(post(desk, username, password) for _ in range(tries)))
    return Counter(answer.status_code for answer in answers)


async def test_of_forty_guesses_at_once_ten_are_looked_at(desk: Desk) -> None:
    await desk.sign_in()
    assert await statuses(desk, 40, "ada", "wrong") == {401: 10, 429: 30}
    assert (await post(desk, "ada", PASSWORD)).status_code == 429


async def test_right_passwords_at_once_all_pass_and_leave_no_trace(desk: Desk) -> None:
    await desk.sign_in()
    assert await statuses(desk, 25, "ada", PASSWORD) == {200: 25}
    assert await statuses(desk, 9, "ada", "wrong") == {401: 9}
    assert await statuses(desk, 3, "Ada", PASSWORD) == {200: 3}


async def test_a_wait_ends_by_itself_and_says_when(desk: Desk) -> None:
    await desk.sign_in()
    await statuses(desk, 10, "ADA", "wrong")
    for seconds, words in ((1, "1 s"), (2, "2 s"), (4, "4 s")):
        refused = await post(desk, "ada", PASSWORD)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.headers["retry-after"] == str(seconds)
        assert refused.json()["detail"] == f"too many wrong passwords: try again in {words}"
        await desk.sign_in("bob")
        await desk.clock.advance(seconds - 0.1)
        assert (await post(desk, "ada", PASSWORD)).headers["retry-after"] == "1"
        await desk.clock.advance(0.1)
        assert (await post(desk, "ada", "wrong")).status_code == 401
    await desk.clock.advance(8)
    assert (await post(desk, "ada", PASSWORD)).status_code == 200


async def test_a_locked_name_does_not_tell_whether_it_exists(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.sign_in()
    names = ("ada", "nobody", "no\x00body")
    for name in names:
        await statuses(desk, 10, name, "wrong")
    asked: list[str] = []
    monkeypatch.setattr(desk.accounts, "find_user", asked.append)
    answers = [await post(desk, name, PASSWORD) for name in names]
    seen = {
        (answer.status_code, answer.json()["detail"], answer.headers["retry-after"]) for answer in answers
    }
    assert len(seen) == 1
    assert asked == [], "no name is looked up, no password is looked at"


async def test_a_password_that_was_not_looked_at_does_not_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.sign_in()
    passwords = desk.app.state.services.auth.sign_in._passwords
    with monkeypatch.context() as busy:
        busy.setattr(passwords, "_queue", FairQueue(0, [Rank(at_once=0, waiting=0)], refusal="busy"))
        assert await statuses(desk, 20, "ada", "wrong") == {503: 20}
    assert (await post(desk, "ada", PASSWORD)).status_code == 200


async def test_a_name_is_locked_elsewhere_but_never_where_it_signed_in_before(desk: Desk) -> None:
    await desk.sign_in()
    outcomes: Counter[int] = Counter()
    for host in range(12):
        for _ in range(10):
            outcomes[(await post(desk, "ada", "wrong", f"192.0.2.{host}")).status_code] += 1
    assert outcomes == {401: 100, 429: 20}
    assert (await post(desk, "ada", PASSWORD, "198.51.100.1")).status_code == 429
    assert (await post(desk, "ada", PASSWORD, "10.0.0.1")).status_code == 200


async def test_an_address_is_bound_over_all_names_but_not_for_those_who_signed_in_from_it(desk: Desk) -> None:
    await desk.sign_in()
    outcomes = Counter([(await post(desk, f"user{n}", "wrong")).status_code for n in range(120)])
    assert outcomes == {401: 100, 429: 20}
    assert (await post(desk, "ada", PASSWORD)).status_code == 200
    assert (await post(desk, "user0", PASSWORD, "192.0.2.1")).status_code == 401


@pytest.fixture
async def lockout(desk: Desk) -> AsyncIterator[Lockout]:
    yield Lockout(SMALL, desk.clock)


async def attempt(lockout: Lockout, name: str, address: str, outcome: bool) -> bool:
    """Whether it was let in to be looked at."""
    try:
        async with lockout.attempt(name, address):
            if not outcome:
                raise WrongPassword
    except WrongPassword:
        return True
    except TooManyAttempts:
        return False
    return True


async def test_addresses_of_one_network_are_one(lockout: Lockout) -> None:
    let_in = [await attempt(lockout, "ada", f"2001:db8::{n}", WRONG) for n in range(3)]
    assert let_in == [True, True, False]
    assert await attempt(lockout, "ada", "2001:db8:0:1::1", WRONG)


async def test_a_success_gives_back_its_own_hits_and_no_others(lockout: Lockout) -> None:
    await attempt(lockout, "ada", "a", WRONG)
    for _ in range(10):
        assert await attempt(lockout, "ada", "a", RIGHT)
    assert [await attempt(lockout, "ada", "a", WRONG) for _ in range(2)] == [True, False]


async def test_a_refusal_counts_nowhere(lockout: Lockout) -> None:
    for _ in range(20):
        await attempt(lockout, "ada", "a", WRONG)
    assert [await attempt(lockout, "ada", other, WRONG) for other in "bcd"] == [True, True, False]
    assert [await attempt(lockout, name, "a", WRONG) for name in ("bob", "cleo", "dan")] == [
        True,
        True,
        False,
    ]


async def test_those_who_wait_for_one_name_and_address_are_bounded(lockout: Lockout) -> None:
    done = asyncio.Event()

    async def hold(name: str) -> None:
        async with lockout.attempt(name, "a"):
            await done.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(hold("ada"))
        await asyncio.sleep(0)
        with pytest.raises(EngineBusy):
            await hold("ada")
        group.create_task(hold("bob"))
        done.set()
    assert not lockout._locks._locks


async def signed_in(desk: Desk, path: str, headers: dict[str, str]) -> int:
    return (await desk.http.get(path, headers=headers)).status_code


async def new_key(desk: Desk, headers: dict[str, str]) -> dict[str, str]:
    made = await desk.http.post("/auth/keys", json={}, headers=headers)
    return {"X-API-Key": made.json()["key"]}


NEEDS_SIGN_IN = (
    ("POST", "/auth/keys", {"name": "another"}),
    ("GET", "/auth/keys", None),
    ("DELETE", "/auth/keys", None),
    ("DELETE", "/auth/keys/abc", None),
    ("DELETE", "/auth/sessions", None),
    ("POST", "/auth/password", {"current_password": PASSWORD, "new_password": NEW}),
    ("POST", "/auth/invites", {}),
    ("GET", "/auth/invites", None),
    ("DELETE", "/auth/invites/abc", None),
)


@pytest.mark.parametrize(("method", "path", "body"), NEEDS_SIGN_IN, ids=str)
async def test_an_api_key_manages_no_credentials(desk: Desk, method: str, path: str, body: Any) -> None:
    headers = await desk.user()
    key = await new_key(desk, headers)
    for sent in (key, {"Authorization": f"Bearer {key['X-API-Key']}"}):
        answer = await desk.http.request(method, path, json=body, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
        assert "POST /auth/token" in answer.json()["detail"]
    assert await signed_in(desk, "/auth/me", key) == await signed_in(desk, "/auth/me", headers) == 200
    assert len((await desk.http.get("/auth/keys", headers=headers)).json()) == 1


async def test_the_table_of_what_needs_a_sign_in_is_whole(desk: Desk) -> None:
    paths = (await desk.http.get("/openapi.json")).json()["paths"]
    told = {
        (method.upper(), re.sub("{[a-z]+_id}", "abc", path))
        for path, methods in paths.items()
        for method, route in methods.items()
        if {"OAuth2PasswordBearer": ["account"]} in route.get("security", ())
    }
    assert told == {(method, path) for method, path, _ in NEEDS_SIGN_IN}


async def test_all_sign_ins_end_at_once_and_only_mine(desk: Desk) -> None:
    first, second = await desk.user(), await desk.user()
    other = await desk.user("bob")
    key = await new_key(desk, first)
    refresh = (await desk.sign_in())["refresh_token"]
    assert [await signed_in(desk, "/auth/me", one) for one in (first, second, other, key)] == [200] * 4
    assert (await desk.http.delete("/auth/sessions", headers=second)).status_code == 204
    assert [await signed_in(desk, "/auth/me", one) for one in (first, second)] == [401, 401]
    assert [await signed_in(desk, "/auth/me", one) for one in (other, key)] == [200, 200]
    again = await desk.http.post("/auth/refresh", json={"refresh_token": refresh})
    assert again.status_code == 401


async def test_all_keys_end_at_once_and_only_mine(desk: Desk) -> None:
    mine, other = await desk.user(), await desk.user("bob")
    keys = [await new_key(desk, headers) for headers in (mine, mine, other)]
    assert [await signed_in(desk, "/auth/me", key) for key in keys] == [200, 200, 200]
    assert (await desk.http.delete("/auth/keys", headers=mine)).status_code == 204
    assert [await signed_in(desk, "/auth/me", key) for key in keys] == [401, 401, 200]
    assert await signed_in(desk, "/auth/me", mine) == 200


async def change(desk: Desk, headers: dict[str, str], current: str, new: str) -> Any:
    body = {"current_password": current, "new_password": new}
    return await desk.http.post("/auth/password", json=body, headers=headers)


async def test_a_new_password_ends_every_sign_in(desk: Desk) -> None:
    headers, elsewhere = await desk.user(), await desk.user()
    key = await new_key(desk, headers)
    short = await change(desk, headers, PASSWORD, "short")
    assert (short.status_code, short.json()["errors"][0]["field"]) == (422, "new_password")
    wrong = await change(desk, headers, "wrong", NEW)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "current_password")
    assert await signed_in(desk, "/auth/me", elsewhere) == 200
    assert (await change(desk, headers, PASSWORD, NEW)).status_code == 204
    assert [await signed_in(desk, "/auth/me", one) for one in (headers, elsewhere, key)] == [401, 401, 200]
    assert (await post(desk, "ada", PASSWORD)).status_code == 401
    assert (await post(desk, "ada", NEW)).status_code == 200


async def test_guesses_of_the_current_password_count_as_those_of_a_sign_in(desk: Desk) -> None:
    headers = await desk.user()
    answers = await asyncio.gather(*(change(desk, headers, "wrong", NEW) for _ in range(15)))
    assert Counter(answer.status_code for answer in answers) == {422: 10, 429: 5}
    assert (await post(desk, "ada", PASSWORD)).status_code == 429


async def test_a_sign_in_under_way_does_not_survive_a_new_password(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await desk.user()
    add = desk.accounts.add_refresh

    async def change_first(*fields: Any) -> None:
        monkeypatch.setattr(desk.accounts, "add_refresh", add)
        assert (await change(desk, headers, PASSWORD, NEW)).status_code == 204
        await add(*fields)

    monkeypatch.setattr(desk.accounts, "add_refresh", change_first)
    assert (await post(desk, "ada", PASSWORD)).status_code == 401
    assert {token.family_id for token in desk.accounts.refresh.values()} == desk.accounts.ended

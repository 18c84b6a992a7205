"""API keys: until when they count, who makes them and how many, when they were last used (F146-F148)."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import CHEAP, PASSWORD, Desk, build
from support.api.key_rings import NOW, READ, key_with, make
from twap_server.api.app import create_app
from twap_server.api.auth.key_uses import KeyUses
from twap_server.api.config import ApiConfig, TokenConfig
from twap_server.domain.accounts import Adding, ApiKey
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreUnavailable


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "account"]}, "scopes[1]"),
        ({"scopes": ["admin"]}, "scopes[0]"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": ["read"] * 9}, "scopes"),
        ({"expires": "now"}, "expires"),
        ({"expires": "2020-01-01T00:00Z"}, "expires"),
        ({"expires": "9999-12-31T23:59:59Z"}, "expires"),
        ({"expires": "soon"}, "expires"),
        ({"expires": 5}, "expires"),
        ({"expires": "+99999999d"}, "expires"),
        ({"name": "a\nb"}, "name"),
        ({"scope": "read"}, "scope"),
        ({"name": "\ud800"}, "name"),
    ],
    ids=str,
)
async def test_what_a_key_cannot_be_is_told(desk: Desk, wanted: dict[str, Any], field: str) -> None:
    headers = await desk.user() | {"Content-Type": "application/json"}
    answer = await desk.http.post("/auth/keys", content=json.dumps(wanted), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert desk.accounts.keys_by_hash == {}


async def test_scopes_are_listed_once_and_in_their_order(desk: Desk) -> None:
    made = await make(desk, await desk.user(), scopes=["trade", "read", "trade"])
    assert made["scopes"] == ["read", "trade"]


async def test_an_end_counts_at_once_although_keys_are_trusted_for_a_while(desk: Desk) -> None:
    headers = await desk.user()
    made = await make(desk, headers, expires="+10s")
    assert made["expires"] == "2026-09-21T14:13:30.000000Z"
    key = {"X-API-Key": made["key"]}
    await desk.clock.advance(9)
    assert (await desk.http.get("/auth/me", headers=key)).status_code == 200
    await desk.clock.advance(1)
    refused = await desk.http.get("/auth/me", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    await desk.clock.advance(60)
    assert (await desk.http.get("/auth/me", headers=key)).status_code == 401, "looked up anew"
    listed = (await desk.http.get("/auth/keys", headers=headers)).json()
    assert [one["key_id"] for one in listed] == [made["key_id"]], "until another is made"
    other = await make(desk, headers)
    listed = (await desk.http.get("/auth/keys", headers=headers)).json()
    assert [one["key_id"] for one in listed] == [other["key_id"]]


@pytest.fixture
async def brief() -> AsyncIterator[Desk]:
    config = ApiConfig(passwords=CHEAP, tokens=TokenConfig(max_key_lifetime=timedelta(hours=1), max_keys=3))
    services, accounts, market, orders, clock = build(config)
    app = create_app(services)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        yield Desk(app, services, accounts, market, orders, clock, http)


async def test_a_longest_life_bounds_every_key(brief: Desk) -> None:
    headers = await brief.user()
    assert (await make(brief, headers))["expires"] == "2026-09-21T15:13:20.000000Z"
    assert (await make(brief, headers, expires="+59m"))["expires"] == "2026-09-21T15:12:20.000000Z"
    long = await brief.http.post("/auth/keys", json={"expires": "+61m"}, headers=headers)
    assert long.status_code == 422 and "at most 1 h from now" in long.text


async def test_too_many_keys_are_told(brief: Desk) -> None:
    headers = await brief.user()
    answers = [await brief.http.post("/auth/keys", json={}, headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 409]
    assert answers[-1].json()["detail"] == "expected at most 3 API keys: delete one first"


async def test_a_key_asked_for_while_the_sign_in_ends_is_not_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await desk.user()
    add = desk.accounts.add_key

    async def end_first(*args: Any, **kwargs: Any) -> Any:
        assert (await desk.http.delete("/auth/sessions?keys=true", headers=headers)).status_code == 204
        return await add(*args, **kwargs)

    monkeypatch.setattr(desk.accounts, "add_key", end_first)
    answer = await desk.http.post("/auth/keys", json={}, headers=headers)
    assert (answer.status_code, desk.accounts.keys_by_hash) == (401, {})


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("way", ["sessions", "password"])
async def test_all_sign_ins_end_and_keys_with_them_where_asked(desk: Desk, way: str, keys: bool) -> None:
    headers, other = await desk.user(), await key_with(desk, READ)
    bob = {"X-API-Key": (await make(desk, await desk.user("bob")))["key"]}
    sent = [headers, other, bob]
    assert [(await desk.http.get("/auth/me", headers=one)).status_code for one in sent] == [200] * 3
    if way == "sessions":
        query = {"keys": "true"} if keys else None
        done = await desk.http.delete("/auth/sessions", params=query, headers=headers)
    else:
        body = {"current_password": PASSWORD, "new_password": "battery staple"}
        done = await desk.http.post(
            "/auth/password", json=body | ({"end_keys": True} if keys else {}), headers=headers
        )
    assert done.status_code == 204, done.text
    told = [(await desk.http.get("/auth/me", headers=one)).status_code for one in sent]
    assert told == [401, 401 if keys else 200, 200]


async def test_a_word_that_is_no_yes_ends_nothing(desk: Desk) -> None:
    headers = await desk.user()
    assert (await desk.http.delete("/auth/sessions?keys=perhaps", headers=headers)).status_code == 422
    assert (await desk.http.get("/auth/me", headers=headers)).status_code == 200


async def last_used(desk: Desk, headers: dict[str, str]) -> list[str | None]:
    listed = (await desk.http.get("/auth/keys", headers=headers)).json()
    return [one["last_used"] for one in listed]


async def test_uses_are_recorded_once_a_minute_for_all_keys(desk: Desk) -> None:
    headers = await desk.user()
    keys = sorted([await make(desk, headers) for _ in range(3)], key=lambda one: str(one["key_id"]))
    written: list[dict[str, Nanos]] = []
    note = desk.accounts.note_uses

    async def counted(uses: Any) -> None:
        written.append(dict(uses))
        await note(uses)

    desk.accounts.note_uses = counted  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.services.auth.key_uses.keep(desk.accounts, desk.clock))
        await asyncio.sleep(0)
        for _ in range(59):
            for made in keys[:2]:
                await desk.http.get("/auth/me", headers={"X-API-Key": made["key"]})
            await desk.clock.advance(1)
        assert written == [] and await last_used(desk, headers) == [None] * 3
        await desk.clock.advance(1)
        async with asyncio.timeout(5):
            while not written:
                await asyncio.sleep(0)
        assert [set(uses) for uses in written] == [{one["key_id"] for one in keys[:2]}]
        assert await last_used(desk, headers) == [*["2026-09-21T14:14:18.000000Z"] * 2, None]
        await desk.clock.advance(60)
        assert len(written) == 1, "nothing was used"
        await desk.http.get("/auth/me", headers={"X-API-Key": keys[2]["key"]})
        task.cancel()
    assert len(written) == 2, "at the end too"
    assert None not in await last_used(desk, headers)


async def test_a_key_that_is_refused_is_not_used(desk: Desk) -> None:
    key = await key_with(desk, READ, expires="+5s")
    await desk.clock.advance(5)
    assert (await desk.http.get("/auth/me", headers=key)).status_code == 401
    await desk.services.auth.key_uses.record(desk.accounts)
    assert [one.last_used for one in desk.accounts.keys_by_hash.values()] == [None]


async def test_uses_that_cannot_be_recorded_are_kept_and_no_request_notices(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    key, note = await key_with(desk, READ), desk.accounts.note_uses

    async def fail(_: Any) -> None:
        raise StoreUnavailable("the disk is full")

    desk.accounts.note_uses = fail  # type: ignore[method-assign]
    assert (await desk.http.get("/auth/me", headers=key)).status_code == 200
    with caplog.at_level(logging.WARNING):
        await desk.services.auth.key_uses.record(desk.accounts)
    assert "could not be stored, trying again: the disk is full" in caplog.text
    desk.accounts.note_uses = note  # type: ignore[method-assign]
    await desk.services.auth.key_uses.record(desk.accounts)
    assert [one.last_used for one in desk.accounts.keys_by_hash.values()] == [NOW * SECOND]


async def test_a_request_does_not_wait_for_the_recording(desk: Desk) -> None:
    key, held = await key_with(desk, READ), asyncio.Event()

    async def hang(_: Any) -> None:
        await held.wait()

    desk.accounts.note_uses = hang  # type: ignore[method-assign]
    await desk.http.get("/auth/me", headers=key)
    async with asyncio.TaskGroup() as group:
        group.create_task(desk.services.auth.key_uses.record(desk.accounts))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert (await desk.http.get("/auth/me", headers=key)).status_code == 200
        held.set()


def test_uses_noted_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twap_server.api.auth.key_uses._MOST_KEYS", 2)
    uses = KeyUses()
    for number in range(5):
        uses.note(f"k{number}", Nanos(1))
    uses.note("k0", Nanos(2))
    assert uses._latest == {"k0": 2, "k1": 1}


async def test_no_secret_is_stored_or_listed(desk: Desk) -> None:
    headers = await desk.user()
    made = await make(desk, headers)
    assert made["key"] not in str(desk.accounts.keys_by_hash)
    assert made["key"] not in (await desk.http.get("/auth/keys", headers=headers)).text


async def test_a_hundred_requests_for_keys_at_once_make_no_more_than_allowed(desk: Desk) -> None:
    headers = await desk.user()
    answers = await asyncio.gather(
        *(desk.http.post("/auth/keys", json={}, headers=headers) for _ in range(100))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 50, 409: 50}


async def test_a_user_who_asks_for_many_keys_at_once_waits_behind_themselves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, others = await desk.user("eve"), await desk.user("ada")
    go_on, begun = asyncio.Event(), Counter[str]()
    add = desk.accounts.add_key

    async def slowly(key: ApiKey, key_hash: str, *, family_id: str | None, most: int) -> Adding:
        begun[key.user_id] += 1
        await go_on.wait()
        return await add(key, key_hash, family_id=family_id, most=most)

    monkeypatch.setattr(desk.accounts, "add_key", slowly)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        many = [group.create_task(desk.http.post("/auth/keys", json={}, headers=headers)) for _ in range(9)]
        while not begun:
            await asyncio.sleep(0)
        one = group.create_task(desk.http.post("/auth/keys", json={}, headers=others))
        while len(begun) < 2:
            await asyncio.sleep(0)
        assert set(begun.values()) == {1}, "one of each user"
        go_on.set()
    assert {answer.result().status_code for answer in (*many, one)} == {201}

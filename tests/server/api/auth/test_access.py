"""Signing in, forged tokens, refresh rotation, lock-out, API keys."""

import asyncio
import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from support.api.desk import KEY, PASSWORD, Desk
from twap_server.api.auth.access import Access
from twap_server.api.auth.tokens import Tokens
from twap_server.api.config import TokenConfig
from twap_server.domain.errors import NotAuthenticated

NOW = 1_790_000_000
CLAIMS: dict[str, Any] = {
    "iss": "twap-server",
    "aud": "twap",
    "iat": NOW,
    "exp": NOW + 900,
    "jti": "x",
    "typ": "access",
}


def forge(key: bytes = KEY, alg: str = "HS256", **change: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(key), algorithms=[alg])


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
    )


async def test_forged_tokens_are_all_the_same_401(desk: Desk) -> None:
    tokens = await desk.sign_in()
    owner = next(iter(desk.accounts.users_by_name.values())).user_id
    family = next(iter(desk.accounts.refresh.values())).family_id
    mine: dict[str, Any] = {"sub": owner, "sid": family}
    good = {"Authorization": f"Bearer {forge(**mine)}"}
    assert (await desk.http.get("/auth/me", headers=good)).status_code == 200
    header, payload, signature = tokens["access_token"].split(".")
    forged = [
        forge(b"o" * 32, **mine),
        forge(alg="HS384", **mine),
        unsigned({**CLAIMS, **mine}),
        forge(**mine, exp=None),
        forge(**mine, exp=NOW),
        forge(**mine, exp="tomorrow"),
        forge(**mine, iss="another"),
        forge(**mine, aud="another"),
        forge(**mine, typ="refresh"),
        forge(**mine, jti=None),
        forge(**mine, iat=None),
        forge(sub=owner, sid="another"),
        forge(sid=family),
        forge(sub=5, sid=family),
        tokens["refresh_token"],
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        "",
        "x",
        "a.b.c",
        "x" * 10_000,
        "twap_unknown",
    ]
    bodies = set()
    for token in forged:
        answer = await desk.http.get("/orders", headers={"Authorization": f"Bearer {token}"})
        body = answer.json()
        assert answer.status_code == 401, token
        bodies.add(json.dumps({name: value for name, value in body.items() if name != "request_id"}))
    assert len(bodies) == 1


async def test_expiry_follows_our_clock(desk: Desk) -> None:
    headers = await desk.user()
    await desk.clock.advance(899)
    assert (await desk.http.get("/auth/me", headers=headers)).status_code == 200
    await desk.clock.advance(1)
    assert (await desk.http.get("/auth/me", headers=headers)).status_code == 401


def test_a_short_key_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens(b"short", TokenConfig(), desk.clock)


async def refresh(desk: Desk, token: str) -> Any:
    return await desk.http.post("/auth/refresh", data={"grant_type": "refresh_token", "refresh_token": token})


async def test_refresh_rotates_and_a_race_gets_the_same_successor(desk: Desk) -> None:
    first = (await desk.sign_in())["refresh_token"]
    second = (await refresh(desk, first)).json()["refresh_token"]
    await desk.clock.advance(9)
    raced = await refresh(desk, first)
    assert raced.json()["refresh_token"] == second != first
    as_json = await desk.http.post("/auth/refresh", json={"refresh_token": second})
    assert as_json.status_code == 200
    third = await desk.http.post(
        "/auth/token",
        data={"grant_type": "refresh_token", "refresh_token": as_json.json()["refresh_token"]},
    )
    assert third.status_code == 200


async def test_late_reuse_ends_the_family(desk: Desk) -> None:
    tokens = await desk.sign_in()
    second = (await refresh(desk, tokens["refresh_token"])).json()
    await desk.clock.advance(11)
    assert (await refresh(desk, tokens["refresh_token"])).status_code == 401
    assert (await refresh(desk, second["refresh_token"])).status_code == 401
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await desk.http.get("/auth/me", headers=headers)).status_code == 401


@pytest.mark.parametrize("by_refresh_token", [True, False])
async def test_logout_counts_at_once(desk: Desk, by_refresh_token: bool) -> None:
    tokens = await desk.sign_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    if by_refresh_token:
        answer = await desk.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    else:
        answer = await desk.http.post("/auth/logout", headers=headers)
    assert answer.status_code == 204
    assert (await desk.http.get("/auth/me", headers=headers)).status_code == 401
    assert (await refresh(desk, tokens["refresh_token"])).status_code == 401


async def test_wrong_password_and_unknown_user_look_alike(desk: Desk) -> None:
    await desk.sign_in()
    bodies = [
        (await desk.http.post("/auth/token", data={"username": name, "password": "wrong"})).json()
        for name in ("ada", "nobody", "no\x00body", "n" * 1_000)
    ]
    for body in bodies:
        body.pop("request_id")
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["status"] == 401


async def test_register_once(desk: Desk) -> None:
    await desk.sign_in()
    body = {"username": "Ada", "password": PASSWORD}
    answer = await desk.http.post("/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    short = await desk.http.post("/auth/register", json={"username": "bob", "password": "x"})
    assert short.json()["errors"][0]["field"] == "password"


async def test_api_keys(desk: Desk) -> None:
    headers = await desk.user()
    made = await desk.http.post("/auth/keys", json={"name": "bot"}, headers=headers)
    assert made.status_code == 201
    key = {"X-API-Key": made.json()["key"]}
    assert (await desk.http.get("/auth/me", headers=key)).json()["username"] == "ada"
    listed = await desk.http.get("/auth/keys", headers=headers)
    assert [one["name"] for one in listed.json()] == ["bot"]
    assert "key" not in listed.json()[0]
    url = f"/auth/keys/{made.json()['key_id']}"
    assert (await desk.http.delete(url, headers=await desk.user("eve"))).status_code == 404
    assert (await desk.http.delete(url, headers=headers)).status_code == 204
    assert (await desk.http.get("/auth/me", headers=key)).status_code == 401


def counted(desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is looked up in the store by this method from now on."""
    looked_up: list[str] = []
    method = getattr(desk.accounts, name)

    async def look_up(what: str) -> object:
        looked_up.append(what)
        return await method(what)

    monkeypatch.setattr(desk.accounts, name, look_up)
    return looked_up


async def status(desk: Desk, headers: dict[str, str]) -> int:
    return (await desk.http.get("/auth/me", headers=headers)).status_code


async def test_a_token_is_verified_once_in_five_seconds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = await desk.user()
    looked_up = counted(desk, "is_family_active", monkeypatch)
    read: list[str] = []
    verify = Tokens.read
    monkeypatch.setattr(Tokens, "read", lambda tokens, text: read.append(text) or verify(tokens, text))
    assert {await status(desk, headers) for _ in range(5)} == {200}
    assert (len(read), len(looked_up)) == (1, 1)
    await desk.clock.advance(5)
    assert await status(desk, headers) == 200
    assert (len(read), len(looked_up)) == (2, 2)


async def test_an_api_key_is_looked_up_once_in_five_seconds_and_its_end_counts_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await desk.user()
    made = (await desk.http.post("/auth/keys", json={"name": "bot"}, headers=headers)).json()
    key = {"X-API-Key": made["key"]}
    looked_up = counted(desk, "find_key", monkeypatch)
    assert {await status(desk, key) for _ in range(5)} == {200}
    assert len(looked_up) == 1
    await desk.clock.advance(5)
    assert await status(desk, key) == 200
    assert len(looked_up) == 2
    assert (await desk.http.delete(f"/auth/keys/{made['key_id']}", headers=headers)).status_code == 204
    assert await status(desk, key) == 401


async def test_what_is_remembered_of_a_caller_ends_with_the_sign_in_and_with_the_token(desk: Desk) -> None:
    tokens = await desk.sign_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert await status(desk, headers) == 200
    await desk.http.post("/auth/logout", headers=headers)
    assert await status(desk, headers) == 401
    headers = await desk.user()
    await desk.clock.advance(899)
    assert await status(desk, headers) == 200
    await desk.clock.advance(1)
    assert await status(desk, headers) == 401, "remembered a second ago"


async def test_a_refused_credential_is_not_remembered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = counted(desk, "find_key", monkeypatch)
    for _ in range(3):
        assert await status(desk, {"X-API-Key": "twap_unknown"}) == 401
    assert len(looked_up) == 3


async def test_callers_remembered_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twap_server.api.auth.access._MOST_CALLERS", 2)
    everyone = [await desk.user(name) for name in ("ada", "bob", "cleo")]
    for _ in range(2):
        assert {await status(desk, headers) for headers in everyone} == {200}
    assert len(desk.app.state.services.auth.access._callers) == 2


async def test_tokens_in_the_url_do_not_count(desk: Desk) -> None:
    tokens = await desk.sign_in()
    answer = await desk.http.get("/auth/me", params={"access_token": tokens["access_token"]})
    assert answer.status_code == 401


async def test_every_route_that_needs_a_user_refuses_without_one(desk: Desk) -> None:
    paths = (await desk.http.get("/openapi.json")).json()["paths"]
    guarded = [
        (method, path)
        for path, methods in paths.items()
        for method, route in methods.items()
        if route.get("security") and path != "/auth/logout"
    ]
    assert len(guarded) == 28, "a new route is covered by itself; a lost guard is noticed"
    for method, path in guarded:
        url = path.replace("{token_id}", "a").replace("{key_id}", "a")
        body = {"name": "x"} if (method, path) == ("post", "/auth/keys") else {}
        answer = await desk.http.request(method, url, json=body or None)
        assert answer.status_code == 401, (method, path)


async def test_a_body_is_not_judged_before_the_caller(desk: Desk) -> None:
    answer = await desk.http.post("/orders/twap", json={"odd": 1})
    assert answer.status_code == 401


async def test_many_calls_with_one_sign_in_ask_the_store_once(desk: Desk) -> None:
    headers = await desk.user()
    asked: list[str] = []
    answer = desk.accounts.is_family_active

    async def counted(family_id: str) -> bool:
        asked.append(family_id)
        await asyncio.sleep(0)
        return await answer(family_id)

    desk.accounts.is_family_active = counted  # type: ignore[method-assign]
    await desk.clock.advance(6)
    token = headers["Authorization"].removeprefix("Bearer ")
    access: Access = desk.app.state.services.auth.access
    callers = await asyncio.gather(*(access.identify(token) for _ in range(50)))
    assert len(asked) == len(set(callers)) == 1
    desk.accounts.ended.update(asked)
    await desk.clock.advance(6)
    refused = await asyncio.gather(*(access.identify(token) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in refused] == [NotAuthenticated] * 3

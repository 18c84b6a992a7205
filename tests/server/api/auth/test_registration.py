"""Who may make an account, and how many from one address; the invites of administrators."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from pydantic import ValidationError

from support.api.desk import CHEAP, PASSWORD, Desk, build
from support.api.live import closed, hear, say, serving
from twap_client import NotPermitted, TwapClient
from twap_server.api.app import create_app
from twap_server.api.auth.registration import INVITES_CLOSED
from twap_server.api.config import ApiConfig
from twap_server.api.ended_elsewhere import LOOK_EVERY_S, follow

HERE, ELSEWHERE, PROXY = "10.0.0.1", "10.0.0.2", "10.9.8.7"
DAY_S = 86_400


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[Desk]:
    services, accounts, market, orders, clock = build(
        ApiConfig.model_validate({"passwords": CHEAP.model_dump(), **settings})
    )
    app = create_app(services)
    async with AsyncClient(
        transport=ASGITransport(app, client=(HERE, 1)), base_url="http://testserver"
    ) as http:
        yield Desk(app, services, accounts, market, orders, clock, http)


async def register(desk: Desk, name: str, *, peer: str = HERE, invite: str | None = None) -> Response:
    """Register from an address; ``peer`` may be ``client through proxy``."""
    client, _, proxy = peer.partition(" through ")
    headers = {"X-Forwarded-For": client} if proxy else {}
    body = {"username": name, "password": PASSWORD} | ({"invite": invite} if invite else {})
    transport = ASGITransport(desk.app, client=(proxy or client, 1))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        return await http.post("/auth/register", json=body, headers=headers)


async def admin(desk: Desk) -> dict[str, str]:
    """Headers of an administrator."""
    services = desk.app.state.services
    await services.auth.registration.create("root", PASSWORD, is_admin=True)
    token = (await desk.http.post("/auth/token", data={"username": "root", "password": PASSWORD})).json()
    return {"Authorization": f"Bearer {token['access_token']}"}


async def test_an_address_makes_so_many_accounts_a_day() -> None:
    async with opened(accounts_per_address_per_day=2) as desk:
        for name in ("ada", "bob"):
            assert (await register(desk, name)).status_code == 201
        refused = await register(desk, "eve")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == str(DAY_S)
        assert refused.json()["detail"] == (
            "expected at most 2 accounts a day from one address: try again in 1 d"
        )
        assert (await register(desk, "eve", peer=ELSEWHERE)).status_code == 201
        await desk.clock.advance(DAY_S)
        assert (await register(desk, "late")).status_code == 201


async def test_many_at_once_are_no_more_than_many_in_a_row() -> None:
    async with opened(accounts_per_address_per_day=3) as desk:
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(register(desk, f"user{number}")) for number in range(12)]
        assert sorted(one.result().status_code for one in tries) == [201] * 3 + [429] * 9


async def test_an_account_that_was_not_made_does_not_count() -> None:
    async with opened(accounts_per_address_per_day=2) as desk:
        assert (await register(desk, "ada")).status_code == 201
        for _ in range(3):
            assert (await register(desk, "ADA")).json()["code"] == "username_taken"
        assert (await register(desk, "x")).status_code == 422
        assert (await register(desk, "bob")).status_code == 201


async def test_an_address_asks_for_so_many_accounts_a_minute_made_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(rates={"reads_per_minute": 3}) as desk:
        assert (await register(desk, "ada")).status_code == 201
        for _ in range(2):
            assert (await register(desk, "ada")).status_code == 409
        monkeypatch.setattr(desk.app.state.services.auth.registration, "_users", None)
        refused = await register(desk, "ada")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
        assert (await register(desk, "x", peer=ELSEWHERE)).status_code == 422


async def test_an_address_is_a_network_of_ipv6_and_what_a_trusted_proxy_says() -> None:
    async with opened(accounts_per_address_per_day=1, trusted_proxies=[PROXY]) as desk:
        assert (await register(desk, "a-1", peer="2001:db8::1")).status_code == 201
        assert (await register(desk, "a-2", peer="2001:db8::2")).status_code == 429
        assert (await register(desk, "a-3", peer="2001:db8:0:1::1")).status_code == 201
        assert (await register(desk, "b-1", peer=f"192.0.2.1 through {PROXY}")).status_code == 201
        assert (await register(desk, "b-2", peer=f"192.0.2.1 through {PROXY}")).status_code == 429
        assert (await register(desk, "b-3", peer=f"192.0.2.2 through {PROXY}")).status_code == 201
        assert (await register(desk, "c-1", peer=f"192.0.2.3 through {ELSEWHERE}")).status_code == 201
        assert (await register(desk, "c-2", peer=f"192.0.2.4 through {ELSEWHERE}")).status_code == 429


async def test_closed_is_closed_whatever_is_sent() -> None:
    async with opened(registration="closed") as desk:
        for invite in (None, "twapinvite_x"):
            answer = await register(desk, "ada", invite=invite)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
            assert "ask whoever runs this server" in answer.json()["detail"]
        assert desk.accounts.users_by_name == {}
        headers = await admin(desk)
        useless = await desk.http.post("/auth/invites", json={}, headers=headers)
        assert (useless.status_code, useless.json()["code"]) == (409, "conflict")
        assert useless.json()["detail"] == INVITES_CLOSED and desk.accounts.invites_by_code == {}
        assert (await desk.http.get("/auth/methods")).json() == {"registration": "closed", "oidc": False}


async def test_an_invite_lets_one_in() -> None:
    async with opened(registration="invite") as desk:
        headers = await admin(desk)
        missing = await register(desk, "ada")
        assert (missing.status_code, missing.json()["code"]) == (403, "not_permitted")
        assert "needs an invite" in missing.json()["detail"]
        made = await desk.http.post("/auth/invites", json={"days": 2, "note": "Ada"}, headers=headers)
        assert made.status_code == 201
        invite = made.json()
        listed = (await desk.http.get("/auth/invites", headers=headers)).json()
        assert listed == [{key: value for key, value in invite.items() if key != "invite"}]
        assert invite["invite"] not in str(vars(desk.accounts)), "its digest alone is kept"
        wrong = await register(desk, "ada", invite=invite["invite"] + "x")
        assert wrong.status_code == 403 and "is not valid" in wrong.json()["detail"]
        assert (await register(desk, "ada", invite=f" {invite['invite']}\n")).status_code == 201
        again = await register(desk, "eve", invite=invite["invite"])
        assert (again.status_code, again.json()["detail"]) == (403, wrong.json()["detail"])
        assert (await desk.http.get("/auth/invites", headers=headers)).json() == []


async def test_a_wrong_invite_costs_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(registration="invite") as desk:
        monkeypatch.setattr(desk.app.state.services.auth.registration, "_passwords", None)
        assert (await register(desk, "ada", invite="twapinvite_wrong")).status_code == 403


async def test_an_invite_ends() -> None:
    async with opened(registration="invite") as desk:
        headers = await admin(desk)
        codes = [
            (await desk.http.post("/auth/invites", json={"days": 1}, headers=headers)).json()
            for _ in range(2)
        ]
        path = f"/auth/invites/{codes[0]['invite_id']}"
        assert (await desk.http.delete(path, headers=headers)).status_code == 204
        gone = await desk.http.delete(path, headers=headers)
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
        assert (await register(desk, "ada", invite=codes[0]["invite"])).status_code == 403
        await desk.clock.advance(DAY_S)
        assert (await register(desk, "ada", invite=codes[1]["invite"])).status_code == 403


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 366}, {"days": "7"}, {"days": 1.5}, {"note": "\n"}])
async def test_an_invite_has_bounds(body: dict[str, object]) -> None:
    async with opened() as desk:
        answer = await desk.http.post("/auth/invites", json=body, headers=await admin(desk))
        assert answer.status_code == 422


async def test_only_an_administrator_who_signed_in_invites() -> None:
    async with opened() as desk:
        headers = await admin(desk)
        key = (await desk.http.post("/auth/keys", json={}, headers=headers)).json()["key"]
        for given in (await desk.user("ada"), {"X-API-Key": key}, {}):
            for method, path in (("POST", ""), ("GET", ""), ("DELETE", "/i1")):
                answer = await desk.http.request(method, f"/auth/invites{path}", headers=given, json={})
                assert answer.status_code == (403 if given else 401), (method, given)
        assert (await desk.http.get("/auth/me", headers=headers)).json()["is_admin"] is True
        assert (await desk.http.get("/auth/me", headers=await desk.user("ada"))).json()["is_admin"] is False


async def test_the_client_invites_and_is_invited() -> None:
    config = ApiConfig.model_validate({"passwords": CHEAP.model_dump(), "registration": "invite"})
    async with serving(config) as live:
        url = str(live.http.base_url)
        await admin(live)
        async with TwapClient(url, username="root", password=PASSWORD) as root, TwapClient(url) as client:
            assert (await client.accounts.methods()).registration == "invite"
            with pytest.raises(NotPermitted, match="needs an invite"):
                await client.accounts.register("ada", PASSWORD)
            made = await root.accounts.invite(days=1, note="for Ada")
            assert made.expires - made.created == timedelta(days=1)
            assert [one.invite_id for one in await root.accounts.invites()] == [made.invite_id]
            assert (await client.accounts.register("ada", PASSWORD, invite=made.invite)).username == "ada"
            second = await root.accounts.invite()
            await root.accounts.withdraw_invite(second.invite_id)
            with pytest.raises(NotPermitted, match="is not valid"):
                await client.accounts.register("bob", PASSWORD, invite=second.invite)
            await client.accounts.login("ada", PASSWORD)
            with pytest.raises(NotPermitted, match="administrator"):
                await client.accounts.invite()


async def test_a_stream_ends_when_another_process_ended_its_sign_in() -> None:
    async with serving(ApiConfig(passwords=CHEAP)) as live, asyncio.TaskGroup() as group:
        services = live.services
        following = group.create_task(follow(services.sessions, services.auth.accounts, services.clock))
        async with live.stream("ada") as ended, live.stream("bob") as stays:
            family = next(one.family_id for one in live.accounts.refresh.values())
            live.accounts.ended.add(family)
            await asyncio.sleep(0)
            await live.clock.advance(LOOK_EVERY_S)
            assert await closed(ended) == 1008
            await say(stays, type="ping")
            assert (await hear(stays))["type"] == "pong"
        following.cancel()


@pytest.mark.parametrize("given", [{"first_user": "root"}, {"first_user_password": PASSWORD}])
def test_a_first_user_is_whole(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="both or neither"):
        ApiConfig.model_validate(given)
    assert PASSWORD not in repr(ApiConfig(first_user="root", first_user_password=PASSWORD))


async def test_an_account_without_a_password_has_none() -> None:
    async with opened() as desk:
        await desk.accounts.create_identity_user("u1", "ada", desk.clock.now(), issuer="i", subject="s")
        for password in ("", " ", PASSWORD):
            form = {"username": "ada", "password": password}
            answer = await desk.http.post("/auth/token", data=form)
            assert answer.status_code in (401, 422)
        checked: list[str | None] = []
        services = desk.services

        async def check(_password: str, password_hash: str | None, **_: object) -> bool:
            checked.append(password_hash)
            return False

        services.auth.sign_in._passwords.check = check  # type: ignore[method-assign]
        with pytest.raises(Exception, match="wrong user name or password"):
            await services.auth.sign_in.with_password("ada", PASSWORD, address=HERE)
        assert checked == [None], "the same work as for a name that nobody has"

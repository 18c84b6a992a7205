"""Accounts to attack with and to be attacked: each from an address of its own, for each has limits."""

import asyncio
from dataclasses import dataclass

import httpx

PASSWORD = "correct horse battery"
_PATIENCE_S = 60
_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who has signed up."""

    name: str
    key: str
    source: str


async def enrol(url: str, name: str, *, source: str) -> Account:
    """Register, sign in and make an API key, from one address; what is busy is asked again.

    Raises:
        httpx.HTTPStatusError: the server refuses.
    """
    transport = httpx.AsyncHTTPTransport(local_address=source)
    async with httpx.AsyncClient(base_url=url, transport=transport, timeout=_PATIENCE_S) as http:
        who = {"username": name, "password": PASSWORD}
        await _asked(http, "/auth/register", json=who)
        token = (await _asked(http, "/auth/token", data=who)).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        made = await _asked(http, "/auth/keys", json={"name": "siege"}, headers=bearer)
        return Account(name=name, key=made.json()["key"], source=source)


async def enrol_many(url: str, names: dict[str, str]) -> list[Account]:
    """Enrol several, given as name: address, a few at once."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str, source: str) -> Account:
        async with room:
            return await enrol(url, name, source=source)

    return list(await asyncio.gather(*(one(name, source) for name, source in names.items())))


async def _asked(http: httpx.AsyncClient, path: str, **what: object) -> httpx.Response:
    for _ in range(30):
        answer = await http.post(path, **what)  # type: ignore[arg-type]
        if answer.status_code != 503:
            break
        await asyncio.sleep(1)
    return answer.raise_for_status()

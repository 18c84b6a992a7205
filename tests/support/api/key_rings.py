"""API keys of a desk's users."""

from typing import Any

from support.api.desk import Desk

NOW = 1_790_000_000
READ, TRADE = ["read"], ["trade"]


async def make(desk: Desk, headers: dict[str, str], **wanted: Any) -> dict[str, Any]:
    answer = await desk.http.post("/auth/keys", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def key_with(desk: Desk, scopes: list[str], **wanted: Any) -> dict[str, str]:
    return {"X-API-Key": (await make(desk, await desk.user(), scopes=scopes, **wanted))["key"]}

"""client.accounts: the password, all sign-ins, API keys."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from twap_client import (
    BadRequest,
    ClientConfig,
    ConnectionLost,
    NaiveTime,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    TwapClient,
    Unencodable,
)
from twap_client.testing import Reply, ScriptedServer
from twap_client.testing.examples import NOON
from twap_models import ApiKey, Scope

ORDER = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": "1", "duration": 60, "slices": 6}


async def test_a_key_is_made_listed_and_revoked(client: TwapClient, server: ScriptedServer) -> None:
    made = await client.accounts.create_key("bot", scopes=["read"], expires="+30d")
    assert made.key == "twap_1" and made.key not in repr(made)
    assert (made.scopes, made.expires) == ((Scope.READ,), NOON + timedelta(days=30))
    (listed,) = await client.accounts.list_keys()
    assert listed == ApiKey.model_validate(made.model_dump())
    await client.accounts.revoke_key(made.key_id)
    assert await client.accounts.list_keys() == []
    with pytest.raises(NotFound):
        await client.accounts.revoke_key("../keys")
    assert server.requests[-1].path == "/auth/keys/../keys", "one segment, whatever it holds"


async def test_a_key_without_words_is_asked_for_as_ever(client: TwapClient, server: ScriptedServer) -> None:
    made = await client.accounts.create_key()
    assert made.scopes == (Scope.READ, Scope.TRADE) and made.expires is None
    assert server.requests[-1].json == {}, "a server from before scopes understands it"
    await client.accounts.create_key("again")
    await client.accounts.revoke_all_keys()
    assert server.api_keys == {}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (timedelta(days=30), "+2592000.000000"),
        ("+12h", "+12h"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00.000000Z"),
        ("2026-03-01T02:00+02:00", "2026-03-01T00:00:00.000000Z"),
    ],
    ids=str,
)
async def test_ends_are_written_for_the_wire(
    client: TwapClient, server: ScriptedServer, given: datetime | timedelta | str, sent: str
) -> None:
    await client.accounts.create_key(expires=given)
    assert server.requests[-1].json == {"expires": sent}


@pytest.mark.parametrize("end", [datetime(2026, 3, 1), "2026-03-01", "2026-03-01T12:00"], ids=str)
async def test_an_end_without_its_zone_is_refused(
    client: TwapClient, server: ScriptedServer, end: datetime | str
) -> None:
    with pytest.raises(NaiveTime, match="expires"):
        await client.accounts.create_key(expires=end)
    assert server.requests == []


@pytest.mark.parametrize(
    "wrong", [{"scopes": []}, {"scopes": ["admin"]}, {"name": "x" * 65}, {"expires": "soon"}]
)
async def test_what_no_key_can_be_is_not_sent(
    client: TwapClient, server: ScriptedServer, wrong: dict[str, object]
) -> None:
    with pytest.raises(ValueError):
        await client.accounts.create_key(**wrong)  # type: ignore[arg-type]
    with pytest.raises(Unencodable):
        await client.accounts.create_key("\ud800")
    assert server.requests == []


async def test_a_key_does_what_it_was_made_for(client: TwapClient, config: ClientConfig) -> None:
    reading = await client.accounts.create_key("reader", scopes=[Scope.READ])
    trading = await client.accounts.create_key("trader", scopes=[Scope.TRADE])
    async with TwapClient(config=config, api_key=reading.key) as reader:
        assert (await reader.accounts.me()).username == "ada"
        with pytest.raises(NotPermitted, match="lacks the scope trade"):
            await reader.orders.submit(**ORDER)
        with pytest.raises(NotPermitted):
            await reader.accounts.create_key("another")
        async with asyncio.timeout(10), reader.stream(orders=True) as stream:
            await stream.ready()
        await client.accounts.revoke_key(reading.key_id)
        with pytest.raises(NotAuthenticated):
            await reader.accounts.me()
    async with TwapClient(config=config, api_key=trading.key) as trader:
        order = await trader.orders.submit(**ORDER)
        with pytest.raises(NotPermitted, match="lacks the scope read"):
            await trader.orders.get(order.token_id)
        async with asyncio.timeout(10), trader.stream(orders=True) as stream:
            with pytest.raises(NotPermitted, match="lacks the scope read"):
                await stream.ready()


async def test_a_new_password_ends_this_sign_in_too(client: TwapClient, server: ScriptedServer) -> None:
    await client.accounts.login("ada", "correct horse")
    with pytest.raises(BadRequest, match="is not your password"):
        await client.accounts.change_password("wrong", "battery staple")
    assert (await client.accounts.me()).username == "ada", "still signed in"
    with pytest.raises(ValueError):
        await client.accounts.change_password("correct horse", "short")
    key = await client.accounts.create_key("bot")
    await client.accounts.change_password("correct horse", "battery staple")
    with pytest.raises(NotAuthenticated):
        await client.accounts.me()
    await client.accounts.login("ada", "battery staple")
    assert server.api_keys.keys() == {key.key}
    await client.accounts.change_password("battery staple", "correct horse", end_keys=True)
    assert server.api_keys == {}


@pytest.mark.parametrize("keys", [False, True])
async def test_all_sign_ins_end_with_keys_or_without(
    client: TwapClient, server: ScriptedServer, config: ClientConfig, keys: bool
) -> None:
    await client.accounts.login("ada", "correct horse")
    await client.accounts.create_key("bot")
    async with TwapClient(config=config) as other:
        await other.accounts.login("ada", "correct horse")
        await client.accounts.end_sessions(keys=keys)
        for one in (client, other):
            with pytest.raises(NotAuthenticated):
                await one.accounts.me()
    assert bool(server.api_keys) is not keys


async def test_what_may_have_changed_is_said(client: TwapClient, server: ScriptedServer) -> None:
    await client.accounts.login("ada", "correct horse")
    server.cut("POST", "/auth/keys")
    with pytest.raises(ConnectionLost, match="may have been made whose secret nobody knows"):
        await client.accounts.create_key("bot")
    assert len(server.api_keys) == 1, "asked for once"
    server.cut("POST", "/auth/password")
    with pytest.raises(ConnectionLost, match="may be the new one already"):
        await client.accounts.change_password("correct horse", "battery staple")


async def test_a_scope_of_a_newer_server_is_read(client: TwapClient, server: ScriptedServer) -> None:
    key = {
        "key_id": "k",
        "name": "",
        "created": "2026-01-01T12:00:00Z",
        "scopes": ["read", "withdraw"],
        "new": 1,
    }
    server.script("GET", "/auth/keys", Reply(body=[key]))
    (listed,) = await client.accounts.list_keys()
    assert listed.scopes == (Scope.READ, "withdraw") and listed.last_used is None
    older = {"key_id": "k", "name": "", "created": "2026-01-01T12:00:00Z"}
    server.script("GET", "/auth/keys", Reply(body=[older]))
    (listed,) = await client.accounts.list_keys()
    assert listed.scopes == tuple(Scope), "as keys were before there were scopes"

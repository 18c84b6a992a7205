"""Who a client acts as: what is given in the call, never somebody else from the environment or the store."""

from dataclasses import replace

import pytest

from twap_client import (
    ClientConfig,
    InvalidSetting,
    MemoryTokenStore,
    NotAuthenticated,
    Tokens,
    TwapClient,
)
from twap_client.testing import ScriptedServer


@pytest.fixture
async def keys_owner(server: ScriptedServer, config: ClientConfig, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment has ada's key; bob has an account too."""
    server.add_account("bob", "battery staple")
    async with TwapClient(config=config, username="ada", password="correct horse") as client:
        made = await client.accounts.create_key("hers")
    monkeypatch.setenv("TWAP_API_KEY", made.key)
    monkeypatch.setenv("TWAP_SERVER_URL", server.url)
    return made.key


async def whose_stream(server: ScriptedServer, client: TwapClient) -> str:
    async with client.stream(orders=True) as stream:
        await stream.ready()
        (session,) = server.feed._sessions.values()
        return session.username


async def test_the_environments_key_counts_where_nothing_is_given(
    server: ScriptedServer, keys_owner: str
) -> None:
    async with TwapClient() as client:
        assert (await client.accounts.me()).username == "ada"
        assert await whose_stream(server, client) == "ada"
    assert server.requests[-1].headers["x-api-key"] == keys_owner


async def test_a_name_that_is_given_goes_before_the_environments_key(
    server: ScriptedServer, keys_owner: str
) -> None:
    async with TwapClient(username="bob", password="battery staple") as client:
        assert (await client.accounts.me()).username == "bob"
        assert await whose_stream(server, client) == "bob"
        assert client.config.api_key is None
    assert all(keys_owner not in request.headers.values() for request in server.requests)


async def test_a_key_that_is_given_goes_before_the_environments(
    server: ScriptedServer, keys_owner: str
) -> None:
    async with TwapClient(username="bob", password="battery staple") as bob:
        his = await bob.accounts.create_key("his")
    async with TwapClient(api_key=his.key) as client:
        assert (await client.accounts.me()).username == "bob"


async def test_a_misspelt_key_of_the_environment_does_not_stop_who_needs_none(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_API_KEY", "two words")
    async with TwapClient(server.url, username="ada", password="correct horse") as client:
        assert (await client.accounts.me()).username == "ada"
    with pytest.raises(InvalidSetting, match="TWAP_API_KEY"):
        TwapClient(server.url)


async def test_a_store_that_is_given_goes_before_the_environments_key(
    server: ScriptedServer, config: ClientConfig, keys_owner: str
) -> None:
    store = MemoryTokenStore()
    async with TwapClient(config=config, token_store=store) as client:
        await client.accounts.login("bob", "battery staple")
    async with TwapClient(token_store=store) as client:
        assert (await client.accounts.me()).username == "bob"
    async with TwapClient(token_store=MemoryTokenStore()) as client:
        with pytest.raises(NotAuthenticated, match="nobody is signed in"):
            await client.accounts.me()


@pytest.mark.parametrize("kept", ["ada", ""])
async def test_a_store_with_somebody_elses_sign_in_is_not_used(
    server: ScriptedServer, config: ClientConfig, kept: str
) -> None:
    server.add_account("bob", "battery staple")
    store = MemoryTokenStore()
    async with TwapClient(config=config, token_store=store) as client:
        await client.accounts.login("ada", "correct horse")
    hers = store.load()
    assert hers is not None
    store.save(replace(hers, username=kept))
    async with TwapClient(
        config=config, username="bob", password="battery staple", token_store=store
    ) as client:
        assert (await client.accounts.me()).username == "bob"
    his = store.load()
    assert his is not None and his.username == "bob"


async def test_a_store_that_somebody_else_signs_in_to_does_not_change_who_a_client_is(
    server: ScriptedServer, config: ClientConfig
) -> None:
    server.add_account("bob", "battery staple")
    store = MemoryTokenStore()
    async with (
        TwapClient(config=config, token_store=store) as ada,
        TwapClient(config=config, token_store=store) as bob,
    ):
        await ada.accounts.login("ada", "correct horse")
        await bob.accounts.login("bob", "battery staple")
        server.revoke()
        assert (await ada.accounts.me()).username == "ada"
        kept = store.load()
        assert kept is not None and kept.username == "bob", "his sign-in is not taken from him either"
        assert (await bob.accounts.me()).username == "bob"
    assert server.refreshes == 2


async def test_a_login_takes_the_place_of_a_key_and_of_another_user(
    server: ScriptedServer, config: ClientConfig, keys_owner: str
) -> None:
    async with TwapClient() as client:
        await client.accounts.login("bob", "battery staple")
        assert (await client.accounts.me()).username == "bob"
        assert await whose_stream(server, client) == "bob"
    async with TwapClient(config=config, username="ada", password="correct horse") as client:
        await client.accounts.login("bob", "battery staple")
        assert (await client.accounts.me()).username == "bob"
        server.revoke(refresh=True)
        with pytest.raises(NotAuthenticated):  # not with ada's password for bob's name
            await client.accounts.me()
    tried = [request.form for request in server.requests if request.path == "/auth/token"]
    assert {"battery staple" if form["username"] == "bob" else "correct horse" for form in tried} == {
        form["password"] for form in tried
    }
    assert tried[-1] == {"grant_type": "password", "username": "bob", "password": "battery staple"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"username": "bob"}, "password is missing: give username and password"),
        ({"password": "battery staple"}, "username is missing"),
        ({"username": "bob", "password": ""}, "password is empty"),
        ({"api_key": " "}, "api_key is empty"),
        (
            {"username": "bob", "password": "battery staple", "api_key": "key"},
            "give api_key, or username and password, not both",
        ),
        ({"token_store": MemoryTokenStore(), "api_key": "key"}, "give api_key, or token_store, not both"),
        (
            {"username": "bob", "password": "battery staple", "config": ClientConfig(api_key="key")},
            "or a config with an api_key, not both",
        ),
        (
            {"token_store": MemoryTokenStore(), "config": ClientConfig(api_key="key")},
            r"replace\(config, api_key=None\)",
        ),
    ],
)
def test_one_user_is_given_once(given: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        TwapClient("http://127.0.0.1:1", **given)  # type: ignore[arg-type]


async def test_a_client_without_a_sign_in_says_what_to_give(
    server: ScriptedServer, config: ClientConfig
) -> None:
    async with TwapClient(config=config) as client:
        with pytest.raises(NotAuthenticated) as caught:
            await client.accounts.me()
    assert str(caught.value) == (
        "nobody is signed in: give TwapClient username and password, or api_key"
        " (or set TWAP_API_KEY), or call accounts.login"
    )
    assert caught.value.message == "nobody is signed in"
    assert [request.path for request in server.requests] == []


async def test_tokens_of_nobody_known_are_taken_by_a_client_of_nobody(
    server: ScriptedServer, config: ClientConfig
) -> None:
    store = MemoryTokenStore()
    async with TwapClient(config=config, token_store=store) as client:
        await client.accounts.login("ada", "correct horse")
    found = store.load()
    assert found is not None
    bare = MemoryTokenStore(Tokens(access_token=found.access_token))
    async with TwapClient(config=config, token_store=bare) as client:
        assert (await client.accounts.me()).username == "ada"

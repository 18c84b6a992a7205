"""Text beyond ASCII and stray line ends: sent right, or refused in words, never as usage."""

import pytest

from support.client import Twap
from twap_client import ClientConfig, InvalidSetting, Tokens, TwapClient, TwapClientError, Unencodable
from twap_client.testing import ScriptedServer

LATIN = "gr\udcfcn-und-sicher"
"""What Python makes of Latin-1 bytes on a terminal that says UTF-8."""


@pytest.mark.parametrize("password", ["grün-und-sicher", "a&b=c+d%20 e", " 😀😀😀😀😀😀😀😀 "])
async def test_register_and_login_on_the_command_line(
    twap: Twap, server: ScriptedServer, password: str
) -> None:
    assert (await twap("register", "-u", "grace", "-p", password)).code == 0
    assert (await twap("login", "-u", "grace", "-p", password)).code == 0
    assert server.requests[-2].form["password"] == password
    assert (await twap("login", "-u", "grace", "-p", password + "x")).code == 6


async def test_what_is_no_text_is_refused_before_anything_is_sent(
    server: ScriptedServer, client: TwapClient
) -> None:
    for call in (client.accounts.register, client.accounts.login):
        with pytest.raises(Unencodable, match="password: character 3 is no text in UTF-8") as caught:
            await call("grace", LATIN)
        assert "und-sicher" not in str(caught.value)
    with pytest.raises(Unencodable, match="username: "):
        await client.accounts.login(LATIN, "battery staple")
    assert server.requests == [] and not issubclass(Unencodable, ValueError)


@pytest.mark.parametrize(
    "command",
    [
        ["register", "-u", "grace", "-p", LATIN],
        ["login", "-u", "grace", "-p", LATIN],
        ["login", "-u", LATIN, "-p", "battery staple"],
        ["book", "binance", LATIN],
        ["order", LATIN],
        ["cancel", LATIN],
    ],
)
async def test_an_encoding_is_no_usage(signed_in: Twap, command: list[str]) -> None:
    failed = await signed_in(*command)
    assert (failed.code, failed.out) == (1, "")
    assert "UTF-8" in failed.err and failed.err.count("\n") == 1


async def test_an_account_whose_sign_in_failed_was_made_all_the_same(
    twap: Twap, server: ScriptedServer
) -> None:
    server.cut("POST", "/auth/token")
    made = await twap("register", "-u", "grace", "-p", "battery staple")
    assert made.code == 6
    assert made.err.startswith("the account grace was made: sign in with `twap login`\n")


async def test_a_line_end_behind_a_key_or_an_address_is_no_part_of_it(server: ScriptedServer) -> None:
    config = ClientConfig.from_env({"TWAP_API_KEY": " key-1\r\n", "TWAP_SERVER_URL": f"{server.url}\n"})
    async with TwapClient(config=config) as client:
        await client.accounts.me()
        assert client.config.base_url == server.url
    assert server.requests[-1].headers["x-api-key"] == "key-1"
    assert ClientConfig.from_env({"TWAP_API_KEY": " \n"}).api_key is None


@pytest.mark.parametrize("key", ["schlüssel", "two words", "two\nlines", "nul\0"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidSetting, match="TWAP_API_KEY") as caught:
        ClientConfig.from_env({"TWAP_API_KEY": key})
    assert key not in str(caught.value)
    with pytest.raises(TwapClientError, match="printable ASCII") as refused:
        Tokens(access_token=key)
    assert key not in str(refused.value)

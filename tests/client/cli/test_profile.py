"""twap profile: servers under names, each with a sign-in of its own, and what goes before what."""

import json
import stat
from pathlib import Path

import pytest

from support.client import Twap
from twap_client.cli import profiles
from twap_client.errors import InvalidSetting
from twap_client.testing import ScriptedServer

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def bare(twap: Twap, monkeypatch: pytest.MonkeyPatch) -> Twap:
    """No server in the environment."""
    monkeypatch.delenv("TWAP_SERVER_URL")
    return twap


async def test_a_profile_is_a_server_and_a_sign_in(
    bare: Twap, server: ScriptedServer, tmp_path: Path
) -> None:
    server.add_account("bob", "battery staple")
    for name, user, password in (("mine", "ada", "correct horse"), ("his", "bob", "battery staple")):
        assert (await bare("profile", "add", name, server.url.removeprefix("http://"))).code == 0
        done = await bare("--profile", name, "login", "-u", user, "-p", password)
        assert done.code == 0, done
    assert "as ada" in (await bare("--profile", "mine", "whoami")).out
    assert "as bob" in (await bare("--profile", "his", "whoami")).out
    listed = json.loads((await bare("profile", "list", "--json")).out)
    assert listed == [
        {"name": "mine", "server": server.url, "in_use": False, "signed_in": "ada"},
        {"name": "his", "server": server.url, "in_use": False, "signed_in": "bob"},
    ]
    assert "mine" in (await bare("profile", "list")).out
    assert (await bare("profile", "list", "-o", "csv")).out.splitlines() == [
        "name,server,in_use,signed_in", f"mine,{server.url},false,ada", f"his,{server.url},false,bob"
    ]  # fmt: skip
    assert json.loads((await bare("profile", "list", "-o", "json")).out) == listed
    both = await bare("profile", "list", "--json", "-o", "csv")
    assert both.code == 2 and "--json is --output json" in both.err
    for file in ("profiles.toml", "credentials.json"):
        assert stat.S_IMODE((tmp_path / "config" / file).stat().st_mode) == 0o600
    assert (await bare("profile", "remove", "his")).code == 0
    assert "his" not in (tmp_path / "config" / "credentials.json").read_text()
    gone = await bare("--profile", "his", "whoami")
    assert (gone.code, gone.err) == (2, "twap: no profile 'his'; there are: mine\n")


async def test_what_goes_before_what(
    bare: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bare("profile", "add", "good", server.url)
    await bare("profile", "add", "bad", NOBODY, "--use")

    async def reached(*options: str) -> bool:
        done = await bare(*options, "exchanges")
        assert done.code in (0, 6), done
        return done.code == 0

    assert not await reached(), "the profile in use"
    monkeypatch.setenv("TWAP_PROFILE", "good")
    assert await reached(), "the variable goes before it"
    monkeypatch.setenv("TWAP_SERVER_URL", NOBODY)
    assert not await reached(), "the server's variable goes before the profile's"
    assert await reached("--profile", "good"), "an option goes before all variables"
    assert await reached("--server", server.url)
    both = await bare("--server", server.url, "--profile", "good", "exchanges")
    assert (both.code, both.err) == (2, "twap: give --server or --profile, not both\n")


async def test_use_none(bare: Twap) -> None:
    await bare("profile", "add", "bad", NOBODY, "--use")
    assert profiles.load().used == "bad"
    assert (await bare("profile", "use", "--none")).code == 0
    assert profiles.load().used == ""
    assert (await bare("profile", "use", "bad")).code == 0
    assert profiles.load().used == "bad"
    assert (await bare("profile", "remove", "bad")).code == 0
    assert profiles.load() == profiles.Profiles(servers={})
    assert "no profiles" in (await bare("profile", "list")).err


async def test_a_key_is_not_sent_to_a_profile_asked_for_by_name(
    bare: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bare("profile", "add", "desk", server.url)
    monkeypatch.setenv("TWAP_API_KEY", "of-another-server")
    refused = await bare("--profile", "desk", "whoami")
    assert refused.code == 6 and "`twap --profile desk login`" in refused.err
    assert not any("x-api-key" in {name.lower() for name in item.headers} for item in server.requests)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["add", "a b", NOBODY], "expected up to 32 letters"),
        (["add", "desk", "not an address"], "expected a server address"),
        (["use", "nope"], "no profile 'nope'; there are: none: `twap profile add NAME URL`"),
        (["remove", "nope"], "no profile 'nope'"),
        (["use"], "a profile, or --none"),
    ],
)
async def test_wrong_usage(bare: Twap, args: list[str], words: str) -> None:
    refused = await bare("profile", *args)
    assert refused.code == 2 and words in " ".join(refused.err.replace("│", " ").split())


@pytest.mark.parametrize("text", ["[profile", "[profile.desk]", 'profile = "x"', "use = 5"])
async def test_a_file_that_says_nothing_of_use(bare: Twap, tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "profiles.toml").write_text(text)
    if text in ("[profile", "[profile.desk]"):
        with pytest.raises(InvalidSetting, match=r"profiles\.toml cannot be read"):
            profiles.load()
        assert (await bare("exchanges")).code == 2
    else:
        assert profiles.load() == profiles.Profiles(servers={})

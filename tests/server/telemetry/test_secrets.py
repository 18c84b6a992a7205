"""No secret reaches the log: of a server at work, of requests that fail, of settings that are wrong."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.children import environment
from twap_client import TwapClient

PASSWORD, WRONG = "correct horse battery", "a wrong guess of a secret"
KEY = "signing-key-that-nobody-may-read-1234"


async def test_what_a_server_was_told_in_secret_is_not_in_its_log(tmp_path: Path) -> None:
    log, secrets = tmp_path / "log", {PASSWORD, WRONG, KEY}
    with log.open("w") as stderr:
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twap_server", "start", "--demo", "--port", "0",
            env=environment(TWAP_SIGNING_KEY=KEY, PYTHONWARNINGS="default"),
            stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
        assert server.stdout is not None
        try:
            async with asyncio.timeout(180):
                url = (await server.stdout.readline()).decode().split()[3]
                secrets |= await used_in_secret(url)
                await fail_in_secret(url)
                server.terminate()
                assert await server.wait() == 0
        finally:
            if server.returncode is None:
                server.kill()
                await server.wait()
    told = log.read_text()
    assert [secret for secret in secrets if secret in told] == []


async def used_in_secret(url: str) -> set[str]:
    """Sign in, renew, make a key; gives all that only the user may know."""
    async with httpx.AsyncClient(base_url=url) as http:
        account = {"username": "ada", "password": PASSWORD}
        assert (await http.post("/auth/register", json=account)).status_code == 201
        first = (await http.post("/auth/token", data=account | {"grant_type": "password"})).json()
        renewal = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = (await http.post("/auth/token", data=renewal)).json()
        bearer = {"Authorization": f"Bearer {second.get('access_token', first['access_token'])}"}
        key = (await http.post("/auth/keys", json={"name": "a"}, headers=bearer)).json()
        texts = [value for one in (first, second, key) for value in one.values() if isinstance(value, str)]
        return {text for text in texts if len(text) > 30}


async def fail_in_secret(url: str) -> None:
    """Send secrets where they do not belong, or in a shape that nobody can read."""
    async with httpx.AsyncClient(base_url=url) as http:
        for _ in range(3):
            await http.post(
                "/auth/token", data={"username": "ada", "password": WRONG, "grant_type": "password"}
            )
        for body in ({"password": WRONG}, {"username": [WRONG], "password": {"a": WRONG}}, [WRONG]):
            await http.post("/auth/register", json=body)
        await http.post("/auth/register", content=f'{{"password": "{WRONG}'.encode())
        await http.get("/orders", headers={"Authorization": f"Bearer {WRONG}"})
        await http.get(f"/orders?api_key={WRONG}", headers={"X-API-Key": WRONG})
    async with TwapClient(url) as client:
        with pytest.raises(Exception, match=r"sign|password|name"):
            await client.accounts.login("ada", WRONG)


AWAY = {"TWAP_DATABASE": f"postgresql://ada:{KEY}@127.0.0.1:9/twap"}


CASES = (
    ("start", AWAY),
    ("backup", AWAY),
    ("doctor", AWAY),
    ("start", {"TWAP_DATABASE": f"postgresql://ada:{KEY}@[::1/twap"}),
    ("start", {"TWAP_DATABASE": f"mysql://ada:{KEY}@127.0.0.1/twap"}),
    ("start", {"TWAP_SIGNING_KEY": KEY[:20], "TWAP_DATABASE": "sqlite:///a.db"}),
    ("start", {"TWAP_SIGNING_KEY": f'{{"a": "{KEY}"}}', "TWAP_DATABASE": "sqlite:///a.db"}),
)
WORDS = {"start": ["--port", "0", "--exchange", "kraken"], "backup": ["b"], "doctor": []}
EACH = """
import json, os, sys
from twap_server import bootstrap, settings  # once for all: this takes seconds
from twap_server.cli import main as cli
for number, (words, variables) in enumerate(json.loads(sys.argv[1])):
    if (child := os.fork()) == 0:
        os.environ.update(variables)
        told = os.open(f"told-{number}", os.O_WRONLY | os.O_CREAT)
        os.dup2(told, 1), os.dup2(told, 2)
        sys.argv[1:] = words
        cli.main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process for each would take a minute")
def test_what_is_wrong_with_settings_is_told_without_their_secrets(tmp_path: Path) -> None:
    given = json.dumps([([command, *WORDS[command]], variables) for command, variables in CASES])
    exchanges = {"TWAP_EXCHANGES": json.dumps({"kraken": {"rest_url": "http://127.0.0.1:9"}})}
    done = subprocess.run(
        [sys.executable, "-c", EACH, given], env={**os.environ, **exchanges}, cwd=tmp_path,
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    codes = done.stdout.split()
    assert len(codes) == len(CASES)
    for number, case in enumerate(CASES):
        told = (tmp_path / f"told-{number}").read_text()
        assert KEY[:20] not in told and "Traceback" not in told, case
        assert codes[number] in ("1", "2") and told, case

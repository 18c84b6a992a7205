"""Two gateways over one PostgreSQL are no way to twice the allowance, and no way to be shut out of one."""

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx import AsyncClient

from support.api.desk import CHEAP, PASSWORD
from support.api.gateways import gateways
from support.oidc import CLIENT, SECRET, provider
from support.postgres import PostgresServer
from support.store import templates
from twap_server.api.config import ApiConfig
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND

CONFIG = ApiConfig(passwords=CHEAP)
FROZEN = "UPDATE password_tries SET last = last + 3600 * 1000000000::bigint"
"""As if no time passed since: a wait lasts until the test says so."""
OVER = "UPDATE password_tries SET last = (extract(epoch FROM now()) - 60) * 1000000000"
"""As if the wait was over, and a minute more."""


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        templates.migrated(url)
        yield url


async def test_guessing_on_both_in_turn_is_locked_out_as_on_one(url: str, postgres: PostgresServer) -> None:
    name = url.rpartition("/")[2]
    async with gateways(url, CONFIG) as both:
        made = await both[0].post("/auth/register", json={"username": "ada", "password": PASSWORD})
        assert made.status_code == 201
        assert (await both[1].sign_in("ada", address="198.51.100.1")).status_code == 200
        for number in range(10):
            assert (await both[number % 2].sign_in("ada", "wrong")).status_code == 401
        postgres.sql(FROZEN, database=name)
        for gateway in both:
            for password in ("wrong", PASSWORD):
                refused = await gateway.sign_in("ada", password)
                assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            for address in ("198.51.100.1", "198.51.100.2"):
                assert (await gateway.sign_in("ada", address=address)).status_code == 200
        postgres.sql(OVER, database=name)
        assert (await both[1].sign_in("ada", "wrong")).status_code == 401
        postgres.sql(FROZEN, database=name)
        assert [(await one.sign_in("ada")).headers.get("Retry-After") for one in both] == ["2", "2"]


async def test_of_forty_guesses_at_once_on_both_ten_are_looked_at(url: str) -> None:
    async with gateways(url, CONFIG) as both:
        begun = SystemClock().monotonic()
        answers = await asyncio.gather(*(both[number % 2].sign_in("ada", "wrong") for number in range(40)))
        waits = (SystemClock().monotonic() - begun) // SECOND
        codes = [one.status_code for one in answers]
        assert 10 <= codes.count(401) <= 10 + waits, "and one after each wait, if the machine is that slow"
        assert codes.count(401) + codes.count(429) == 40


async def test_right_passwords_at_once_on_both_all_pass(url: str) -> None:
    async with gateways(url, CONFIG) as both:
        await both[0].post("/auth/register", json={"username": "ada", "password": PASSWORD})
        for _ in range(9):
            assert (await both[0].sign_in("ada", "wrong")).status_code == 401
        answers = await asyncio.gather(*(both[number % 2].sign_in("ada") for number in range(12)))
        assert [one.status_code for one in answers] == [200] * 12


async def test_accounts_of_an_address_are_counted_over_both(url: str) -> None:
    config = CONFIG.model_copy(update={"accounts_per_address_per_day": 2})
    async with gateways(url, config) as both:
        for number, gateway in enumerate(both):
            body = {"username": f"user{number}", "password": PASSWORD}
            assert (await gateway.post("/auth/register", json=body)).status_code == 201
        for gateway in (*both, *both):
            await gateway.services.rate_limits.exchange()
        for gateway in both:
            body = {"username": "third", "password": PASSWORD}
            assert (await gateway.post("/auth/register", json=body)).status_code == 429


async def test_sign_ins_fail_while_the_database_is_away_and_go_on_with_it(
    url: str, postgres: PostgresServer
) -> None:
    async with gateways(url, CONFIG) as both:
        await both[0].post("/auth/register", json={"username": "ada", "password": PASSWORD})
        for number in range(5):
            assert (await both[number % 2].sign_in("ada", "wrong")).status_code == 401
        postgres.stop()
        try:
            for gateway in both:
                refused = await gateway.sign_in("ada")
                assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
                async with gateway.http("192.0.2.1") as http:
                    assert (await http.get("/exchanges")).status_code == 200, "limited here alone"
        finally:
            postgres.start()
        for number in range(5):
            assert (await both[number % 2].sign_in("ada", "wrong")).status_code == 401
        postgres.sql(FROZEN, database=url.rpartition("/")[2])
        assert (await both[0].sign_in("ada")).status_code == 429, "nothing was forgotten"


async def test_a_browser_may_come_back_from_the_provider_to_the_other_gateway(url: str) -> None:
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()[:-1]
    asked = {"code_challenge": challenge, "redirect_uri": "http://127.0.0.1:45678/", "state": "s" * 22}
    async with provider(lambda: SystemClock().now() // SECOND) as made:
        oidc = {"issuer": made.url, "client_id": CLIENT, "client_secret": SECRET}
        config = ApiConfig.model_validate({"passwords": CHEAP.model_dump(), "oidc": oidc})
        async with gateways(url, config) as both:
            first, second = (one.http("192.0.2.1") for one in both)
            async with first, second, AsyncClient() as browser:
                begun = await first.get("/auth/oidc/start", params=asked)
                second.cookies.update(first.cookies)
                back = (await browser.get(begun.headers["location"])).headers["location"]
                answer = await second.get(back)
                assert answer.status_code == 302, answer.text
                assert (await first.get(back)).status_code == 401, "it was taken"
                code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
                given = {"code": code, "code_verifier": verifier}
                redeemed = await asyncio.gather(
                    *(one.post("/auth/oidc/token", json=given) for one in (first, second))
                )
                assert sorted(one.status_code for one in redeemed) == [200, 401]

"""Signing in at an OpenID provider that is honest, and at one that lies; a real one on loopback."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx import ASGITransport, AsyncClient, Response
from pydantic import ValidationError
from starlette.responses import Response as Answer
from starlette.responses import StreamingResponse
from typer.testing import CliRunner

from support.api.desk import CHEAP, PASSWORD, Desk, build
from support.api.live import serving
from support.oidc import CLIENT, KEY, SECRET, STRANGER, Provider, provider, signed
from twap_client import NotAuthenticated, NotPermitted, TwapClient
from twap_client._loopback import Loopback
from twap_client._transport import OidcLogin
from twap_client.accounts import Accounts
from twap_client.cli.app import app as command
from twap_server.api.app import create_app
from twap_server.api.auth.oidc.attempts import LocalOnce
from twap_server.api.config import ApiConfig, OidcConfig
from twap_server.domain.clock import SECOND

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
LOOPBACK, STATE = "http://127.0.0.1:45678/", "s" * 22
SHOWN = {"code_challenge": CHALLENGE}
SENT = SHOWN | {"redirect_uri": LOOPBACK, "state": STATE}
SLOW_S = 0.5


@asynccontextmanager
async def opened(**change: Any) -> AsyncIterator[tuple[Desk, Provider]]:
    """A server and its provider; ``change`` is of ``api.oidc``, and its ``api`` of the rest."""
    rest = change.pop("api", {})
    clock = build()[4]
    async with provider(lambda: clock.now() // SECOND) as made:
        oidc = {"issuer": made.url, "client_id": CLIENT, "client_secret": SECRET, "timeout": 30} | change
        config = ApiConfig.model_validate({"passwords": CHEAP.model_dump(), "oidc": oidc, **rest})
        services, accounts, market, orders, clock = build(config)
        app = create_app(services)
        transport = ASGITransport(app, client=("10.0.0.1", 1))
        async with AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Desk(app, services, accounts, market, orders, clock, http), made


async def begin(desk: Desk, asked: dict[str, str] = SENT) -> str:
    """The address that the browser is sent to."""
    answer = await desk.http.get("/auth/oidc/start", params=asked)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def come_back(address: str) -> str:
    """Sign in at the provider; gives where it sends the browser to."""
    async with AsyncClient() as browser:
        answer = await browser.get(address)
    assert answer.status_code == 302
    return answer.headers["location"]


async def browse(desk: Desk, asked: dict[str, str] = SENT) -> Response:
    """The whole way of a browser; gives what the callback answers."""
    return await desk.http.get(await come_back(await begin(desk, asked)))


def told(answer: Response) -> dict[str, str]:
    """What the program on the loopback is told."""
    assert answer.status_code == 302, answer.text
    address = answer.headers["location"]
    assert address.startswith(f"{LOOPBACK}?")
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


async def redeem(desk: Desk, code: str, verifier: str = VERIFIER) -> Response:
    return await desk.http.post("/auth/oidc/token", json={"code": code, "code_verifier": verifier})


async def who(desk: Desk, tokens: dict[str, str]) -> str:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    name: str = (await desk.http.get("/auth/me", headers=headers)).json()["username"]
    return name


async def refused(desk: Desk) -> dict[str, str]:
    """A sign-in that must come to nothing; what the program is told."""
    answer = told(await browse(desk))
    assert (
        "code" not in answer and desk.accounts.users_by_identity == {} and desk.accounts.users_by_name == {}
    )
    assert answer["state"] == STATE
    return answer


async def test_a_sign_in_from_its_begin_to_tokens() -> None:
    async with opened() as (desk, made):
        answer = told(await browse(desk))
        assert set(answer) == {"code", "state"} and answer["state"] == STATE
        got = await redeem(desk, answer["code"])
        assert got.status_code == 200
        assert await who(desk, got.json()) == "ada"
        assert desk.accounts.users_by_identity.keys() == {(made.url, "sub-1")}
        renewed = await desk.http.post("/auth/refresh", json={"refresh_token": got.json()["refresh_token"]})
        assert renewed.status_code == 200
        made.claims["preferred_username"] = "renamed at the provider"
        again = told(await browse(desk))
        assert await who(desk, (await redeem(desk, again["code"])).json()) == "ada"
        assert len(desk.accounts.users_by_name) == 1
        assert made.asked.count("/jwks") == made.asked.count("/.well-known/openid-configuration") == 1


async def test_without_a_program_the_code_is_shown_to_be_pasted() -> None:
    async with opened(client_secret=None) as (desk, made):
        made.secret = None
        page = await browse(desk, SHOWN)
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        code = page.text.partition("<code>")[2].partition("</code>")[0]
        assert (await redeem(desk, code)).status_code == 200


async def test_a_code_counts_once_for_two_minutes_and_for_its_program_alone() -> None:
    async with opened() as (desk, _):
        code = told(await browse(desk))["code"]
        assert (await redeem(desk, code)).status_code == 200
        assert (await redeem(desk, code)).status_code == 401
        code = told(await browse(desk))["code"]
        assert (await redeem(desk, code, "w" * 43)).status_code == 401
        assert (await redeem(desk, code)).status_code == 401, "a wrong secret uses it up"
        code = told(await browse(desk))["code"]
        await desk.clock.advance(120)
        late = await redeem(desk, code)
        assert (late.status_code, late.json()["code"]) == (401, "not_authenticated")


async def test_a_callback_counts_once_soon_and_in_the_browser_that_began() -> None:
    async with opened() as (desk, made):
        address = await come_back(await begin(desk))
        cookies = dict(desk.http.cookies)
        async with AsyncClient(transport=desk.http._transport, base_url="http://testserver") as other:
            stolen = await other.get(address)
            assert (stolen.status_code, stolen.json()["code"]) == (401, "not_authenticated")
        assert (await desk.http.get(address)).status_code == 401, "it was used up"
        address = await come_back(await begin(desk))
        assert "code" in told(await desk.http.get(address))
        desk.http.cookies.update(cookies)
        assert (await desk.http.get(address)).status_code == 401
        address = await come_back(await begin(desk))
        await desk.clock.advance(600)
        assert (await desk.http.get(address)).status_code == 401
        for unknown in ("", "?state=unknown&code=c", "?error=access_denied", "?state=%00"):
            assert (await desk.http.get(f"/auth/oidc/callback{unknown}")).status_code == 401
        assert len(made.codes) == 2, "the provider was not asked about those"


async def test_the_provider_is_another_site_and_may_send_browsers_back() -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    async with opened() as (desk, _):
        address = await come_back(await begin(desk))
        embedded = await desk.http.get(address, headers=foreign | {"Sec-Fetch-Mode": "no-cors"})
        assert embedded.status_code == 403
        assert "code" in told(await desk.http.get(address, headers=foreign | {"Sec-Fetch-Mode": "navigate"}))
        body = {"code": "c", "code_verifier": VERIFIER}
        assert (await desk.http.post("/auth/oidc/token", json=body, headers=foreign)).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_link_on_a_page_begins_no_sign_in(site: str) -> None:
    async with opened() as (desk, made):
        link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        answer = await desk.http.get("/auth/oidc/start", params=SENT, headers=link)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
        assert "address line" in answer.json()["detail"] and made.asked == []
        typed = link | {"Sec-Fetch-Site": "none"}
        assert (await desk.http.get("/auth/oidc/start", params=SENT, headers=typed)).status_code == 302


async def test_the_cookie_is_sent_to_the_callback_of_the_settings() -> None:
    back = "https://twap.example/desk/auth/oidc/callback"
    async with opened(callback_url=back) as (desk, _):
        answer = await desk.http.get("/auth/oidc/start", params=SENT)
        assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == [back]
        cookie = answer.headers["set-cookie"]
        assert "Path=/desk/auth/oidc/callback;" in cookie and "; Secure" in cookie


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "http://evil.example:80/",
        "http://127.0.0.1.evil.example:80/",
        "http://127.0.0.1:80@evil.example/",
        "http://127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:80/?a=b",
        "http://127.0.0.1:80/#f",
        "http://127.0.0.1:80/\\evil.example",
        "http://127.0.0.1:80/a\nb",
        "http://localhost:80/",
        "//127.0.0.1:80/",
        "javascript:alert(1)",
    ],
)
async def test_nothing_but_the_loopback_is_sent_a_code(address: str) -> None:
    async with opened() as (desk, made):
        answer = await desk.http.get("/auth/oidc/start", params=SHOWN | {"redirect_uri": address})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "redirect_uri")
        assert made.asked == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://[::1]:65535/a/b", "http://127.0.0.1:80/"])
async def test_the_loopback_is_sent_one(address: str) -> None:
    async with opened() as (desk, _):
        answer = await browse(desk, SHOWN | {"redirect_uri": address, "state": STATE})
        assert answer.headers["location"].startswith(f"{address}?code=")


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def unsigned(claims: dict[str, Any]) -> str:
    return f"{part(json.dumps({'alg': 'none'}).encode())}.{part(json.dumps(claims).encode())}."


def by_the_public_key(claims: dict[str, Any]) -> str:
    """What everybody can sign who takes the public key for a shared secret."""
    header = {"alg": "HS256", "kid": "k1"}
    text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    made = hmac.new(KEY.as_pem(private=False), text.encode(), hashlib.sha256).digest()
    return f"{text}.{part(made)}"


@pytest.mark.parametrize(
    ("claims", "sign"),
    [
        ({"nonce": "another"}, signed),
        ({"nonce": None}, signed),
        ({"aud": "another"}, signed),
        ({"aud": None}, signed),
        ({"aud": [CLIENT, "another"]}, signed),
        ({"aud": [CLIENT, "another"], "azp": "another"}, signed),
        ({"iss": "https://evil.example"}, signed),
        ({"iss": None}, signed),
        ({"exp": 1}, signed),
        ({"exp": None}, signed),
        ({"exp": "soon"}, signed),
        ({"iat": None}, signed),
        ({"nbf": 10**11}, signed),
        ({"sub": None}, signed),
        ({"sub": ""}, signed),
        ({"sub": 7}, signed),
        ({"sub": "s" * 256}, signed),
        ({"sub": "a\0b"}, signed),
        ({"sub": "ä"}, signed),
        ({"at_hash": "of another token"}, signed),
        ({}, unsigned),
        ({}, by_the_public_key),
        ({}, lambda claims: signed(claims, key=STRANGER)),
        ({}, lambda claims: signed(claims)[:-8] + "AAAAAAAA"),
        ({}, lambda _: "no.token"),
        ({}, lambda _: "é"),
        ({}, lambda claims: signed(claims | {"much": "x" * 70_000})),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
async def test_an_id_token_that_proves_nothing(
    claims: dict[str, Any], sign: Callable[[dict[str, Any]], str]
) -> None:
    async with opened() as (desk, made):
        made.claims |= claims
        made.sign = sign
        answer = await refused(desk)
        assert answer["error"] == "not_authenticated" and "OpenID provider" in answer["error_description"]


async def test_a_key_that_was_changed_is_fetched_again_and_seldom() -> None:
    async with opened() as (desk, made):
        assert "code" in told(await browse(desk))
        made.sign = lambda claims: signed(claims, key=STRANGER)
        for _ in range(3):
            assert "error" in told(await browse(desk))
        assert made.asked.count("/jwks") == 1, "fetched a moment ago"
        made.jwks = Answer(json.dumps({"keys": [STRANGER.as_dict(private=False)]}))
        await desk.clock.advance(60)
        assert "code" in told(await browse(desk))
        assert made.asked.count("/jwks") == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"keys": [' + b'{"kty": "RSA"},' * 40_000 + b"{}]}",
        json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}] * 65}).encode(),
        json.dumps({"keys": [KEY.as_dict(private=False) | {"n": "A" * 100_000}]}).encode(),
        json.dumps({"keys": "none"}).encode(),
        b"[" * 100_000,
        b"<html>",
        b"",
    ],
    ids=["huge", "many", "a number without end", "no list", "deep", "no JSON", "empty"],
)
async def test_keys_that_are_too_much_or_none(body: bytes) -> None:
    async with opened() as (desk, made):
        made.jwks = Answer(body, media_type="application/json")
        answer = await refused(desk)
        assert answer["error"] in ("unavailable", "not_authenticated")


async def test_an_answer_without_end_is_cut_off() -> None:
    async def long() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 10_000

    async with opened(timeout=60) as (desk, made):
        made.jwks = StreamingResponse(long())
        answer = await refused(desk)
        assert answer["error"] == "unavailable" and "longer than 262144 bytes" in answer["error_description"]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
    ids=str,
)
async def test_a_discovery_document_that_leads_elsewhere(document: dict[str, Any]) -> None:
    async with opened() as (desk, made):
        made.discovery = document
        answer = await desk.http.get("/auth/oidc/start", params=SENT)
        if answer.status_code == 302:
            answer = await desk.http.get(await come_back(answer.headers["location"]))
            assert told(answer)["error"] == "unavailable"
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert desk.accounts.users_by_name == {}


async def test_a_provider_that_is_away_slow_or_broken_is_told_and_nobody_hangs() -> None:
    async with opened(timeout=SLOW_S) as (desk, made):
        made.gate.clear()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            tries = [group.create_task(desk.http.get("/auth/oidc/start", params=SENT)) for _ in range(20)]
        answers = [one.result() for one in tries]
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert any("no answer within" in answer.json()["detail"] for answer in answers)
        assert len(made.asked) <= 1, "one asks for all"
        made.gate.set()
        await desk.clock.advance(5)
        address = await come_back(await begin(desk))
        made.status = 502
        assert told(await desk.http.get(address))["error"] == "unavailable"
    async with opened(issuer="http://127.0.0.1:9") as (desk, _):
        answer = await desk.http.get("/auth/oidc/start", params=SENT)
        assert answer.status_code == 503 and "cannot be reached" in answer.json()["detail"]


async def test_who_refused_at_the_provider_is_told() -> None:
    async with opened() as (desk, made):
        made.refuses = "access_denied"
        assert "access_denied" in (await refused(desk))["error_description"]
        made.refuses = "<script>"
        assert "script" not in (await refused(desk))["error_description"]
        made.refuses = ""
        address = await come_back(await begin(desk))
        answer = await desk.http.get(f"{address}&iss=https://evil.example")
        assert told(answer)["error"] == "not_authenticated"


async def test_an_account_that_is_somebody_elses_is_not_given_away() -> None:
    async with opened() as (desk, made):
        await desk.user("Ada")
        made.claims |= {"email": "ada@example.com", "email_verified": True}
        answer = told(await browse(desk))
        assert answer["error"] == "username_taken"
        assert "twap-server user link ada sub-1" in answer["error_description"]
        assert desk.accounts.users_by_identity == {}
        desk.accounts.users_by_identity[made.url, "sub-1"] = desk.accounts.users_by_name["ada"].user_id
        code = told(await browse(desk))["code"]
        assert await who(desk, (await redeem(desk, code)).json()) == "Ada"


async def test_an_account_of_the_provider_has_no_password() -> None:
    async with opened() as (desk, _):
        tokens = (await redeem(desk, told(await browse(desk))["code"])).json()
        for password in (PASSWORD, "x"):
            form = {"username": "ada", "password": password}
            assert (await desk.http.post("/auth/token", data=form)).status_code == 401
        change = {"current_password": "", "new_password": PASSWORD}
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await desk.http.post("/auth/password", json=change, headers=headers)).status_code == 422


@pytest.mark.parametrize(
    ("setting", "claims", "may"),
    [
        ({"allowed_domains": ["example.com"]}, {"email": "a@Example.com", "email_verified": True}, True),
        ({"allowed_domains": ["example.com"]}, {"email": "a@example.com", "email_verified": "true"}, False),
        ({"allowed_domains": ["example.com"]}, {"email": "a@example.com"}, False),
        ({"allowed_domains": ["example.com"]}, {"email": "a@sub.example.com", "email_verified": True}, False),
        ({"allowed_domains": ["example.com"]}, {"email": "example.com", "email_verified": True}, True),
        ({"allowed_domains": ["example.com"]}, {}, False),
        ({"required_claim": "groups", "required_values": ["traders"]}, {"groups": ["a", "traders"]}, True),
        ({"required_claim": "groups", "required_values": ["traders"]}, {"groups": "traders"}, True),
        ({"required_claim": "groups", "required_values": ["traders"]}, {"groups": ["a"]}, False),
        ({"required_claim": "groups", "required_values": ["traders"]}, {"groups": {"traders": 1}}, False),
        ({"required_claim": "groups", "required_values": ["traders"]}, {}, False),
        ({"create_accounts": False}, {}, False),
        ({"username_claim": "nick"}, {"nick": "ada-2"}, True),
        ({"username_claim": "nick"}, {"nick": "Ada Lovelace"}, False),
        ({"username_claim": "nick"}, {"nick": ["ada"]}, False),
        ({"username_claim": "nick"}, {}, False),
    ],
    ids=str,
)
async def test_the_settings_say_who_may_sign_in(
    setting: dict[str, Any], claims: dict[str, Any], may: bool
) -> None:
    async with opened(**setting) as (desk, made):
        made.claims |= claims
        if may:
            assert "code" in told(await browse(desk))
        else:
            assert (await refused(desk))["error"] == "not_permitted"


async def test_accounts_made_so_count_by_address_whoever_may_register() -> None:
    api = {"registration": "closed", "accounts_per_address_per_day": 2}
    async with opened(api=api) as (desk, made):
        for number in range(3):
            made.subject, made.claims = f"sub-{number}", {"preferred_username": f"user{number}"}
            answer = told(await browse(desk))
            assert ("code" in answer) == (number < 2)
        assert answer["error"] == "rate_limited"
        made.subject, made.claims = "sub-0", {}
        assert "code" in told(await browse(desk)), "who has an account comes in"


async def test_steps_are_counted_by_address() -> None:
    async with opened(api={"rates": {"oidc_per_minute": 2}}) as (desk, _):
        answers = [await desk.http.get("/auth/oidc/callback") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_who_is_on_the_way_is_bounded() -> None:
    clock = build()[4]
    waiting: LocalOnce[int] = LocalOnce(clock, life_s=10, most=3)
    names = [await waiting.put(number) for number in range(5)]
    assert len(waiting) == 3
    assert [await waiting.take(name) for name in names] == [None, None, 2, 3, 4]
    assert await waiting.take(names[4]) is None
    names = [await waiting.put(1)]
    await clock.advance(10)
    assert await waiting.take(names[0]) is None and len(waiting) == 0


async def test_without_a_provider_there_is_nothing() -> None:
    services = build()[0]
    transport = ASGITransport(create_app(services), client=("10.0.0.1", 1))
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        assert (await http.get("/auth/oidc/start", params=SENT)).status_code == 404
        assert (await http.get("/auth/oidc/callback")).status_code == 404
        answer = await http.post("/auth/oidc/token", json={"code": "c", "code_verifier": VERIFIER})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await http.get("/auth/methods")).json()["oidc"] is False


@pytest.mark.parametrize(
    "given",
    [
        {"issuer": "http://id.example", "client_id": "c"},
        {"issuer": "https://id.example"},
        {"issuer": "https://id.example", "client_id": "c", "scopes": "profile"},
        {"required_claim": "groups"},
        {"required_values": ["a"]},
        {"issuer": "id.example", "client_id": "c"},
        {"issuer": "https://[", "client_id": "c"},
        {"issuer": "https://id.example", "client_id": "c", "callback_url": "https://["},
        {"issuer": "https://id.example", "client_id": "c", "callback_url": "http://twap.example/auth"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_right(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        OidcConfig.model_validate(given)


class TestWithTheClient:
    """``login_oidc``, and the command: a real server, a real provider, a browser that does as told."""

    @asynccontextmanager
    async def served(self, **change: Any) -> AsyncIterator[tuple[str, Provider]]:
        async with provider(lambda: 0) as made:
            oidc = {"issuer": made.url, "client_id": CLIENT, "client_secret": SECRET} | change
            config = ApiConfig.model_validate({"passwords": CHEAP.model_dump(), "oidc": oidc})
            async with serving(config) as live:
                made.now = lambda: live.clock.now() // SECOND
                yield str(live.http.base_url), made

    async def test_a_browser_on_this_machine(self) -> None:
        async with self.served() as (url, _), TwapClient(url) as client:
            await client.accounts.login_oidc(visit_now)
            assert (await client.accounts.me()).username == "ada"
            await client.accounts.logout()

    async def test_a_refusal_is_told_by_its_kind(self) -> None:
        async with self.served(create_accounts=False) as (url, _), TwapClient(url) as client:
            with pytest.raises(NotPermitted, match="twap-server user link"):
                await client.accounts.login_oidc(visit_now)

    async def test_a_code_that_is_pasted(self) -> None:
        async with self.served() as (url, _), TwapClient(url) as client:
            begun = client.accounts.begin_oidc()
            page = await visit(begun.url)
            code = page.text.partition("<code>")[2].partition("</code>")[0]
            await client.accounts.finish_oidc(begun, f" {code}\n")
            assert (await client.accounts.me()).username == "ada"
            with pytest.raises(NotAuthenticated):
                await client.accounts.finish_oidc(begun, code)
            for nonsense in ("", " ", "x" * 200, "é"):
                with pytest.raises(NotAuthenticated):
                    await client.accounts.finish_oidc(begun, nonsense)

    async def test_a_browser_that_does_not_come(self) -> None:
        async with self.served() as (url, _), TwapClient(url) as client:
            with pytest.raises(NotAuthenticated, match="did not come back in time"):
                await client.accounts.login_oidc(lambda _: None, within=timedelta(milliseconds=1))

    async def test_the_loopback_takes_its_own_answer_alone(self) -> None:
        async with Loopback() as loopback, AsyncClient() as browser:
            waiting = asyncio.ensure_future(loopback.answer())
            for wrong in ("?state=x&code=c", "?code=c", "/../?state=x", ""):
                assert (await browser.get(f"{loopback.url}{wrong}")).status_code == 404
            posted = await browser.post(f"{loopback.url}?state={loopback.state}&code=c")
            assert posted.status_code == 404 and not waiting.done()
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(loopback.url).port)
            writer.write(b"x" * 100_000)
            assert await reader.read() == b"", "cut off"
            writer.close()
            assert (await browser.get(f"{loopback.url}?state={loopback.state}&code=right")).status_code == 200
            assert (await waiting)["code"] == "right"

    async def test_the_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path))
        async with self.served() as (url, _):
            monkeypatch.setattr("webbrowser.open", lambda address: visited.append(visit_now(address)))
            visited: list[int] = []
            done = await asyncio.to_thread(CliRunner().invoke, command, ["--server", url, "login", "--oidc"])
            assert (done.exit_code, visited) == (0, [200]), done.output
            assert f"signed in to {url} as ada" in done.stdout
            asked = await asyncio.to_thread(CliRunner().invoke, command, ["--server", url, "whoami"])
            assert asked.exit_code == 0

    async def test_the_command_without_a_browser(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path))
        async with self.served() as (url, _):
            asked: list[str] = []

            def paste(*_: object, **__: object) -> str:
                """Somebody who copies the address into a browser elsewhere, and its code back."""
                page = asyncio.run_coroutine_threadsafe(visit(asked[0]), loop).result(10)
                return page.text.partition("<code>")[2].partition("</code>")[0]

            loop = asyncio.get_running_loop()
            begin_there = Accounts.begin_oidc

            def begun(accounts: Accounts) -> OidcLogin:
                login = begin_there(accounts)
                asked.append(login.url)
                return login

            monkeypatch.setattr(Accounts, "begin_oidc", begun)
            monkeypatch.setattr("typer.prompt", paste)
            arguments = ["--server", url, "login", "--oidc", "--no-browser"]
            done = await asyncio.to_thread(CliRunner().invoke, command, arguments)
            assert done.exit_code == 0, done.output
            assert asked[0] in done.stderr and f"signed in to {url} as ada" in done.stdout

    async def test_the_command_where_there_is_no_provider(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TWAP_CONFIG_DIR", str(tmp_path))
        async with serving(ApiConfig(passwords=CHEAP)) as live:
            arguments = ["--server", str(live.http.base_url), "login", "--oidc"]
            done = await asyncio.to_thread(CliRunner().invoke, command, arguments)
            assert done.exit_code == 1 and "has no OpenID provider" in done.stderr
            wrong = await asyncio.to_thread(CliRunner().invoke, command, [*arguments, "-u", "ada"])
            assert wrong.exit_code == 2


async def visit(address: str) -> Response:
    """A browser: follows redirects, keeps cookies."""
    async with AsyncClient(follow_redirects=True) as browser:
        answer = await browser.get(address)
        assert answer.status_code == 200, answer.text
        return answer


def visit_now(address: str) -> int:
    """A browser of its own: the program waits for it meanwhile."""
    thread = threading.Thread(target=lambda: asyncio.run(visit(address)), daemon=True)
    thread.start()
    return 200

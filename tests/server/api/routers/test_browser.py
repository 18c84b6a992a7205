"""Our own page's sign-in: the refresh token in a cookie, else as every sign-in, and from no other page."""

from collections.abc import Mapping
from http.cookies import Morsel, SimpleCookie
from json import dumps
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from support.api.desk import CHEAP, PASSWORD, Desk, build
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig

OURS = {"Sec-Fetch-Site": "same-origin"}
ADA = {"username": "ada", "password": PASSWORD}
MONTH_S = 30 * 86_400
ROUTES = ("sign-in", "refresh", "log-out")


def cookie_in(answer: Response) -> "Morsel[str]":
    return SimpleCookie(answer.headers["set-cookie"])["twap_refresh"]


async def post(desk: Desk, step: str, token: str = "", **options: Any) -> Response:
    """As our page does it, with the cookie that the test says the browser has."""
    cookie = {"Cookie": f"other=1; twap_refresh={token}"} if token else {}
    headers = {**OURS, **cookie, **options.pop("headers", {})}
    desk.http.cookies.clear()
    return await desk.http.post(f"/auth/browser/{step}", headers=headers, **options)


async def signed_in(desk: Desk) -> tuple[str, str]:
    """The cookie's token and the access token."""
    await desk.sign_in()
    answer = await post(desk, "sign-in", json=ADA)
    assert answer.status_code == 200, answer.text
    return cookie_in(answer).value, answer.json()["access_token"]


async def who(desk: Desk, access_token: str) -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await desk.http.get("/auth/me", headers=headers)).status_code


def assert_taken_away(answer: Response) -> None:
    gone = cookie_in(answer)
    assert (gone.value, gone["max-age"], gone["path"]) == ("", "0", "/auth/browser")


async def test_a_page_is_told_the_access_token_alone(desk: Desk) -> None:
    await desk.sign_in()
    answer = await post(desk, "sign-in", json={"username": "ADA", "password": PASSWORD})
    told = answer.json()
    access = told.pop("access_token")
    assert told == {"token_type": "bearer", "expires_in": 900, "username": "ada"}
    assert await who(desk, access) == 200
    cookie = cookie_in(answer)
    assert len(cookie.value) > 40
    assert cookie.value not in answer.text
    kept = {name: value for name, value in cookie.items() if value}
    assert kept == {
        "path": "/auth/browser",
        "max-age": str(MONTH_S),
        "httponly": True,
        "secure": True,
        "samesite": "strict",
    }


async def test_a_cookie_is_traded_for_its_successor(desk: Desk) -> None:
    first, _ = await signed_in(desk)
    answer = await post(desk, "refresh", first)
    assert (answer.status_code, answer.json()["username"]) == (200, "ada")
    second = cookie_in(answer)
    assert second.value not in ("", first)
    assert (second["max-age"], second["httponly"]) == (str(MONTH_S), True)
    assert await who(desk, answer.json()["access_token"]) == 200


async def test_two_pages_of_one_browser_at_once_get_the_same_cookie(desk: Desk) -> None:
    first, _ = await signed_in(desk)
    answers = [await post(desk, "refresh", first) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({cookie_in(answer).value for answer in answers}) == 1


async def test_a_cookie_that_comes_back_later_ends_the_whole_sign_in(desk: Desk) -> None:
    first, access = await signed_in(desk)
    second = cookie_in(await post(desk, "refresh", first)).value
    await desk.clock.advance(11)
    for stolen in (first, second):
        answer = await post(desk, "refresh", stolen)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert_taken_away(answer)
    assert await who(desk, access) == 401


async def test_without_a_cookie_nobody_is_signed_in_which_is_no_mistake(desk: Desk) -> None:
    answer = await post(desk, "refresh", "")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", ["x", "never-given" * 300, '"quoted"', "\\303\\251"])
async def test_a_cookie_that_names_no_sign_in_is_taken_away(desk: Desk, token: str) -> None:
    answer = await post(desk, "refresh", token)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert_taken_away(answer)


async def test_a_cookie_expires(desk: Desk) -> None:
    first, _ = await signed_in(desk)
    await desk.clock.advance(MONTH_S)
    assert_taken_away(await post(desk, "refresh", first))


async def test_logging_out_ends_the_sign_in_and_takes_the_cookie_away(desk: Desk) -> None:
    first, access = await signed_in(desk)
    answer = await post(desk, "log-out", first)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_taken_away(answer)
    assert await who(desk, access) == 401
    assert (await post(desk, "refresh", first)).status_code == 401


@pytest.mark.parametrize("token", ["", "never-given"])
async def test_logging_out_of_nothing_leaves_nothing(desk: Desk, token: str) -> None:
    answer = await post(desk, "log-out", token)
    assert answer.status_code == 204
    assert_taken_away(answer)


async def test_logging_out_everywhere_ends_the_browsers_sign_in(desk: Desk) -> None:
    first, access = await signed_in(desk)
    other = await desk.user()
    assert (await desk.http.delete("/auth/sessions", headers=other)).status_code == 204
    assert await who(desk, access) == 401
    assert_taken_away(await post(desk, "refresh", first))


async def test_a_new_password_ends_the_browsers_sign_in(desk: Desk) -> None:
    first, access = await signed_in(desk)
    change = {"current_password": PASSWORD, "new_password": "battery staple"}
    headers = {"Authorization": f"Bearer {access}"}
    assert (await desk.http.post("/auth/password", json=change, headers=headers)).status_code == 204
    assert_taken_away(await post(desk, "refresh", first))


async def test_signing_in_again_ends_the_sign_in_whose_cookie_is_replaced(desk: Desk) -> None:
    first, access = await signed_in(desk)
    await desk.sign_in("bob")
    answer = await post(desk, "sign-in", first, json={"username": "bob", "password": PASSWORD})
    assert answer.json()["username"] == "bob"
    assert await who(desk, access) == 401
    assert (await post(desk, "refresh", cookie_in(answer).value)).json()["username"] == "bob"


async def test_a_refused_sign_in_leaves_the_one_there_is(desk: Desk) -> None:
    first, access = await signed_in(desk)
    answer = await post(desk, "sign-in", first, json={"username": "ada", "password": "wrong"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert await who(desk, access) == 200


async def test_wrong_passwords_are_counted_with_all_others(desk: Desk) -> None:
    await desk.sign_in()
    wrong = {"username": "ada", "password": "wrong"}
    for _ in range(5):
        assert (await post(desk, "sign-in", json=wrong)).status_code == 401
        assert (await desk.http.post("/auth/token", data=wrong)).status_code == 401
    refused = await post(desk, "sign-in", json=ADA)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize(
    "body", [{}, {"username": "ada"}, {**ADA, "scope": "all"}, {"username": "\ud800", "password": "x"}, []]
)
async def test_a_body_of_another_shape_names_its_field(desk: Desk, body: Any) -> None:
    json = {"Content-Type": "application/json"}
    answer = await post(desk, "sign-in", content=dumps(body), headers=json)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


FOREIGN: list[Mapping[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://testserver:8000"},
    {"Origin": "https://testserver"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://[::1"},
    {"Origin": "http://testserver:x"},
    {"Origin": "testserver"},
    {"Origin": "ftp://testserver"},
]


@pytest.mark.parametrize("step", ROUTES)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_other_pages_are_refused(desk: Desk, step: str, headers: Mapping[str, str]) -> None:
    first, access = await signed_in(desk)
    cookie = {"Cookie": f"twap_refresh={first}"}
    answer = await desk.http.post(f"/auth/browser/{step}", json=ADA, headers={**cookie, **headers})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert "set-cookie" not in answer.headers
    assert await who(desk, access) == 200, "nothing was done for it"
    assert (await post(desk, "refresh", first)).status_code == 200


@pytest.mark.parametrize("step", ROUTES)
async def test_two_origins_are_none(desk: Desk, step: str) -> None:
    ours = ("Origin", "http://testserver")
    answer = await desk.http.post(f"/auth/browser/{step}", json=ADA, headers=[ours, ours])
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://testserver", "http://testserver:80", "http://TESTSERVER"])
async def test_an_older_browser_names_our_origin(desk: Desk, origin: str) -> None:
    await desk.sign_in()
    answer = await desk.http.post("/auth/browser/sign-in", json=ADA, headers={"Origin": origin})
    assert answer.status_code == 200


async def test_pages_that_are_let_in_have_no_cookie_of_ours() -> None:
    page = "https://desk.example"
    app = create_app(build(ApiConfig(passwords=CHEAP, allowed_origins=(page,)))[0])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        for told in ({}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await http.post("/auth/browser/refresh", headers={"Origin": page, **told})
            assert answer.status_code == 403
            assert "access-control-allow-credentials" not in answer.headers


PROXY = "10.9.8.7"


async def signed_in_at(
    base: str, config: ApiConfig, headers: Mapping[str, str], *, prefix: str = ""
) -> "Morsel[str]":
    app = create_app(build(config)[0])
    transport = ASGITransport(app, client=(PROXY, 1))
    async with AsyncClient(transport=transport, base_url=base, headers=dict(headers)) as http:
        assert (await http.post(f"{prefix}/auth/register", json=ADA)).status_code == 201
        answer = await http.post(f"{prefix}/auth/browser/sign-in", json=ADA)
        assert answer.status_code == 200, answer.text
        return cookie_in(answer)


@pytest.mark.parametrize(
    ("base", "is_secure"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://127.0.0.2", False),
        ("http://[::1]:8000", False),
        ("http://localhost:8000", False),
        ("http://twap.localhost", False),
        ("http://192.168.0.4:8000", True),
        ("http://localhost.example.com", True),
        ("http://desk", True),
        ("https://localhost", True),
    ],
)
async def test_without_tls_only_a_browser_of_this_machine_keeps_it(base: str, is_secure: bool) -> None:
    cookie = await signed_in_at(base, ApiConfig(passwords=CHEAP), OURS)
    assert bool(cookie["secure"]) is is_secure


def behind(**change: Any) -> ApiConfig:
    return ApiConfig.model_validate({"passwords": CHEAP, **change})


async def test_behind_a_trusted_proxy_the_page_is_the_proxys() -> None:
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Prefix": "/twap"}
    origin = {"Origin": "https://desk.example", "Host": "desk.example"}
    cookie = await signed_in_at("http://upstream", behind(trusted_proxies=[PROXY]), told | origin)
    assert (cookie["path"], cookie["secure"]) == ("/twap/auth/browser", True)


@pytest.mark.parametrize("prefix", ["/twap", ""], ids=["kept", "cut off"])
async def test_the_cookie_is_for_the_path_that_the_browser_sees(prefix: str) -> None:
    config = behind(root_path="/twap")
    cookie = await signed_in_at("http://localhost", config, OURS, prefix=prefix)
    assert cookie["path"] == "/twap/auth/browser"


async def test_who_is_no_trusted_proxy_changes_neither_scheme_nor_path() -> None:
    app = create_app(build(behind(trusted_proxies=["192.0.2.1"]))[0])
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Host": "desk.example",
        "Origin": "https://desk.example",
    }
    transport = ASGITransport(app, client=(PROXY, 1))
    async with AsyncClient(transport=transport, base_url="http://upstream") as http:
        assert (await http.post("/auth/browser/refresh", headers=headers)).status_code == 403
        answer = await http.post(
            "/auth/browser/refresh", headers={**headers, **OURS, "Cookie": "twap_refresh=none"}
        )
        assert answer.status_code == 401
        assert cookie_in(answer)["path"] == "/auth/browser"

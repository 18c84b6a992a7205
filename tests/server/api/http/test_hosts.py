"""By which names the server is reached, and which pages may send what: both parsers, real sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import build
from support.api.raw import HEALTH, PARSERS, UPGRADE, Answer, ask, configured, connected, served
from twap_server.api.app import create_app
from twap_server.runtime.loops import HttpParser

EVIL = "https://evil.example"
DESK = "https://desk.example"


def named(*hosts: str, version: str = "1.1", request: bytes = HEALTH) -> bytes:
    lines = "".join(f"Host: {host}\r\n" for host in hosts).encode()
    return request.replace(b"Host: here\r\n", lines).replace(b"HTTP/1.1", f"HTTP/{version}".encode())


async def answered(parser: HttpParser, *requests: bytes, **settings: Any) -> list[Answer]:
    """Each on a connection of its own."""
    answers = []
    async with served(configured(**settings), parser=parser) as one:
        for request in requests:
            async with connected(one.port) as connection:
                answers.append(await ask(connection, request))
    return answers


def statuses(answers: list[Answer]) -> list[int]:
    for answer in answers:
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.json()["status"] == answer.status
    return [answer.status for answer in answers]


LOCAL = (
    "localhost",
    "localhost:8000",
    "LOCALHOST.",
    "twap.localhost",
    "127.0.0.1:80",
    "[::1]:8000",
    "my-machine",
)
FOREIGN = ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "evil.example.")


@pytest.mark.parametrize("parser", PARSERS)
async def test_on_loopback_a_name_of_elsewhere_is_refused(parser: HttpParser) -> None:
    assert set(statuses(await answered(parser, *[named(host) for host in LOCAL]))) == {200}
    refused = await answered(parser, *[named(host) for host in FOREIGN])
    assert set(statuses(refused)) == {421}
    assert all("api.allowed_hosts" in answer.json()["detail"] for answer in refused)


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_stream_to_a_name_of_elsewhere_is_refused(parser: HttpParser) -> None:
    asked = [named("evil.example", request=UPGRADE), named("localhost", request=UPGRADE)]
    assert statuses(await answered(parser, *asked)) == [421, 101]


@pytest.mark.parametrize("parser", PARSERS)
async def test_one_host_is_required(parser: HttpParser) -> None:
    none, two, empty, strange = await answered(
        parser, named(), named("localhost", "localhost"), named(""), named("local host")
    )
    assert statuses([none, two, empty, strange]) == [400, 400, 400, 400]
    assert "Host" in none.json()["detail"] and "Host" in two.json()["detail"]


@pytest.mark.parametrize("parser", PARSERS)
async def test_only_http_1_0_may_leave_it_out(parser: HttpParser) -> None:
    asked = [named(version="1.0"), named("evil.example", version="1.0")]
    assert statuses(await answered(parser, *asked)) == [200, 421]


@pytest.mark.parametrize("parser", PARSERS)
async def test_listed_names_are_ours(parser: HttpParser) -> None:
    asked = [
        named(host) for host in ("twap.example", "a.b.example:443", "b.example", "localhost", "10.0.0.1")
    ]
    taken = await answered(parser, *asked, allowed_hosts=["twap.example", "*.b.example"])
    assert statuses(taken) == [200, 200, 421, 200, 200]
    assert statuses(await answered(parser, named("evil.example"), allowed_hosts=["*"])) == [200]


async def test_a_trusted_proxy_on_this_machine_vouches_for_names() -> None:
    asked = [named("twap.example"), named("other.example")]
    assert statuses(await answered("httptools", *asked, trusted_proxies=["127.0.0.1"])) == [200, 200]
    both = {"trusted_proxies": ["127.0.0.1"], "allowed_hosts": ["twap.example"]}
    assert statuses(await answered("httptools", *asked, **both)) == [200, 421]


@pytest.mark.parametrize(("allowed", "status"), [([], 200), (["twap.example"], 421)])
async def test_reached_from_outside_any_name_is_taken_until_names_are_listed(
    allowed: list[str], status: int
) -> None:
    app = create_app(build(configured(allowed_hosts=allowed))[0])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://192.0.2.7") as http:
        answer = await http.get("/health", headers={"Host": "some.example"})
    assert answer.status_code == status


async def test_a_socket_for_both_kinds_of_addresses_is_no_way_around() -> None:
    app = create_app(build(configured())[0])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://[::ffff:127.0.0.1]") as http:
        answers = [
            await http.get("/health", headers={"Host": name}) for name in ("evil.example", "localhost")
        ]
    assert [answer.status_code for answer in answers] == [421, 200]


@pytest.fixture
async def http() -> AsyncIterator[AsyncClient]:
    app = create_app(build(configured(allowed_origins=[DESK]))[0])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        yield http


@pytest.mark.parametrize(
    ("site", "origin", "status"),
    [
        ("cross-site", EVIL, 403),
        ("cross-site", None, 403),
        ("cross-site", DESK, 401),
        ("same-origin", None, 401),
        ("same-site", None, 401),
        ("none", None, 401),
        (None, None, 401),
    ],
)
async def test_pages_of_other_sites_do_not_sign_in(
    http: AsyncClient, site: str | None, origin: str | None, status: int
) -> None:
    headers = {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value}
    form = {"username": "ada", "password": "wrong password"}
    answer = await http.post("/auth/token", data=form, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "not_permitted"
        assert "api.allowed_origins" in answer.json()["detail"]
    assert (await http.get("/health", headers=headers)).status_code == 200


async def test_a_link_of_another_site_may_lead_here(http: AsyncClient) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await http.get("/auth/nowhere", headers=link)).status_code == 404
    assert (await http.get("/auth/nowhere", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await http.post("/auth/token", headers=link)).status_code == 403


async def test_a_prefix_hides_no_sign_in() -> None:
    app = create_app(build(configured(root_path="/twap"))[0])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        for path in ("/auth/token", "/twap/auth/token"):
            answer = await http.post(path, headers={"Sec-Fetch-Site": "cross-site"})
            assert answer.status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Sec-Fetch-Site: cross-site\r\n", 403),
        (b"Sec-Fetch-Site: cross-site\r\nOrigin: https://desk.example\r\n", 101),
        (b"Sec-Fetch-Site: same-origin\r\nOrigin: http://here\r\n", 101),
        (b"Origin: https://evil.example\r\n", 403),
    ],
)
async def test_pages_of_other_sites_open_no_stream(headers: bytes, status: int) -> None:
    request = UPGRADE[:-2] + headers + b"\r\n"
    assert statuses(await answered("httptools", request, allowed_origins=[DESK])) == [status]

"""Passwords of any letters: one spelling however they are typed, over HTTP and by the client."""

import unicodedata
from collections.abc import Sequence
from urllib.parse import quote_plus

import pytest

from support.api.desk import CHEAP, PASSWORD, Desk
from support.api.live import Live
from twap_client import MemoryTokenStore, NotAuthenticated, TwapClient
from twap_server.api.auth.passwords import Passwords
from twap_server.runtime.threads import Threads

PASSWORDS = (
    "grün-und-sicher",
    "пароль-на-русском",
    "密码密码密码密码",
    "😀 emoji 👩‍👩‍👧",
    "a&b=c+d%20#e",
    "  spaces at the ends  ",
    "line\nand tab\t",
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def apart(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("password", PASSWORDS)
async def test_the_client_signs_in_with_any_letters(live: Live, password: str) -> None:
    async with TwapClient(str(live.http.base_url)) as client:
        await client.accounts.register("ada", password)
        for typed in (password, composed(password), apart(password)):
            await client.accounts.login("ada", typed)
            assert (await client.accounts.me()).username == "ada"
        with pytest.raises(NotAuthenticated):
            await client.accounts.login("ada", password + "x")
        with pytest.raises(NotAuthenticated):
            await client.accounts.login("adä", password)


async def test_a_client_signs_in_by_itself(live: Live) -> None:
    store = MemoryTokenStore()
    url, password = str(live.http.base_url), PASSWORDS[0]
    async with TwapClient(url) as client:
        await client.accounts.register("ada", password)
    async with TwapClient(url, username="ada", password=password, token_store=store) as client:
        assert (await client.accounts.me()).username == "ada"


@pytest.mark.parametrize(
    ("registered", "typed"), [(composed, apart), (apart, composed), (composed, composed), (apart, apart)]
)
async def test_both_spellings_sign_in(desk: Desk, registered: object, typed: object) -> None:
    assert callable(registered) and callable(typed)
    body = {"username": "ada", "password": registered("grün-und-sicher")}
    assert (await desk.http.post("/auth/register", json=body)).status_code == 201
    answer = await desk.http.post("/auth/token", data=body | {"password": typed("grün-und-sicher")})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("encode", [quote_plus, str], ids=["percent-encoded", "as it is"])
async def test_a_form_is_utf_8_whoever_encodes_it(desk: Desk, encode: object) -> None:
    assert callable(encode)
    body = {"username": "ada", "password": "grün-und-sicher"}
    assert (await desk.http.post("/auth/register", json=body)).status_code == 201
    form = f"username=ada&password={encode('grün-und-sicher')}".encode()
    assert (await desk.http.post("/auth/token", content=form, headers=FORM)).status_code == 200
    latin = b"username=ada&password=gr\xfcn-und-sicher"
    assert (await desk.http.post("/auth/token", content=latin, headers=FORM)).status_code == 401


@pytest.mark.parametrize(
    "body", [b'{"username":"ada","password":"\\ud800-and-more"}', b'{"password":"\xff"}']
)
async def test_what_is_no_text_is_refused_and_never_a_5xx(desk: Desk, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await desk.http.post("/auth/register", content=body, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert "and-more" not in answer.text
    signed = await desk.http.post("/auth/token", content=b"username=ada&password=%ff%fe", headers=FORM)
    assert signed.status_code == 401


@pytest.mark.parametrize(("letters", "status"), [(7, 422), (8, 201), (256, 201), (257, 422)])
async def test_length_is_counted_in_the_normal_form(desk: Desk, letters: int, status: int) -> None:
    body = {"username": "ada", "password": apart("ü") * letters}
    assert (await desk.http.post("/auth/register", json=body)).status_code == status
    if status == 201:
        assert (await desk.http.post("/auth/token", data=body)).status_code == 200


async def verified(stored: str, tries: Sequence[str]) -> list[bool]:
    """What a hash from before passwords had one spelling says."""
    passwords = Passwords(CHEAP, Threads("password", 1))
    old = passwords._hash.hash(stored)
    return [await passwords.check(each, old) for each in tries]


async def test_hashes_from_before_still_count() -> None:
    spellings = (composed("grün-ñandú"), apart("grün-ñandú"))
    for stored in spellings:
        assert await verified(stored, (*spellings, "grun-nandu")) == [True, True, False]
    mixed = composed("grün") + apart("-ñandú")  # neither: counts as it was typed
    assert await verified(mixed, (mixed, "grün")) == [True, False]


async def test_a_changed_password_has_one_spelling_too(desk: Desk) -> None:
    headers = await desk.user()
    change = {"current_password": PASSWORD, "new_password": apart("grün-und-sicher")}
    assert (await desk.http.post("/auth/password", json=change, headers=headers)).status_code == 204
    form = {"username": "ada", "password": composed("grün-und-sicher")}
    token = (await desk.http.post("/auth/token", data=form)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for body in (
        b'{"current_password":"\\ud800-and-more","new_password":"correct horse"}',
        b'{"current_password":"correct horse","new_password":"\\ud800-and-more"}',
    ):
        refused = await desk.http.post("/auth/password", content=body, headers=headers)
        assert refused.status_code == 422 and "UTF-8" in refused.text, refused.text
    again = {"current_password": apart("grün-und-sicher"), "new_password": PASSWORD}
    assert (await desk.http.post("/auth/password", json=again, headers=headers)).status_code == 204

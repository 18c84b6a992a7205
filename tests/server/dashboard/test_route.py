"""The page's files are served whole, packed where the browser takes that, and only those meant for it."""

import gzip

import httpx
import pytest
from fastapi import FastAPI

from twap_server.dashboard.files import FOLDER, policy, read_files
from twap_server.dashboard.route import dashboard_router


@pytest.fixture
def http() -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(dashboard_router())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


async def test_the_page_allows_its_own_files_and_its_import_map_alone(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    allowed = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self' 'sha256-" in allowed and "unsafe" not in allowed
    assert "style=" not in answer.text and "onclick" not in answer.text


async def test_files_come_packed_to_who_takes_that_and_once_to_who_has_them(http: httpx.AsyncClient) -> None:
    packed = await http.get("/dashboard/app.js", headers={"Accept-Encoding": "gzip"})
    plain = await http.get("/dashboard/app.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == plain.content
    assert (
        plain.headers["content-type"].startswith("text/javascript")
        and "content-encoding" not in plain.headers
    )
    again = await http.get("/dashboard/app.js", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304 and again.content == b""


@pytest.mark.parametrize(
    "path",
    ["README.md", "vendor/preact/LICENSE", "vendor/preact/vendored.json", "index.html", "../route.py", ""],
)
async def test_what_is_no_part_of_the_page_is_not_served(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(f"/dashboard/{path}")).status_code == 404


def test_a_page_without_one_import_map_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="unpack"):
        policy(b"<html></html>")


def test_the_first_view_is_small() -> None:
    files = read_files()
    first = [file for name, file in files.items() if not name.startswith("views/")]
    assert sum(len(gzip.compress(file.content)) for file in first) < 250_000


def test_no_module_names_another_host_or_evaluates_text() -> None:
    for file in FOLDER.rglob("*.js"):
        if "vendor" in file.parts:
            continue
        text = file.read_text("utf-8")
        assert "eval(" not in text and "new Function" not in text and "innerHTML" not in text, file.name

"""Proxies of the environment: never for this machine, right for the rest, and "cannot reach" says why."""

import asyncio
import gc
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.client import Twap
from support.proxies import Proxy, http_proxy, socks_proxy
from twap_client import ClientConfig, ConnectFailed, InvalidSetting, TwapClient
from twap_client._connection import Connection
from twap_client._proxies import not_reached, proxy_of
from twap_client.testing import ScriptedServer, book

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "socks_proxy")
NOWHERE = "http://127.0.0.1:9"
Run = Callable[[str], AbstractAsyncContextManager[Proxy]]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def elsewhere(server: ScriptedServer, config: ClientConfig, host: str = "twap.test") -> ClientConfig:
    """The scripted server under a name that only a proxy knows."""
    return replace(config, base_url=server.url.replace("127.0.0.1", host))


async def everything(server: ScriptedServer, config: ClientConfig) -> None:
    """A signed-in call, and a book of the stream."""
    async with TwapClient(username="ada", password="correct horse", config=config) as client:
        assert (await client.accounts.me()).username == "ada"
        async with asyncio.timeout(5), client.stream(["binance:BTC-USDT"]) as stream:
            await server.subscribed("binance:BTC-USDT")
            server.push_book(book())
            assert await anext(stream) == book()


@pytest.mark.parametrize(
    "proxy", [NOWHERE, "socks5://127.0.0.1:9", "socks5://", "nonsense://x", "http://a b"]
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_never_reached_through_a_proxy(
    server: ScriptedServer, config: ClientConfig, monkeypatch: pytest.MonkeyPatch, host: str, proxy: str
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    await everything(server, elsewhere(server, config, host))


@pytest.mark.parametrize(
    ("run", "scheme", "asked"),
    [(http_proxy, "http", ("POST", "CONNECT")), (socks_proxy, "socks5", ("SOCKS", "SOCKS"))],
)
@pytest.mark.parametrize("login", ["", "ada:p%40ss"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "all_proxy"])
async def test_http_and_stream_go_through_the_proxy(
    *,
    server: ScriptedServer,
    config: ClientConfig,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    scheme: str,
    asked: tuple[str, str],
    login: str,
    variable: str,
) -> None:
    async with run(login.replace("%40", "@")) as proxy:
        monkeypatch.setenv(variable, proxy.url(scheme, login))
        await everything(server, elsewhere(server, config))
    port = server.url.rpartition(":")[2]
    assert (proxy.asked[0], proxy.asked[-1]) == tuple(f"{way} twap.test:{port}" for way in asked)


@pytest.mark.parametrize(
    ("exceptions", "host"),
    [
        ("localhost,127.0.0.1,::1/128,10.0.0.0/8", "10.1.2.3"),
        ("::1/128, fd00::/8", "[fd00::5]"),
        ("[fd00::5]", "[fd00::5]"),
        (".example", "twap.example"),
        ("*", "twap.example"),
        ("nonsense/99,a b,,://,twap.example", "twap.example"),
    ],
)
def test_no_proxy_takes_names_and_networks(
    monkeypatch: pytest.MonkeyPatch, exceptions: str, host: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy_of(f"http://{host}:8000") is proxy_of(f"ws://{host}:8000/ws") is None
    TwapClient(f"http://{host}:8000")
    if exceptions != "*":
        other = proxy_of("http://192.0.2.1")
        assert other is not None and str(other) == "http://proxy.example:3128 (http_proxy)"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "ALL_PROXY",
            "socks5://",
            "ALL_PROXY: expected http://HOST:PORT or socks5://HOST:PORT, got 'socks5://'",
        ),
        ("https_proxy", "http://proxy:port", "https_proxy: expected http://"),
        ("HTTPS_PROXY", "ftp://proxy", "HTTPS_PROXY: expected http://"),
        ("HTTPS_PROXY", "http://[::1", "HTTPS_PROXY: expected http://"),
        ("HTTPS_PROXY", "http://ada:secret@my proxy", "HTTPS_PROXY: expected http://HOST:PORT or socks5"),
        ("all_proxy", "http://büro:80", "all_proxy: expected http://"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_one_line_that_names_the_variable(
    twap: Twap, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    failed = await twap("--server", "https://twap.example", "exchanges")
    assert failed.code == 2 and failed.err.startswith(f"twap: {said}")
    assert failed.err.count("\n") == 1 and "secret" not in failed.err
    with pytest.raises(InvalidSetting, match=variable):
        TwapClient("https://twap.example")


async def test_socks_without_its_extra_says_what_to_install(
    twap: Twap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setitem(sys.modules, "python_socks", None)
    failed = await twap("--server", "http://twap.example", "exchanges")
    assert (failed.code, failed.err) == (
        2,
        "twap: ALL_PROXY names a SOCKS proxy: from a checkout, pip install ./packages/twap-models "
        "'./packages/twap-client[socks]'; or unset it\n",
    )


@pytest.mark.parametrize(
    ("run", "scheme", "said"),
    [
        (http_proxy, "http", "wants a name and a password"),
        (socks_proxy, "socks5", "through the proxy socks5://"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_proxy_that_refuses_is_blamed(
    *,
    server: ScriptedServer,
    config: ClientConfig,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    scheme: str,
    said: str,
) -> None:
    async with run("ada:secret") as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url(scheme, "ada:wrong"))
        there = replace(elsewhere(server, config), attempts=1)
        async with TwapClient(config=there, api_key="key") as client:
            with pytest.raises(ConnectFailed, match=said) as caught:
                await client.accounts.me()
            assert caught.value.reason == "proxy"
            assert "wrong" not in str(caught.value)
    assert server.requests == []
    del caught
    gc.collect()  # httpcore leaves the socket of a SOCKS proxy that refused to the garbage collector


async def test_a_proxy_that_is_not_there_is_named(
    server: ScriptedServer, config: ClientConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with TwapClient(config=replace(elsewhere(server, config), attempts=1)) as client:
        said = r"through the proxy http://127\.0\.0\.1:1 \(HTTP_PROXY\): nothing listens there"
        with pytest.raises(ConnectFailed, match=said) as caught:
            await client.market.exchanges()
    assert caught.value.reason == "proxy"


@asynccontextmanager
async def untrusted(folder: Path) -> AsyncIterator[int]:
    """A TLS server with a certificate that nobody has signed."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]),
    )
    start = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "both.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def speaking_plainly() -> AsyncIterator[int]:
    """A server that answers whatever it hears, without TLS."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def told(base_url: str, config: ClientConfig) -> list[tuple[str, str]]:
    """Why HTTP, and why the stream, did not reach it."""
    found = []
    there = replace(config, base_url=base_url, attempts=1)
    async with TwapClient(config=there) as client:
        for call in (client.market.exchanges(), Connection.open("token", there)):
            with pytest.raises(ConnectFailed) as caught:
                await call
            found.append((caught.value.reason, str(caught.value).removeprefix(f"cannot reach {base_url}: ")))
    return found


async def test_cannot_reach_says_why(server: ScriptedServer, config: ClientConfig, tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost"):
        assert await told(f"http://{host}:1", config) == [("refused", "nothing listens there")] * 2
    unknown = ("dns", "its name has no address: is it spelt right, is there a network?")
    assert await told("http://no-such-host.invalid", config) == [unknown] * 2
    async with untrusted(tmp_path) as port:
        reasons = await told(f"https://127.0.0.1:{port}", config)
    assert {reason for reason, _ in reasons} == {"tls"}
    assert all("its certificate is not trusted: self-signed certificate" in why for _, why in reasons)
    async with speaking_plainly() as port:
        plain = ("tls", "it does not speak TLS: use http:// instead of https://")
        assert await told(f"https://127.0.0.1:{port}", config) == [plain] * 2
    mute = replace(config, connect_timeout=timedelta(milliseconds=50))
    silent = server.url.replace("http:", "https:")  # waits for the rest of what it takes for a request
    assert await told(silent, mute) == [("timeout", "no answer in time")] * 2


def test_what_no_class_knows_is_told_in_its_own_words() -> None:
    assert str(not_reached("http://x", OSError("strange"))) == "cannot reach http://x: strange"
    assert not_reached("http://x", TimeoutError()).reason == "timeout"
    assert not_reached("http://x", OSError(113, "No route to host")).reason == "unreachable"


def test_a_name_with_several_addresses_is_one_reason() -> None:
    refused = [ConnectionRefusedError(111, "Connect call failed"), OSError(113, "No route to host")]
    grouped = OSError("All connection attempts failed")
    grouped.__cause__ = ExceptionGroup("multiple connection attempts failed", refused)
    assert not_reached("http://x", grouped).reason == "refused"
    several = (
        "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed"
    )
    assert not_reached("http://x", OSError(several)).reason == "refused"
    different = OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 101] unreachable")
    assert not_reached("http://x", different).reason == "other"


async def test_the_command_line_says_why_and_what_to_do(twap: Twap) -> None:
    refused = await twap("--server", "http://127.0.0.1:1", "exchanges")
    assert (refused.code, refused.err) == (
        6,
        "twap: cannot reach http://127.0.0.1:1: nothing listens there: is the server running? "
        "start it with `twap-server start`\n",
    )
    unknown = await twap("--server", "http://no-such-host.invalid", "exchanges")
    assert unknown.code == 6 and "its name has no address" in unknown.err and "twap-server" not in unknown.err

"""Find the way to the server, the same for HTTP and the stream, and say why it cannot be reached."""

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.request import getproxies, proxy_bypass

from twap_client.errors import ConnectFailed, ConnectReason, InvalidSetting
from twap_models.installing import pip_install
from twap_models.proxies import BadProxy, Proxy, ProxySettings, proxy_for, proxy_named

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


def proxy_of(url: str, chosen: str | None = None) -> Proxy | None:
    """Give the proxy that leads to the server; None: straight.

    Args:
        url: the server.
        chosen: the proxy of the settings, which goes before the environment; empty: straight. None: as the
            environment says, where this machine is always reached straight.

    Raises:
        InvalidSetting: what is named cannot be used; says where.
    """
    try:
        return proxy_for(url, _settings()) if chosen is None else _named(chosen)
    except BadProxy as error:
        raise InvalidSetting(str(error)) from None


def not_reached(url: str, error: BaseException, proxy: Proxy | None = None) -> ConnectFailed:
    """Say why no connection came about, through the proxy that was tried: refused, no such name, TLS, it."""
    reason, why = _reason(list(_chain(error)))
    if proxy is None:
        return ConnectFailed(f"cannot reach {url}: {why}", reason=reason)
    through = f"cannot reach {url} through the proxy {proxy}: {why}"
    return ConnectFailed(through, reason=reason if reason == "tls" else "proxy")


def _named(chosen: str) -> Proxy | None:
    return proxy_named(chosen, "proxy", lacks_socks=_lacks_socks()) if chosen else None


def _settings() -> ProxySettings:
    return ProxySettings(
        proxies=getproxies(), bypass=proxy_bypass, variables=os.environ, lacks_socks=_lacks_socks()
    )


def _lacks_socks() -> str:
    return "" if find_spec("socksio") and find_spec("python_socks") else pip_install("client", "socks")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what lies behind it: the libraries' own words seldom say more than "failed"."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _chain(one)
        error = error.__cause__ or error.__context__


def _reason(chain: list[BaseException]) -> tuple[ConnectReason, str]:
    for one in chain:
        found = _tls(one) if isinstance(one, ssl.SSLError) else _network(one)
        if found is not None:
            return found
    if any(isinstance(one, TimeoutError) for one in chain):
        return "timeout", "no answer in time"
    return "other", " ".join(str(chain[0]).split()) or type(chain[0]).__name__


def _tls(error: ssl.SSLError) -> tuple[ConnectReason, str] | None:
    match error:
        case ssl.SSLCertVerificationError():
            return "tls", f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLWantReadError() | ssl.SSLWantWriteError():
            return None  # a handshake under way, no failure
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
            return "tls", "it does not speak TLS: use http:// instead of https://"
        case _:
            return "tls", f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"


def _network(error: BaseException) -> tuple[ConnectReason, str] | None:
    match error:
        case socket.gaierror():
            return "dns", "its name has no address: is it spelt right, is there a network?"
        case ConnectionRefusedError():
            return "refused", "nothing listens there"
        case OSError(errno=code) if code in _UNREACHABLE:
            return "unreachable", "no network leads there"
        case OSError(errno=None):
            return _of_several(str(error))
        case _:
            return None


def _of_several(text: str) -> tuple[ConnectReason, str] | None:
    """A name with several addresses: asyncio raises one error without a number, made of all their words."""
    codes = {int(code) for code in re.findall(r"\[Errno (\d+)\]", text)}
    return _network(OSError(codes.pop(), "")) if len(codes) == 1 else None

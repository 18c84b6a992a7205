"""Find how to reach an address: straight, or through the proxy that the environment names.

httpx and websockets each read the environment in a way of their own: one sends loopback through a proxy, one
raises on ``NO_PROXY=::1/128``. Both are told instead. This machine is always reached straight, and
``NO_PROXY`` may hold networks (``10.0.0.0/8``) beside names. Pure: what the environment says is passed in.
"""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_EXPECTED = "http://HOST:PORT or socks5://HOST:PORT"


class BadProxy(ValueError):
    """The environment names a proxy that cannot be used; the message names the variable, and no password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy, and who named it.

    Attributes:
        url: with name and password, if any, and always with a port. SOCKS looks names up at the proxy.
        place: the same without name and password.
        variable: the environment variable, or the system's settings.
    """

    url: str = field(repr=False)
    place: str
    variable: str

    def __str__(self) -> str:
        return f"{self.place} ({self.variable})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """What the environment and the system say of proxies.

    Attributes:
        proxies: by scheme, ``all`` and ``no`` among them, as ``urllib.request.getproxies`` gives them.
        bypass: whether the system excepts a host, as ``urllib.request.proxy_bypass`` says.
        variables: the names of the environment's variables.
        lacks_socks: the command that installs what SOCKS needs; empty where it is installed.
    """

    proxies: Mapping[str, str]
    bypass: Callable[[str], object]
    variables: Container[str]
    lacks_socks: str = ""


def proxy_for(url: str, settings: ProxySettings) -> Proxy | None:
    """Give the proxy that leads to an ``http``, ``https``, ``ws`` or ``wss`` address; None: go straight.

    Raises:
        BadProxy: there is one, and it cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_this_machine(host) or _is_excepted(host, settings):
        return None
    for scheme in ("https" if parts.scheme in ("https", "wss") else "http", "all"):
        if settings.proxies.get(scheme):
            return _read(settings.proxies[scheme], _variable(scheme, settings), settings.lacks_socks)
    return None


def proxy_named(text: str, place: str, *, lacks_socks: str = "") -> Proxy:
    """Read a proxy that somebody chose; ``place`` says where.

    Raises:
        BadProxy: it cannot be used.
    """
    return _read(text, place, lacks_socks)


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine itself, whatever name servers say."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _is_excepted(host: str, settings: ProxySettings) -> bool:
    networks = settings.proxies.get("no", "").split(",")
    return bool(settings.bypass(host)) or any(_lies_in(host, one.strip(" []")) for one in networks)


def _lies_in(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _variable(scheme: str, settings: ProxySettings) -> str:
    name = f"{scheme}_proxy"
    return next(
        (each for each in (name, name.upper()) if each in settings.variables), "the system's settings"
    )


def _read(text: str, variable: str, lacks_socks: str) -> Proxy:
    whole = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(whole)
        usual = _PORTS[parts.scheme]
        port = usual if parts.port is None else parts.port
        if not (whole.isascii() and port and _HOST.fullmatch(parts.hostname or "")):
            raise ValueError(text)
    except (ValueError, KeyError):
        shown = re.sub(r"//.*@", "//…@", whole)
        raise BadProxy(f"{variable}: expected {_EXPECTED}, got {shown!r}") from None
    if parts.scheme.startswith("socks") and lacks_socks:
        raise BadProxy(f"{variable} names a SOCKS proxy: from a checkout, {lacks_socks}; or unset it")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    place = f"{parts.scheme}://{host}:{port}"
    scheme = parts.scheme.replace("socks5h", "socks5").replace("socks5", "socks5h")
    return Proxy(url=f"{scheme}://{_user(parts)}{host}:{port}", place=place, variable=variable)


def _user(parts: SplitResult) -> str:
    name, at, _ = parts.netloc.rpartition("@")
    return name + (":" if ":" not in name else "") + at if at else ""

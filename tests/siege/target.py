"""Whom we may attack: a server on this machine, and nobody else."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

THIS_HOST = "127.0.0.1"


class NotLoopback(ValueError):
    """The target is not this machine, or not named by its address."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server on loopback."""

    port: int
    host: str = THIS_HOST

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://{self.host}:{self.port}"


def loopback(url: str) -> Target:
    """Read a base URL.

    Only an address counts: what a name means is decided elsewhere, and may change after it was looked up.

    Raises:
        NotLoopback: anything but ``http://127.x.x.x:PORT``.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        address = ipaddress.IPv4Address(parts.hostname or "")
    except ValueError as error:
        raise NotLoopback(_words(url)) from error
    if not address.is_loopback or not port or parts.scheme != "http":
        raise NotLoopback(_words(url))
    return Target(port, str(address))


def _words(url: str) -> str:
    return (
        f"expected a server on this machine, http://127.0.0.1:PORT, received {url!r}: nobody else is attacked"
    )


def address(number: int) -> str:
    """An address of this machine to attack from: ``127.0.N.M``, none of the victims'. Linux has them all."""
    high, low = divmod(number, 250)
    return f"127.0.{66 + high}.{1 + low}"

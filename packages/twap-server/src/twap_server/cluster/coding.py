"""Write messages between nodes: one byte for the version, then msgpack of a struct.

A node reads its own version and the one before, so that nodes can be replaced one after another. A field that
is added has a default; one that changes its meaning makes a new version.
"""

from collections.abc import Hashable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from twap_server.domain.errors import UnavailableError

VERSION: Final = 1
_READ: Final = (VERSION, VERSION - 1)
_T = TypeVar("_T")
_encoder = msgspec.msgpack.Encoder(decimal_format="string")


class WrongVersion(UnavailableError):
    """Another node said what this one cannot read: its version is another one, or it is no node of ours."""


def encode(message: Any) -> bytes:
    """Write a message, or anything that msgspec writes."""
    return bytes((VERSION,)) + _encoder.encode(message)


def decode(body: bytes, kind: type[_T]) -> _T:
    """Read a message of this kind.

    Raises:
        WrongVersion: it is of another version, or broken.
    """
    if not body or body[0] not in _READ:
        said = body[0] if body else "none"
        raise WrongVersion(
            f"a node speaks version {said} of the messages between nodes, this one {VERSION}: "
            "replace nodes one release at a time"
        )
    try:
        read: _T = _decoder(cast(Hashable, kind)).decode(memoryview(body)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WrongVersion(f"a node said what cannot be read ({error})") from None
    return read


@cache
def _decoder(kind: Hashable) -> Any:
    return msgspec.msgpack.Decoder(cast(Any, kind))

"""Choose what packs a recording: Intel's ISA-L where it is installed (the extra ``fast``), else zlib.

Both write gzip. ISA-L packs as well at a quarter of the cost.
"""

import zlib
from typing import Final, Protocol

_LEVEL: Final = 1
"""The network's text shrinks to a sixth."""
_GZIP: Final = 31
"""A gzip stream with the largest window."""


class Packer(Protocol):
    """Packs a stream."""

    def compress(self, data: bytes, /) -> bytes:
        """Take what follows; gives what is packed by now."""
        ...

    def flush(self, mode: int = zlib.Z_FINISH, /) -> bytes:
        """Give what is left; by ``Z_SYNC_FLUSH`` the stream goes on."""
        ...


def new_packer() -> Packer:
    """Begin a gzip stream."""
    try:
        from isal import isal_zlib  # noqa: PLC0415 - an extra
    except ImportError:
        return zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    packer: Packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    return packer

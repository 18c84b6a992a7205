"""Draw whole numbers that are the same whenever they are asked for: after a restart, in a replay."""

import hashlib
from typing import Final

BITS: Final = 64


def drawn(seed: bytes, what: bytes, index: int) -> int:
    """A number of ``BITS`` bits, each as likely as any other.

    Args:
        seed: of the order.
        what: is drawn for: draws for different things have nothing to do with one another.
        index: of the slice.
    """
    digest = hashlib.sha256(seed + what + index.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[: BITS // 8], "big")

"""Gives free memory back to the system: the C library keeps what large answers took, and would for ever."""

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any


def give_back() -> None:
    """Do it where the C library can (glibc), which takes some milliseconds; elsewhere nothing."""
    trim = _trim()
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], Any] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)

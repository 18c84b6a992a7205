"""Choose the compiled functions of the hot path where they were built, else the same in Python."""

from typing import TYPE_CHECKING

from twap_server.domain.market import levels

if TYPE_CHECKING:
    from twap_server.domain.market.iso_time import from_iso
    from twap_server.domain.market.levels import Levels
else:
    try:
        from twap_server.domain.market._levels import Levels
    except ImportError:
        from twap_server.domain.market.levels import Levels
    try:
        from twap_server.domain.market._times import from_iso
    except ImportError:
        from twap_server.domain.market.iso_time import from_iso

COMPILED = Levels is not levels.Levels
"""Whether the compiled book is in use."""

__all__ = ["COMPILED", "Levels", "from_iso"]

"""The compiled side of a book where it was built, else the same in Python."""

from typing import TYPE_CHECKING

from twap_server.domain import levels

if TYPE_CHECKING:
    from twap_server.domain.levels import Levels
else:
    try:
        from twap_server.domain._levels import Levels
    except ImportError:
        from twap_server.domain.levels import Levels

COMPILED = Levels is not levels.Levels
"""Whether the compiled one is in use."""

__all__ = ["COMPILED", "Levels"]

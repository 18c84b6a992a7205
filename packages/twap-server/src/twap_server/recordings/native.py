"""Choose the compiled writing of lines where it was built, else the same in Python."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twap_server.recordings.lines import LineWriter
else:
    try:
        from twap_server.recordings._lines import LineWriter
    except ImportError:
        from twap_server.recordings.lines import LineWriter

__all__ = ["LineWriter"]

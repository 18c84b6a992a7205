"""Choose the compiled writing of lines where it was built, else the same in Python."""

from typing import TYPE_CHECKING

from twap_server.recordings.lines import lines_in_python

if TYPE_CHECKING:
    lines_of = lines_in_python
else:
    try:
        from twap_server.recordings._lines import lines_of
    except ImportError:
        lines_of = lines_in_python

__all__ = ["lines_of"]

"""Count the messages of a recording that could not be read, by reason, with the first line of each."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

NOBODY: Final = "came while nothing was connected"
_HUNDRED: Final = Decimal(100)
_NAMED: Final = 3


@dataclass(slots=True)
class _Reason:
    """The first message of a reason, and how many there are."""

    path: Path
    line: int
    count: int = 0


@dataclass(slots=True)
class UnreadableMessages:
    """Counts messages, each once."""

    total: int = 0
    _by_reason: dict[str, _Reason] = field(default_factory=dict)
    _last: tuple[Path, int] | None = None
    paths: dict[Path, None] = field(default_factory=dict)
    """The recordings that have some."""

    def note(self, path: Path, line: int, reason: str) -> None:
        """Count a message; what a second connection says of the same one is nothing new.

        Args:
            path: of its recording.
            line: where it stands in it.
            reason: why it cannot be read.
        """
        if (path, line) == self._last:
            return
        self._last = path, line
        self.paths[path] = None
        self.total += 1
        self._by_reason.setdefault(reason, _Reason(path, line)).count += 1

    def share(self, of: int) -> Decimal:
        """Percent of so many messages."""
        return self.total * _HUNDRED / max(of, 1)

    def text(self, of: int) -> str:
        """How many of what, most first."""
        most = sorted(self._by_reason.items(), key=lambda found: -found[1].count)
        named = [
            f"{found.count:,} times: {reason}, first in line {found.line}{self._of(found.path)}"
            for reason, found in most[:_NAMED]
        ]
        more = [f"and {len(most) - _NAMED} other reasons"] if len(most) > _NAMED else []
        return f"{self.total:,} of {of:,} messages ({'; '.join([*named, *more])})"

    def _of(self, path: Path) -> str:
        return f" of {path}" if len(self.paths) > 1 else ""

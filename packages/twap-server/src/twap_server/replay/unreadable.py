"""Count the messages of a recording that could not be read, by reason, with the first line of each."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

NOBODY: Final = "came while nothing was connected"
_HUNDRED: Final = Decimal(100)
_NAMED: Final = 3


@dataclass(slots=True)
class UnreadableMessages:
    """Counts messages, each once."""

    total: int = 0
    _by_reason: dict[str, list[int]] = field(default_factory=dict)
    """Reason to how many, and the line of the first."""
    _last: int = 0

    def note(self, line: int, reason: str) -> None:
        """Count a message; what a second connection says of the same one is nothing new."""
        if line == self._last:
            return
        self._last = line
        self.total += 1
        self._by_reason.setdefault(reason, [0, line])[0] += 1

    def share(self, of: int) -> Decimal:
        """Percent of so many messages."""
        return self.total * _HUNDRED / max(of, 1)

    def text(self, of: int) -> str:
        """How many of what, most first."""
        most = sorted(self._by_reason.items(), key=lambda found: -found[1][0])
        named = [
            f"{count:,} times: {reason}, first in line {line}" for reason, (count, line) in most[:_NAMED]
        ]
        more = [f"and {len(most) - _NAMED} other reasons"] if len(most) > _NAMED else []
        return f"{self.total:,} of {of:,} messages ({'; '.join([*named, *more])})"

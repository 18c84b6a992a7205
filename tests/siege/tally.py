"""What an attack sent and heard, carried from the attackers' process as JSON."""

import json
from collections import Counter
from dataclasses import dataclass, field, fields

MIB = 1_048_576


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counted along the way."""

    sent: int = 0
    """Bytes handed to the system."""
    frames: int = 0
    requests: int = 0
    connections: int = 0
    longest: int = 0
    """Most bytes that one connection took before it ended, or the attack did."""
    answers: Counter[str] = field(default_factory=Counter)
    """Statuses and close codes, and how connections ended."""
    holes: list[str] = field(default_factory=list)
    """What should not have been possible."""

    def hole(self, words: str) -> None:
        """Note something that the server should not have let happen, once."""
        if words not in self.holes:
            self.holes.append(words)

    def to_json(self) -> str:
        """Write it on one line."""
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def from_json(cls, text: str) -> "Tally":
        """Read what ``to_json`` wrote."""
        read = json.loads(text)
        return cls(**read | {"answers": Counter(read["answers"])})

    def words(self) -> str:
        """What was sent, for the table."""
        counted = (
            (f"{self.sent / MIB:,.1f} MiB", self.sent),
            (f"{self.connections:,} connections", self.connections),
            (f"{self.requests:,} requests", self.requests),
            (f"{self.frames:,} frames", self.frames),
        )
        return ", ".join(words for words, count in counted if count)

    def heard(self, most: int = 6) -> str:
        """What was answered, the most frequent first."""
        return ", ".join(f"{what} × {count:,}" for what, count in self.answers.most_common(most))

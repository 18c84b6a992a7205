"""An attack: a name, what it does, its bounds, and what counts as held."""

from abc import ABC, abstractmethod
from typing import ClassVar

from siege.ground import Ground
from siege.tally import MIB, Tally


class Attack(ABC):
    """One kind of attack. Held are all of them only if the server stays as ``siege.verdict`` demands."""

    name: ClassVar[str]
    number: ClassVar[str]
    """As in the list of ``docs/security.md``: A, strangers; B, one user against another."""
    what: ClassVar[str]
    held: ClassVar[str]
    """What must be seen beside that."""
    users: ClassVar[int] = 0
    """Accounts of its own that it needs."""
    most_bytes: ClassVar[int] = 128 * MIB
    most_connections: ClassVar[int] = 2_000
    seconds: ClassVar[float] = 0.0
    """It needs at least so long."""
    borrowed_mib: ClassVar[int] = 64
    """Memory that the server may borrow meanwhile: 64 MiB for each password check. One is the victim's."""
    anew_may_be_refused: ClassVar[bool] = False
    """Whether those who connect anew may be told 503 meanwhile."""
    own_memory_mib: ClassVar[int] = 0
    """Memory that what it legally made may keep: its open orders."""

    @abstractmethod
    async def run(self, ground: Ground) -> None:
        """Attack until the ground says that it is over; note holes in its tally."""

    def look(self, tally: Tally) -> None:
        """Judge what was counted, at the end; the usual: no answer of 5xx but 503."""
        for answer, count in tally.answers.items():
            if answer.isdigit() and 500 <= int(answer) != 503:
                tally.hole(f"{count} answers {answer}")

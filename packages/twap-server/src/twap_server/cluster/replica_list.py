"""Know what an exchange lists, from its collectors or from before.

Each collector has the whole list. Of an instrument the collector of its part knows best: it is the one that
looks whether it trades. Until that one has told its list, any other will do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twap_server.cluster.market_messages import ListingAnswer
from twap_server.domain.market.instrument import NOT_LISTED, TRADING, Instrument
from twap_server.domain.ownership import ExchangePart, part_of


@dataclass(slots=True)
class _ListOfPart:
    """What one part's collector told; what others know better is left out."""

    known: tuple[int, int]
    """Epoch and revision."""
    instruments: dict[str, Instrument]
    gone: dict[str, str]
    clashing: list[Instrument]


class ReplicaList:
    """Of one exchange."""

    def __init__(self, cached: Iterable[Instrument]) -> None:
        """Args: cached: a list from before."""
        self.instruments: Mapping[str, Instrument] = {one.id.symbol: one for one in cached}
        """By canonical symbol: another mapping for each new list."""
        self.clashing: tuple[Instrument, ...] = ()
        self._gone: Mapping[str, str] = {}
        self._told: dict[ExchangePart, _ListOfPart] = {}
        """Of one division."""

    def is_of(self, part: ExchangePart, epoch: int, revision: int) -> bool:
        """Whether the list is the one that a pulse names; a collector without a list names revision 0."""
        told = self._told.get(part)
        return not revision or (told is not None and told.known == (epoch, revision))

    def take(self, part: ExchangePart, told: ListingAnswer) -> bool:
        """Take a newer list; False where it is not one."""
        if not told.instruments or any(
            (told.epoch, told.revision) <= known.known
            for other, known in self._told.items()
            if other == part or other.of != part.of
        ):
            return False
        self._told = {other: known for other, known in self._told.items() if other.of == part.of}
        self._told[part] = _ListOfPart(
            known=(told.epoch, told.revision),
            instruments={one.id.symbol: one for one in told.instruments},
            gone=told.gone,
            clashing=list(told.clashing),
        )
        if not part.is_whole:
            self._leave_out()
        self.instruments = {
            name: one for told in self._told.values() for name, one in told.instruments.items()
        }
        self._gone = {name: status for told in self._told.values() for name, status in told.gone.items()}
        clashing = {(one.native, one.kind): one for told in self._told.values() for one in told.clashing}
        self.clashing = tuple(clashing.values())
        return True

    def trading_status(self, symbol: str) -> str:
        """Return ``trading``, or why not; ``trading`` too while no list is known."""
        found = self.instruments.get(symbol)
        if found is not None:
            return found.status
        return self._gone.get(symbol, NOT_LISTED) if self.instruments else TRADING

    def _leave_out(self) -> None:
        """Keep of each list what belongs to its part, or to one whose own list is not known yet."""
        known = {part.number for part in self._told}
        for part, told in self._told.items():
            others = known - {part.number}
            told.instruments = {
                name: one for name, one in told.instruments.items() if part_of(name, part.of) not in others
            }
            told.gone = {name: one for name, one in told.gone.items() if part_of(name, part.of) not in others}

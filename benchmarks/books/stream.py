"""What a race is run on: raw messages as an exchange sent them, or as the synthetic stream has them."""

from dataclasses import dataclass, replace
from typing import Self

from benchmarks.harness import synthetic
from twap_server.domain.market.instrument import Instrument

_PER_SECOND = 1000 // synthetic.STEP_MS


@dataclass(frozen=True, slots=True)
class Stream:
    """Snapshots are loaded before the clock starts, messages are timed."""

    name: str
    exchange: str
    instruments: tuple[Instrument, ...]
    snapshots: list[tuple[str, str]]
    """(the exchange's own symbol, raw text)."""
    messages: list[tuple[str, str]]
    """The same, in the order received."""
    seconds: bytes
    """One byte a message: 1 where a second of the stream ends after it, else 0."""

    def cut(self, count: int) -> Self:
        """Return the same stream with its first ``count`` messages only."""
        return replace(self, messages=self.messages[:count], seconds=self.seconds[:count])


def synthetic_stream(count: int) -> Stream:
    """Make the synthetic Binance stream: about ten changed levels a message, ten messages a second."""
    made, instrument = synthetic.stream(count), synthetic.instrument()
    return Stream(
        name="synthetic Binance depth",
        exchange="binance",
        instruments=(instrument,),
        snapshots=[(instrument.native, made.snapshot)],
        messages=[(instrument.native, text) for text in made.messages],
        seconds=bytes(number % _PER_SECOND == 0 for number in range(1, count + 1)),
    )

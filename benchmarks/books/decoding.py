"""The ceiling: msgspec decoding each message into our own wire types, and nothing else."""

import gc
import time
from typing import ClassVar

import msgspec

from benchmarks.books.contender import Mode, Outcome
from benchmarks.books.stream import Stream
from benchmarks.harness.machine import versioned
from twap_server.exchanges.binance import wire


class Decoding:
    """Text to typed values, all of it text still."""

    label: ClassVar[str] = versioned("msgspec")
    modes: ClassVar = (Mode.DECODING,)

    def __init__(self, stream: Stream) -> None:
        self._frames = [text.encode() for _, text in stream.messages]
        self._shape = {"binance": wire.SpotFrame}[stream.exchange]

    def run(self, mode: Mode) -> Outcome:
        """Decode every message."""
        decode = msgspec.json.Decoder(self._shape).decode
        gc.collect()
        begin = time.process_time()
        for frame in self._frames:
            decode(frame)
        return Outcome(time.process_time() - begin)

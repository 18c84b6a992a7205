"""Recordings: what ``replay`` and the simulated exchange read from files."""

import asyncio
import gzip
import json
import tempfile
from pathlib import Path

from fuzz.case import Parser
from fuzz.mutate import of_bytes, of_json, of_lines, packed
from support.clocks import HandClock
from support.exchanges import case_of
from support.tapes import market
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.frames import frames
from twap_server.venue.recording import RecordingSource
from twap_server.venue.source import Event

_LINES = 12


def parsers() -> list[Parser]:
    """One each."""
    mutate = packed(
        of_lines(lambda samples, rng: (of_json if rng.random() < 0.7 else of_bytes)(samples, rng))
    )
    inner = packed(of_lines(_of_message))
    samples = _samples()
    return [
        Parser(name="replay", samples=samples, mutate=mutate, feed=_replay, declared=(InvalidRequest,)),
        Parser(name="tape", samples=samples, mutate=mutate, feed=_play, declared=(InvalidRequest,)),
        Parser(name="tape-messages", samples=samples, mutate=inner, feed=_play, declared=(InvalidRequest,)),
    ]


def _of_message(samples, rng):  # type: ignore[no-untyped-def]
    """A row whose message is odd and whose rest is as it was."""
    try:
        row = json.loads(samples[0])
    except ValueError:
        return samples[0]
    row["raw"] = of_json((row["raw"].encode(),), rng).decode(errors="replace")
    return json.dumps(row).encode()


def _samples() -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="twap-fuzz-") as folder:
        lines = gzip.decompress(market(Path(folder) / "m.jsonl.gz", seconds=2).read_bytes()).split(b"\n")
    kraken = [
        json.dumps(
            {"t": 1_786_881_600.5 + place, "dir": "in", "conn": "wss://ws.kraken.com/v2", "raw": raw}
        ).encode()
        for place, raw in enumerate(case_of("kraken").frames)
    ]
    return [
        gzip.compress(b"\n".join(part), 1, mtime=0)
        for part in (lines[:_LINES], lines[_LINES : 2 * _LINES], kraken)
    ]


def _replay(data: bytes) -> None:
    with _file(data) as path:
        for at, raw, line, connection in frames(path):
            assert at > 0 and line > 0 and isinstance(raw, bytes) and isinstance(connection, str)


def _play(data: bytes) -> None:
    """Learn what is in it and play it to the end, at full speed."""
    with _file(data) as path:
        source = RecordingSource(path, clock=HandClock(), speed=0, loop=False)
        for venue in ("binance", "kraken"):
            for symbol in source.pairs(venue):
                source.wanted(venue, symbol)
                source.snapshot_text(symbol, 1_000)
                asyncio.run(source.run(_Outlet()))
                return


class _Outlet:
    """Takes everything."""

    def publish(self, event: Event) -> None:
        repr(event)

    async def room(self) -> None:
        return

    async def hang_up(self, venue: str) -> None:
        return


class _file:
    """A file of these bytes, for as long as the block lasts."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._folder = tempfile.TemporaryDirectory(prefix="twap-fuzz-")

    def __enter__(self) -> Path:
        path = Path(self._folder.name) / "recording.jsonl.gz"
        path.write_bytes(self._data)
        return path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

"""Recorded exchange traffic to exact books, beside other tools: messages per CPU second of one core.

The same race as ``book_pipeline`` on what exchanges really sent: one busy book of Binance, six quiet ones of
Coinbase, through the server's own adapters. Recordings are no part of the project; what is absent is noted.
"""

from collections.abc import Callable

from benchmarks.books.contender import COMPARED
from benchmarks.books.race import OURS, PURE, race
from benchmarks.books.recorded import binance_stream, coinbase_stream
from benchmarks.books.stream import Stream
from benchmarks.books.verdict import figures, ratio_target
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Part
from benchmarks.peers import PEERS

_WANTED = 2.0
_STREAMS: tuple[tuple[Callable[[], Stream], int], ...] = ((coinbase_stream, 30_000), (binance_stream, 6_000))
"""Recordings, and how many messages each figure covers at least."""


def measure(options: Options) -> Part:
    """Run the race on each recording that is here."""
    part = Part("recorded_books", "Recorded exchange traffic to exact books, beside other tools")
    part.notes = list(_READING)
    for recorded, least in _STREAMS:
        try:
            stream = recorded()
        except FileNotFoundError as why:
            part.notes.append(f"not measured: {why}")
            continue
        if options.quick:
            stream = stream.cut(len(stream.messages) // 10)
        _add(part, stream, options, least // 10 if options.quick else options.messages or least)
    return part


def _add(part: Part, stream: Stream, options: Options, least: int) -> None:
    result = race(stream, (OURS, PURE, *PEERS), repeats=options.repeats, least=least)
    part.figures += figures(stream.name, result)
    part.targets += [ratio_target(stream.name, result, mode, _WANTED) for mode in COMPARED]
    part.notes.append(
        f"{stream.name}: {len(stream.messages):,} messages of {_mean_size(stream):,.0f} bytes on average, "
        f"{len(stream.snapshots)} book(s); a figure covers {least:,} messages or more, each pass fresh books."
    )
    part.notes += result.notes


def _mean_size(stream: Stream) -> float:
    return sum(len(raw) for _, raw in stream.messages) / len(stream.messages)


_READING = (
    "Contenders, checks and modes as in the race on the synthetic stream. A top each second is taken of all "
    "books of the recording.",
)


if __name__ == "__main__":
    run(measure, doc=__doc__)

"""Raw Binance-like depth text to an exact book, beside other tools: messages per CPU second of one core.

462 bytes and ten changed levels a message, decoded, checked and applied; the book only, with the ten best
levels after every message, and with those once a second of the stream. Every contender runs in a process of
its own, in rounds; books are compared at the end with a plain dictionary of Decimals.
"""

from benchmarks.books.contender import Mode
from benchmarks.books.race import CEILING, OURS, PURE, race
from benchmarks.books.stream import synthetic_stream
from benchmarks.books.verdict import figures, ratio_target, share_target
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Part
from benchmarks.peers import PEERS

_MESSAGES = 20_000
_WANTED = {Mode.UPDATING: 3.0, Mode.EVERY: 2.5}
_OF_DECODING = 0.4


def measure(options: Options) -> Part:
    """Run the race on the synthetic stream."""
    count = options.messages or (_MESSAGES // 10 if options.quick else _MESSAGES)
    stream = synthetic_stream(count)
    result = race(stream, (OURS, PURE, *PEERS, CEILING), repeats=options.repeats)
    part = Part("book_pipeline", "From raw depth text to an exact book, beside other tools")
    part.figures = figures(stream.name, result)
    part.targets = [ratio_target(stream.name, result, mode, bound) for mode, bound in _WANTED.items()]
    part.targets.append(share_target(stream.name, result, _OF_DECODING))
    part.notes = [*_reading(count), *result.notes]
    return part


def _reading(count: int) -> list[str]:
    return [
        f"{count:,} messages of the synthetic stream, the same for all; `--messages 1000000` takes the whole "
        "million. CPU time of one core, each contender in a process of its own, in rounds.",
        "twap-server runs its own session, adapter, check of each number and update id, book and check for a "
        "crossed book; its tops are the exchange's own text. `benchmarks/peers/` says how peers are driven.",
        "At the end of each run every book had the same ten best levels, and ours equalled a dictionary of "
        "Decimals in all its levels; a contender that fails this has no figures.",
    ]


if __name__ == "__main__":
    run(measure, doc=__doc__)

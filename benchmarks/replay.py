"""How many recorded messages a second collector, book and engine take in virtual time, by number of orders.

One job for all engines: the synthetic depth stream as a recording, orders of a minute with a slice every 5 s.
Another for twap-server alone: what Binance really sent for BTCUSDT in ten minutes, orders of five minutes,
a slice every 5 s. Every run of ours is compared with one that takes the frames one by one.
"""

import gzip
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import synthetic
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, Target, at_least
from benchmarks.replays.contender import ORDERS, Job, spread
from benchmarks.replays.race import OURS, PEERS, Result, race
from benchmarks.replays.server import TwapServer

_MESSAGES = 50_000
_ORDERS = (1, ORDERS, 10 * ORDERS)
_WANTED, _WANTED_RECORDED = 60_000, 200_000
_RECORDINGS = Path(os.environ.get("TWAP_RECORDINGS", Path(__file__).parents[2] / "shared" / "market-data"))
_RECORDED = "binance/spot-btcusdt-2024-08-08.jsonl.gz"
RECORDED_MS = (1_723_161_256_000, 1_723_161_560_000)
"""Between which the recorded job's orders begin: so that all end before the recording does."""
_SOCKET = "wss://stream.binance.com:9443/stream"
_REST = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000"


def measure(options: Options) -> Part:
    """Race on the synthetic recording, then take the real one."""
    part = Part("replay", "Replay in virtual time")
    count = options.messages or (_MESSAGES // 5 if options.quick else _MESSAGES)
    part.notes += _reading(count)
    with tempfile.TemporaryDirectory() as folder:
        path = _written(Path(folder) / "synthetic.jsonl.gz", count)
        for orders in _ORDERS:
            job = _synthetic(path, count, orders)
            _add(part, job, race(job, (*OURS, *PEERS), repeats=options.repeats), wanted=_WANTED)
    if recorded_file().is_file():
        for orders in _ORDERS:
            name = f"recorded BTCUSDT, {_named(orders)} of 5 min"
            job = Job(name, recorded_file(), 300, 5, spread(*RECORDED_MS, orders))
            _add(part, job, race(job, OURS, repeats=options.repeats), wanted=_WANTED_RECORDED)
    else:
        part.notes.append(f"recorded BTCUSDT left out: no {_RECORDED}; TWAP_RECORDINGS names the folder")
    return part


def recorded_file() -> Path:
    """Where the recording of BTCUSDT lies, if it is there."""
    return _RECORDINGS / _RECORDED


def _named(orders: int) -> str:
    return f"{orders} order{'s' * (orders > 1)}"


def _add(part: Part, job: Job, result: Result, *, wanted: int) -> None:
    for who, outcomes in result.outcomes.items():
        part.figures.append(Figure(job.name, who, "messages per CPU second", result.rates(who)))
        part.notes.append(f"{job.name}: {who} filled {outcomes[-1].fills} times in {job.slices} slices.")
    part.notes += result.notes
    if len(job.starts_ms) == ORDERS:
        part.targets.append(_target(job, result, wanted))


def _target(job: Job, result: Result, wanted: int) -> Target:
    words = f"{job.name}: at least {wanted:,} messages/s"
    if TwapServer.label not in result.outcomes:
        return Target(words, "not measured", met=False)
    return at_least(words, statistics.median(result.rates(TwapServer.label)), wanted, "{:,.0f} messages/s")


def _reading(count: int) -> list[str]:
    return [
        f"Synthetic: {count:,} messages 100 ms apart. Recorded: 99,573 messages in 650 s, all that the "
        "connection carried: 6,495 book changes, 19,904 trades, and 73,174 best quotes, which twap-server "
        "does not ask for: each is read, and left out where the next comes before anything else happens.",
        "twap-server takes each message as text: JSON, session, checks, book, slices, samples for the "
        "reports, records in memory. Which connection each came over, which are best quotes, where nothing "
        "came and which market it is was found beforehand, once. The others get objects prepared "
        "beforehand. From the packed file, reading, unpacking and finding that count as well, as in the "
        "command.",
        "Each run of twap-server gave exactly the records of a run that takes one frame in each turn of the "
        "event loop.",
    ]


def _written(path: Path, count: int) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as lines:
        lines.writelines(json.dumps(one) + "\n" for one in _rows(synthetic.stream(count)))
    return path


def _synthetic(path: Path, count: int, orders: int) -> Job:
    first = synthetic.FIRST_MS
    starts = spread(first, first + count * synthetic.STEP_MS - 60_000, orders)
    return Job(f"synthetic depth, {_named(orders)} of 1 min", path, 60, 5, starts)


def _rows(found: synthetic.Stream) -> Iterator[dict[str, object]]:
    """The snapshot comes first, as the answer to a request; a message is received when it was made."""
    at = synthetic.FIRST_MS / 1000
    yield {"t": at, "dir": "in", "conn": _REST, "raw": found.snapshot}
    for number, text in enumerate(found.messages, 1):
        yield {"t": at + number * synthetic.STEP_MS / 1000, "dir": "in", "conn": _SOCKET, "raw": text}


if __name__ == "__main__":
    run(measure, doc=__doc__)

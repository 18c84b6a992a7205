"""Play so many orders in one pass over a recording, in a process of its own; print what that took.

``python -m benchmarks.tournaments.one RECORDING ORDERS``: one line of JSON, seconds of CPU and peak memory.
"""

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from twap_server.domain.clock import to_datetime
from twap_server.engine.entry.acceptance import limits_of
from twap_server.lab.grid import runs_of
from twap_server.lab.one_pass import Pass, PassOrder, play
from twap_server.lab.source import look_at
from twap_server.lab.spec import read_spec
from twap_server.settings import Settings

_SIDES = ["buy", "sell"]
_STRATEGIES: dict[str, Any] = {
    "twap": {},
    "front-loaded": {"strategy": "is", "half_life": "20s"},
    "pov": {"strategy": "pov", "participation": 10},
    "sweep": {"strategy": "sweep"},
}
_LENGTH_S, _SLICES = 60, 12
_BEGIN_S, _AFTER_S = 5, 80
"""From the first message to the first start; from the last end to the last message, for mark-outs."""


def measure(recording: Path, orders: int) -> dict[str, float]:
    """Play them; the report of none is written as a page."""
    job = _pass(recording, orders)
    before, begin = _peak_mib(), time.process_time()
    result = play(job)
    seconds = time.process_time() - begin
    if result.failure or len(result.figures) != orders:
        raise RuntimeError(result.failure or f"{len(result.figures)} results of {orders} orders")
    fills = sum(one.fills for one in result.figures)
    return {"seconds": seconds, "peak": _peak_mib(), "before": before, "fills": fills}


def _pass(recording: Path, orders: int) -> Pass:
    source = look_at(recording)
    starts = orders // (len(_SIDES) * len(_STRATEGIES)) + 1
    length = (source.last - source.first) / 1e9 - _BEGIN_S - _LENGTH_S - _AFTER_S
    first = to_datetime(source.first) + timedelta(seconds=_BEGIN_S)
    wanted = {
        "recordings": [str(recording)],
        "sides": _SIDES,
        "sizes": ["1"],
        "starts": [first + timedelta(seconds=length * number / starts) for number in range(starts)],
        "order": {"exchange": "binance", "symbol": "BTCUSDT", "duration": _LENGTH_S, "slices": _SLICES},
        "strategies": _STRATEGIES,
    }
    spec, _ = read_spec(wanted)
    settings = Settings()
    runs = runs_of(spec, [source], limits=limits_of(settings.engine), circumstances=[""])[:orders]
    chosen = tuple(PassOrder(key=run.key, name=run.strategy, order=run.order) for run in runs)
    return Pass(recording=recording, settings=settings, orders=chosen)


def _peak_mib() -> float:
    """Of this process since its start; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")

"""How long a tournament's orders take in one pass over ten minutes of recorded BTCUSDT, and how much memory.

Orders of a minute with 12 slices, four strategies, both sides, starts all over the recording; each order is a
user's of its own. Each figure is of a process of its own. The recording is found through TWAP_RECORDINGS.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, Target

_RECORDINGS = Path(os.environ.get("TWAP_RECORDINGS", Path(__file__).parents[2] / "shared" / "market-data"))
_RECORDED = "binance/spot-btcusdt-2024-08-08.jsonl.gz"
_SIZES = (100, 1_000, 10_000)
_LONGEST_S = 1_800
_MOST_REPEATS = 2
_GROWTH = 12.0
"""Most by which ten times the orders may take more time: as many, and some room."""


def measure(options: Options) -> Part:
    """Measure each size."""
    part = Part("tournament", "Orders of a tournament in one pass over 650 s of recorded BTCUSDT")
    path = _RECORDINGS / _RECORDED
    if not path.is_file():
        part.notes.append(f"left out: no {_RECORDED}; TWAP_RECORDINGS names the folder")
        return part
    sizes = _SIZES[:-1] if options.quick else _SIZES
    found = {size: [_one(path, size) for _ in range(min(options.repeats, _MOST_REPEATS))] for size in sizes}
    for size, times in found.items():
        job = f"{size:,} orders, one pass"
        part.figures.append(Figure(job, "twap-server", "CPU s", [one["seconds"] for one in times]))
        part.figures.append(Figure(job, "twap-server", "MiB at the peak", [one["peak"] for one in times]))
        part.notes.append(
            f"{job}: {times[-1]['fills']:,.0f} fills; {times[-1]['before']:.0f} MiB before the pass."
        )
    part.targets.append(_growth(found))
    return part


def _growth(found: dict[int, list[dict[str, float]]]) -> Target:
    """Of the last step, where reading the recording counts least."""
    *_, less, more = sorted(found)
    times = [statistics.median(one["seconds"] for one in found[size]) for size in (less, more)]
    wanted = f"{more:,} orders take at most {_GROWTH:g} times as long as {less:,}"
    return Target(wanted, f"{times[1] / times[0]:.1f} times", met=times[1] <= _GROWTH * times[0])


def _one(path: Path, orders: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.tournaments.one", str(path), str(orders)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    run(measure, doc=__doc__)

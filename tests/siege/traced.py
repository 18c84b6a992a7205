"""The server within something that tells where its memory is: ``python -m siege.traced start …``.

On SIGUSR2 it writes to standard error what Python's allocations hold, by line of code (where the variable
PYTHONTRACEMALLOC is set), and what the C library holds, in use and free. Only soaks use it; the product has
nothing of the kind.
"""

import gc
import runpy
import signal
import sys
import tracemalloc
from collections import Counter

from siege.tally import MIB
from twap_server.runtime.memory import heap_figures

_LINES = 25


def main() -> None:
    """Run the server as ``python -m twap_server`` would."""
    signal.signal(signal.SIGUSR2, lambda *_: _tell())
    sys.argv[0] = "twap_server"
    runpy.run_module("twap_server", run_name="__main__")


def _tell() -> None:
    if held := heap_figures():
        _say(f"heap {held.arena / MIB:.1f} MiB, mapped {held.hblkhd / MIB:.1f} MiB")
        _say(f"of the heap in use {held.uordblks / MIB:.1f}, free {held.fordblks / MIB:.1f}")
    _say(f"blocks {sys.getallocatedblocks():,}, collected {gc.get_count()}")
    _say("objects " + ", ".join(f"{name} {count:,}" for name, count in _kinds().most_common(20)))
    if tracemalloc.is_tracing():
        _say(f"python {tracemalloc.get_traced_memory()[0] / MIB:.1f} MiB")
        for one in tracemalloc.take_snapshot().statistics("lineno")[:_LINES]:
            _say(f"  {one.size / MIB:7.2f} MiB {one.count:9,} {one.traceback}")


def _kinds() -> Counter[str]:
    return Counter(type(one).__qualname__ for one in gc.get_objects())


def _say(line: str) -> None:
    print(f"memory: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

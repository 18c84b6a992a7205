"""Run a real server for long, with everything that may happen to it, and say what grows.

``python scripts/soak.py --minutes 10`` prints the slopes of memory, tasks, handles and lateness after the
warm-up; exit code 1 where one is not flat. See ``docs/security.md``.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from siege.growth import table
from siege.soak import WARM_UP, Found, Soak, soak
from twap_server.venue.faults import NAMES


def main() -> int:
    """Run and give the exit code."""
    given = _options()
    folder = Path(given.folder or tempfile.mkdtemp(prefix="twap-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    settings = dict(one.split("=", 1) for one in given.set)
    wanted = Soak(
        folder=folder,
        minutes=given.minutes,
        warm_up=given.warm_up,
        seed=given.seed,
        clients=given.clients,
        orders=given.orders,
        attacks=not given.no_attacks,
        faults=() if given.no_faults else NAMES,
        settings=settings,
        traced=given.traced,
    )
    return _report(asyncio.run(soak(wanted, say=_say)), folder)


def _report(found: Found, folder: Path) -> int:
    for line in table(found.growths):
        _say(line)
    _say(f"crowd: {dict(found.crowd)}")
    _say(f"attacks: {dict(found.attacks)}")
    _say(f"victim's slices: {dict(found.slices)}")
    _say(f"victim's stream lost: {len(found.drops)} times {found.drops[:3]}")
    for words in found.holes:
        _say(f"NOT HELD: {words}")
    if found.died:
        _say(f"the server ended by itself:\n{found.died}")
    _say(f"machine: {os.cpu_count()} cores, load {', '.join(f'{one:.1f}' for one in os.getloadavg())}")
    _say(f"{'flat' if found.flat else 'NOT FLAT'}; samples and the server's log are in {folder}")
    return 0 if found.flat else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0, help="that are judged, after the warm-up")
    parser.add_argument("--warm-up", type=float, default=WARM_UP, help="minutes that are not judged")
    parser.add_argument("--seed", type=int, default=1, help="of the market, the crowd and the attackers")
    parser.add_argument("--clients", type=int, default=500, help="streams that come and go")
    parser.add_argument("--orders", type=int, default=1_000, help="orders kept open")
    parser.add_argument("--no-attacks", action="store_true", help="to find out what it is that grows")
    parser.add_argument("--no-faults", action="store_true", help="the same, with a venue that commits none")
    parser.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE", help="of the server")
    parser.add_argument(
        "--traced", action="store_true", help="on SIGUSR2 the server's log tells where its memory is"
    )
    parser.add_argument(
        "--folder", help="for samples, database and log; default: a temporary one, which is kept"
    )
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

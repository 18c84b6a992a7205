"""Attack a real server on this machine in every way that is known, and say what it cost others.

``python scripts/attack.py`` starts a server with default settings and a simulated exchange, runs each attack
alone and prints tables; exit code 1 where one was not held. ``--list`` tells what there is. See
``docs/security.md``.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from siege.attack import Attack
from siege.attackers import Job
from siege.attacks import ATTACKS, named
from siege.campaign import campaign
from siege.tables import lines
from siege.target import NotLoopback, loopback
from siege.verdict import faults
from siege.world import attack


def main() -> int:
    """Run and give the exit code."""
    given = _options()
    if given.list:
        for one in ATTACKS:
            _say(f"{one.name:16} {one.number:4} {one.what}; held: {one.held}")
        return 0
    try:
        chosen = [named(name) for name in given.only] or list(ATTACKS)
        if given.target:
            loopback(given.target)
    except (LookupError, NotLoopback) as error:
        _say(str(error))
        return 2
    if given.target:
        return _attack_only(given, chosen)
    return _campaign(given, chosen)


def _campaign(given: argparse.Namespace, chosen: list[Attack]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="twap-attack-"))
    rows = asyncio.run(
        campaign(folder, chosen, seconds=given.seconds, seed=given.seed, say=_say, traced=given.traced)
    )
    _say("")
    for line in lines(rows, chosen):
        _say(line)
    held = len(rows) > len(chosen) and not any(faults(row) for row in rows)
    if held and not given.traced:
        shutil.rmtree(folder)
    else:
        _say(f"the server's log is in {folder}")
    return 0 if held else 1


def _attack_only(given: argparse.Namespace, chosen: list[Attack]) -> int:
    """Attack a server that runs already, measuring nothing."""
    holes = 0
    for one in chosen:
        if one.users > len(given.key):
            _say(f"{one.name}: needs --key, the API key of an account of its own")
            continue
        job = Job(
            url=given.target, attack=one.name, seconds=given.seconds, keys=tuple(given.key), victim="victim"
        )
        tally = asyncio.run(attack(job, at_least=one.seconds))
        _say(f"{one.name}: {tally.words()}: {tally.heard()}")
        for hole in tally.holes:
            _say(f"  NOT HELD: {hole}")
        holes += len(tally.holes)
    return 1 if holes else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this attack; repeatable")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each attack; some need longer")
    parser.add_argument("--seed", type=int, default=1, help="of the market and of what is drawn")
    parser.add_argument(
        "--traced", action="store_true", help="the server's log tells after each where its memory is"
    )
    parser.add_argument("--list", action="store_true", help="say which attacks there are")
    parser.add_argument(
        "--target",
        help="instead of a server of its own: one that runs on this machine, http://127.0.0.1:PORT",
    )
    parser.add_argument("--key", action="append", default=[], help="with --target: an API key to attack with")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

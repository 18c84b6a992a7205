"""Kill a real server under load, again and again, and check that nothing that it acknowledged was lost.

``python scripts/crash_test.py --kills 200`` prints what was done and found; exit code 1 when anything is
wrong. See ``docs/crash-test.md``.
"""

import argparse
import asyncio
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from crash.figures import Figures
from crash.kills import MOMENTS
from crash.loop import Options, crash_test
from crash.many import many_orders


def main() -> int:
    """Run and give the exit code."""
    given = _options()
    folder = Path(given.folder or tempfile.mkdtemp(prefix="twap-crash-test-"))
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(
        folder=folder,
        kills=given.kills,
        seed=given.seed,
        users=given.users,
        orders=given.orders,
        moment=given.moment,
    )
    code = _report(_run(given, options), folder)
    if code == 0 and not given.folder:
        shutil.rmtree(folder)
    return code


def _run(given: argparse.Namespace, options: Options) -> Figures:
    if given.open_orders:
        return asyncio.run(many_orders(options, count=given.open_orders, say=_say))
    if given.nodes:
        from crash.nodes import nodes_test  # noqa: PLC0415 - only where PostgreSQL and NATS are installed
        from support.postgres import PostgresServer  # noqa: PLC0415

        with PostgresServer() as postgres:
            return asyncio.run(nodes_test(options, postgres=postgres, say=_say))
    if given.database == "sqlite":
        return asyncio.run(crash_test(options, say=_say))
    from crash.restarts import restart_test  # noqa: PLC0415 - only where PostgreSQL is installed
    from support.postgres import PostgresServer  # noqa: PLC0415

    with PostgresServer() as postgres:
        return asyncio.run(restart_test(options, postgres=postgres, say=_say))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20, help="how often to kill")
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="sqlite", help="postgresql: kill the database"
    )
    parser.add_argument("--nodes", action="store_true", help="hurt two nodes of each role, NATS, PostgreSQL")
    parser.add_argument("--seed", type=int, default=1, help="of the market, the load and the moments")
    parser.add_argument("--moment", choices=MOMENTS, default="", help="kill at this moment only")
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--orders", type=int, default=24, help="orders kept open by all users together")
    parser.add_argument("--open-orders", type=int, default=0, help="instead: measure the start with so many")
    parser.add_argument("--folder", help="where database and log are kept; default: a temporary folder")
    return parser.parse_args()


def _report(figures: Figures, folder: Path) -> int:
    for line in figures.lines():
        _say(line)
    if not figures.breaches:
        return 0
    _say(f"repeat with: {shlex.join(sys.argv)}  (the timing of the machine is not repeatable)")
    _say(f"the database and the server's log are in {folder}")
    return 1


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

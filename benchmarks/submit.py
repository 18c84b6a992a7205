"""Durable, authenticated, validated orders a second, 64 at once: one by one and in lists of 50.

``python -m benchmarks.submit [--repeats N] [--quick] [--json FILE]``. The server is ``twap-server start`` as
it is installed, on one core, with SQLite (WAL, ``synchronous=FULL``) in the temporary folder and a simulated
exchange; a real account, its access token, and 64 keep-alive connections from a process on the other core.
Then the server is killed, and every order that it acknowledged must be in the file, once.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from benchmarks import submit_floor
from benchmarks.harness.accounts import signed_in
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, Target, at_least, at_most
from benchmarks.harness.machine import versioned
from benchmarks.harness.posting import Job, Posted, post
from benchmarks.harness.processes import ServerProcess, Urls, server, venue

_SERVER_CORE, _CLIENT_CORE = 0, 1
_SECONDS = 3.0
_LONGEST_LISTING_S = 20.0
_ORDER: dict[str, object] = {
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "side": "buy",
    "quantity": 0.5,
    "price": 61000.5,
    "start_time": "+1h",
    "duration": "100m",
    "slices": 20,
}
_SETTINGS = {"TWAP_ENGINE__MAX_OPEN_ORDERS": "10000000"}
"""One user sends what ten thousand would."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way of submitting."""

    job: str
    many: int
    connections: int


_SINGLE = _Kind("orders one by one, 64 at once", 0, 64)
_LISTS = _Kind("orders in lists of 50, 64 lists at once", 50, 64)
_FEW_LISTS = _Kind("orders in lists of 50, 4 lists at once", 50, 4)
_KINDS = (_SINGLE, _LISTS, _FEW_LISTS)


@dataclass(slots=True)
class _Runs:
    """What the rounds found."""

    posted: dict[_Kind, list[Posted]] = field(default_factory=lambda: {kind: [] for kind in _KINDS})
    cpu_us: dict[_Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in _KINDS})
    """Processor time of the server for each order, its threads included."""
    floor: list[Posted] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    strange: int = 0
    """Orders in the database that nobody was told of, or with other contents than were sent."""
    refused: int = 0


def measure(options: Options) -> Part:
    """Run all contenders in rounds, each round on a server and a database of its own."""
    seconds = _SECONDS / 4 if options.quick else _SECONDS
    found = _Runs()
    with venue(core=_CLIENT_CORE) as urls:
        for _ in range(1 if options.quick else options.repeats):
            folder = Path(tempfile.mkdtemp(prefix="twap-submit-"))
            try:
                _round(found, folder, urls, seconds)
            finally:
                shutil.rmtree(folder)
    return _part(found)


def _round(found: _Runs, folder: Path, urls: Urls, seconds: float) -> None:
    database = folder / "twap.sqlite3"
    sent: list[Posted] = []
    with server(database, urls, core=_SERVER_CORE, variables=_SETTINGS) as running:
        headers = {"Authorization": f"Bearer {_signed_in(running)}"}
        for kind in _KINDS:
            before = sum(running.process.cpu_times()[:2])
            posted = post(_job(kind, running.port, "/orders/twap", headers, seconds))
            used = sum(running.process.cpu_times()[:2]) - before
            found.posted[kind].append(posted)
            found.cpu_us[kind].append(used / max(1, len(posted.acknowledged)) * 1e6)
            sent.append(posted)
    _check(found, database, sent)
    with submit_floor.serving(core=_SERVER_CORE) as port:
        headers = {"Authorization": f"Bearer {submit_floor.token()}"}
        found.floor.append(post(_job(_SINGLE, port, "/orders", headers, seconds)))
    found.rows.append(submit_floor.sqlite_rows(folder, seconds / 2))


def _job(kind: _Kind, port: int, path: str, headers: dict[str, str], seconds: float) -> Job:
    return Job(
        port=port,
        path=path,
        headers=headers,
        order=_ORDER,
        many=kind.many,
        connections=kind.connections,
        prefix=f"{kind.many}-{kind.connections}",
        seconds=seconds,
        core=_CLIENT_CORE,
    )


def _signed_in(running: ServerProcess) -> str:
    """Make an account, wait until the exchange's instruments are known; gives an access token."""
    token = signed_in(running.url, "ada")
    deadline = time.monotonic() + _LONGEST_LISTING_S
    while running.status("/exchanges/binance/symbols") != 200:
        if time.monotonic() > deadline:
            raise RuntimeError("the simulated exchange's instruments did not become known")
        time.sleep(0.05)
    return token


def _check(found: _Runs, database: Path, sent: Sequence[Posted]) -> None:
    """Compare what was acknowledged with what the killed server left in its file."""
    with sqlite3.connect(database) as connection:
        rows = {
            token: (order_id, contents)
            for token, order_id, *contents in connection.execute(
                "SELECT token_id, orders.order_id, side, instrument_symbol, quantity, limit_price, "
                "slice_count, status FROM orders JOIN order_plans USING (order_id)"
            )
        }
        events = dict(connection.execute("SELECT order_id, count(*) FROM order_events GROUP BY order_id"))
    connection.close()
    told = {token: order_id for posted in sent for token, order_id in posted.acknowledged.items()}
    wanted = [
        "buy",
        "BTC-USDT",
        Decimal(str(_ORDER["quantity"])),
        Decimal(str(_ORDER["price"])),
        20,
        "Accepted",
    ]
    found.acknowledged += len(told)
    found.refused += sum(len(posted.refused) for posted in sent)
    found.twice += sum(posted.twice for posted in sent) + len(told) - len(set(told.values()))
    for token, order_id in told.items():
        if token not in rows or rows[token][0] != order_id or events.get(order_id) != 1:
            found.lost += 1
    for token, (_, (side, symbol, quantity, price, slices, status)) in rows.items():
        kept = [side, symbol, Decimal(quantity), Decimal(price), slices, status]
        found.strange += token not in told or kept != wanted


def _part(found: _Runs) -> Part:
    part = Part("submit", "Submissions: durable, authenticated, validated", notes=list(_NOTES))
    for kind in _KINDS:
        part.figures += _figures(kind, found.posted[kind])
        part.figures.append(Figure(kind.job, "twap-server", "us of processor an order", found.cpu_us[kind]))
    floor = f"{versioned('fastapi', 'FastAPI')}, pydantic, JWT, no storage"
    part.figures += _figures(_SINGLE, found.floor, who=floor)
    rows = Figure("rows, one durable commit each", "sqlite3 alone, no HTTP", "orders/s", found.rows)
    part.figures.append(rows)
    single, lists, few = (_rate(found.posted[kind]) for kind in _KINDS)
    part.targets += [
        at_least("one by one, 64 at once: at least 1,200 orders/s", single, 1_200, "{:,.0f}"),
        at_least("in lists of 50, 64 at once: at least 5,000 orders/s", lists, 5_000, "{:,.0f}"),
        at_most("one by one, 64 at once: p99 at most 100 ms", _p99(found.posted[_SINGLE]), 100, "{:,.0f} ms"),
        at_most(
            "in lists of 50, 4 at once: p99 at most 100 ms", _p99(found.posted[_FEW_LISTS]), 100, "{:,.0f} ms"
        ),
        Target(
            "every acknowledged order is in the killed server's file, once, as it was sent",
            f"{found.acknowledged:,} acknowledged: {found.lost} lost, {found.twice} twice, "
            f"{found.strange} strange; {found.refused} posts refused",
            met=found.acknowledged > 0 and not (found.lost or found.twice or found.strange or found.refused),
        ),
    ]
    part.notes.append(
        f"4 lists at once: {few:,.0f} orders/s. 64 lists are 3,200 orders in line: below 32,000 orders/s "
        "the last of them waits for more than 100 ms."
    )
    return part


def _figures(kind: _Kind, posted: Sequence[Posted], who: str = "twap-server") -> list[Figure]:
    return [
        Figure(kind.job, who, "orders/s", [one.orders_per_second for one in posted]),
        Figure(kind.job, who, "ms to the answer, p50", [one.percentile_ms(50) for one in posted]),
        Figure(kind.job, who, "ms to the answer, p99", [one.percentile_ms(99) for one in posted]),
    ]


def _rate(posted: Sequence[Posted]) -> float:
    return Figure("", "", "", [one.orders_per_second for one in posted]).median


def _p99(posted: Sequence[Posted]) -> float:
    return Figure("", "", "", [one.percentile_ms(99) for one in posted]).median


_NOTES = (
    "The server and its database thread share one core; the load and the simulated exchange have the other.",
    "An order is a TWAP of 20 slices on Binance's BTCUSDT with a limit, to begin in an hour: measured "
    "is taking orders up, not working them. All are one user's, whose limit of open orders is raised.",
    "An order counts once its whole answer (201) has arrived. After each round the server is killed and its "
    "file is compared with what it acknowledged.",
    "The rate without storage and the rate of bare rows are floors, not rivals: the one keeps nothing, the "
    "other checks nothing and answers nobody.",
)


if __name__ == "__main__":
    run(measure, doc=__doc__)

"""Several nodes beside one server: delay of a book, orders on one to three engines, clients on two gateways.

``python -m benchmarks.nodes [--quick] [--repeats N] [--json FILE]``. All are real processes on a real NATS
and PostgreSQL, on loopback; one server alone runs on the same PostgreSQL in the same run. Processor time is
told for each role, so that ``docs/scale-out.md`` can say what other numbers would take. Nothing is pinned:
where more processes are at work than there are cores, what they reach together says nothing of more machines;
their processor time does.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

from benchmarks.fan_out_crowd import Crowd, percentile
from benchmarks.harness.accounts import ask, signed_in
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part
from benchmarks.harness.processes import ServerProcess
from benchmarks.harness.site import Site, site

_MARKETS = (("binance", "BTCUSDT"), ("binance", "ETHUSDT"), ("kraken", "BTC/USDT"), ("kraken", "ETH/USDT"))
_USERS = 32
_LIST = 50
_ALONE = "one server"
_BOOK = b'{"type":"subscribe","channel":"book","exchange":"binance","symbol":"BTCUSDT"}'
_PHASES = 10
_LOST = ("overloaded", "storage", "engine_down")
Processes = Mapping[str, Sequence[ServerProcess]]


def measure(options: Options) -> Part:
    """Measure all three; each figure is told as soon as it is there, for all take some ten minutes."""
    part = Part("nodes", "Several nodes beside one server", notes=list(_NOTES))
    seconds, orders, clients = (3, 100, 50) if options.quick else (12, 1_000, 1_000)
    for _ in range(1 if options.quick else options.repeats):
        with site() as found:
            part.figures += _books(found.nats.url, seconds)
    with site() as found, found.alone() as server:
        part.figures += _orders(found, {_ALONE: [server]}, server.url, who=_ALONE, size=(orders, seconds))
    for engines in (1, 2, 3):
        with site() as found, found.nodes(["collector", *["engine"] * engines, "gateway"]) as nodes:
            who = f"{engines} engine" + "s" * (engines > 1)
            part.figures += _orders(found, nodes, nodes["gateway"][0].url, who=who, size=(orders, seconds))
    with site() as found, found.alone() as server:
        part.figures += _clients(found, {_ALONE: [server]}, [server], who=_ALONE, size=(clients, seconds))
    for gateways in (1, 2):
        with site() as found, found.nodes(["collector", "engine", *["gateway"] * gateways]) as nodes:
            who = f"{gateways} gateway" + "s" * (gateways > 1)
            part.figures += _clients(found, nodes, nodes["gateway"], who=who, size=(clients, seconds))
    return part


# Books


def _books(url: str, seconds: int) -> Iterator[Figure]:
    teller = _child("tell", url, seconds + 3)
    reader = _child("read", url, seconds)
    read, told = (json.loads(one.communicate(timeout=120)[0]) for one in (reader, teller))
    job = "50 books, 1,000 changes/s"
    for what in ("p50", "p99", "max"):
        yield Figure(
            f"{job}: receipt to replica, {what}", "NATS between two processes", "us", [read[f"{what}_us"]]
        )
    yield Figure(f"{job}: decode, book and tell", "collector", "us a change", [_each(told)])
    yield Figure(f"{job}: hear and book", "reader", "us a change", [_each(read)])


def _child(what: str, url: str, seconds: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.told_market", what, url, "--seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _each(found: Mapping[str, float]) -> float:
    return found["cpu_s"] / found["messages"] * 1e6


# Orders


def _orders(
    found: Site, processes: Processes, url: str, *, who: str, size: tuple[int, int]
) -> Iterator[Figure]:
    orders, seconds = size
    begin = datetime.now(UTC) + timedelta(seconds=20 + orders / 50)
    _submit(url, orders, begin)
    _sleep_until(begin + timedelta(seconds=4))
    before, since = _cpu(found, processes), time.time_ns()
    time.sleep(seconds)
    used, until = _less(_cpu(found, processes), before), time.time_ns()
    rows = _slices(found, since, until)
    done, lost = rows["done"], rows["lost"]
    yield Figure(f"{orders:,} orders: slices recorded", who, "slices/s", [done / seconds])
    yield Figure(f"{orders:,} orders: slices lost", who, "slices/s", [lost / seconds])
    yield Figure(f"{orders:,} orders: due to decided, p50", who, "ms", [rows["p50"]])
    yield Figure(f"{orders:,} orders: due to decided, p99", who, "ms", [rows["p99"]])
    for role, cpu in used.items():
        yield Figure(f"{orders:,} orders: processor of {role}", who, "us a slice", [cpu / max(1, done) * 1e6])


def _submit(url: str, orders: int, begin: datetime) -> None:
    """Orders of an hour with a slice a second, evenly over the markets, the users and the second."""
    tokens = [signed_in(url, f"user{number}") for number in range(_USERS)]
    bodies = [_body(number, begin + timedelta(seconds=number / orders)) for number in range(orders)]
    for user, token in enumerate(tokens):
        own = bodies[user::_USERS]
        for first in range(0, len(own), _LIST):
            ask(f"{url}/orders", json.dumps(own[first : first + _LIST]).encode(), token=token)


def _body(number: int, start: datetime) -> dict[str, Any]:
    exchange, symbol = _MARKETS[number % len(_MARKETS)]
    return {
        "token_id": f"order-{number}",
        "exchange": exchange,
        "symbol": symbol,
        "side": "buy" if number // len(_MARKETS) % 2 else "sell",
        "quantity": 36 if "BTC" in symbol else 360,
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(hours=1)).isoformat(),
        "interval": 1,
    }


def _slices(found: Site, since: int, until: int) -> dict[str, float]:
    lost = ", ".join(f"'{one}'" for one in _LOST)
    late = "(decided - due) / 1e6"
    answer = found.postgres.sql(
        f"SELECT count(*) FILTER (WHERE reason IS NULL OR reason NOT IN ({lost})),"
        f" count(*) FILTER (WHERE reason IN ({lost})),"
        f" percentile_disc(0.5) WITHIN GROUP (ORDER BY {late}),"
        f" percentile_disc(0.99) WITHIN GROUP (ORDER BY {late})"
        f" FROM slices WHERE decided BETWEEN {since} AND {until}",
        database=found.database.rpartition("/")[2],
    )
    done, gone, *spread = (float(one or 0) for one in answer.split("|"))
    return {"done": done, "lost": gone, "p50": spread[0], "p99": spread[1]}


# Clients


def _clients(
    found: Site,
    processes: Processes,
    gateways: Sequence[ServerProcess],
    *,
    who: str,
    size: tuple[int, int],
) -> Iterator[Figure]:
    clients, seconds = size
    token = signed_in(gateways[0].url, "crowd")
    for one in gateways:
        _until_live(one.url)
    late: list[float] = []
    crowds = [Crowd(one.port, token=token, subscribe=_BOOK, phases=_PHASES) for one in gateways]
    try:
        for crowd in crowds:
            crowd.grow(clients // len(crowds))
        before = _cpu(found, processes)
        begun = time.monotonic()
        for crowd in crowds:  # one process reads them by turns: what lay unread meanwhile does not count
            crowd.watch(2)
            late += crowd.watch(seconds).late_ms
        took = time.monotonic() - begun
        used = _less(_cpu(found, processes), before)
    finally:
        for crowd in crowds:
            crowd.__exit__()
    yield Figure(f"{clients:,} clients: p99 lateness", who, "ms", [percentile(sorted(late), 0.99)])
    for role, cpu in used.items():
        yield Figure(f"{clients:,} clients: processor of {role}", who, "ms/s", [cpu / took * 1e3])


def _until_live(url: str) -> None:
    """Whoever reads a book first waits for it; a server that has just begun may need longer."""
    for _ in range(20):
        try:
            ask(f"{url}/orderbook/binance/BTCUSDT")
        except HTTPError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError("the book does not become live")


def _cpu(found: Site, processes: Processes) -> dict[str, float]:
    own = {role: sum(one.cpu_s for one in nodes) for role, nodes in processes.items()}
    return own | dict(found.cpu_of_services())


def _less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {role: cpu - before[role] for role, cpu in after.items()}


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


_NOTES = (
    "A simulated market: two symbols, two exchanges. PostgreSQL with fsync off, in memory if there is room.",
    "Lateness of a slice is from due to decided, as recorded; a slice that was lost was decided too late.",
    "All processes share this machine's cores with the market, PostgreSQL, NATS and whoever reads.",
)


if __name__ == "__main__":
    run(measure, doc=__doc__)

"""A few kills and restarts of real processes; ``scripts/crash_test.py`` does hundreds."""

from pathlib import Path

import pytest

from crash.loop import Options, crash_test
from crash.many import many_orders
from crash.nodes import nodes_test
from crash.restarts import restart_test
from support import nats
from support.postgres import PostgresServer

pytestmark = pytest.mark.long


def options(folder: Path, kills: int) -> Options:
    return Options(folder=folder, kills=kills, seed=5, users=2, orders=10, pace=0.4)


async def test_a_killed_server_keeps_what_it_told(tmp_path: Path) -> None:
    figures = await crash_test(options(tmp_path, 6), say=print)
    assert figures.breaches == []
    assert figures.kills.total() >= 6
    assert figures.acknowledged > 20
    assert figures.stored["fills"] > 20
    assert figures.slices["engine_down"] > 0


async def test_a_restarted_database_loses_nothing(tmp_path: Path, postgres: PostgresServer) -> None:
    figures = await restart_test(options(tmp_path, 4), postgres=postgres, say=print)
    assert figures.breaches == []
    assert len(figures.recovered) == 4
    assert figures.stored["fills"] > 20


async def test_hurt_nodes_lose_nothing(tmp_path: Path, postgres: PostgresServer) -> None:
    if reason := nats.why_not():
        pytest.skip(reason)
    figures = await nodes_test(options(tmp_path, 20), postgres=postgres, say=print, cut_s=5)
    assert figures.breaches == []
    assert figures.kills.total() == 20
    assert figures.stored["fills"] > 20


async def test_many_open_orders_are_taken_up(tmp_path: Path) -> None:
    figures = await many_orders(options(tmp_path, 1), count=1_000, say=print)
    assert figures.breaches == []
    assert figures.stored["orders"] == 1_000

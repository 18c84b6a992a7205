"""lab/workers.py on a real Dask cluster: a scheduler and two workers as processes, one of which is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.children import environment
from support.tapes import market
from support.tournaments import run, small
from twap_server.domain.errors import InvalidRequest, UnavailableError
from twap_server.lab import HowToRun

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("default"),
    pytest.mark.skipif(find_spec("distributed") is None, reason="needs the extra cluster"),
]


def client_of(address: str) -> Any:
    """Imported here alone: that takes most of a second, also where these tests are left out."""
    from distributed import Client

    return Client(address, set_as_default=False)


@dataclass
class Cluster:
    address: str
    folder: Path
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)


@contextmanager
def process(folder: Path, module: str, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{module}-{args[-1]}.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *args],
            env=environment(),
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        try:
            yield child
        finally:
            child.kill()
            child.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """On loopback; each worker does one pass at a time."""
    where = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        here = ("--host", "127.0.0.1")
        args = (*here, "--port", "0", "--no-dashboard", "--scheduler-file", str(where))
        scheduler = stack.enter_context(process(tmp_path, "dask_scheduler", *args, "--idle-timeout", "300s"))
        until(lambda: where.exists() and where.read_text().endswith("}"), scheduler)
        made = Cluster(json.loads(where.read_text())["address"], tmp_path)
        for name in ("ada", "bob"):
            args = (made.address, *here, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", name)
            made.workers[name] = stack.enter_context(process(tmp_path, "dask_worker", *args))
        with client_of(made.address) as client:
            client.wait_for_workers(2, timeout=60)
        yield made


def until(is_so: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    while not is_so():
        assert child.poll() is None, "it ended by itself"


def kill_while_it_works(cluster: Cluster, name: str) -> None:
    """Once the worker has a pass in hand."""
    with client_of(cluster.address) as client:
        addresses = {one["name"]: at for at, one in client.scheduler_info(n_workers=-1)["workers"].items()}
        until(lambda: bool(client.processing()[addresses[name]]), cluster.workers[name])
    os.kill(cluster.workers[name].pid, signal.SIGKILL)


def test_a_killed_worker_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=120)
    killer = threading.Thread(target=kill_while_it_works, args=(cluster, "ada"))
    killer.start()
    run(small(path), tmp_path / "cluster", HowToRun(scheduler=cluster.address, runs_per_pass=1))
    killer.join()
    assert cluster.workers["ada"].wait() == -signal.SIGKILL
    assert cluster.workers["bob"].poll() is None
    run(small(path), tmp_path / "pool", HowToRun(workers=2))
    run(small(path), tmp_path / "here", HowToRun(workers=1))
    for name in ("runs.csv", "result.json", "index.html"):
        here = (tmp_path / "here" / name).read_bytes()
        assert (
            here == (tmp_path / "pool" / name).read_bytes() == (tmp_path / "cluster" / name).read_bytes()
        ), name


def test_what_is_wrong_is_told_from_a_worker_too(cluster: Cluster, tmp_path: Path) -> None:
    wanted = small(market(tmp_path / "a.gz", seconds=60), starts=["+0.06s"])
    with pytest.raises(InvalidRequest, match=r"a\.gz: order .* starts at .*, and the recording's books"):
        run(wanted, tmp_path / "out", HowToRun(scheduler=cluster.address))


def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twap_server.lab.workers._CONNECT_S", 1)
    how = HowToRun(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(
        UnavailableError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 .*dask scheduler"
    ):
        run(small(market(tmp_path / "a.gz", seconds=60)), tmp_path / "out", how)

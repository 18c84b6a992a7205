"""The wheels install by themselves: pip and a fresh environment give a working client and server."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("twap-models", "twap-client", "twap-server")
LONG_S = 300

PROGRAM = """
from twap_client.sync import TwapClient

with TwapClient(username="demo", password="demo-password") as client:
    client.market.orderbook("binance", "BTC-USDT")
    made = client.orders.submit(
        exchange="binance", symbol="BTC-USDT", quantity="0.02", duration="2s", slices=2
    )
    print(client.orders.wait_until_closed(made, timeout=60).status.value)
"""


def run(*command: str | Path, folder: Path = ROOT, **variables: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=bare() | variables,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bare() -> dict[str, str]:
    """Without what would let the code of this repository be found."""
    hidden = ("PYTHON", "TWAP_", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


@contextmanager
def demo(program: Path, folder: Path) -> Iterator[str]:
    """Run the installed server; give its address."""
    command = [str(program), "start", "--demo", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=bare(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        impatience = threading.Timer(LONG_S, server.kill)
        impatience.start()
        try:
            lines = iter(server.stdout)
            found = next(filter(None, (re.search(r"listens on (http://\S+)", line) for line in lines)), None)
            assert found is not None, "the server did not come up"
            reading = threading.Thread(target=lambda: list(lines), daemon=True)
            reading.start()
            yield found[1]
        finally:
            impatience.cancel()
            server.terminate()


@pytest.mark.long
def test_a_plain_installation_works(tmp_path: Path) -> None:
    dist, fresh = tmp_path / "dist", tmp_path / "fresh"
    for package in PACKAGES:
        build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", dist)
        run(*build, folder=ROOT / "packages" / package)
    run(sys.executable, "-m", "venv", fresh)
    wheels = ("--find-links", dist, "twap-client[cli]", "twap-server")
    run(fresh / "bin/python", "-m", "pip", "install", "-q", *wheels)
    where = run(
        fresh / "bin/python", "-c", "import twap_client; print(twap_client.__file__)", folder=tmp_path
    )
    assert Path(where.strip()).is_relative_to(fresh)
    with demo(fresh / "bin/twap-server", tmp_path) as url:
        told = run(fresh / "bin/python", "-c", PROGRAM, folder=tmp_path, TWAP_SERVER_URL=url)
        assert told.strip() == "Filled"
        listed = run(fresh / "bin/twap", "exchanges", folder=tmp_path, TWAP_SERVER_URL=url)
        assert "binance" in listed

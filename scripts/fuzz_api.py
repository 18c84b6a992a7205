"""``hatch run fuzz:api --cases N``: every operation of the OpenAPI document against a server of its own.

Starts ``twap-server start --demo`` on loopback with its rates raised, and lets Schemathesis send made-up and
deliberately wrong requests, signed in and anonymous, until so many were answered. Exit code 1 when an answer
was a 5xx (but a documented 503 with Retry-After), was of a status, type or shape that the document does not
name, or when the server logged an exception. ``--seed`` repeats a run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKS = (
    "no_fault_of_ours",
    "refusals_are_problems",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "strangers_are_refused",
)
SERVER = {
    "TWAP_API__RATES__READS_PER_MINUTE": "10000000",
    "TWAP_API__RATES__CANDLES_PER_MINUTE": "10000000",
    "TWAP_API__PASSWORDS__MEMORY_KIB": "64",
    "TWAP_API__PASSWORDS__PASSES": "1",
    "TWAP_API__PASSWORDS__LANES": "1",
    "TWAP_API__PASSWORDS__MAX_FAILURES": "10000000",
    "TWAP_API__PASSWORDS__MAX_FAILURES_PER_ADDRESS": "10000000",
    "TWAP_API__PASSWORDS__MAX_FAILURES_PER_NAME": "10000000",
    "TWAP_API__ACCOUNTS_PER_ADDRESS_PER_DAY": "10000000",
    "TWAP_API__BOOK_WAIT": "PT0.2S",
    "TWAP_ENGINE__MAX_OPEN_ORDERS": "1000000",
}
"""Bounds on how often are raised: else nearly every answer would be 429."""
_MARKS = ("Traceback (most recent call last)", "ERROR")
_ROUNDS_OF_EDGES = 2
"""One signed in, one anonymous: what they send is always the same."""


@dataclass
class Run:
    """What was asked for, and what came of it."""

    cases: int
    seconds: float
    seed: int
    folder: Path
    statuses: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def main() -> int:
    """Run and give the exit code."""
    given = _options()
    with tempfile.TemporaryDirectory(prefix="twap-fuzz-") as folder:
        run = Run(given.cases, given.seconds, given.seed, Path(folder))
        (run.folder / "schemathesis.toml").write_text("[auth]\nauto-signup = false\n", encoding="utf-8")
        with _server(run.folder, given.database) as (url, log):
            started = time.monotonic()  # a slow start of the server takes nothing from the rounds
            _rounds(run, url, log, edges=given.edges, until=started + run.seconds)
        took = time.monotonic() - started
    if not run.statuses:
        run.failed.append("nothing was answered")
    by_status = ", ".join(f"{status}: {count}" for status, count in sorted(run.statuses.items()))
    print(f"{run.statuses.total()} cases in {took:.0f} s, from seed {run.seed} on; {by_status}")
    for words in run.failed:
        print(f"finding: {words}")
    return 1 if run.failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Every operation of the OpenAPI document, with odd requests."
    )
    parser.add_argument("--cases", type=int, default=2_000, help="requests to send, at least")
    parser.add_argument("--seconds", type=float, default=86_400, help="begin no round after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edges", action="store_true", help="first try the edges of every parameter")
    parser.add_argument("--database", default="", help="the server's; default: SQLite in a temporary folder")
    return parser.parse_args()


def _rounds(run: Run, url: str, log: Path, *, edges: bool, until: float) -> None:
    """Rounds of all operations, every other one anonymous, until there were enough cases or findings."""
    number = 0
    while run.statuses.total() < run.cases and time.monotonic() < until and not run.failed:
        left = run.cases - run.statuses.total()
        phases = "examples,coverage,fuzzing" if edges and number < _ROUNDS_OF_EDGES else "examples,fuzzing"
        _round(run, url, number, phases=phases, examples=max(1, min(50, left // 60)))
        number += 1
        told = log.read_text("utf-8", errors="replace")
        if any(mark in told for mark in _MARKS):
            run.failed.append(f"the server logged an exception:\n{told[-4_000:]}")


def _round(run: Run, url: str, number: int, *, phases: str, examples: int) -> None:
    """All operations once, so many examples each."""
    figures = run.folder / "figures.json"
    figures.unlink(missing_ok=True)
    signed_in = number % 2 == 0
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--no-color"]
    command += ["--phases", phases, "--checks", ",".join(CHECKS), "--max-examples", str(examples)]
    command += ["--seed", str(run.seed + number), "--generation-database", "none", "--continue-on-failure"]
    command += ["--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "20"]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "fuzz.api_hooks",
        "PYTHONPATH": str(ROOT / "tests"),
        "TWAP_FUZZ_URL": url,
        "TWAP_FUZZ_USER": "demo",
        "TWAP_FUZZ_PASSWORD": "demo-password",
        "TWAP_FUZZ_SIGNED_IN": "1" if signed_in else "",
        "TWAP_FUZZ_FIGURES": str(figures),
    }
    ended = subprocess.run(
        command, cwd=run.folder, env=environment, capture_output=True, text=True, check=False
    )
    if figures.exists():
        run.statuses.update(json.loads(figures.read_text("utf-8")))
    if ended.returncode or not figures.exists():
        who = "signed in" if signed_in else "anonymous"
        run.failed.append(f"round {number}, {who}:\n{ended.stdout}{ended.stderr}")


@contextmanager
def _server(folder: Path, database: str) -> Iterator[tuple[str, Path]]:
    """A server on the simulated market; gives its URL and the file of its log."""
    log = folder / "server.log"
    command = [sys.executable, "-m", "twap_server", "start", "--demo", "--port", "0"]
    environment = os.environ | SERVER | ({"TWAP_DATABASE": database} if database else {})
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=written, text=True
        )
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[3], log
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    sys.exit(main())

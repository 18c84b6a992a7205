"""A replay theatre as people start it: ``twap-server replay --serve``, in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.tapes import market


@contextmanager
def theatre(
    folder: Path, orders: Sequence[Mapping[str, Any]], *, seconds: int = 60, more: Sequence[str] = ()
) -> Iterator[str]:
    """Replay a made market in ``folder`` with these orders and serve it; gives the base URL."""
    tape, asked = market(folder / "made.jsonl.gz", seconds=seconds), folder / "orders.json"
    asked.write_text(json.dumps(list(orders)))
    command = [sys.executable, "-m", "twap_server", "replay", str(tape), "--order", str(asked)]
    process = subprocess.Popen(
        [*command, "--serve", "--port", "0", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        urls = (found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        if not (url := next(urls, "")):
            pytest.fail("the theatre ended before it listened")
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

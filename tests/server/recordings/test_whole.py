"""recordings/whole.py: what a process that was killed left goes, what one at work writes stays."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from twap_server.recordings.whole import is_empty, written_whole

_WRITE = """
import sys
from pathlib import Path
from twap_server.recordings.whole import written_whole
with written_whole(Path(sys.argv[1]), field="--csv") as beside:
    (beside / "half").write_text("half")
    print("begun", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that writes into a folder until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        try:
            yield process
        finally:
            process.kill()


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_what_a_killed_process_left_goes_with_the_next(tmp_path: Path) -> None:
    with another(tmp_path) as process:
        process.kill()
        process.wait()
    assert len(names(tmp_path)) == 1 and is_empty(tmp_path)
    with written_whole(tmp_path, field="--csv") as beside:
        assert names(tmp_path) == [beside.name]
        (beside / "whole").write_text("whole")
    assert names(tmp_path) == ["whole"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_what_a_process_at_work_writes_stays(tmp_path: Path) -> None:
    with another(tmp_path) as process:
        (its_own,) = names(tmp_path)
        with written_whole(tmp_path, field="--csv") as beside:
            (beside / "mine").write_text("mine")
        assert names(tmp_path) == [its_own, "mine"]
        process.communicate()
    assert names(tmp_path) == ["half", "mine"]


def test_what_is_called_otherwise_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / ".new-things-of-mine").mkdir()
    (tmp_path / ".new-12345678").write_text("a file")
    with written_whole(tmp_path, field="--csv") as beside:
        (beside / "whole").write_text("whole")
    assert names(tmp_path) == [".new-12345678", ".new-things-of-mine", "whole"]
    assert not is_empty(tmp_path)

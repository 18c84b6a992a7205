"""lab/kept.py: no pass replaces what another has kept."""

import hashlib
from pathlib import Path

import msgspec

from twap_models.enums import OrderStatus
from twap_server.lab.figures import RunFigures
from twap_server.lab.kept import KeptRuns


def figures(*names: str) -> list[RunFigures]:
    keys = [hashlib.sha256(one.encode()).hexdigest() for one in names]
    return [RunFigures(key=one, status=OrderStatus.FILLED) for one in keys]


def test_passes_of_one_size_and_first_run_are_kept_side_by_side(tmp_path: Path) -> None:
    kept = KeptRuns(tmp_path)
    kept.add(figures("a", "b"))
    kept.add(figures("a", "c"))
    kept.add(figures("a", "c"))
    found = kept.load([one.key for one in figures("a", "b", "c", "d")])
    assert sorted(found) == sorted(one.key for one in figures("a", "b", "c"))
    assert len(list((tmp_path / "kept").glob("*.json"))) == 2


def test_files_named_as_before_are_read(tmp_path: Path) -> None:
    kept, before = KeptRuns(tmp_path), figures("a", "b")
    (tmp_path / "kept" / f"{before[0].key[:32]}-2.json").write_bytes(msgspec.json.encode(before))
    kept.add(figures("c"))
    assert len(kept.load([one.key for one in figures("a", "b", "c")])) == 3

"""The audit of what we pin: a known hole is told, and what could not be asked is never called clean."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripts import audit

PINNED = "h11==0.14.0\nTyping_Extensions==4.16.0\npymdown==12.3 ; python_version < '3'\npymdown==13.1\n"
RECORD = {
    "id": "PYSEC-1",
    "modified": "2026-01-02T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "H11"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.16.0"}]}],
        }
    ],
}


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    file = tmp_path / "pins.txt"
    file.write_text(PINNED)
    return file


def dump(tmp_path: Path, *records: dict[str, Any]) -> Path:
    file = tmp_path / "all.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return file


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "0"}, {"fixed": "1.10"}], True),
        ([{"introduced": "0"}, {"fixed": "1.9"}], False),
        ([{"introduced": "1.9"}, {"fixed": "2"}], True),
        ([{"introduced": "1.9.1"}], False),
        ([{"introduced": "0"}, {"last_affected": "1.9"}], True),
        ([{"introduced": "0"}, {"last_affected": "1.8"}], False),
        ([{"fixed": "3"}, {"introduced": "2"}, {"fixed": "1.2"}, {"introduced": "1"}], False),
        ([{"introduced": "2"}, {"fixed": "1.2"}, {"introduced": "1.5"}, {"fixed": "1.2"}], True),
        ([{"introduced": "0"}, {"fixed": "not a version"}], True),
        ([{"introduced": "not a version"}], True),
        ([], False),
    ],
)
def test_a_range_is_read_as_versions_are_ordered(events: list[dict[str, str]], expected: bool) -> None:
    assert audit.within("1.9", events) is expected


def test_a_dump_tells_what_fits_and_of_when_it_is(
    pins: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = (
        RECORD | {"id": "gone", "withdrawn": "2026-01-01T00:00:00Z"},
        RECORD | {"id": "npm", "affected": [
            {"package": {"ecosystem": "npm", "name": "h11"}, "versions": ["0.14.0"]}]},
        RECORD | {"id": "listed", "affected": [
            {"package": {"ecosystem": "PyPI", "name": "pymdown"}, "versions": ["12.3"]}]},
    )  # fmt: skip
    code = audit.main(["--pins", str(pins), "--database", str(dump(tmp_path, RECORD, *others))])
    told = capsys.readouterr().out
    assert code == 1
    assert "h11 0.14.0: PYSEC-1, fixed in 0.16.0" in told and "pymdown 12.3: listed, fixed in not yet" in told
    assert "gone" not in told and "npm" not in told
    assert "3 packages, 4 records, the newest of 2026-01-02: holes are known" in told
    pins.write_text("h11==0.16.0\n")
    assert audit.main(["--pins", str(pins), "--database", str(dump(tmp_path, RECORD))]) == 0
    assert "no hole is known" in capsys.readouterr().out


def test_a_folder_of_records_serves_too_and_an_empty_one_is_no_clean_bill(
    pins: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    assert audit.main(["--pins", str(pins), "--database", str(folder)]) == 3
    assert "NOT AUDITED" in capsys.readouterr().err
    (folder / "a.json").write_text(json.dumps(RECORD))
    assert audit.main(["--pins", str(pins), "--database", str(folder)]) == 1


FAKE = """
import json, sys
wanted = open(sys.argv[sys.argv.index("--requirement") + 1]).read().split()
assert "osv" in sys.argv and wanted == ["h11==0.14.0", "pymdown==13.1", "typing-extensions==4.16.0"], wanted
{answer}
"""


@pytest.fixture
def pip_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a program with this end in the place of ``pip-audit``."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    return lambda answer: (tmp_path / "pip_audit.py").write_text(FAKE.format(answer=answer)) and None


def answering(*dependencies: dict[str, Any]) -> str:
    return f"print({json.dumps(json.dumps({'dependencies': dependencies}))})"


CLEAN = [
    {"name": name, "version": version, "vulns": []}
    for name, version in (("h11", "0.14.0"), ("pymdown", "13.1"), ("typing-extensions", "4.16.0"))
]
HOLE = {"name": "h11", "version": "0.14.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.16.0"]}]}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (answering(*CLEAN), (0, "3 packages, asked at https://api.osv.dev/v1/query: no hole is known")),
        (answering(HOLE, *CLEAN[1:]), (1, "h11 0.14.0: PYSEC-1, fixed in 0.16.0")),
        (answering({"name": "h11", "skip_reason": "not found"}, *CLEAN[1:]), (3, "told nothing of h11")),
        (answering(*CLEAN[1:]), (3, "NOT AUDITED")),
        ("sys.exit('ConnectionError: no name')", (3, "NOT AUDITED: ConnectionError: no name")),
        ("", (3, "NOT AUDITED: pip-audit said nothing")),
    ],
)
def test_what_the_service_did_not_tell_is_not_called_clean(
    pins: Path,
    pip_audit: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    answer: str,
    told: tuple[int, str],
) -> None:
    pip_audit(answer)
    assert audit.main(["--pins", str(pins)]) == told[0]
    assert told[1] in "".join(capsys.readouterr())


def test_every_pin_of_ours_can_be_read() -> None:
    found = audit.pins(audit.PINS)
    assert len(found) > 100 and all(versions for versions in found.values())

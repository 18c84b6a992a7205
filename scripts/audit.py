"""``hatch run supply:audit``: are holes known in what we pin?

Asks the service of OSV (osv.dev) through ``pip-audit`` about what ``requirements/constraints.txt`` pins.
Without the internet: ``--database FILE`` reads a dump of OSV's records of PyPI (a ZIP, or a folder of JSON
files) that was brought here in some other way.

Exit code: 0 none is known, 1 some are, 3 nobody could be asked (of all, or of some): that is no clean bill.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements/constraints.txt"
NONE, SOME, NOT_ASKED = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Hole:
    """A record that fits a version of ours."""

    package: str
    version: str
    record: str
    fixed: str


def main(arguments: list[str] | None = None) -> int:
    """Audit; give the exit code."""
    parser = argparse.ArgumentParser(description="Are holes known in what we pin?")
    parser.add_argument(
        "--database", type=Path, help="a dump of OSV's records of PyPI: ZIP, or folder of JSON"
    )
    parser.add_argument("--pins", type=Path, default=PINS, help="a file of NAME==VERSION lines")
    parser.add_argument("--osv-url", default="https://api.osv.dev/v1/query", help="the service to ask")
    given = parser.parse_args(arguments)
    pinned = pins(given.pins)
    if given.database:
        return _offline(given.database, pinned)
    return _online(given.osv_url, pinned)


def pins(file: Path) -> dict[str, list[str]]:
    """Versions by name; several where markers tell them apart."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in file.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            wanted = Requirement(line)
            found[canonicalize_name(wanted.name)] += [one.version for one in wanted.specifier]
    return dict(found)


def _offline(database: Path, pinned: Mapping[str, list[str]]) -> int:
    newest, holes, count = "", set(), 0
    for record in records(database):
        count += 1
        newest = max(newest, str(record.get("modified", "")))
        holes |= set(fitting(record, pinned))
    if not count:
        return _not_asked(f"{database} holds no records of OSV")
    return _tell(holes, f"{len(pinned)} packages, {count:,} records, the newest of {newest[:10]}")


def records(database: Path) -> Iterator[Mapping[str, Any]]:
    """Read a dump, one JSON file a record."""
    if database.is_dir():
        yield from (json.loads(file.read_bytes()) for file in sorted(database.rglob("*.json")))
        return
    with zipfile.ZipFile(database) as archive:
        yield from (json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json"))


def fitting(record: Mapping[str, Any], pinned: Mapping[str, list[str]]) -> Iterator[Hole]:
    """Our versions that a record names, by its list of versions or by its ranges."""
    if record.get("withdrawn"):
        return
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        for version in pinned.get(name, ()) if package.get("ecosystem") == "PyPI" else ():
            ranges = [one for one in affected.get("ranges", ()) if one.get("type") == "ECOSYSTEM"]
            in_range = [one for one in ranges if within(version, one.get("events", ()))]
            if version in affected.get("versions", ()) or in_range:
                fixed = [event["fixed"] for one in ranges for event in one["events"] if "fixed" in event]
                yield Hole(name, version, str(record.get("id", "unknown")), ", ".join(fixed) or "not yet")


def within(version: str, events: Iterable[Mapping[str, str]]) -> bool:
    """Whether a version lies in a range: introduced up to fixed, or up to the last that is affected."""
    own, is_in = Version(version), False
    points = [(bound, kind) for event in events for kind, at in event.items() if (bound := _bound(kind, at))]
    for at, kind in sorted(points, key=lambda point: (point[0], point[1] == "introduced")):
        if kind == "introduced" and own >= at:
            is_in = True
        elif (kind == "fixed" and own >= at) or (kind == "last_affected" and own > at):
            is_in = False
    return is_in


def _bound(kind: str, text: str) -> Version | None:
    """Where nobody can read it, it begins with the first version and has no end: better a hole too many."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0") if kind == "introduced" else None


def _online(url: str, pinned: Mapping[str, list[str]]) -> int:
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--osv-url", url]
    command += [
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "10",
    ]
    # A file of our own: markers of other platforms would leave packages out.
    lines = "".join(f"{name}=={versions[-1]}\n" for name, versions in sorted(pinned.items()))
    with tempfile.TemporaryDirectory(prefix="twap-audit-") as folder:
        file = Path(folder) / "pins.txt"
        file.write_text(lines, encoding="utf-8")
        command += ["--requirement", str(file)]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _not_asked((asked.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1])
    skipped = [one["name"] for one in answer if "skip_reason" in one]
    holes = {
        Hole(one["name"], one["version"], hole["id"], ", ".join(hole["fix_versions"]) or "not yet")
        for one in answer
        for hole in one.get("vulns", ())
    }
    code = _tell(holes, f"{len(answer) - len(skipped)} packages, asked at {url}")
    if code == NONE and (skipped or len(answer) < len(pinned)):
        return _not_asked(f"the service told nothing of {', '.join(skipped) or 'some'}")
    return code


def _tell(holes: Iterable[Hole], what: str) -> int:
    for hole in sorted(holes, key=lambda one: (one.package, one.record)):
        print(f"{hole.package} {hole.version}: {hole.record}, fixed in {hole.fixed}")
    print(f"{what}: {'holes are known' if holes else 'no hole is known'}")
    return SOME if holes else NONE


def _not_asked(why: str) -> int:
    print(f"NOT AUDITED: {why}", file=sys.stderr)
    return NOT_ASKED


if __name__ == "__main__":
    sys.exit(main())

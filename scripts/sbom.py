"""``hatch run supply:sbom``: a bill of materials (CycloneDX 1.6, JSON) beside each wheel in ``dist``.

Each wheel is installed with all its extras and the pins of ``requirements/constraints.txt`` into an empty
environment; what is there then is the bill, which ``cyclonedx-py`` writes and holds against the schema. Then
it gets the files of others in the package (``vendored.json``), and is held against the pins, the licences
we accept, and ``docs/stack.md``. Nothing in it is random: the same wheels give the same bytes, with the time
of ``SOURCE_DATE_EPOCH`` or none. The exit code is 1 when something is wrong.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
EXTRAS = {
    "twap-models": "",
    "twap-client": "[cli,pandas,polars,socks,tui]",
    "twap-server": "[ccxt,cluster,dask,fast,oidc,parquet,postgresql,socks]",
}
ACCEPTED = {"Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0"}
EXCEPTIONS = {
    "certifi": {"MPL-2.0"},
    "numpy": {"0BSD", "CC0-1.0", "Zlib"},
    "aiohappyeyeballs": {"Python-2.0"},
}
"""Mozilla's list of certificate authorities, whose licence binds changes of that list alone; parts of numpy,
under licences that ask for less than the others; parts of Python, under its own."""
STATED = {"partd": {"BSD-3-Clause"}}
"""What a package's licence file says, where nothing else of it names the licence as a bill does."""
_NAMES = {"BSD License": "BSD", "Apache Software License": "Apache-2.0"}
"""Where a package names its licence by a classifier only."""


_MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"


def main() -> int:
    """Write a bill for each wheel; give the exit code."""
    found = []
    for package in EXTRAS:
        file = _bill(package, _wheel(package))
        others = vendored(package)
        bill = json.loads(file.read_text("utf-8"))
        bill["components"] += others
        file.write_text(json.dumps(bill, indent=2), encoding="utf-8")
        known = pins() | {plain(part["name"]): part["version"] for part in others}
        found += [f"{file.name}: {fault}" for fault in faults(bill, known, documented())]
        print(f"{file.relative_to(ROOT)}: {len(bill['components'])} components")
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


def pins() -> dict[str, str]:
    """Versions by name, as ``requirements/constraints.txt`` has them, but for those that differ by marker."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "requirements/constraints.txt").read_text("utf-8").splitlines():
        name, _, rest = line.partition("==")
        found.setdefault(plain(name), set()).add(rest.partition(";")[0].strip())
    return {name: min(versions) for name, versions in found.items() if len(versions) == 1}


def vendored(package: str) -> list[dict[str, Any]]:
    """Components of a bill: files of others that are in the package's wheel, by each ``vendored.json``."""
    found = []
    for place in sorted((ROOT / "packages" / package / "src").glob("**/vendored.json")):
        of = json.loads(place.read_text("utf-8"))
        address = f"pkg:npm/{of['package']}@{of['version']}"
        found.append(
            {
                "bom-ref": address,
                "hashes": [{"alg": "SHA-512", "content": base64.b64decode(of["archive"][7:]).hex()}],
                "licenses": [{"license": {"id": of["licence"]}}],
                "name": of["package"],
                "purl": address,
                "type": "library",
                "version": of["version"],
            }
        )
    return found


def documented() -> dict[str, set[str]]:
    """Licences of direct dependencies, as ``docs/stack.md`` tells them."""
    page = (ROOT / "docs/stack.md").read_text("utf-8").partition("<!-- list: dependencies -->")[2]
    rows = (re.split(r" *\| *", line.strip("| ")) for line in page.splitlines() if line.startswith("| "))
    return {
        plain(row[0]): set(row[3].split(" and "))
        for row in rows
        if len(row) == 4 and row[3] not in ("licence", "---")
    }


def faults(bill: Mapping[str, Any], pinned: Mapping[str, str], told: Mapping[str, set[str]]) -> Iterator[str]:
    """What in a bill is not as it should be."""
    for part in bill["components"]:
        name, version = plain(part["name"]), part["version"]
        if name in EXTRAS:
            continue
        if pinned.get(name) != version:
            yield f"{name} {version} is not what is pinned ({pinned.get(name)})"
        licences = licences_of(part) or STATED.get(name, set())
        if not licences or licences - ACCEPTED - EXCEPTIONS.get(name, set()):
            yield f"{name}: no licence that we accept ({', '.join(sorted(licences)) or 'none named'})"
        if name in told and licences != told[name]:
            yield f"{name}: docs/stack.md says {sorted(told[name])}, the package {sorted(licences)}"


def licences_of(part: Mapping[str, Any]) -> set[str]:
    """SPDX ids of a component; a classifier counts only where there is nothing better."""
    given = part.get("licenses", [])
    exact = {one["license"]["id"] for one in given if "id" in one.get("license", {})}
    for one in given:
        exact |= set(re.split(r" (?:AND|OR) ", one.get("expression", ""))) - {""}
    named = {
        one["license"]["name"].rpartition(" :: ")[2] for one in given if "name" in one.get("license", {})
    }
    return exact or {_NAMES.get(name, name) for name in named}


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _wheel(package: str) -> Path:
    found = sorted(DIST.glob(f"{package.replace('-', '_')}-*.whl"))
    if not found:
        raise SystemExit(f"there is no wheel of {package} in dist: hatch build --all")
    return found[-1]


def _bill(package: str, wheel: Path) -> Path:
    version = wheel.name.split("-")[1]
    file = DIST / f"{package.replace('-', '_')}-{version}.cdx.json"
    with tempfile.TemporaryDirectory(prefix="twap-bill-") as folder:
        python = _installed(Path(folder) / "venv", package, wheel)
        about = Path(folder) / "pyproject.toml"
        content = (ROOT / "packages" / package / "pyproject.toml").read_text("utf-8")
        about.write_text(content.replace('dynamic = ["version"]', f'version = "{version}"'), "utf-8")
        assert tomllib.loads(about.read_text("utf-8"))["project"]["version"] == version
        _run(
            _beside("cyclonedx-py"), "environment", str(python), "--pyproject", str(about),
            "--mc-type", "application", "--spec-version", "1.6", "--output-reproducible", "--validate",
            "--output-format", "JSON", "--output-file", str(file),
        )  # fmt: skip
        bill = json.loads(file.read_text("utf-8"))
        name_by_text(bill, Path(folder) / "venv")
        file.write_text(json.dumps(bill, indent=2), encoding="utf-8")
    return file


def name_by_text(bill: Mapping[str, Any], environment: Path) -> None:
    """Give a component that names no licence the one whose text it carries: picows is one."""
    places = [str(place) for place in environment.glob("**/site-packages")]
    installed = {plain(of.metadata["Name"]): of for of in distributions(path=places)}
    for part in bill["components"]:
        of = installed.get(plain(part["name"]))
        if not licences_of(part) and of is not None and _MIT in _licence_text(of):
            part["licenses"] = [{"license": {"id": "MIT"}}]


def _licence_text(of: Distribution) -> str:
    texts = [
        of.read_text(f"{where}{name}")
        for name in of.metadata.get_all("License-File", [])
        for where in ("licenses/", "")
    ]
    return " ".join(" ".join(filter(None, texts)).split())


def _installed(folder: Path, package: str, wheel: Path) -> Path:
    """An environment with a wheel and all that it needs, and nothing else: no pip."""
    _run(_beside("uv"), "venv", "-q", "--python", sys.executable, str(folder))
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = {f"{wheel}{EXTRAS[package]}", str(_wheel("twap-models"))} - {str(wheel)}
    _run(
        _beside("uv"), "pip", "install", "-q", "--python", str(python),
        "-c", str(ROOT / "requirements/constraints.txt"), *sorted(wanted or {str(wheel)}),
    )  # fmt: skip
    for place in folder.rglob("twap_*.dist-info/direct_url.json"):
        place.unlink()  # says where the wheel lay on this machine
    return python


def _beside(program: str) -> str:
    found = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} is missing: hatch run supply:sbom")
    return found


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())

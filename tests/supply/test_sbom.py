"""The bill of materials: a part not as pinned, or under a licence we do not accept, fails the build."""

import json
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from scripts import sbom


def part(name: str, version: str, *licences: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": version, "licenses": list(licences)}


def spdx(text: str) -> dict[str, Any]:
    return {"license": {"id": text}}


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (part("h11", "0.16.0", spdx("MIT")), None),
        (part("H11", "0.16.0", spdx("MIT")), None),
        (part("h11", "0.15.0", spdx("MIT")), "h11 0.15.0 is not what is pinned (0.16.0)"),
        (part("other", "1.0", spdx("MIT")), "other 1.0 is not what is pinned (None)"),
        (part("h11", "0.16.0"), "no licence that we accept (none named)"),
        (
            part("h11", "0.16.0", spdx("MIT"), spdx("GPL-3.0-only")),
            "no licence that we accept (GPL-3.0-only, MIT)",
        ),
        (part("h11", "0.16.0", spdx("MPL-2.0")), "no licence that we accept (MPL-2.0)"),
        (part("certifi", "1", spdx("MPL-2.0")), None),
        (part("h11", "0.16.0", {"expression": "MIT AND GPL-2.0-only"}), "no licence that we accept"),
        (part("h11", "0.16.0", spdx("ISC")), "docs/stack.md says ['MIT'], the package ['ISC']"),
        (part("jinja2", "3", {"license": {"name": "License :: OSI Approved :: BSD License"}}), None),
        (part("jinja2", "3", {"license": {"name": "License :: Other"}}), "no licence that we accept (Other)"),
        (part("twap-models", "0.1.0"), None),
    ],
)
def test_what_is_not_as_it_should_be_is_found(component: dict[str, Any], words: str | None) -> None:
    pinned = {"h11": "0.16.0", "certifi": "1", "jinja2": "3"}
    found = "\n".join(sbom.faults({"components": [component]}, pinned, {"h11": {"MIT"}}))
    assert words in found if words else found == ""


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        (
            "Permission is hereby granted, free of charge,\nto any person obtaining a copy of this software",
            {"MIT"},
        ),
        ("All rights reserved.", set()),
        (None, set()),
    ],
)
def test_a_package_that_names_no_licence_has_the_one_whose_text_it_carries(
    tmp_path: Path, text: str | None, licences: set[str]
) -> None:
    folder = tmp_path / "lib/site-packages/silent-1.0.dist-info"
    (folder / "licenses").mkdir(parents=True)
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: silent\nVersion: 1.0\nLicense-File: LICENSE\n"
    )
    if text is not None:
        (folder / "licenses/LICENSE").write_text(text)
    bill = {"components": [part("silent", "1.0"), part("absent", "1.0")]}
    sbom.name_by_text(bill, tmp_path)
    assert [sbom.licences_of(of) for of in bill["components"]] == [licences, set()]


def test_the_lists_it_is_held_against_are_read() -> None:
    assert sbom.pins()["h11"] == metadata("h11")["Version"], "this environment is pinned, too"
    told = sbom.documented()
    assert told["prometheus-client"] == {"Apache-2.0", "BSD-2-Clause"}
    assert len(told) > 20 and set().union(*told.values()) <= sbom.ACCEPTED


def test_every_wheel_has_one_and_its_extras_are_all_there_are() -> None:
    for package, extras in sbom.EXTRAS.items():
        file = sbom.ROOT / "packages" / package / "pyproject.toml"
        project = tomllib.loads(file.read_text("utf-8"))["project"]
        names = sorted(project.get("optional-dependencies", {}))
        assert extras == (f"[{','.join(names)}]" if names else "")
        assert 'dynamic = ["version"]' in file.read_text("utf-8")


def test_without_wheels_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sbom, "DIST", tmp_path)
    with pytest.raises(SystemExit, match="hatch build"):
        sbom.main()


@pytest.mark.parametrize("file", sorted(sbom.DIST.glob("*.cdx.json")), ids=lambda file: file.name)
def test_bills_that_were_made_here_are_right_and_tell_nothing_of_this_machine(file: Path) -> None:
    bill = json.loads(file.read_text("utf-8"))
    assert bill["metadata"]["component"]["version"] in file.name
    assert "serialNumber" not in bill
    assert "file:" not in file.read_text("utf-8") and str(sbom.ROOT) not in file.read_text("utf-8")

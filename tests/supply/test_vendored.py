"""Files of others in our wheels are those that were published, whole and with their licence."""

import json
from pathlib import Path

import pytest
from scripts import sbom, vendor

MANIFESTS = vendor.manifests()
IN_WHEELS = [place for place in MANIFESTS if "tests" not in place.relative_to(vendor.ROOT).parts]


def test_there_are_some() -> None:
    packages = {json.loads(place.read_text("utf-8"))["package"] for place in MANIFESTS}
    assert {"swagger-ui-dist", "preact", "lightweight-charts"} <= packages


@pytest.mark.parametrize("place", [*MANIFESTS, *vendor.of_tools()], ids=lambda place: place.parent.name)
def test_each_file_is_as_it_was_published(place: Path) -> None:
    listed = json.loads(place.read_text("utf-8"))
    there = {file.name: vendor.sha256(file.read_bytes()) for file in place.parent.iterdir() if file != place}
    assert there == {Path(name).name: digest for name, digest in listed["files"].items()}
    assert there.keys() & {"LICENSE", "LICENCE.md"}


def test_the_bill_of_the_server_names_them() -> None:
    parts, told = sbom.vendored("twap-server"), sbom.documented()
    assert len(parts) == len(IN_WHEELS)
    for part in parts:
        assert part["purl"] == f"pkg:npm/{part['name']}@{part['version']}"
        assert part["hashes"][0]["content"].isalnum() and len(part["hashes"][0]["content"]) == 128
        assert (
            list(sbom.faults({"components": [part]}, {sbom.plain(part["name"]): part["version"]}, told)) == []
        )
        assert sbom.plain(part["name"]) in told, "docs/stack.md says why it is there"

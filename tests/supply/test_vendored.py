"""Files of others in our wheels are those that were published, whole and with their licence."""

import json
from pathlib import Path

import pytest
from scripts import sbom, vendor

MANIFESTS = vendor.manifests()


def test_there_are_some() -> None:
    assert [json.loads(place.read_text("utf-8"))["package"] for place in MANIFESTS] == ["swagger-ui-dist"]


@pytest.mark.parametrize("place", MANIFESTS, ids=lambda place: place.parent.name)
def test_each_file_is_as_it_was_published(place: Path) -> None:
    listed = json.loads(place.read_text("utf-8"))
    there = {file.name: vendor.sha256(file.read_bytes()) for file in place.parent.iterdir() if file != place}
    assert there == listed["files"]
    assert "LICENSE" in there


def test_the_bill_of_the_server_names_them() -> None:
    (part,) = sbom.vendored("twap-server")
    assert part["purl"] == f"pkg:npm/swagger-ui-dist@{part['version']}"
    assert part["hashes"][0]["content"].isalnum() and len(part["hashes"][0]["content"]) == 128
    told = sbom.documented()
    assert list(sbom.faults({"components": [part]}, {part["name"]: part["version"]}, told)) == []
    assert told[part["name"]] == {"Apache-2.0"}

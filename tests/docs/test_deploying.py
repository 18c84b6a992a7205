"""What is shipped for Docker and Grafana names settings, extras, modules and numbers that exist."""

import json
import re
import tomllib
from typing import Any

import pytest

from docs.pages import ROOT, table
from twap_server import settings
from twap_server.cluster.config import Role

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")
COMPOSE_OF_NODES = (ROOT / "compose.cluster.yaml").read_text("utf-8")
PANELS = json.loads((ROOT / "docs/grafana.json").read_text("utf-8"))["panels"]
NAME = re.compile(r"\b(?:twap|process)_\w+")
_ALERTS = (ROOT / "docs/monitoring.md").read_text("utf-8")
_ENDS = re.compile(r"_(?:bucket|sum|count)$")
_FIRST_LEVEL = ("packages", "requirements/constraints.txt")


def loaded(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> settings.Settings:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return settings.load(file=None, flags={}, environment=given)


def test_the_image_sets_what_the_server_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, dict(re.findall(r"\b(TWAP_\w+)=(\S+)", DOCKERFILE)))
    assert found.host == "0.0.0.0" and found.port == 8000  # noqa: S104
    assert found.api.registration == "invite", "whoever reaches a published port could make an account"


def test_compose_sets_what_the_server_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        name: re.sub(r"\$\{\w+(:\?[^}]*)?\}", "along3password", value)
        for name, value in re.findall(r"^ +(TWAP_\w+): (.+)$", COMPOSE, re.MULTILINE)
    }
    found = loaded(monkeypatch, given)
    assert found.database == "postgresql://twap:along3password@database/twap"
    assert found.api.first_user == "along3password"


def test_no_secret_is_written_down() -> None:
    for text in (DOCKERFILE, COMPOSE):
        for name, value in re.findall(r"(\w*(?:PASSWORD|SECRET|KEY)\w*)[=:] ?(\S*)", text):
            assert value.startswith("${"), name


def test_compose_of_nodes_sets_what_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    word = "long3password" * 3
    given = {
        name: re.sub(r"\$\{\w+(:\?[^}]*)?\}", word, value.partition("  #")[0].strip("'"))
        for name, value in re.findall(r"^ +(TWAP_\w+): (.+)$", COMPOSE_OF_NODES, re.MULTILINE)
    }
    found = loaded(monkeypatch, given)
    assert found.database == f"postgresql://twap:{word}@database/twap"
    assert found.cluster.nats == f"nats://twap:{word}@nats:4222"
    assert found.signing_key is not None
    roles = re.findall(r'command: \["node", "--role", "(\w+)"\]', COMPOSE_OF_NODES)
    assert roles == [role.value for role in Role]
    proxy = found.api.trusted_proxies[0]
    assert f"ipv4_address: {str(proxy).removesuffix('/32')}" in COMPOSE_OF_NODES


def test_words_of_compose_that_the_reader_gives_are_told() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    page = (ROOT / "docs/docker.md").read_text("utf-8")
    assert asked == set(re.findall(r"^([A-Z_]+)=", page, re.MULTILINE)) and len(asked) == 3


def test_the_image_is_not_run_as_root_and_is_looked_at() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last and "gcc" not in last


def test_the_image_takes_what_is_there() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    assert sorted(copied) == sorted(_FIRST_LEVEL)
    assert all((ROOT / path).exists() and f"!{path}" in ignored for path in copied)
    for package, extras in re.findall(r"\./packages/([\w-]+)\[([\w,]+)\]", DOCKERFILE):
        project = tomllib.loads((ROOT / f"packages/{package}/pyproject.toml").read_text("utf-8"))["project"]
        assert set(extras.split(",")) <= set(project["optional-dependencies"])


def expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel.get("targets", ())]


def test_panels_and_alerts_ask_for_numbers_that_exist() -> None:
    """The table of metrics is held against a real server by another test."""
    known = table("metrics") | table("metrics of nodes")
    alerts = re.findall(r"expr: (.+)", _ALERTS)
    assert len(expressions()) > 15 and len(alerts) > 3
    for text in [*expressions(), *alerts]:
        for name in NAME.findall(text):
            assert name in known or _ENDS.sub("", name) in known, f"{name} in {text}"
            assert "the old name" not in known.get(name, ["", ""])[1], name


def test_panels_use_labels_that_exist() -> None:
    known = table("metrics") | table("metrics of nodes")
    for text in expressions():
        labels = {label for name in NAME.findall(text) for label in labels_of(known, name)}
        used = {one for words in re.findall(r"by \(([^)]+)\)", text) for one in words.split(", ")}
        used |= set(re.findall(r"(\w+)=\"", text))
        assert used <= labels | {"instance", "job", "le"}, text


def labels_of(known: dict[str, Any], name: str) -> set[str]:
    cells = known.get(name) or known[_ENDS.sub("", name)]
    return set(re.findall(r"`(\w+)`", cells[0]))


def test_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("page", ["systemd", "operations"])
def test_the_servers_user_has_a_home_to_write_to(page: str) -> None:
    """With PostgreSQL the signing key is kept there; a user without one has a server that does not start."""
    text = (ROOT / f"docs/{page}.md").read_text("utf-8")
    made, folders = re.findall(r"^useradd .*$", text, re.MULTILINE), re.findall(r"^install -d .*$", text, re.MULTILINE)
    assert made and all("--home-dir /var/lib/twap " in line for line in made)
    assert any(line.startswith("install -d -o twap ") and line.endswith(" /var/lib/twap") for line in folders)

"""Lists in the docs name exactly what the code has."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel, TypeAdapter

from bites.cases import BITES
from docs.pages import PAGES, ROOT, blocks, name_of, table, tables
from siege.attacks import ATTACKS
from siege.growth import FLAT
from twap_client.cli.app import app as client_app
from twap_models import ErrorCode, RejectReason, StrategyOrderRequest, TwapOrderRequest
from twap_models.enums import Strategy
from twap_models.strategies import PARAMETERS
from twap_server import settings
from twap_server.api.http.problems import STATUS
from twap_server.cli.main import FaultName
from twap_server.cli.main import app as server_app
from twap_server.domain.market.status import ConnectionState
from twap_server.lab.spec import read_spec
from twap_server.collector.config import ExchangeConfig
from twap_server.domain.go_live.table import RULES
from twap_server.exchanges.taker_fees import LOOKED_UP, TAKER_FEES
from twap_server.venue.faults import NAMES
from twap_server.venue.registry import PROTOCOLS

COMPARED = {
    "amend options",
    "attacks",
    "codes",
    "commands",
    "dependencies",
    "exchange states",
    "fault cases",
    "faults",
    "flat",
    "go live rules",
    "guards",
    "metrics",
    "metrics of nodes",
    "order fields",
    "reject reasons",
    "replay options",
    "server commands",
    "settings",
    "simulated exchanges",
    "start options",
    "strategy fields",
    "submit options",
    "taker fees",
    "tools",
    "tournament options",
    "vendored",
    "venue options",
    "what-if options",
}
WORDS: dict[str, Any] = {"none": None, "empty": "", "`true`": True, "`{}`": {}, "`[]`": ()}


def commands_of(app: typer.Typer) -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def options_of(command: Any) -> set[str]:
    found = (param for param in command.params if param.param_type_name == "option")
    return {next(name for name in param.opts if name.startswith("--")) for param in found}


def first_words(name: str) -> set[str]:
    return {re.split(r"[ `,\[]", cell)[0] for cell in table(name)}


def second_words(name: str) -> set[str]:
    return {cell.split()[1] for cell in table(name)}


def test_every_marked_list_is_compared() -> None:
    assert tables() == COMPARED


def test_error_codes() -> None:
    listed = table("codes")
    assert list(listed) == [code.value for code in ErrorCode]
    assert {code: int(cells[0]) for code, cells in listed.items()} == {c.value: s for c, s in STATUS.items()}


def test_reject_reasons() -> None:
    assert set(table("reject reasons")) == {reason.value for reason in RejectReason}


def test_attacks() -> None:
    assert list(table("attacks")) == [one.name for one in ATTACKS]
    assert {name: cells[0] for name, cells in table("attacks").items()} == {
        one.name: one.number for one in ATTACKS
    }


def test_what_is_flat() -> None:
    numbers = {name: float(cells[0].split()[0]) for name, cells in table("flat").items()}
    assert numbers == FLAT


def test_exchange_states() -> None:
    assert list(table("exchange states")) == [state.value for state in ConnectionState]


def test_order_fields() -> None:
    listed = table("order fields")
    assert set(listed) == set(TwapOrderRequest.model_fields)
    required = {name for name, field in TwapOrderRequest.model_fields.items() if field.is_required()}
    assert {name for name, cells in listed.items() if cells[0] == "required"} == required


def test_strategy_fields() -> None:
    own = set(StrategyOrderRequest.model_fields) - set(TwapOrderRequest.model_fields) - {"strategy"}
    owners = {name: strategy.value for strategy, names in PARAMETERS.items() for name in names}
    listed = table("strategy fields")
    assert set(listed) == own == set(owners)
    assert {name: cells[0].strip("`") for name, cells in listed.items()} == owners


def command_of(cell: str) -> tuple[str, Any]:
    """The command that a cell begins with, such as ``twap keys list``, and its name without ``twap``."""
    found, words = typer.main.get_command(client_app), list[str]()
    for word in cell.split()[1:]:
        if word not in getattr(found, "commands", {}):
            break
        found, words = found.commands[word], [*words, word]
    return " ".join(words), found


def every_command(app: Any) -> Iterator[str]:
    for name, command in app.commands.items():
        inside = every_command(command) if hasattr(command, "commands") else [""]
        yield from (f"{name} {word}".rstrip() for word in inside)


def test_commands() -> None:
    assert second_words("commands") == set(commands_of(client_app))
    listed = [command_of(cell)[0] for cell in table("commands")]
    assert sorted(listed) == sorted(every_command(typer.main.get_command(client_app)))
    assert second_words("server commands") == set(commands_of(server_app))


def test_options_in_the_table_of_commands_exist() -> None:
    for cell, others in table("commands").items():
        named = set(re.findall(r"--[a-z-]+", " ".join(others)))
        assert named <= options_of(command_of(cell)[1]), cell


@pytest.mark.parametrize(
    ("name", "app", "command"),
    [
        ("submit options", client_app, "submit"),
        ("amend options", client_app, "amend"),
        ("start options", server_app, "start"),
        ("venue options", server_app, "venue"),
        ("replay options", server_app, "replay"),
        ("tournament options", server_app, "tournament"),
        ("what-if options", server_app, "what-if"),
    ],
)
def test_options(name: str, app: typer.Typer, command: str) -> None:
    assert first_words(name) == options_of(commands_of(app)[command]) - {"--help"}


def test_exit_codes() -> None:
    text = (ROOT / "docs/cli.md").read_text("utf-8").partition("### Exit codes")[2].partition("###")[0]
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == ["0", "1", "2", "3", "4", "5", "6", "130"]


def test_faults() -> None:
    assert set(table("faults")) == set(NAMES) == set(FaultName)


def test_simulated_exchanges() -> None:
    assert first_words("simulated exchanges") == {one.name for one in PROTOCOLS}


def _strategy(strategy: Strategy) -> list[str]:
    return [] if strategy is Strategy.TWAP else [strategy]


def test_taker_fees() -> None:
    def percent(fee: Decimal | None) -> str:
        return "–" if fee is None else f"{(fee * 100).normalize():f}"

    assert table("taker fees") == {
        name: [percent(fee.spot), percent(fee.perpetual), f"<{fee.url}>", fee.seen, fee.as_of]
        for name, fee in sorted(TAKER_FEES.items())
    }
    assert LOOKED_UP in (ROOT / "docs/realism.md").read_text("utf-8")


def test_go_live_rules() -> None:
    known = {
        " ".join([rule.exchange, rule.market, *_strategy(rule.strategy), rule.what]): [
            rule.limit,
            f"[{rule.source.title}]({rule.source.url})",
            rule.source.as_of,
        ]
        for rule in RULES
    }
    assert list(table("go live rules").items()) == list(known.items())


def settings_fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from settings_fields(type(default), f"{prefix}{name}.")
            continue
        yield f"{prefix}{name}", default
        if prefix + name == "exchanges":
            yield from settings_fields(ExchangeConfig, "exchanges.NAME.")


def shown_default(text: str, default: Any) -> Any:
    if text in WORDS:
        return WORDS[text]
    kind = timedelta if isinstance(default, timedelta) else type(default)
    return TypeAdapter(kind).validate_python(text.strip("`"))


def test_settings() -> None:
    listed = {key: cells[0] for key, cells in table("settings", parts=13).items()}
    known = dict(settings_fields(settings.Settings))
    assert list(listed) == list(known)
    assert {key: shown_default(text, known[key]) for key, text in listed.items()} == known


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.where)
def test_settings_files_and_tournaments_are_accepted(block: Any, tmp_path: Path) -> None:
    file = tmp_path / "twap.toml"
    file.write_text(block.text, encoding="utf-8")
    if block.page == "docs/tournaments.md":
        assert read_spec(file)
        return
    settings.load(file=file, flags={}, environment={})


def test_variables_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    given = dict(re.findall(r"`(TWAP_[A-Z_]+)=([^`]+)`", text))
    assert len(given) == 3
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    loaded = settings.load(file=None, flags={}, environment=given)
    assert loaded.port == 8001 and loaded.engine.max_open_orders == 100
    assert str(loaded.exchanges["binance"].taker_fee) == "0.001"


def test_dependencies() -> None:
    needed: dict[str, set[str]] = {}
    for file in ROOT.glob("packages/*/pyproject.toml"):
        project = tomllib.loads(file.read_text("utf-8"))["project"]
        extras = project.get("optional-dependencies", {}).values()
        for text in [*project["dependencies"], *(one for extra in extras for one in extra)]:
            name = re.split(r"[^A-Za-z0-9-]", text)[0]
            needed.setdefault(name, set()).add(project["name"].removeprefix("twap-"))
    del needed["twap-models"]
    listed = {
        name: set(re.findall(r"models|client|server", cells[0]))
        for name, cells in table("dependencies").items()
    }
    assert listed == needed


def test_tools() -> None:
    environments = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"]
    needed = {
        text
        for name, environment in environments.items()
        if name != "bench"
        for text in environment.get("dependencies", ())
    }
    for file in ROOT.glob("packages/*/pyproject.toml"):
        needed |= set(tomllib.loads(file.read_text("utf-8"))["build-system"]["requires"])
    assert set(table("tools")) == {re.split(r"[^A-Za-z0-9-]", text)[0] for text in needed}


def test_vendored_files() -> None:
    there: dict[str, tuple[str, str]] = {}
    for file in ROOT.glob("packages/*/src/**/vendored.json"):
        of = json.loads(file.read_text("utf-8"))
        there[of["package"]] = (file.relative_to(ROOT).parts[1].removeprefix("twap-"), of["licence"])
    assert {name: (cells[0], cells[2]) for name, cells in table("vendored").items()} == there


def test_walks_name_files_that_exist() -> None:
    text = (ROOT / "docs/walks.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/.-]+/[\w.-]+\.py)`", text))
    assert len(named) > 30
    server = ROOT / "packages/twap-server/src/twap_server"
    assert [name for name in named if not (server / name).exists() and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    relative = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in relative if not (page.parent / link).exists()] == []


def test_every_fault_names_tests_that_exist() -> None:
    cases = [int(case.removeprefix("F")) for case in table("fault cases")]
    assert cases == sorted(set(cases)) and {*range(1, 38), 68} <= set(cases)
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 60
    for file, test in named:
        assert re.search(rf"def {test}\(", (ROOT / "tests" / file).read_text(encoding="utf-8")), (file, test)


def test_every_guard_is_listed() -> None:
    assert list(table("guards")) == [bite.guard for bite in BITES]

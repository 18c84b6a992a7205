"""Every code block of README and docs is run, or validated, or at least understood.

Python blocks and marked console blocks run against one real server on a simulated market, started once.
"""

import ast
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from pydantic import TypeAdapter

import twap_models.stream
from docs.pages import NOT_RUN, PAGES, ROOT, Block, blocks, blocks_of, marks, name_of, table
from twap_client.cli.app import app as client_app
from twap_models import exact_json
from twap_models.base import RequestModel
from twap_server.cli.main import app as server_app

KNOWN_LANGUAGES = {"console", "ini", "json", "nginx", "python", "text", "toml"}
MARK = re.compile(r"run(: exit \d+)?|model: [\w.\[\]]+|list: [a-z -]+|walk")
START_TIMEOUT_S = 40
BLOCK_TIMEOUT_S = 90
SHELL = """
import json, os, sys, traceback
from twap_client.cli.app import app
os.dup2(1, 2)  # one after the other, as a terminal shows them
for command, expected in json.load(sys.stdin):
    print("\\x1e$", *command, flush=True)
    try:
        code = app(args=command[1:], prog_name="twap", standalone_mode=False) or 0
    except BaseException as error:
        traceback.print_exc()
        code = error
    if code != expected:
        sys.exit(f"ended with {code!r}, expected {expected}")
"""
"""Runs commands one after another in one process, as the real command line parses them."""
WAIT = """
import asyncio, datetime
from twap_client import ClientConfig, TwapClient
async def main():
    config = ClientConfig.from_env()
    patient = ClientConfig(base_url=config.base_url, attempts=6, retry_cap=datetime.timedelta(seconds=8))
    async with TwapClient(config=patient) as client:
        for exchange in ("binance", "kraken"):
            assert (await client.market.orderbook(exchange, "BTC-USDT")).status == "live"
asyncio.run(main())
"""
CONSOLE = blocks("console")
RUN = [block for block in CONSOLE if block.mark.startswith("run")]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TWAP_")}
    command = [sys.executable, "-m", "twap_server", "start", "--demo", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        try:
            url = _announced(server)
            _books_are_live(url)
            with _drained(server):
                yield url
        finally:
            server.terminate()
            try:
                assert server.wait(timeout=20) == 0
            except subprocess.TimeoutExpired:
                server.kill()
                raise


def _announced(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    said = []
    impatience = threading.Timer(START_TIMEOUT_S, server.kill)
    impatience.start()
    try:
        for line in server.stdout:
            said.append(line)
            found = re.search(r"listens on (http://\S+)", line)
            if found:
                return found[1]
    finally:
        impatience.cancel()
    raise AssertionError("the server did not come up:\n" + "".join(said))


def _books_are_live(url: str) -> None:
    """The server waits for a book, the client repeats while the exchange is not known yet."""
    _run([sys.executable, "-c", WAIT], {**os.environ, "TWAP_SERVER_URL": url})


@contextmanager
def _drained(server: "subprocess.Popen[str]") -> Iterator[None]:
    """Read on, so that a talkative server never waits for its pipe."""
    assert server.stdout is not None
    reader = threading.Thread(target=server.stdout.read, daemon=True)
    reader.start()
    yield
    server.terminate()
    reader.join(timeout=20)


@pytest.fixture
def environment(server_url: str, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWAP_")}
    typed = {"TWAP_PASSWORD": "demo-password"}  # what a reader types when asked
    return kept | typed | {"TWAP_SERVER_URL": server_url, "TWAP_CONFIG_DIR": str(tmp_path), "COLUMNS": "160"}


def _run(command: list[str], environment: dict[str, str], *, stdin: str = "") -> str:
    done = subprocess.run(
        command,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=BLOCK_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


# What is there at all


def test_every_comment_is_understood() -> None:
    assert [mark for mark in marks() if not MARK.fullmatch(mark)] == []


def test_every_block_has_a_language_that_is_checked() -> None:
    for page in PAGES:
        fences = re.findall(r"^ *```(.*)$", page.read_text("utf-8"), re.MULTILINE)
        opened = {fence.split()[0] if fence.split() else "" for fence in fences[::2]}
        assert opened <= KNOWN_LANGUAGES, f"{name_of(page)}: {opened - KNOWN_LANGUAGES}"
        found = sum(1 for block in blocks(*KNOWN_LANGUAGES) if block.page == name_of(page))
        assert found == len(fences) / 2, f"{name_of(page)}: {found} blocks understood of {len(fences) / 2}"


# Python


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.where)
def test_python_block_runs(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    ast.parse(block.text)
    file = tmp_path / "block.py"
    file.write_text(block.text, encoding="utf-8")
    _run([sys.executable, "-W", "error::ResourceWarning", str(file)], environment)


@pytest.mark.parametrize("page", NOT_RUN)
def test_python_block_that_is_not_run_imports_what_exists(page: str) -> None:
    found = [block for block in blocks_of(ROOT / page) if block.language == "python"]
    assert found
    for block in found:
        imports = [
            node for node in ast.parse(block.text).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        exec(compile(ast.Module(imports, []), block.where, "exec"), {})


# Console


@pytest.mark.parametrize("page", sorted({block.page for block in RUN}))
def test_console_blocks_run(page: str, environment: dict[str, str]) -> None:
    script: list[tuple[list[str], int]] = []
    shown: list[list[str]] = []
    for block in RUN:
        if block.page == page:
            steps = [_answered(*step) for step in block.steps()]
            assert all(command[0] == "twap" for command, _ in steps), block.where
            script += [(command, 0) for command, _ in steps[:-1]]
            script.append((steps[-1][0], int(block.mark.partition("exit ")[2] or 0)))
            shown += [lines for _, lines in steps]
    said = _run([sys.executable, "-u", "-c", SHELL], environment, stdin=json.dumps(script))
    assert "Traceback" not in said, said[-3000:]
    told = [part.splitlines()[1:] for part in said.split("\x1e")[1:]]
    for (command, _), lines, real in zip(script, shown, told, strict=True):
        assert _missing(lines, real) == [], f"{' '.join(command)} said\n" + "\n".join(real)


def _answered(command: list[str], lines: list[str]) -> tuple[list[str], list[str]]:
    """What a reader answers with ``y`` is said beforehand here: nobody is at the keyboard."""
    asked = next((at for at, line in enumerate(lines) if line.endswith("[y/N]: y")), None)
    return (command, lines) if asked is None else ([*command, "--yes"], lines[asked + 1 :])


def _missing(lines: list[str], real: list[str]) -> list[str]:
    """Lines of the page that the command did not say, in this order; figures and drawings may differ.

    A line may be longer on either side: how much is filled so far, columns for which a terminal has no room.
    """
    rest, missing = iter([_in_words(line) for line in real]), []
    for line in filter(None, map(_in_words, lines)):
        if not any(one and (one.startswith(line) or line.startswith(one)) for one in rest):
            missing.append(line)
    return missing


def _in_words(line: str) -> str:
    return " ".join(re.sub(r"[-+]?\d[\d.,:-]*", "0", re.sub("[●█▒▐▌–]", " ", line)).split())


def test_a_line_that_a_command_does_not_say_is_noticed() -> None:
    real = ["first\tFilled\t0.06", "fees\t0"]
    assert _missing(["first  ● Filled  0.05", "fees   0.1"], real) == []
    assert _missing(["fees   0", "first  Filled"], real) == ["first Filled"]
    assert _missing(["slippage  1.2"], real) == ["slippage 0"]


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.where)
def test_console_block_is_understood(block: Block) -> None:
    commands = block.commands()
    assert commands, f"{block.where}: no line begins with $"
    for command in commands:
        _understand(command)


def _understand(command: list[str]) -> None:
    match command:
        case ["twap", *arguments]:
            _parse(client_app, arguments)
        case ["twap-server", *arguments]:
            _parse(server_app, arguments)
        case [".venv/bin/hatch", "run", script, *arguments]:
            _check_script(script, arguments)
        case [".venv/bin/hatch", "test", *paths]:
            assert all((ROOT / path).exists() for path in paths), command
        case [".venv/bin/hatch", "build", "--all"] | [".venv/bin/hatch", "shell"]:
            pass
        case [".venv/bin/python", script, *_]:
            assert (ROOT / script).exists(), command
        case ["curl" | "dask" | "sqlite3" | "python3" | ".venv/bin/pip" | ".ci/run", *_]:
            pass
        case _:
            raise AssertionError(f"unknown command: {command}")


def _parse(app: typer.Typer, arguments: list[str]) -> None:
    group: Any = typer.main.get_command(app)
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[1:] if arguments[0] == "--json" else arguments[2:]
    group.commands[arguments[0]].make_context(arguments[0], list(arguments[1:]))


def _check_script(script: str, arguments: list[str]) -> None:
    environment, _, name = script.rpartition(":")
    scripts = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"][environment or "default"][
        "scripts"
    ]
    what = scripts[name]
    if isinstance(what, str) and what.startswith("twap-server "):
        _parse(server_app, [*what.removesuffix(" {args}").split()[1:], *arguments])


# JSON


def _resolve(text: str) -> Any:
    inner = re.fullmatch(r"list\[(.+)\]", text)
    if inner:
        return list[_resolve(inner[1])]  # type: ignore[misc]
    module, _, name = text.rpartition(".")
    return getattr(sys.modules[module], name)


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.where)
def test_json_example_is_what_the_model_says(block: Block) -> None:
    assert block.mark.startswith("model: "), f"{block.where}: say which model it is"
    kind: TypeAdapter[Any] = TypeAdapter(_resolve(block.mark.removeprefix("model: ")))
    example = exact_json.loads(block.text)
    model = kind.validate_python(example)
    _compare(example, kind.dump_python(model), is_request=isinstance(model, RequestModel), where=block.where)


def _compare(example: Any, written: Any, *, is_request: bool, where: str) -> None:
    """An answer's example shows every field and no other, as it is written; a request's may leave out."""
    if isinstance(example, dict):
        left_out = set(written) - set(example)
        assert set(example) <= set(written) and (is_request or not left_out), where
        for key, value in example.items():
            _compare(value, written[key], is_request=is_request, where=f"{where} {key}")
    elif isinstance(example, list):
        assert len(example) == len(written), where
        for one, other in zip(example, written, strict=True):
            _compare(one, other, is_request=is_request, where=where)
    elif not is_request:
        assert example == written, where


@pytest.mark.parametrize("union", ["ClientMessage", "ServerMessage"])
def test_every_stream_message_has_an_example(union: str) -> None:
    kinds = {
        kind.model_fields["type"].default
        for kind in get_args(get_args(getattr(twap_models.stream, union))[0])
    }
    examples = [block for block in blocks("json") if block.mark == f"model: twap_models.stream.{union}"]
    assert {exact_json.loads(block.text)["type"] for block in examples} == kinds


# What only a running server knows


def test_every_route_is_documented(server_url: str) -> None:
    described = _get(f"{server_url}/openapi.json")
    text = (ROOT / "docs/rest.md").read_text("utf-8")
    for path, methods in json.loads(described)["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path.replace(':path', '')}`" in text, f"{method} {path}"


def test_every_metric_is_documented(server_url: str) -> None:
    _get(f"{server_url}/health")
    text = _get(f"{server_url}/metrics").decode()
    shown = {
        name for name in re.findall(r"^# TYPE (\w+)", text, re.MULTILINE) if not name.endswith("_created")
    }
    assert shown == set(table("metrics"))


def test_every_address_of_the_examples_exists(server_url: str) -> None:
    paths = [
        re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + r"(\?.*)?")
        for path in json.loads(_get(f"{server_url}/openapi.json"))["paths"]
    ]
    for block in CONSOLE:
        for path in re.findall(r"http://127\.0\.0\.1:8000(/[^\s']*)", block.text):
            assert any(known.fullmatch(path) for known in paths), f"{block.where}: {path}"


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())

"""A short run of every parser, always the same; and the tool finds, shrinks and keeps what is wrong."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuzz.case import Parser
from fuzz.command import main
from fuzz.mutate import of_bytes, of_json
from fuzz.parsers import opened
from fuzz.run import fuzz, keep
from twap_server.exchanges.registry import EXCHANGES

NAMES = (
    "http-h11",
    "http-httptools",
    "ws",
    "ws-anonymous",
    "ws-h11",
    "bodies",
    "stream-messages",
    "texts",
    "settings",
    *(f"{shape.name}-{kind}" for shape in EXCHANGES for kind in ("frames", "rest", "bytes")),
    "replay",
    "tape",
    "tape-messages",
)


@pytest.fixture(scope="module")
def parsers() -> Iterator[dict[str, Parser]]:
    with opened() as parsers:
        yield {parser.name: parser for parser in parsers}


def test_every_parser_is_named_here(parsers: dict[str, Parser]) -> None:
    assert tuple(parsers) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_nothing_odd_does_more_than_is_declared(parsers: dict[str, Parser], name: str) -> None:
    assert [
        parsers[name].wrong(sample) for sample in parsers[name].samples if parsers[name].wrong(sample)
    ] == []
    report = fuzz([parsers[name]], seed=1, inputs=100)
    assert [f"{one.seed}: {one.data!r}\n{one.wrong}" for one in report.found] == []


STRANGE_TEXT, GOODBYE = b"\x81\x82\0\0\0\0\xc0\x80", b"\x88\x80\0\0\0\0"
FOUND = {
    "ws": (STRANGE_TEXT, STRANGE_TEXT + GOODBYE, GOODBYE + STRANGE_TEXT, STRANGE_TEXT * 2),
    "stream-messages": (
        b'{"type":"ping","id":"\\ud800"}',
        b'{"type":"subscribe","channel":"book","symbol":"\\udfff"}',
    ),
    "bodies": (b'{"username":"ada","password":"\\ud800\\ud800\\ud800"}', b'{"\\ud800":1}', b"[" * 3_000),
    "texts": (b"http://[::1", b"//[", b"http://h\xe2\x84\x80"),
}
"""What was found once, made small."""


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, found in FOUND.items() for data in found])
def test_what_was_found_is_not_there_again(parsers: dict[str, Parser], name: str, data: bytes) -> None:
    for parser in parsers.values() if name == "ws" else [parsers[name]]:
        assert not parser.name.startswith(name) or parser.wrong(data) == ""


@pytest.mark.parametrize("name", ["http-h11", "http-httptools"])
def test_who_leaves_at_once_is_no_fault(
    parsers: dict[str, Parser], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzz.wire.leaves_at_once", lambda data: True)
    for sample in parsers[name].samples:
        assert parsers[name].wrong(sample) == ""


@pytest.mark.parametrize("name", ["http-h11", "http-httptools"])
def test_frames_before_the_answer_to_the_upgrade_are_no_fault(
    parsers: dict[str, Parser], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_the_end_of_the_head(data: bytes) -> list[bytes]:
        head, end, frames = data.partition(b"\r\n\r\n")
        return [head + end, frames]

    monkeypatch.setattr("fuzz.wire.leaves_at_once", lambda data: True)
    monkeypatch.setattr("fuzz.wire.pieces", at_the_end_of_the_head)
    upgrades = [sample for sample in parsers[name].samples if b"Upgrade: websocket" in sample]
    for sample in upgrades:
        assert parsers[name].wrong(sample) == ""
        assert parsers[name].wrong(sample + b"\xff\xff") == ""
    assert upgrades


def needs_care(data: bytes) -> None:
    if b"\x00" in data and b"t" in data:
        raise ZeroDivisionError(len(data))
    if b"\xff" in data:
        raise LookupError


CARELESS = Parser(
    name="careless",
    samples=[b"some text", b"other"],
    mutate=of_bytes,
    feed=needs_care,
    declared=(LookupError,),
)


def test_a_fault_is_found_once_made_small_and_kept(tmp_path: Path) -> None:
    report = fuzz([CARELESS], seed=1, inputs=500)
    (found,) = report.found
    assert sorted(found.data) == sorted(b"\x00t") and "ZeroDivisionError" in found.wrong
    assert needs_care_of(CARELESS.made(found.seed))
    assert keep(found, tmp_path).read_bytes() == found.data


def needs_care_of(data: bytes) -> bool:
    return b"\x00" in data and b"t" in data


@pytest.mark.parametrize("mutate", [of_bytes, of_json])
def test_a_seed_gives_the_same_again(mutate: Any) -> None:
    samples = [b'{"a": [1, "x", null]}', b"[2]"]
    first, second = ([mutate(samples, random.Random(seed)) for seed in range(200)] for _ in range(2))
    assert first == second and len(set(first)) > 150


def test_the_command_says_what_it_did_and_repeats_a_kept_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["fuzz", *words])
        return main(), capsys.readouterr().out

    code, told = run("--only", "texts", "--minutes", "0.001")
    assert code == 0 and "0 findings" in told
    path = tmp_path / "input.bin"
    path.write_bytes(b"http://[::1")
    code, told = run("--only", "texts", "--input", str(path))
    assert (code, told) == (0, "nothing is wrong with it\n")
    assert run("--only", "nonsense")[0] == 2


def test_the_command_fails_where_something_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> bool:
        raise ValueError("Invalid IPv6 URL")

    monkeypatch.setattr("fuzz.bodies.origin_allowed", broken)
    monkeypatch.setattr(
        "sys.argv", ["fuzz", "--only", "texts", "--minutes", "0.001", "--folder", str(tmp_path)]
    )
    assert main() == 1
    assert "seed 1:texts:0" in capsys.readouterr().out and len(list(tmp_path.iterdir())) == 1

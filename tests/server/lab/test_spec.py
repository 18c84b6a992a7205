"""lab/spec.py, lab/grid.py: what is wrong in a tournament is named by its key, with what to write instead."""

from pathlib import Path
from typing import Any

import pytest

from support.tapes import market
from support.tournaments import run, small
from twap_server.domain.errors import InvalidRequest
from twap_server.lab.spec import read_spec

FILE = """
recordings = ["a.gz"]
sides = ["buy"]
sizes = [0.1, 2]
starts = { every = "5s" }

[order]
exchange = "binance"
symbol = "BTC-USDT"
duration = "5s"
slices = 5

[strategies.twap]
"""


def test_a_file_is_read_exactly(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(FILE)
    spec, base = read_spec(path)
    assert [str(one) for one in spec.sizes] == ["0.1", "2"]
    assert (base, spec.recordings[0].path) == (tmp_path, Path("a.gz"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sizes =", "sise =", r"t.toml: sise: no such key; did you mean sizes\?"),
        ("sides =", "sidez =", r"sidez: no such key; did you mean sides\?"),
        ("[order]", "colour = 1\n[order]", r"colour: no such key; expected one of name, .*\[order\]"),
        ("[order]", "duration = 5\n[order]", r"duration: no such key; it is a field of orders, give it"),
        ('sides = ["buy"]', 'sides = ["bye"]', r"sides\[0\]: expected 'buy' or 'sell', got 'bye'"),
        ('sides = ["buy"]', 'sides = ["buy", "buy"]', "sides: buy is given twice: each once"),
        ("[0.1, 2]", "[1, 1.0]", "sizes: 1.0 is given twice: each once"),
        ("[order]", 'profiles = ["local", "local"]\n[order]', "profiles: local is given twice: each once"),
        ("[0.1, 2]", "[-1]", r"sizes\[0\]: expected .*, got '-1'"),
        ("[0.1, 2]", "[]", "sizes: expected at least 1 item"),
        ("sizes = [0.1, 2]", "", r"sizes is missing: give sizes = \[0.5, 2\], quantities"),
        ('every = "5s"', 'evry = "5s"', r"starts.evry: no such key; did you mean every"),
        ('every = "5s"', 'every = "soon"', "starts.every: expected seconds or a duration .*, got 'soon'"),
        ('every = "5s"', "every = 0", "starts.every: expected more than 0 seconds, such as"),
        ('{ every = "5s" }', "5", 'starts: expected a list of times, or a table such as { every = "30s" }'),
        ("[strategies.twap]", "", r"strategies is missing: give a table for each"),
        ("[strategies.twap]", '[strategies."a b"]', "expected a name of letters, digits and ._-"),
        ('recordings = ["a.gz"]', "recordings = []", "recordings: expected at least 1 item"),
        ('["a.gz"]', '[{ path = "a.gz", nam = "b" }]', r"recordings\[0\].nam: .* did you mean name"),
        ("slices = 5", "slices = 5\nside = 'buy'", "order.side: a tournament sets it itself: give sides"),
        ("slices = 5", "slices = 5\nend_time = '+5s'", "order.end_time: .* itself: give duration"),
        ("[strategies.twap]", "[strategies.twap]\nquantity = 1", "strategies.twap.quantity: a tournament"),
        ("[order]", "baseline = 'is'\n[order]", r"baseline: expected one of .* \(twap\), got 'is'"),
        ("[order]", "order]", "t.toml is no TOML: .*line"),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_named(old: str, new: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    assert old in FILE
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(InvalidRequest, match=words):
        read_spec(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read the tournament .*none.toml: No such file"):
        read_spec(tmp_path / "none.toml")


ORDER = {"exchange": "binance", "symbol": "BTC-USDT", "duration": "5s", "slices": 5}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"order": ORDER | {"slices": 0}}, "order.slices: expected 1 or more"),
        ({"order": ORDER | {"colour": "red"}}, "order.colour: an order has no such field"),
        ({"order": {**ORDER, "duration": None}}, "order.end_time: end_time or duration is missing"),
        ({"order": {**ORDER, "symbol": None}}, "order.symbol is missing"),
        ({"strategies": {"a": {"strategy": "vwop"}}}, "strategies.a.strategy: expected 'twap'"),
        ({"strategies": {"a": {"strategy": "pov"}}}, "strategies.a.participation: .* pov needs it"),
        ({"strategies": {"a": {"half_life": "5s"}}}, "strategies.a.half_life: .* belongs to strategy is"),
        ({"sizes": ["1e40"]}, r"sizes\[0\]"),
        ({"starts": ["+1s", "+99s"]}, r"starts\[1\]: .*: expected a start from .* so that the longest"),
        ({"starts": ["+3s", "+2s", "+0.05m"]}, r"starts\[2\]: the same moment as starts\[0\]: give each"),
        ({"starts": ["+3s", "2024-08-08T23:54:17.008Z"]}, r"starts\[1\]: the same moment as starts\[0\]"),
        (
            {"profiles": {"a": {"latency": "40ms"}, "b": {}, "c": {"latency": "0.04s"}}},
            r"profiles\.c: the same figures as profiles\.a: give each once$",
        ),
        ({"starts": ["soon"]}, r"starts\[0\]: expected an ISO 8601 time.*, got 'soon'"),
        ({"starts": {"every": "1s", "from": "+50s"}}, "starts: no order fits: a.gz goes from .*shorter"),
        ({"starts": ["+0.06s"]}, "starts at .*, and the recording's books are live from"),
        ({"order": ORDER | {"exchange": "kraken"}}, "is for kraken, and the recording is of binance"),
        ({"order": ORDER | {"symbol": "DOGEUSDT"}}, "the recording has no message of DOGEUSDT"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_before_or_instead_of_a_result(
    changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    with pytest.raises(InvalidRequest, match=words):
        run(small(path, **changed), tmp_path / "out")
    assert not (tmp_path / "out" / "result.json").exists()


def test_a_recording_counts_once_by_whatever_path_it_is_named(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    copy = tmp_path / "b.gz"
    copy.write_bytes(path.read_bytes())
    for other in (path, tmp_path / "." / ".." / tmp_path.name / "a.gz", copy):
        both = [str(path), {"path": str(other), "name": "again"}]
        with pytest.raises(InvalidRequest, match=r"recordings\[1\]: the same messages .* as recordings\[0\]"):
            run(small(path, recordings=both), tmp_path / "out")
    others = [str(path), {"path": str(path), "order": {"carry": "skip"}}]
    assert run(small(path, recordings=others), tmp_path / "out").cases == 24


def test_strategies_that_are_all_alike_are_runs_of_their_own(tmp_path: Path) -> None:
    made = run(
        small(market(tmp_path / "a.gz", seconds=30), strategies={"a": {}, "b": {}, "A": {}}), tmp_path / "out"
    )
    assert [one.cost for one in made.groups[0].strategies] == [made.groups[0].strategies[0].cost] * 3


def test_no_recording(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read .*none.gz: No such file.*: name a file"):
        run(small(tmp_path / "none.gz"), tmp_path / "out")


def test_the_folder_cannot_be_made(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    with pytest.raises(InvalidRequest, match=r"cannot write into .*: name another folder with --out"):
        run(small(path), path / "out")

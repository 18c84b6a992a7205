"""lab/tournament.py: what a folder holds, that it goes on where it was, and that nobody's work changes it."""

import json
import re
import signal
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from support.calm_market import calm_market
from support.children import environment
from support.tapes import market
from support.tournaments import HERE, run, small, table
from twap_models.lab import TournamentResult, Verdict
from twap_server.bootstrap.replaying import replay_apart
from twap_server.domain.errors import InvalidRequest
from twap_server.lab import HowToRun, one_pass, tournament
from twap_server.lab.kept import KeptRuns


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def test_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = run(small(market(tmp_path / "a.gz", seconds=120), name="Two <ways>"), out)
    assert TournamentResult.from_json((out / "result.json").read_bytes()) == made
    rows = table(out)
    assert len(rows) == made.runs == len(made.orders) == 2 * 2 * 2 * 3
    assert [row["run"] for row in rows] == [str(number) for number in range(1, 25)]
    assert {row["status"] for row in rows} == {"Filled"}
    for row in rows:
        parts = [Decimal(row[name]) for name in row if re.fullmatch("part_[a-z]+", name)]
        assert sum(parts) == Decimal(row["cost"])
        assert row["decision_price"] == row["arrival_price"] != ""
        assert row["part_delay"] == "0"
        assert (out / row["report"]).read_text("utf-8").startswith("<!doctype html>")


def test_the_page_stands_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(small(market(tmp_path / "a.gz", seconds=120), name="Two <ways>"), out)
    text = (out / "index.html").read_text("utf-8")
    links = Links(text)
    assert links.tags.isdisjoint({"script", "link", "img", "iframe", "base"})
    assert len(links.found) == 24
    assert all((out / link).is_file() for link in links.found)
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "Two &lt;ways&gt;" in text
    assert "no difference to twap shown" in text or "than twap by" in text


def test_summary_is_of_the_table(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = run(small(market(tmp_path / "a.gz", seconds=120)), out)
    costs = {
        name: [Decimal(row["cost_bps"]) for row in table(out) if row["strategy"] == name]
        for name in ("twap", "sweep")
    }
    whole = made.groups[0]
    assert [one.strategy for one in whole.strategies] == ["twap", "sweep"]
    for one in whole.strategies:
        assert one.cost is not None
        assert one.cost.mean == round(sum(costs[one.strategy]) / 12, 4)
    apart = whole.strategies[1].difference
    assert apart is not None
    pairs = [right - left for left, right in zip(costs["twap"], costs["sweep"], strict=True)]
    assert (apart.pairs, apart.mean) == (12, round(sum(pairs) / 12, 4))
    assert sum(group.cases for group in made.groups[1:]) == made.cases == 12
    assert {(group.side, group.quantity) for group in made.groups[1:]} == {
        (side, Decimal(size)) for side in ("buy", "sell") for size in ("1", "6")
    }


def test_started_again_nothing_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = market(tmp_path / "a.gz", seconds=60), tmp_path / "out"
    first = run(small(path), out)
    before = (out / "runs.csv").read_bytes()
    monkeypatch.setattr(one_pass, "replay_apart", None)
    assert run(small(path), out) == first
    assert (out / "runs.csv").read_bytes() == before


def test_more_cases_play_only_what_is_new(tmp_path: Path) -> None:
    path, out = market(tmp_path / "a.gz", seconds=60), tmp_path / "out"
    run(small(path, sizes=["1"]), out)
    lines: list[str] = []
    tournament(small(path), out=out, how=HERE, tell=lines.append)
    assert lines[0].endswith("24 runs, 12 of them done before")
    alone = tmp_path / "alone"
    run(small(path), alone)
    assert (alone / "runs.csv").read_bytes() == (out / "runs.csv").read_bytes()


def test_another_recording_or_setting_is_another_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(small(market(tmp_path / "a.gz", seconds=60)), out)
    keys = {row["key"] for row in table(out)}
    run(small(market(tmp_path / "a.gz", seconds=60, seed=2)), out)
    assert keys.isdisjoint(row["key"] for row in table(out))


@pytest.mark.parametrize("how", [HowToRun(workers=1, runs_per_pass=1), HowToRun(workers=2, runs_per_pass=5)])
@pytest.mark.long
def test_who_plays_changes_nothing(how: HowToRun, tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=60)
    run(small(path), tmp_path / "one")
    run(small(path), tmp_path / "other", how)
    for name in ("runs.csv", "result.json", "index.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name
    reports = sorted(path.name for path in (tmp_path / "one" / "reports").iterdir())
    assert reports == sorted(path.name for path in (tmp_path / "other" / "reports").iterdir())


@pytest.mark.long
def test_killed_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGKILL once some passes are kept; the second start plays only the others."""
    path, out, file = market(tmp_path / "a.gz", seconds=60), tmp_path / "out", tmp_path / "t.json"
    file.write_text(json.dumps(small(path)))
    code = (
        "import json, sys; from pathlib import Path; from twap_server.lab import HowToRun, tournament\n"
        "tournament(json.loads(Path(sys.argv[1]).read_text()), out=sys.argv[2],"
        " how=HowToRun(workers=1, runs_per_pass=1))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(file), str(out)], env=environment()) as child:
        while len(list((out / "kept").glob("*.json"))) < 3 and child.poll() is None:
            pass
        child.send_signal(signal.SIGKILL)
    assert not (out / "index.html").exists()
    done = len(list((out / "kept").glob("*.json")))
    assert 3 <= done < 24
    lines: list[str] = []
    tournament(small(path), out=out, how=HERE, tell=lines.append)
    assert lines[0].endswith(f"24 runs, {done} of them done before")
    run(small(path), tmp_path / "alone")
    assert (tmp_path / "alone" / "runs.csv").read_bytes() == (out / "runs.csv").read_bytes()


def test_stopped_it_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, lines = market(tmp_path / "a.gz", seconds=60), list[str]()
    played = iter(range(4))

    def interrupted(*given: Any, **named: Any) -> Any:
        if next(played) == 3:
            raise KeyboardInterrupt
        return replay_apart(*given, **named)

    monkeypatch.setattr(one_pass, "replay_apart", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tournament(
            small(path), out=tmp_path / "out", how=HowToRun(workers=1, runs_per_pass=1), tell=lines.append
        )
    assert lines[-1] == "stopped: 3 of 24 runs are kept; started again it goes on from there"


def test_a_file_that_broke_off_counts_as_none(tmp_path: Path) -> None:
    path, out = market(tmp_path / "a.gz", seconds=60), tmp_path / "out"
    first = run(small(path), out)
    (kept,) = (out / "kept").glob("*.json")
    kept.write_bytes(kept.read_bytes()[:1000])
    assert KeptRuns(out).load([row["key"] for row in table(out)]) == {}
    assert run(small(path), out) == first


def test_a_rejected_order_is_a_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = run(small(market(tmp_path / "a.gz", seconds=60), sizes=["0.000001"]), out)
    assert {row["status"] for row in table(out)} == {"Rejected"}
    assert "below the smallest order" in table(out)[0]["reason"]
    assert made.groups[0].strategies[0].rejected == 6
    assert made.groups[0].strategies[0].cost is None
    assert any("6 of 6 orders were rejected" in note for note in made.notes)
    assert "No order has a known cost" in (out / "index.html").read_text("utf-8")


def test_recordings_of_the_same_time_are_the_same_stretches(tmp_path: Path) -> None:
    """Another order on the same market doubles the pairs; what is independent stays as it was."""
    path = market(tmp_path / "a.gz", seconds=60)
    starts = {"every": "5s", "from": "+5s", "until": "+45s"}
    alone = run(small(path, starts=starts), tmp_path / "alone")
    twice = [str(path), {"path": str(path), "order": {"carry": "skip"}}]
    both = run(small(path, starts=starts, recordings=twice), tmp_path / "both")
    one, two = (made.groups[0].strategies[1].difference for made in (alone, both))
    assert one is not None and two is not None
    assert (one.pairs, two.pairs) == (36, 72)
    assert one.blocks == two.blocks == 9


def test_stretches_are_as_long_as_the_longest_order_of_any_recording(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=60)
    longer = [str(path), {"path": str(path), "order": {"duration": "10s"}}]
    given = small(path, starts={"every": "5s", "from": "+5s", "until": "+45s"}, recordings=longer)
    apart = run(given, tmp_path / "out").groups[0].strategies[1].difference
    assert apart is not None
    assert apart.blocks == 5


def test_another_recording_with_a_list_leaves_the_runs_of_the_first(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    beside = tmp_path / "list.json"
    beside.write_text(json.dumps({"serverTime": 1, "symbols": []}))
    other = market(tmp_path / "b.gz", seconds=30, seed=2)
    wanted = small(path, recordings=[str(path), str(other)])
    run(wanted, tmp_path / "out")
    with_list = [str(path), {"path": str(other), "instruments": str(beside)}]
    lines: list[str] = []
    with suppress(InvalidRequest):  # the list is of no use
        tournament(small(path, recordings=with_list), out=tmp_path / "out", how=HERE, tell=lines.append)
    assert lines[0].endswith("48 runs, 24 of them done before")


def test_parquet_says_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out"
    run(small(market(tmp_path / "a.gz", seconds=60)), out, HowToRun(workers=1, parquet=True))
    rows = parquet.read_table(out / "runs.parquet").to_pylist()
    for row, said in zip(rows, table(out), strict=True):
        assert (row["run"], row["strategy"]) == (int(said["run"]), said["strategy"])
        assert row["cost"] == Decimal(said["cost"])
        assert row["start_time"].isoformat()[:19] == said["start_time"][:19]
        assert (row["forecast_bps"] is None) == (said["forecast_bps"] == "")


def test_as_many_reports_as_wanted(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=60)
    for most, found in ((0, 0), (8, 8), (None, 24)):  # those that are wanted later are made then
        out = tmp_path / "out"
        run(small(path), out, HowToRun(workers=1, reports=most))
        assert len(list((out / "reports").glob("*.html"))) == found
        assert sum(bool(row["report"]) for row in table(out)) == found


def test_a_broken_recording_ends_it_with_its_name(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=60)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(InvalidRequest, match=r"a\.gz"):
        run(small(path), tmp_path / "out")


CALM = {
    "twap": {},
    "patient": {"strategy": "is", "half_life": "10d"},
    "weighted": {"strategy": "vwap", "volume_profile": [1, 1]},
    "urgent": {"strategy": "is", "urgency": "high", "volatility": 40},
    "sweep": {"strategy": "sweep"},
}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[TournamentResult, list[dict[str, str]]]:
    """Five strategies on a market of the venue without drift."""
    folder = tmp_path_factory.mktemp("calm")
    starts = {"every": "10s", "from": "+5s"}
    order = {"exchange": "binance", "symbol": "BTC-USDT", "duration": "30s", "slices": 10}
    wanted = small(
        calm_market(folder / "a.gz", seconds=320), sizes=["6"], starts=starts, strategies=CALM, order=order
    )
    return run(wanted, folder / "out", HowToRun(workers=1, reports=0)), table(folder / "out")


def test_a_curve_without_hurry_is_twap_run_for_run(
    calm: tuple[TournamentResult, list[dict[str, str]]],
) -> None:
    made, rows = calm
    own = ("run", "strategy", "key", "report")
    by_case: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        plain = {name: value for name, value in row.items() if name not in own}
        by_case.setdefault(row["case"], {})[row["strategy"]] = plain
    assert len(by_case) == 58
    for case in by_case.values():
        assert case["twap"] == case["patient"] == case["weighted"]
    assert any(case["twap"] != case["urgent"] for case in by_case.values())
    for one in made.groups[0].strategies[1:3]:
        assert one.difference is not None
        assert (one.difference.low, one.difference.high) == (0, 0)
        assert one.difference.verdict is Verdict.NO_DIFFERENCE_SHOWN


def test_all_at_once_pays_depth_and_risks_no_timing(
    calm: tuple[TournamentResult, list[dict[str, str]]],
) -> None:
    made, rows = calm
    found = {one.strategy: one for one in made.groups[0].strategies}
    depth = {name: one.parts["depth"] for name, one in found.items()}
    assert depth["sweep"] > depth["urgent"] > depth["twap"] > 0
    timing = {
        name: [abs(Decimal(row["part_timing"])) for row in rows if row["strategy"] == name] for name in CALM
    }
    assert max(timing["sweep"]) == 0 < max(timing["urgent"])
    assert found["sweep"].difference is not None
    assert found["sweep"].difference.verdict is Verdict.DEARER

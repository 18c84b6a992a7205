"""lab: what costs a tournament its orders is named, by strategy and by time, wherever it is played."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.tapes import REST, market, row, without, write
from support.tournaments import HERE, run, small, table
from twap_server.domain.errors import CurveUnavailable, InvalidRequest
from twap_server.engine.engine import Engine
from twap_server.lab import HowToRun, tournament
from twap_server.recordings.rows import rows

WEIGHTED = {"twap": {}, "curve": {"strategy": "vwap"}}


def with_list(path: Path) -> Path:
    """The recording with the exchange's list of instruments, so that nothing is made up for it."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
    ]
    symbol: dict[str, Any] = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC"}
    symbol |= {"quoteAsset": "USDT", "filters": filters}
    said = json.dumps({"serverTime": 1, "symbols": [symbol]})
    every = [one for _, one in rows(path)]
    address = REST.partition("/depth")[0] + "/exchangeInfo"
    return write(path, [row(every[0].t, said, conn=address), *every])


@pytest.mark.parametrize(
    "how", [HERE, pytest.param(HowToRun(workers=2), marks=pytest.mark.long)], ids=["here", "beside"]
)
def test_without_candles_the_strategy_is_named(how: HowToRun, tmp_path: Path) -> None:
    path = with_list(market(tmp_path / "a.gz", seconds=30))
    why = (
        r"a\.gz: strategies\.curve: volume_profile auto needs closed candles "
        r"\(binance: the recording holds none\): give a list of weights instead$"
    )
    with pytest.raises(InvalidRequest, match=why):
        run(small(path, strategies=WEIGHTED), tmp_path / "out", how)


def test_what_a_worker_raises_beside_others_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(*_: Any) -> Any:
        raise CurveUnavailable("no curve", field="volume_profile")

    monkeypatch.setattr(Engine, "submit", unavailable)
    with pytest.raises(InvalidRequest, match=r"strategies\.twap: no curve$"):
        run(small(market(tmp_path / "a.gz", seconds=30)), tmp_path / "out")


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (
            {"strategy": "pov", "participation": 200},
            r"strategies\.a\.participation: 200 must lie above 0 and below 100 percent: use 99\.99$",
        ),
        ({"strategy": "is", "half_life": "0s"}, r"strategies\.a\.half_life: must be above 0 seconds$"),
        ({"strategy": "is", "half_life": "-5s"}, r"strategies\.a\.half_life: .*positive.*got '-5s'$"),
        ({"strategy": "vwap", "volume_profile": [0]}, r"strategies\.a\.volume_profile: must have at least"),
        ({"randomize": 51}, r"strategies\.a\.randomize: 51 must lie between 0 and 50: use 50$"),
        ({"slices": 500}, r"strategies\.a\.slices: 500 slices would leave an interval .* at most 50"),
        ({"slices": None, "interval": 0}, r"strategies\.a\.interval: 0 s must be at least 0\.1 s$"),
        ({"duration": "0s"}, r"strategies\.a\.duration must be above 0$"),
        ({"strategy": "swep"}, r"strategies\.a\.strategy: .*, got 'swep'; did you mean sweep\?$"),
        ({"strategy": "is", "urgency": "bogus"}, r"strategies\.a\.urgency: expected .*, got 'bogus'$"),
        ({"strateg": "is"}, r"strategies\.a\.strateg: .*; did you mean strategy\?$"),
        ({"half_lif": "5s"}, r"strategies\.a\.half_lif: .*; did you mean half_life\?$"),
        ({"intervall": 1}, r"strategies\.a\.intervall: .*; did you mean interval\?$"),
    ],
)  # fmt: skip
def test_what_no_order_may_say_is_refused_at_once(own: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=f"^the tournament: {words}"):
        run(small(market(tmp_path / "a.gz", seconds=20), strategies={"a": own}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_why_orders_were_rejected_is_told_in_a_sentence(tmp_path: Path) -> None:
    lines: list[str] = []
    given = small(market(tmp_path / "a.gz", seconds=60), sizes=["0.000001"])
    tournament(given, out=tmp_path / "out", how=HERE, tell=lines.append)
    why = (
        "sweep: 6 of 6 orders were rejected: quantity 0.000001 is below the smallest order of "
        "binance:BTC-USDT: use at least 0.00009"
    )
    assert f"note: {why}" in lines
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert f"<li>{why}</li>" in page
    assert "<li>sweep: its cost is not known (6 of its 6 orders were rejected)</li>" in page
    assert "6, 6 rejected" in page
    assert "token_id" not in table(tmp_path / "out")[0]["reason"]


def test_a_hole_is_named_with_what_it_cost(tmp_path: Path) -> None:
    path = without(market(tmp_path / "a.gz", seconds=60), 20, 30)
    lines: list[str] = []
    given = small(path, sides=["buy"], sizes=["1"], starts=["+5s", "+18s", "+24s", "+40s"])
    made = tournament(given, out=tmp_path / "out", how=HERE, tell=lines.append)
    why = (
        "The recording a.gz has nothing from 2024-08-08T23:54:33Z to 2024-08-08T23:54:44Z (10.1 s): 3 cases "
        "lie in it, or after it while no book was known; without a known cost: 2."
    )
    assert made.notes[0] == why
    assert run(given, tmp_path / "out") == made, "kept runs say it, too"
    assert [line for line in lines if "has nothing" in line] == [f"note: {why}"]
    assert (tmp_path / "out" / "index.html").read_text("utf-8").count("has nothing") == 1
    rows = table(tmp_path / "out")
    hole = "2024-08-08T23:54:33.929000Z/2024-08-08T23:54:44.046000Z"
    assert [row["holes"] for row in rows] == ["", "", hole, "", hole, hole, hole, hole]
    told = [(tmp_path / "out" / row["report"]).read_text("utf-8") for row in rows]
    assert ["The recording has nothing from" in page for page in told] == (
        [False, False] + [True, False] + [True] * 4  # the sweep of the second case was over before it
    )


def test_parts_sum_to_the_cost_that_the_first_table_says(tmp_path: Path) -> None:
    made = run(small(market(tmp_path / "a.gz", seconds=120)), tmp_path / "out")
    every = [one for group in made.groups for one in group.strategies]
    assert len(every) == 10
    for one in every:
        assert one.cost is not None
        assert sum(one.parts.values()) == one.cost.mean
        assert (one.parts["delay"], one.parts["fees"]) == (0, 0)


def test_the_difference_stands_once_in_a_finding(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(small(market(tmp_path / "a.gz", seconds=120), starts={"every": "3s", "from": "+5s"}), out)
    (finding,) = re.findall("<li>(sweep: .*?)</li>", (out / "index.html").read_text("utf-8"))
    assert re.fullmatch(
        r"sweep: (cheaper|dearer) than twap by [0-9.]+ bps \(between \S+ and \S+, in .*\)"
        r"|sweep: no difference to twap shown \(.*\)",
        finding,
    )


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    path, out = market(tmp_path / "a.gz", seconds=20), tmp_path / "notes"
    out.mkdir()
    (out / "index.html").write_text("mine")
    with pytest.raises(
        InvalidRequest, match=r"notes holds files that no tournament wrote: name a new folder"
    ):
        run(small(path), out)
    assert [one.name for one in out.iterdir()] == ["index.html"]

"""twap-server measure refill: a table of a recording, or why there is none."""

import json
from pathlib import Path

from typer.testing import CliRunner

from support.tapes import REST, T0_MS, row, write
from twap_server.cli.main import app
from twap_server.recordings.rows import Row


def tape(path: Path, *, seconds: int) -> Path:
    """Each second somebody sells all of the best bid; it is gone for 400 ms, then half of it is back."""
    made: list[Row] = []
    ids = iter(range(101, 10_000))
    bids, asks = ([(f"{price}.00000000", "4.00000000") for price in prices] for prices in (BIDS, ASKS))

    def change(at_ms: int, quantity: str) -> None:
        number = next(ids)
        data = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": number, "u": number}
        data |= {"b": [("59999.00000000", quantity)], "a": []}
        made.append(row(at_ms / 1000, json.dumps({"stream": "btcusdt@depth@100ms", "data": data})))

    change(T0_MS, "4.00000000")
    body = json.dumps({"lastUpdateId": 101, "bids": bids, "asks": asks})
    made.append(row(T0_MS / 1000, body, conn=REST))
    for second in range(1, seconds):
        at = T0_MS + 1000 * second
        change(at - 300, "4.00000000")
        sold = {"e": "trade", "E": at, "s": "BTCUSDT", "t": second, "T": at, "m": True}
        sold |= {"p": "59999.00000000", "q": "4.00000000"}
        made.append(row(at / 1000, json.dumps({"stream": "btcusdt@trade", "data": sold})))
        change(at + 50, "0.00000000")
        change(at + 450, "2.00000000")
    return write(path, made)


BIDS, ASKS = range(59_980, 60_000), range(60_001, 60_020)


def measured(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["measure", "refill", *map(str, words)])
    return done.exit_code, done.output


def test_a_recording_gives_a_table_that_fits_a_terminal(tmp_path: Path) -> None:
    made = tape(tmp_path / "tape.jsonl.gz", seconds=70)
    code, told = measured(made)
    assert code == 0, told
    assert "binance:BTC-USDT: " in told
    lines = [line for line in told.splitlines() if " s " in line and "bps" not in line]
    rows = {line.split()[0]: line.split()[3] for line in lines}
    assert (rows["0.1"], rows["0.5"]) == ("0.0", "50.0"), told
    assert all(len(line) <= 80 for line in told.splitlines()), told
    assert measured(made) == (code, told), "seeded"


def test_the_same_book_twice_has_twice_the_events(tmp_path: Path) -> None:
    one, two = (tape(tmp_path / f"{length}.jsonl.gz", seconds=length) for length in (70, 80))
    counts = [int(measured(*paths)[1].split()[1]) for paths in ((one,), (two,), (one, two))]
    assert counts == [69, 79, 148]


def test_too_few_events_are_no_table(tmp_path: Path) -> None:
    code, told = measured(tape(tmp_path / "tape.jsonl.gz", seconds=3))
    assert code == 0
    too_few = "too few events to tell anything (less than 30, or in less than 6 stretches of 10 s): "
    assert told.startswith(too_few + "binance:BTC-USDT 2")
    assert measured(tape(tmp_path / "tape.jsonl.gz", seconds=45))[1].startswith(
        too_few + "binance:BTC-USDT 44"
    )


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    made = tape(tmp_path / "tape.jsonl.gz", seconds=3)
    code, told = measured(made, "--symbol", "DOGE-USDT")
    assert code != 0
    assert "DOGE-USDT" in told
    assert measured(tmp_path / "none.jsonl.gz")[0] != 0

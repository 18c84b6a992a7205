"""What the page computes without elements, run in a browser: sums, candles, recordings, colours."""

from typing import Any

import pytest

from support.browser import browsing

pytestmark = pytest.mark.browser


async def _run(demo: str, path: str, body: str) -> Any:
    async with browsing(demo) as watched:
        await watched.open("#/sign-in")
        return await watched.page.evaluate(f"import('./dashboard/{path}').then((it) => {{ {body} }})")


_BOOK = 'const asks = [["100.07", "1.1"], ["100.1", "0.2"], ["100.11", "3"], ["100.29", "0.7"]];'


async def test_rungs_put_prices_together_away_from_the_market_and_add_up_exactly(demo: str) -> None:
    made = await _run(
        demo,
        "views/market/grouping.js",
        _BOOK
        + """
        const words = (one) => [one.price, one.quantity, one.total, one.taken].map(String);
        const shown = (rungs) => rungs.map(words);
        const bids = [["99.99", "1"], ["99.9", "2"], ["99.81", "4"]];
        return {
          asks: shown(it.rungs(asks, "asks", {step: "0.1", taken: [["100.070", "5"]]})),
          bids: shown(it.rungs(bids, "bids", {step: "0.1"})),
          cut: it.rungs(asks, "asks", {step: "0.1", isCut: true}).length,
          steps: it.steps("0.01000000", "100"),
          none: it.steps("0", "100"),
        };""",
    )
    assert made["asks"] == [
        ["100.1", "1.3", "1.3", "1.1"],
        ["100.2", "3", "4.3", "0"],
        ["100.3", "0.7", "5", "0"],
    ]
    assert made["bids"] == [["99.9", "3", "3", "0"], ["99.8", "4", "7", "0"]]
    assert made["cut"] == 2
    assert made["steps"] == ["0.01", "0.05", "0.1", "0.5", "1"]
    assert made["none"] == []


async def test_a_sweep_leaves_out_what_was_taken_and_rounds_only_its_average(demo: str) -> None:
    made = await _run(
        demo,
        "views/market/grouping.js",
        _BOOK
        + """
        const [, second] = it.rungs(asks, "asks", {taken: [["100.07", "1.0"]]});
        return [second.sweepQuantity.toFixed(), second.sweepCost.toFixed(), it.average(second, 4),
                it.middle({bids: [["99.99", "1"]], asks}), it.middle({bids: [], asks})];""",
    )
    assert made == ["0.3", "30.027", "100.0900", "100.03", ""]


async def test_shares_of_a_merged_book_call_a_shared_level_several(demo: str) -> None:
    made = await _run(
        demo,
        "views/market/grouping.js",
        """
        const sources = {bids: [["a"], ["a", "b"]], asks: [["b"]]};
        const book = {bids: [["9", "1"], ["8", "2.5"]], asks: [["10", "0.5"]], sources};
        return it.shares(book).map(([name, sum]) => [name, sum.toFixed()]);""",
    )
    assert made == [["several", "2.5"], ["a", "1"], ["b", "0.5"]]


async def test_candles_stay_in_order_and_a_closed_one_stays_closed(demo: str) -> None:
    made = await _run(
        demo,
        "views/market/candle_data.js",
        """
        const one = (minute, close, closed) => ({
          open_time: `2026-11-23T12:0${minute}:00Z`, open: "1", high: "3",
          close_time: `2026-11-23T12:0${minute}:59.999Z`, low: "1", close, volume: "1", closed});
        const kept = new it.Candles();
        const first = kept.add([one(2, "2", false), one(1, "2", true)]);
        const late = kept.add([one(1, "9", false)]);
        return {first, late, closes: kept.bars().map((bar) => bar.close), newest: kept.newest.open_time,
          at: kept.secondAt("2026-11-23T12:01:30Z") === kept.order[0],
          none: kept.secondAt("2026-11-23T12:09:00Z")};""",
    )
    assert (made["closes"], made["newest"]) == ([2, 2], "2026-11-23T12:02:00Z")
    assert (made["at"], made["none"], made["first"]) == (True, None, False)


async def test_a_recording_forgets_after_15_minutes_bridges_a_second_and_tells_gaps(demo: str) -> None:
    made = await _run(
        demo,
        "core/recording.js",
        """
        const kept = new it.Recording();
        const book = (price, status = "live") => ({status, bids: [[price, "1.5"]], asks: [["101", "2"]]});
        const begin = 1_800_000_000;
        const at = (second, ...more) => kept.takeBook(book(...more), (begin + second) * 1000);
        at(0, "100"); at(2, "99"); at(4, "98", "stale"); at(10, "97");
        const early = {bridged: kept.best(begin + 1), gaps: kept.gaps(begin + 10), held: kept.has(begin + 4)};
        const size = kept.prices.length;
        for (let second = 11; second < 2000; second += 1) at(second, "96");
        const time = "2026-11-23T12:00:00Z";
        const trade = {exchange: "a", id: "1", time, price: "1", quantity: "2", side: "buy"};
        kept.takeTrade(trade); kept.takeTrade(trade);
        for (let id = 2; id < 9000; id += 1) kept.takeTrade({...trade, id: String(id)});
        return {...early, size: kept.prices.length === size, old: kept.has(begin + 10), begin,
          oldest: kept.has(begin + 1100),
          late: kept.gaps(begin + 2005),
          trades: kept.trades.length <= 6000};""",
    )
    begin = made["begin"]
    assert made["bridged"] == [100, 101]
    assert made["gaps"] == [[begin + 3, begin + 10]]
    assert (made["held"], made["size"], made["old"], made["oldest"]) == (False, True, False, True)
    assert made["late"] == [[begin + 2000, begin + 2006]]
    assert made["trades"]


async def test_colours_rise_with_the_quantity_and_the_ground_is_nothing(demo: str) -> None:
    made = await _run(
        demo,
        "views/heatmap/colours.js",
        """
        const codes = [0, 1e-9, 0.001, 1, 1000, 1e9].map(it.code);
        const cells = new Uint8Array(1000).fill(it.code(1)); cells[0] = it.code(1e6);
        const dark = it.palette(true);
        return {codes, back: it.quantityOf(it.code(3)), bounds: it.bounds(cells),
          none: it.bounds(new Uint8Array(9)), ground: [...dark.slice(0, 3)], one: it.code(1)};""",
    )
    assert made["codes"] == sorted(made["codes"])
    assert made["codes"][0] == 0
    assert made["codes"][1] == 1
    assert made["codes"][-1] == 255
    assert 2.7 < made["back"] < 3.4
    assert made["bounds"] == [made["one"], made["one"] + 4]
    assert made["none"] == [1, 255]
    assert made["ground"] == [11, 15, 22]


async def test_a_camera_stays_within_the_15_minutes_and_goes_live_at_the_edge(demo: str) -> None:
    made = await _run(
        demo,
        "views/heatmap/camera.js",
        """
        const now = 1_800_000_000_000;
        const past = it.pan(it.live(), 60_000, 0, now, 100);
        return {past: now - past.end, back: it.pan(past, -70_000, 0, now, 100).end,
          far: now - it.pan(past, 9e9, 0, now, 100).end, up: it.pan(it.live(), 0, 5, now, 100).centre,
          near: it.zoomTime(it.live(), 1e-9, 1, now).span, whole: it.zoomTime(it.live(), 1e9, 1, now).span,
          frame: it.frame(it.live(), now, 100, 10)};""",
    )
    assert (made["past"], made["back"], made["up"]) == (60_000, None, 105)
    assert (made["far"], made["near"], made["whole"]) == (840_000, 20_000, 900_000)
    assert (made["frame"]["low"], made["frame"]["high"]) == (95, 105)


async def test_stretches_of_health_begin_with_the_window_and_the_worst_book_is_first(demo: str) -> None:
    made = await _run(
        demo,
        "views/health/strip.js",
        """
        const end = Date.parse("2026-11-23T12:15:00Z");
        const at = (minute, status) => ({time: `2026-11-23T12:${minute}:00Z`, status, reason: ""});
        const long = {...at("00", "live"), time: "2026-11-23T11:50:00Z"};
        const history = [long, at("05", "stale"), at("06", "live")];
        const all = it.stretches(history, end);
        const book = (symbol, status, history) => ({exchange: "a", symbol, status, history});
        const [a, b] = [book("A", "live", history), book("B", "live", [at("00", "live")])];
        const books = [a, b, book("C", "down", [])];
        return {lengths: all.map((one) => (one.to - one.from) / 60_000), share: it.liveShare(all),
          none: it.liveShare([]), order: it.worstFirst(books, end).map((one) => one.symbol)};""",
    )
    assert made["lengths"] == [5, 1, 9]
    assert abs(made["share"] - 14 / 15) < 1e-9
    assert made["none"] is None
    assert made["order"] == ["C", "A", "B"]

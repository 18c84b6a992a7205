"""What the theatre shows is what the replay met: books of their moment, orders as they stood."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.tapes import T0_MS, market
from twap_models import TwapOrderRequest, exact_json
from twap_server.api.config import ApiConfig
from twap_server.bootstrap.replay_run import USER, Replayed
from twap_server.bootstrap.replaying import replay
from twap_server.bootstrap.theatre import in_theatre
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, to_datetime
from twap_server.runtime.threads import Threads
from twap_server.settings import Settings
from twap_server.theatre.app import create_theatre
from twap_server.theatre.camera import Camera
from twap_server.theatre.frames import FrameFile
from twap_server.theatre.timeline import Screenplay

SECONDS = 40
FIRST = datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(seconds=-(-T0_MS // 1_000) + 1)


def orders() -> list[TwapOrderRequest]:
    given = {"exchange": "binance", "symbol": "BTCUSDT", "quantity": "9", "duration": "10s", "interval": 1}
    return [
        TwapOrderRequest.model_validate(
            {"token_id": "buy", **given, "start_time": FIRST + timedelta(seconds=5)}
        ),
        TwapOrderRequest.model_validate({"token_id": "sell", **given, "side": "sell", "price": "60001"}),
        TwapOrderRequest.model_validate({"token_id": "all", **given, "exchange": "aggregate"}),
    ]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replayed, Screenplay]]:
    """A made market and what was filmed of it."""
    path = market(tmp_path_factory.mktemp("tape") / "made.jsonl.gz", seconds=SECONDS)
    with FrameFile() as file:
        camera = Camera(file, user=USER, max_spread=Settings().engine.max_leg_spread)
        done = replay(path, orders(), Settings(), onlooker=camera)
        yield (
            done,
            Screenplay(
                name=path.name,
                camera=camera,
                records=tuple(done.records),
                start=done.start,
                end=done.end,
                messages=done.frames,
                unread="",
            ),
        )


class Asked:
    """Asks the theatre's app."""

    def __init__(self, play: Screenplay) -> None:
        self.threads = Threads("reports", 1)
        app = create_theatre(play, config=ApiConfig(), clock=SystemClock(), threads=self.threads)
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return exact_json.loads(answer.content)


@pytest.fixture
def asked(shown: tuple[Replayed, Screenplay]) -> Iterator[Asked]:
    made = Asked(shown[1])
    yield made
    made.threads.close()


def test_who_watches_changes_nothing(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=SECONDS)
    alone = replay(path, orders(), Settings())
    watched: list[Replayed] = []

    def play(camera: Camera) -> Replayed:
        watched.append(replay(path, orders(), Settings(), onlooker=camera))
        return watched[0]

    assert in_theatre([path], Settings(), play=play, show=lambda _: None) == alone


async def test_the_summary_says_what_there_is(asked: Asked, shown: tuple[Replayed, Screenplay]) -> None:
    told = await asked.get("/replay")
    done, _ = shown
    assert told["recording"] == "made.jsonl.gz"
    assert told["messages"] == done.frames
    assert [(one["exchange"], one["symbol"]) for one in told["books"]] == [
        ("binance", "BTC-USDT"),
        ("aggregate", "BTC-USDT"),
    ]
    assert [one["order"]["token_id"] for one in told["orders"]] == ["buy", "sell", "all"]
    assert told["orders"][0]["order"]["status"] == "Filled"
    assert len(told["orders"][0]["slices"]) == 10
    assert told["frames"] in (SECONDS, SECONDS + 1)
    assert datetime.fromisoformat(told["first"]) == FIRST


async def test_each_frame_is_a_second_after_the_one_before(asked: Asked) -> None:
    told = await asked.get("/replay")
    found = await asked.get("/replay/frames", limit=120)
    times = [datetime.fromisoformat(one["time"]) for one in found["frames"]]
    assert times == [FIRST + timedelta(seconds=at) for at in range(told["frames"])]
    assert [one["number"] for one in found["frames"]] == list(range(told["frames"]))


async def test_a_slice_met_the_book_of_the_frames_around_it(
    asked: Asked, shown: tuple[Replayed, Screenplay]
) -> None:
    """The book changes ten times a second: its best prices at a slice lie between those of two frames."""
    found = (await asked.get("/replay/frames", limit=120))["frames"]
    mids = [one["mid"] for one in found if one["mid"] is not None]
    (record,) = [one for one in shown[0].records if one.order.terms.token_id == "buy"]
    met = [one.mid for one in record.slices if one.mid is not None]
    assert met and all(min(mids) - 10 <= one <= max(mids) + 10 for one in met)
    for frame in found:
        if frame["mid"] is not None:
            assert 2 * frame["mid"] == frame["book"]["bids"][0][0] + frame["book"]["asks"][0][0]
            assert len(frame["book"]["bids"]) <= 25


async def test_an_order_is_there_from_its_acceptance_on_and_as_it_stood(
    asked: Asked, shown: tuple[Replayed, Screenplay]
) -> None:
    found = (await asked.get("/replay/frames", limit=120))["frames"]
    (record,) = [one for one in shown[0].records if one.order.terms.token_id == "buy"]
    stood: dict[str, Any] = {}
    for frame in found:
        stood |= frame["orders"]
        moment = datetime.fromisoformat(frame["time"])
        if "buy" not in stood:
            assert moment < to_datetime(record.order.terms.created)
            continue
        filled = sum(
            (one.filled for one in record.slices if one.decided and to_datetime(one.decided) <= moment),
            Decimal(0),
        )
        assert stood["buy"]["filled_quantity"] == filled
    assert stood["buy"]["status"] == "Filled"


async def test_the_moment_that_is_stepped_to_has_the_slice_in_it(asked: Asked) -> None:
    """Slices that are due at a frame's very second: the frame has them."""
    told = (await asked.get("/replay"))["orders"][0]
    found = (await asked.get("/replay/frames", limit=120))["frames"]
    states = [frame["orders"]["buy"]["filled_quantity"] for frame in found if "buy" in frame["orders"]]
    assert len(set(states)) == len(told["slices"]) + 1
    for place, one in enumerate(told["slices"]):
        number = -(-(int(one["ms"]) - int(FIRST.timestamp() * 1_000)) // 1_000)
        assert number == 5 + place
        assert found[number]["orders"]["buy"]["filled_quantity"] == states[place + 1]


async def test_larger_steps_skip_frames_and_nothing_that_happened_to_orders(asked: Asked) -> None:
    whole = (await asked.get("/replay/frames", limit=120))["frames"]
    stepped = (await asked.get("/replay/frames", first=2, every=7, limit=120))["frames"]
    assert [one["number"] for one in stepped] == list(range(2, len(whole), 7))
    for frame in stepped:
        stood: dict[str, Any] = {}
        for one in whole[: frame["number"] + 1]:
            stood |= one["orders"]
        seen: dict[str, Any] = {}
        for one in stepped:
            if one["number"] <= frame["number"]:
                seen |= one["orders"]
        assert seen == stood
        assert frame["book"] == whole[frame["number"]]["book"]
    trades = [one["id"] for frame in whole[:10] for one in frame["trades"]]
    first, second = stepped[0], stepped[1]
    assert [one["id"] for frame in (first, second) for one in frame["trades"]] == trades
    assert trades


async def test_the_book_shows_what_was_taken(asked: Asked) -> None:
    found = (await asked.get("/replay/frames", limit=120))["frames"]
    taken = [frame["book"]["own"] for frame in found if frame["book"]["own"]["asks"]]
    assert taken, "a buyer of 9 in 10 s takes whole levels of 5"


async def test_the_mids_are_those_of_the_frames(asked: Asked) -> None:
    found = (await asked.get("/replay/frames", limit=120))["frames"]
    assert await asked.get("/replay/mids") == {"every": 1, "mids": [one["mid"] for one in found]}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"first": 4_000}, "first: expected a frame from 0 to"),
        ({"book": 9}, "book: expected a book from 0 to 1, got 9"),
        ({"limit": 121}, "limit: "),
        ({"every": 0}, "every: "),
    ],
)
async def test_what_is_not_there_is_told(asked: Asked, query: dict[str, int], words: str) -> None:
    answer = await asked.http.get("/replay/frames", params=query)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


async def test_a_report_is_that_of_the_replay(asked: Asked, shown: tuple[Replayed, Screenplay]) -> None:
    report = await asked.get("/orders/buy/report")
    assert report["filled_quantity"] == 9
    table = await asked.http.get("/orders/buy/report", params={"format": "csv", "table": "slices"})
    assert len(table.text.splitlines()) == 11
    some = await asked.http.get(
        "/orders/buy/report", params={"format": "csv", "table": "slices", "latest": 3}
    )
    assert some.text.splitlines()[1:] == table.text.splitlines()[-3:]
    page = await asked.http.get("/orders/buy/report", params={"format": "html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (await asked.http.get("/orders/other/report")).status_code == 404


async def test_nobody_writes_and_no_other_site_is_answered(asked: Asked) -> None:
    assert (await asked.get("/server"))["theatre"] is True
    assert (await asked.get("/exchanges"))[0]["integrity"] == "sequence"
    assert (await asked.http.post("/orders/twap", json={})).status_code == 404
    assert (await asked.http.post("/replay")).status_code == 405
    foreign = await asked.http.get("/replay", headers={"Host": "evil.example.com"})
    assert foreign.status_code == 421
    assert (await asked.http.get("/")).headers["content-security-policy"].startswith("default-src 'self'")


def test_frames_are_of_whole_seconds(shown: tuple[Replayed, Screenplay]) -> None:
    assert shown[1].camera.first % SECOND == 0

"""twap-server: ``bootstrap.replay``, which is what ``twap-server replay`` calls, from raw text to fills."""

import datetime
import time
from typing import ClassVar

from benchmarks.replays.contender import Job, Outcome, is_buy
from twap_models import TwapOrderRequest
from twap_server.bootstrap import Recording, Replayed, replay
from twap_server.replay.player import TapePlayer
from twap_server.replay.virtual import ReplayLoop
from twap_server.settings import Settings


class OneByOne(ReplayLoop):
    """The slow way to compare with: one turn of the event loop for each frame."""

    def pass_time(self, timeout: float | None) -> None:
        """Let the reader take one frame only."""
        super().pass_time(timeout)
        assert isinstance(self._player, TapePlayer)
        self.horizon = min(self.horizon, self._player.tape.at)


class TwapServer:
    """Plays messages that are in memory, as they were received: text."""

    label: ClassVar[str] = "twap-server"
    keeps: ClassVar[bool] = True

    def __init__(self, job: Job) -> None:
        self._job = job
        self._recording = Recording(job.recording, keep=self.keeps)
        self._orders = [order_of(job, number, start) for number, start in enumerate(job.starts_ms)]
        self._slow = replay(self._recording, self._orders, Settings(), make_loop=OneByOne)

    def run(self) -> Outcome:
        """Replay; the result is checked against the slow way."""
        begin = time.process_time()
        done = replay(self._recording, self._orders, Settings())
        seconds = time.process_time() - begin
        self._check(done)
        return Outcome(done.frames, seconds, sum(len(record.fills) for record in done.records))

    def _check(self, done: Replayed) -> None:
        if done != self._slow:
            raise RuntimeError("many frames at once and one by one do not give the same records")
        open_ = [record for record in done.records if record.order.status.is_open]
        slices = sum(len(record.slices) for record in done.records)
        if open_ or slices != self._job.slices:
            raise RuntimeError(
                f"{slices} slices instead of {self._job.slices}, {len(open_)} orders still open"
            )


class FromFile(TwapServer):
    """Reads, unpacks and takes the file apart within the time, too, as the command does."""

    label: ClassVar[str] = "twap-server, from the packed file"
    keeps: ClassVar[bool] = False


def order_of(job: Job, number: int, start_ms: int) -> TwapOrderRequest:
    start = datetime.datetime.fromtimestamp(start_ms / 1000, tz=datetime.UTC)
    return TwapOrderRequest.model_validate(
        {
            "token_id": f"order-{number}",
            "exchange": "binance",
            "symbol": "BTCUSDT",
            "side": "buy" if is_buy(number) else "sell",
            "quantity": "1",
            "start_time": start,
            "duration": job.length_s,
            "interval": job.interval_s,
        }
    )

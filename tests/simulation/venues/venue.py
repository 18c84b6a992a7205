"""What all scripted exchanges share: the market's pulse, sessions, and the faults of their wires.

A fault is made due by the script; the next message it can spoil carries it out and is counted. The true books
never know of it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

from simulation.clock import EPOCH
from simulation.network import Host, Network
from simulation.venues.truth import Change, Spec, Truth
from simulation.venues.wire import Answer, HttpEnd, Session, SocketEnd

GARBAGE: tuple[str | bytes, ...] = (
    '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":17232',
    "<html><body>502 Bad Gateway</body></html>",
    b"\x1f\x8b\x08\x00\xff\xfe\x00\x80binary",
    '{"channel":"book","type":"update","data":[{"symbol":NaN}]}',
    "null",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    '{"data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":5,"u":1,"b":[],"a":[]}}',
)


class VenueSession(Session):
    """One connection; the venue's protocol is in the subclasses."""

    def __init__(self, venue: "Venue", socket: SocketEnd) -> None:
        self.venue = venue
        self.socket = socket
        self.silent_until = 0.0
        self._held: str | None = None

    def begin(self) -> None:
        """The connection is open."""
        self.venue.sessions[self] = None

    def end(self) -> None:
        """The connection is gone."""
        self.venue.sessions.pop(self, None)

    def hear(self, truth: Truth, change: Change) -> None:
        """Something happened to an instrument."""
        raise NotImplementedError

    def goodbye(self) -> None:
        """Announce a planned close."""
        raise NotImplementedError

    def say(self, text: str) -> bool:
        """Send, unless silent."""
        if self.venue.loop_time() < self.silent_until:
            return False
        self.socket.send(text)
        return True

    def say_book(self, text: str, truth: Truth) -> None:
        """Send a change of a book through the faults that are due."""
        now = self.venue.loop_time()
        truth.unseen_from = truth.unseen_from or now
        if self.venue.take("gap"):
            return
        if self.venue.take("reorder") and self._held is None:
            self._held = text
            return
        if self.say(text):
            truth.seen(now)
        if self.venue.take("repeat"):
            self.say(text)
        if self._held is not None:
            held, self._held = self._held, None
            self.say(held)


class Venue:
    """One exchange: its instruments, its doors and its troubles."""

    name: str

    def __init__(self, specs: Sequence[Spec], network: Network, seed: str, *, mean_s: float) -> None:
        """Args: mean_s: mean seconds between two events of an instrument."""
        self.loop = network.loop
        self.rng = Random(f"{seed}:{self.name}:troubles")
        self.sessions: dict[VenueSession, None] = {}
        self.truths = {
            spec.native: Truth(spec, Random(f"{seed}:{self.name}:{spec.native}"), now=self.loop.time())
            for spec in specs
        }
        self.due: list[str] = []
        self.done: Counter[str] = Counter()
        self.rest_trouble = ""
        self.rest_trouble_until = 0.0
        self.refuse_until = 0.0
        self.refuse_status = 429
        self._mean_s = mean_s
        self._pulse = Random(f"{seed}:{self.name}:pulse")
        self.ws = Host(Random(f"{seed}:{self.name}:ws"), self._socket_end)
        self.rest = Host(Random(f"{seed}:{self.name}:rest"), self._http_end)
        network.hosts[f"{self.name}.sim", 9001] = self.ws
        network.hosts[f"{self.name}.sim", 9002] = self.rest

    def start(self) -> None:
        """Begin trading."""
        for truth in self.truths.values():
            self._next(truth)

    def loop_time(self) -> float:
        return self.loop._now

    def wall_ms(self) -> int:
        """The exchange's own time: right, whatever the server's clock says."""
        return EPOCH // 1_000_000 + round(self.loop._now * 1_000)

    def take(self, name: str) -> bool:
        """Whether a fault is due for the message at hand; it counts as done then."""
        if not self.due or name not in self.due:
            return False
        self.due.remove(name)
        self.done[name] += 1
        return True

    def publish(self, truth: Truth, change: Change) -> None:
        """Tell every connection."""
        for session in list(self.sessions):
            session.hear(truth, change)

    def find(self, symbol: str) -> Truth:
        """By canonical symbol."""
        return next(truth for truth in self.truths.values() if truth.spec.symbol == symbol)

    def make_session(self, socket: SocketEnd) -> VenueSession:
        raise NotImplementedError

    def answer(self, path: str, query: dict[str, str]) -> Answer | None:
        raise NotImplementedError

    def _next(self, truth: Truth) -> None:
        self.loop.call_later(self._pulse.expovariate(1 / self._mean_s) + 0.01, self._happen, truth)

    def _happen(self, truth: Truth) -> None:
        if truth.listed:
            self.publish(truth, truth.step(self.loop._now))
        self._next(truth)

    def _socket_end(self) -> asyncio.Protocol:
        return SocketEnd(self.make_session, self._refusal)

    def _refusal(self) -> Answer | None:
        if self.loop._now >= self.refuse_until:
            return None
        self.done["refused"] += 1
        left = int(self.refuse_until - self.loop._now) + 1
        return self.refuse_status, {"Retry-After": str(left)}, b""

    def _http_end(self) -> asyncio.Protocol:
        return HttpEnd(self._rest, lambda: self.rng.random() * 0.1)

    def _rest(self, path: str, query: dict[str, str]) -> Answer | None:
        trouble = self.rest_trouble if self.loop._now < self.rest_trouble_until else ""
        if trouble:
            self.done[f"rest {trouble}"] += 1
        match trouble:
            case "429" | "418":
                return int(trouble), {"Retry-After": str(self.rng.randint(1, 20))}, b"slow down"
            case "503" | "500":
                return int(trouble), {}, b"<html>oops</html>"
            case "timeout":
                return None
            case "nonsense":
                return 200, {}, b'{"bids":[["1","2'
        return self.answer(path, query)


def json_answer(body: str) -> Answer:
    """200 with JSON."""
    return 200, {"content-type": "application/json"}, body.encode()

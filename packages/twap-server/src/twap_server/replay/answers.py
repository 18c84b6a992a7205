"""Answer requests over REST with what was recorded: lists as they were, books at the moment they came.

In: the answers of a recording, as they are read, and a file that may hold the list of instruments. Out: HTTP
answers. A book is never given before the moment when it was received, and each only once: what comes later is
another book. What can never be asked for any more is forgotten: a book that was given, and of all else what
came between the first and the newest answer to the same question.
"""

import asyncio
from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import httpx

from twap_server.clock import VirtualClock
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.exchanges.base import Asking, HttpRequest, T

_NONE: Final = "the recording holds none"
"""Of candles, or whatever else was asked for: it reads behind what is needed."""
BESIDE: Final = -1
"""The number of a recording that is not played."""
_BOUNDED: Final = 2
"""Answers to one question that stay: the first and the newest."""
_Key: TypeAlias = tuple[int, int]
"""The number of a recording, and a line in it."""
_Question: TypeAlias = tuple[str, str, frozenset[tuple[str, str]]]
"""Path, what was asked, and the parameters: of numbers, which may differ, the names alone."""


@dataclass(slots=True, kw_only=True, eq=False)
class RecordedAnswer:
    """One answer over REST."""

    at: Nanos
    path: str
    params: Mapping[str, str]
    asked: str
    """The body of the request; empty for a GET."""
    body: bytes
    given: bool = False


@dataclass(slots=True)
class RecordedRest:
    """The REST of one exchange, in place of the internet: an httpx transport's handler."""

    base: str
    """Path that requests begin with, and the recording's do not."""
    clock: Clock = field(init=False, default_factory=lambda: VirtualClock(Nanos(0)))
    """Of the replay; set before anything is asked."""
    fallback: httpx.AsyncBaseTransport | None = None
    """Answers what was not recorded."""
    list_body: bytes | None = None
    """A list of instruments that came by another way."""
    book_paths: set[str] = field(default_factory=set)
    """Paths of requests for books."""
    list_paths: set[str] = field(default_factory=set)
    _known: dict[_Key, RecordedAnswer] = field(default_factory=dict)
    """Those that may still be asked for."""
    _asked: defaultdict[_Question, list[_Key]] = field(default_factory=lambda: defaultdict(list))
    """By question, the answers that are known, as they came in."""
    _read: dict[int, int] = field(default_factory=dict)
    """By recording, up to which line its answers were noted: its beginning is read more than once."""
    _news: list[asyncio.Future[None]] = field(default_factory=list)
    _made_lists: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    """By what was asked, the lists of instruments that the fallback gave."""

    def note(self, at: Nanos, raw: bytes, line: int, conn: str, *, recording: int = 0) -> None:
        """Take in an answer of a recording; the same line counts once.

        Args:
            at: when it was received.
            raw: its body.
            line: where it stands.
            conn: what was asked.
            recording: its number among several; ``BESIDE``: it holds the list of instruments alone.
        """
        if line <= self._read.get(recording, -1):
            return
        self._read[recording] = line
        place = urlsplit(conn)
        params = dict(parse_qsl(place.query))
        answer = RecordedAnswer(at=at, path=place.path, params=params, asked=place.fragment, body=raw)
        self._known[recording, line] = answer
        self._forget_between(answer, (recording, line))
        for waiting in self._news:
            waiting.set_result(None)
        self._news.clear()

    def known(self, request: HttpRequest) -> bytes | None:
        """The first answer to such a request that is known."""
        found = self._answers(request.path, request.params, (request.body or b"").decode())
        if found:
            return found[0].body
        return self.list_body if request.path in self.list_paths else None

    def lead(self, asking: Asking[T], *, asked: set[str] | None = None) -> T:
        """Lead a conversation by the answers that are known.

        Args:
            asking: what the exchange asks.
            asked: is given the paths of the requests.

        Raises:
            ExchangeUnavailable: an answer is missing, as when the next page's would be this page's again.
            TwapError, FeedError: one cannot be read.
        """
        try:
            request, before = next(asking), list[HttpRequest]()
            while request not in before and (body := self.known(request)) is not None:
                before.append(request)
                if asked is not None:
                    asked.add(request.path)
                request = asking.send(body)
        except StopIteration as end:
            value: T = end.value
            return value
        raise ExchangeUnavailable(f"the answer of {request.path} {_in_words(request.params)}is missing")

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request.

        Raises:
            ExchangeUnavailable: nothing of the kind was recorded.
        """
        path, params = request.url.path.removeprefix(self.base), dict(request.url.params)
        if path in self.book_paths:
            return httpx.Response(200, content=await self._book(path, params))
        found = self._answers(path, params, request.content.decode())
        if found:
            now = self.clock.now()
            known = [one for one in found if one.at <= now]
            return httpx.Response(200, content=(known[-1] if known else found[0]).body)
        if self.list_body is not None and path in self.list_paths:
            return httpx.Response(200, content=self.list_body)
        if self.fallback is not None:
            return await self._made(request, path, self.fallback)
        raise ExchangeUnavailable(_NONE)

    async def _made(
        self, request: httpx.Request, path: str, fallback: httpx.AsyncBaseTransport
    ) -> httpx.Response:
        """Ask the fallback; for the list once, for it would never give another, and is asked every 15 s."""
        asked = path, request.url.query
        if asked in self._made_lists:
            return httpx.Response(200, content=self._made_lists[asked])
        answer = await fallback.handle_async_request(request)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise ExchangeUnavailable(_NONE)
        if answer.status_code == httpx.codes.OK and path in self.list_paths:
            self._made_lists[asked] = await answer.aread()
        return answer

    async def _book(self, path: str, params: Mapping[str, str]) -> bytes:
        """Wait for a book that was not given yet."""
        while True:
            fresh = [one for one in self._fitting(path, params) if not one.given]
            if fresh:
                now = self.clock.now()
                chosen = max((one for one in fresh if one.at <= now), key=_moment, default=fresh[0])
                body, chosen.body, chosen.given = chosen.body, b"", True
                if chosen.at > now:
                    await self.clock.sleep((chosen.at - now) / SECOND)
                return body
            waiting = asyncio.get_running_loop().create_future()
            self._news.append(waiting)
            await waiting

    def _forget_between(self, answer: RecordedAnswer, key: _Key) -> None:
        """Forget what a newer answer to the same question stands before, whoever asks from now on.

        The first stays for ``known``, which asks for no moment.
        """
        if key[0] == BESIDE or any(answer.path.endswith(one) for one in self.book_paths):
            return
        same, now = self._asked[_question_of(answer)], self.clock.now()
        insort(same, key, key=lambda one: _place((one, self._known[one])))
        while len(same) > _BOUNDED and self._known[same[2]].at <= now:
            del self._known[same.pop(1)]

    def _answers(self, path: str, params: Mapping[str, str], asked: str) -> list[RecordedAnswer]:
        """What was answered; where the list of one kind alone was recorded, that stands for all kinds."""
        found = self._fitting(path, params, asked)
        if found or asked or path not in self.list_paths:
            return found
        return [one for one in self._in_order() if one.path.endswith(path)]

    def _fitting(self, path: str, params: Mapping[str, str], asked: str = "") -> list[RecordedAnswer]:
        """Those that name all that is asked, as a later page's cursor, before those that name less."""
        found = [
            one
            for one in self._in_order()
            if one.path.endswith(path) and one.asked == asked and _is_same(one.params, params)
        ]
        return [one for one in found if one.params.keys() == params.keys()] or found

    def _in_order(self) -> list[RecordedAnswer]:
        """All that are known: first those beside the recordings, then by time."""
        return [one for _, one in sorted(self._known.items(), key=_place)]


def _question_of(answer: RecordedAnswer) -> _Question:
    params = ((name, "" if value.isdigit() else value) for name, value in answer.params.items())
    return answer.path, answer.asked, frozenset(params)


def _place(item: tuple[_Key, RecordedAnswer]) -> tuple[bool, Nanos, _Key]:
    key, answer = item
    is_beside = key[0] == BESIDE
    return not is_beside, Nanos(0) if is_beside else answer.at, key


def _moment(answer: RecordedAnswer) -> Nanos:
    return answer.at


def _in_words(params: Mapping[str, str]) -> str:
    return "".join(f"{name}={value} " for name, value in params.items())


def _is_same(recorded: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    """Whether two requests ask for the same; how much of it (a number) may differ."""
    return all(value == asked.get(name) for name, value in recorded.items() if not value.isdigit())

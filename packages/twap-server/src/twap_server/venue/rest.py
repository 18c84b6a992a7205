"""Answer REST requests of a simulated exchange: a table of paths, and one way to refuse.

A path's function is given what was asked and returns what is written as JSON. Numbers are texts there, so no
digit is lost; where the exchange writes numbers, it returns the bytes.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from twap_server.domain.clock import Clock
from twap_server.venue import text
from twap_server.venue.candles import CandleInterval, VenueCandle
from twap_server.venue.source import Pair, Source


class RestRefusal(Exception):
    """What the exchange answers instead: a status and a body."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


class AskedFields:
    """One request: fields of its path, its query and its JSON body, in this order."""

    def __init__(self, fields: Mapping[str, Any], *, refuse: Callable[[str], RestRefusal]) -> None:
        self._fields = fields
        self._refuse = refuse

    def text(self, name: str, default: str | None = None) -> str:
        """Give a field.

        Raises:
            RestRefusal: it is not there, and there is no default.
        """
        value = self._fields.get(name, default)
        if value is None or value == "":
            raise self._refuse(name)
        return str(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """Give a field that is a whole number.

        Raises:
            RestRefusal: it is none.
        """
        written = self.text(name, None if default is None else str(default))
        if not (written.isascii() and written.isdigit()):
            raise self._refuse(name)
        return int(written)

    def optional(self, name: str) -> int | None:
        """Give a field that is a whole number, None where it was not sent."""
        return self.integer(name) if self.has(name) else None

    def has(self, name: str) -> bool:
        """Whether a field was sent."""
        return self._fields.get(name) not in (None, "")

    def part(self, name: str) -> "AskedFields":
        """Give an object that is a field."""
        value = self._fields.get(name)
        if not isinstance(value, dict):
            raise self._refuse(name)
        return AskedFields(value, refuse=self._refuse)


Answer = Callable[[AskedFields], Any]


class VenueRest(ABC):
    """The REST of one exchange."""

    venue: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ("GET",)

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    @abstractmethod
    def table(self) -> Mapping[str, Answer]:
        """Give each path (with ``{field}`` in it) its function."""

    @abstractmethod
    def refusal(self, field: str) -> RestRefusal:
        """Say that a field is missing or wrong."""

    def routes(self) -> list[BaseRoute]:
        """Make its routes."""
        return [
            Route(path, self._handler(answer), methods=list(self.methods))
            for path, answer in self.table().items()
        ]

    def _handler(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                fields = {**request.path_params, **request.query_params, **await _body(request)}
                status, body = 200, answer(AskedFields(fields, refuse=self.refusal))
            except RestRefusal as error:
                status, body = error.status, error.body
            return _response(status, body)

        return handle

    def pairs(self) -> list[Pair]:
        """List the instruments."""
        return list(self._source.pairs(self.venue).values())

    def pair(self, asked: AskedFields, name: str) -> Pair:
        """Find the instrument that a field names.

        Raises:
            RestRefusal: there is none.
        """
        pair = self._source.pairs(self.venue).get(asked.text(name))
        if pair is None:
            raise self.refusal(name)
        return pair

    def now_ms(self) -> int:
        """Give the time."""
        return self._clock.now() // 1_000_000

    def candles(
        self,
        pair: Pair,
        interval: CandleInterval,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int,
    ) -> list[VenueCandle]:
        """List candles, oldest first, the running one last: see ``CandleStore.rows``."""
        now_ms = max(self.now_ms(), pair.last_time // 1_000_000)
        return pair.candles.rows(interval, now_ms=now_ms, start_ms=start_ms, end_ms=end_ms, limit=limit)


def _response(status: int, body: object) -> Response:
    """Send bytes as the JSON that they are, a text as a page, and anything else as JSON."""
    if isinstance(body, str):
        return Response(body, status, media_type="text/html")
    told = body if isinstance(body, bytes) else text.compact(body)
    return Response(told, status, media_type="application/json")


async def _body(request: Request) -> Mapping[str, Any]:
    if request.method != "POST":
        return {}
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}

"""Define the WebSocket protocol: client and server messages, told apart by ``type``."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from twap_models import exact_json
from twap_models.base import RequestModel, ResponseModel
from twap_models.enums import ErrorCode, Interval, OrderEventType
from twap_models.fields import ExchangeName, Seq, SymbolText, UtcDatetime
from twap_models.market import BookTop, Candle, PublicTrade
from twap_models.orders import Fill, Slice, TwapOrder


class Authenticate(RequestModel):
    """The first message, unless the upgrade carried an Authorization header."""

    type: Literal["auth"] = "auth"
    token: str = Field(min_length=1, max_length=4096)


class Subscribe(RequestModel):
    """Ask for a channel; ``exchange`` omitted or ``aggregate`` means all that list the instrument.

    The same book again, with another ``depth`` or ``own``, takes the place of the one before.
    """

    type: Literal["subscribe"] = "subscribe"
    channel: Literal["book", "orders", "trades", "klines"]
    exchange: ExchangeName | None = None
    symbol: SymbolText | None = None
    interval: Interval | None = Field(default=None, description="klines: of the candles; omitted: 1m.")
    depth: Literal[10, 25, 100] | None = Field(
        default=None, description="book: levels a side; omitted: what this server sends by default, 10."
    )
    own: bool | None = Field(default=None, description="book: also what you took of these levels.")
    since: Seq | None = Field(default=None, description="orders: replay all events with seq above this.")


class Unsubscribe(RequestModel):
    """Give a channel up."""

    type: Literal["unsubscribe"] = "unsubscribe"
    channel: Literal["book", "orders", "trades", "klines"]
    exchange: ExchangeName | None = None
    symbol: SymbolText | None = None
    interval: Interval | None = Field(default=None, description="klines: as it was asked for.")


class Ping(RequestModel):
    """Ask for a pong; ``id`` comes back."""

    type: Literal["ping"] = "ping"
    id: int | str | None = None


ClientMessage = Annotated[Authenticate | Subscribe | Unsubscribe | Ping, Field(discriminator="type")]


class Authenticated(ResponseModel):
    """You are signed in."""

    type: Literal["authenticated"] = "authenticated"
    username: str
    expires_at: UtcDatetime | None = None


class Subscribed(ResponseModel):
    """The channel is yours; for a book its current state follows at once."""

    type: Literal["subscribed"] = "subscribed"
    channel: str
    exchange: str | None = None
    symbol: str | None = None
    instrument: str | None = None
    interval: str | None = Field(default=None, description="klines.")
    seq: int | None = Field(default=None, description="orders: the last event's seq at this moment.")


class Unsubscribed(ResponseModel):
    """The channel is no longer sent."""

    type: Literal["unsubscribed"] = "unsubscribed"
    channel: str
    exchange: str | None = None
    symbol: str | None = None
    interval: str | None = Field(default=None, description="klines.")


class StreamError(ResponseModel):
    """A message was refused."""

    type: Literal["error"] = "error"
    code: ErrorCode | str
    message: str


class Pong(ResponseModel):
    """Answer to ping."""

    type: Literal["pong"] = "pong"
    id: int | str | None = None
    time: UtcDatetime


class BookMessage(BookTop):
    """A book's first levels, once a second; status says whether it is current."""

    type: Literal["book"] = "book"


class TradeMessage(PublicTrade):
    """One public trade. ``left_out`` of those before it were not sent: too many, or too slowly read."""

    type: Literal["trade"] = "trade"
    aggregate: bool = Field(default=False, description="Whether it comes of a subscription to all exchanges.")
    left_out: int = Field(default=0, description="Trades of this subscription left out right before it.")


class KlineMessage(Candle):
    """The candle that is forming, at most once a second, or one that has ended (``closed``)."""

    type: Literal["kline"] = "kline"
    exchange: str
    symbol: str = Field(description="As it was asked for.")
    instrument: str
    interval: str
    status: str = Field(
        default="live",
        description="Of the feed that it is built from, as of a book: live, stale, resyncing or down.",
    )
    reason: str = Field(default="", description="Why the feed is not live.")
    exact: bool = Field(
        default=True,
        description="Whether the volume is proven. False soon after the start and after a gap: a few trades "
        "may be counted twice or not yet, until the exchange's own candle has told.",
    )


class OrderEvent(ResponseModel):
    """Something happened to one of your orders. ``seq`` is gap-free per user, from 1."""

    type: Literal["order_event"] = "order_event"
    seq: int
    event: OrderEventType
    token_id: str
    time: UtcDatetime
    order: TwapOrder
    slice: Slice | None = None
    fills: list[Fill] = []


ServerMessage = Annotated[
    Authenticated
    | Subscribed
    | Unsubscribed
    | StreamError
    | Pong
    | BookMessage
    | OrderEvent
    | TradeMessage
    | KlineMessage,
    Field(discriminator="type"),
]

_CLIENT: TypeAdapter[Any] = TypeAdapter(ClientMessage)
_SERVER: TypeAdapter[Any] = TypeAdapter(ServerMessage)


def read_client_message(data: bytes | str) -> Authenticate | Subscribe | Unsubscribe | Ping:
    """Read what a client sent.

    Raises:
        ValueError: not JSON, or not a message of this protocol.
    """
    message: Authenticate | Subscribe | Unsubscribe | Ping = _CLIENT.validate_python(exact_json.loads(data))
    return message


AnyServerMessage = (
    Authenticated
    | Subscribed
    | Unsubscribed
    | StreamError
    | Pong
    | BookMessage
    | OrderEvent
    | TradeMessage
    | KlineMessage
)


def read_server_message(data: bytes | str) -> AnyServerMessage:
    """Read what the server sent.

    Raises:
        ValueError: not JSON, or not a message of this protocol.
    """
    message: AnyServerMessage = _SERVER.validate_python(exact_json.loads(data, exact_json.TOLD))
    return message


def age_ms(received: datetime | None, sent: datetime) -> int | None:
    """Milliseconds between the last change received and now; never negative."""
    return None if received is None else max(0, int((sent - received).total_seconds() * 1000))

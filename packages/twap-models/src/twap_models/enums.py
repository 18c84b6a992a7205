"""Define the closed sets of the wire. The server's inner stages may use this module of the models only."""

from enum import StrEnum

AGGREGATE = "aggregate"
"""The exchange name that means all of them: the consolidated book, an order over several exchanges."""


class Side(StrEnum):
    """Whose side: a buy takes asks, a sell takes bids."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class OrderStatus(StrEnum):
    """States of an order. Filled only if the filled quantity equals the quantity exactly."""

    ACCEPTED = "Accepted"
    WORKING = "Working"
    PAUSED = "Paused"
    FILLED = "Filled"
    EXPIRED = "Expired"
    CANCELED = "Canceled"
    FAILED = "Failed"
    REJECTED = "Rejected"

    @property
    def is_open(self) -> bool:
        """Whether the order can still fill."""
        return self in _OPEN


_OPEN = (OrderStatus.ACCEPTED, OrderStatus.WORKING, OrderStatus.PAUSED)


class FillState(StrEnum):
    """How much of an order was filled, beside its state."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class SliceOutcome(StrEnum):
    """How a slice ended; ``pending`` until then."""

    PENDING = "pending"
    FILLED = "filled"
    PARTIAL = "partial"
    MISSED = "missed"
    SKIPPED = "skipped"
    CANCELED = "canceled"


class SliceReason(StrEnum):
    """Why a slice ended as it did, when it did not simply fill."""

    LIMIT_NOT_MET = "limit_not_met"
    DEPTH_EXHAUSTED = "depth_exhausted"
    STALE_BOOK = "stale_book"
    RESYNCING = "resyncing"
    CROSSED_BOOK = "crossed_book"
    NO_BOOK = "no_book"
    PRICES_DISAGREE = "prices_disagree"
    BELOW_MINIMUM = "below_minimum"
    SLIPPAGE_CAP = "slippage_cap"
    PARTICIPATION_CAP = "participation_cap"
    PAUSED = "paused"
    ENGINE_DOWN = "engine_down"
    STORAGE = "storage"
    OVERLOADED = "overloaded"
    ELAPSED = "elapsed"
    NOT_NEEDED = "not_needed"
    CANCELED = "canceled"
    NOT_TRADABLE = "not_tradable"
    TOO_LATE = "too_late"


class RejectReason(StrEnum):
    """Why an order was rejected."""

    WINDOW_ELAPSED = "window_elapsed"
    INVALID_WINDOW = "invalid_window"
    UNKNOWN_EXCHANGE = "unknown_exchange"
    UNKNOWN_SYMBOL = "unknown_symbol"
    NOT_TRADABLE = "not_tradable"
    INVALID_INTERVAL = "invalid_interval"
    INVALID_QUANTITY = "invalid_quantity"
    BELOW_MINIMUM = "below_minimum"
    INVALID_PRICE = "invalid_price"
    INVALID_OPTION = "invalid_option"
    DUPLICATE_TOKEN_ID = "duplicate_token_id"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    TOO_MANY_SLICES_PER_SECOND = "too_many_slices_per_second"
    UNAVAILABLE = "unavailable"


class Strategy(StrEnum):
    """How an order is spread over its window."""

    TWAP = "twap"
    VWAP = "vwap"
    IS = "is"
    POV = "pov"
    SWEEP = "sweep"


class Urgency(StrEnum):
    """How much earlier than evenly an ``is`` order trades."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Carry(StrEnum):
    """What happens with the quantity a slice did not fill."""

    CATCH_UP = "catch_up"
    SKIP = "skip"
    LAST = "last"


class LateStart(StrEnum):
    """What happens when the start lies in the past."""

    COMPRESS = "compress"
    SKIP = "skip"
    SHIFT = "shift"


class Fidelity(StrEnum):
    """How a slice meets the book: through its depth, or whole at the touch."""

    DEPTH = "depth"
    L1 = "l1"


class RealismProfile(StrEnum):
    """How much of what a real order meets is simulated, under one name."""

    IDEAL = "ideal"
    """Slices fill at the moment they are decided."""
    LOCAL = "local"
    """A computer beside the exchange."""
    REMOTE = "remote"
    """A computer on another continent."""
    ADVERSE = "adverse"
    """A slow line, and a market that moves away from what is taken."""
    OWN = "own"
    """Figures of the order's own."""


class ImpactModel(StrEnum):
    """What becomes of the size that a user took."""

    LEVEL = "level"
    """It comes back at the price where it was taken."""
    PRICE_SHIFT = "price_shift"
    """The best levels stay out of reach, and the distance shrinks."""


class FeeSource(StrEnum):
    """Which taker fee an order pays."""

    SETTINGS = "settings"
    PUBLISHED = "published"
    """What the exchange publishes for its first tier."""


class Interval(StrEnum):
    """Candle intervals."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"
    MONTH = "1M"


class InstrumentKind(StrEnum):
    """What is traded: the asset itself, or a contract on its price that never expires."""

    SPOT = "spot"
    PERPETUAL = "perpetual"


class Integrity(StrEnum):
    """How an exchange lets us prove that no message is missing."""

    SEQUENCE = "sequence"
    CHECKSUM = "checksum"
    WHOLE = "whole"
    NONE = "none"


class BookStatus(StrEnum):
    """How far to trust a book."""

    LIVE = "live"
    STALE = "stale"
    RESYNCING = "resyncing"
    DOWN = "down"


class ExchangeState(StrEnum):
    """How the connections to an exchange are."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    IDLE = "idle"
    DOWN = "down"


class OrderEventType(StrEnum):
    """What happened to an order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WORKING = "working"
    SLICE = "slice"
    PAUSED = "paused"
    RESUMED = "resumed"
    AMENDED = "amended"
    ENDED = "ended"


class GoLiveVerdict(StrEnum):
    """Whether an exchange's own TWAP would take an order as it is."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class GoLiveRule(StrEnum):
    """What a rule of an exchange's own TWAP, or POV, bounds."""

    DURATION = "duration"
    DURATION_STEP = "duration_step"
    HORIZON = "horizon"
    INTERVAL = "interval"
    INTERVAL_STEP = "interval_step"
    DIVISIBILITY = "divisibility"
    MINIMUM_PER_SLICE = "minimum_per_slice"
    MINIMUM_TOTAL = "minimum_total"
    MAXIMUM_TOTAL = "maximum_total"
    LIMIT_PRICE = "limit_price"
    RANDOMIZE = "randomize"
    PARTICIPATION = "participation"


class Scope(StrEnum):
    """What an API key may do: look, or submit and change orders. Neither contains the other."""

    READ = "read"
    TRADE = "trade"


class MarketMode(StrEnum):
    """Where a server's prices come from."""

    LIVE = "live"
    DEMO = "demo"
    REPLAY = "replay"


class RegistrationMode(StrEnum):
    """Who may make an account."""

    OPEN = "open"
    """Anybody."""
    INVITE = "invite"
    """Who has an invite of an administrator."""
    CLOSED = "closed"
    """Nobody: whoever runs the server makes accounts."""


class ErrorCode(StrEnum):
    """The closed list of error codes, in problem documents and on the stream."""

    INVALID_REQUEST = "invalid_request"
    MALFORMED_JSON = "malformed_json"
    BODY_TOO_LARGE = "body_too_large"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNKNOWN_EXCHANGE = "unknown_exchange"
    UNKNOWN_SYMBOL = "unknown_symbol"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_NOT_OPEN = "order_not_open"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    USERNAME_TAKEN = "username_taken"
    CONFLICT = "conflict"
    NOT_AUTHENTICATED = "not_authenticated"
    NOT_PERMITTED = "not_permitted"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    NOT_IMPLEMENTED = "not_implemented"
    UNAVAILABLE = "unavailable"
    BOOK_UNAVAILABLE = "book_unavailable"
    EXCHANGE_UNAVAILABLE = "exchange_unavailable"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    BUSY = "busy"
    INTERNAL = "internal"

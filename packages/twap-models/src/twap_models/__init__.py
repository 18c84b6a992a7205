"""The wire contract of the twap server: requests, answers and stream messages. Needs pydantic alone."""

from twap_models.__about__ import __version__
from twap_models.accounts import AccessToken, Account, Credentials
from twap_models.enums import (
    Carry,
    ErrorCode,
    Fidelity,
    FillState,
    GoLiveRule,
    GoLiveVerdict,
    Integrity,
    Interval,
    LateStart,
    OrderEventType,
    OrderStatus,
    RejectReason,
    Side,
    SliceOutcome,
    SliceReason,
)
from twap_models.errors import FieldError, Problem
from twap_models.market import BookTop, Candle, Exchange, Instrument
from twap_models.orders import (
    Fill,
    Slice,
    TwapOrder,
    TwapOrderAmendment,
    TwapOrderDetail,
    TwapOrderRequest,
)
from twap_models.preview import (
    BrokenRule,
    CostEstimate,
    ExpectedCost,
    GoLiveCheck,
    GoLiveFinding,
    OrderPreview,
    PlannedSlice,
)
from twap_models.report import ExecutionReport
from twap_models.stream import BookMessage, OrderEvent

__all__ = [
    "AccessToken",
    "Account",
    "BookMessage",
    "BookTop",
    "BrokenRule",
    "Candle",
    "Carry",
    "CostEstimate",
    "Credentials",
    "ErrorCode",
    "Exchange",
    "ExecutionReport",
    "ExpectedCost",
    "Fidelity",
    "FieldError",
    "Fill",
    "FillState",
    "GoLiveCheck",
    "GoLiveFinding",
    "GoLiveRule",
    "GoLiveVerdict",
    "Instrument",
    "Integrity",
    "Interval",
    "LateStart",
    "OrderEvent",
    "OrderEventType",
    "OrderPreview",
    "OrderStatus",
    "PlannedSlice",
    "Problem",
    "RejectReason",
    "Side",
    "Slice",
    "SliceOutcome",
    "SliceReason",
    "TwapOrder",
    "TwapOrderAmendment",
    "TwapOrderDetail",
    "TwapOrderRequest",
    "__version__",
]

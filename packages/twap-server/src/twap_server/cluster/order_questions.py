"""Say what a gateway asks the engine of a user's partition, and what that answers."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from twap_models.enums import Side
from twap_server.cluster.failures import Failure
from twap_server.cluster.order_messages import OrderMessage, PreviewMessage, ResultMessage
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.terms import Amendment, OrderRequest


class Submit(Struct, frozen=True, tag=True):
    """Take these orders. Each request names the id of the order that it becomes."""

    user_id: str
    requests: Sequence[OrderRequest]


class AskPreview(Struct, frozen=True, tag=True):
    """Say what would become of these."""

    user_id: str
    requests: Sequence[OrderRequest]
    compare: bool


class Cancel(Struct, frozen=True, tag=True):
    """End an order."""

    user_id: str
    token_id: str


class Pause(Struct, frozen=True, tag=True):
    """Let an order fill nothing."""

    user_id: str
    token_id: str


class Resume(Struct, frozen=True, tag=True):
    """Let an order go on."""

    user_id: str
    token_id: str


class Amend(Struct, frozen=True, tag=True):
    """Change an order."""

    user_id: str
    token_id: str
    wanted: Amendment
    revision: int | None


class AskTaken(Struct, frozen=True, tag=True):
    """Say what these users took of these instruments."""

    wanted: Sequence[tuple[str, InstrumentId]]


class Submitted(Struct, frozen=True, tag=True):
    """What became of each."""

    results: Sequence[ResultMessage]


class Previewed(Struct, frozen=True, tag=True):
    """What would become of each."""

    previews: Sequence[PreviewMessage]


class Changed(Struct, frozen=True, tag=True):
    """The order as it is then."""

    order: OrderMessage


class TakenLevels(Struct, frozen=True, tag=True):
    """What was taken and has not grown back: user, instrument, side of the taker, price, quantity."""

    levels: Sequence[tuple[str, InstrumentId, Side, Decimal, Decimal]]


Question = Submit | AskPreview | Cancel | Pause | Resume | Amend | AskTaken
Answer = Submitted | Previewed | Changed | TakenLevels | Failure

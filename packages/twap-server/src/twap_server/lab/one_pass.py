"""Play a recording once with many orders: the piece of work that a process or a worker of a cluster is given.

In: a ``Pass``, all of whose values can be sent to another machine. Out: a ``PassResult``; what went wrong is
said in it, for not every error can be sent back.
"""

import gzip
import logging
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from twap_models.orders import StrategyOrderRequest
from twap_server.bootstrap.replaying import replay_apart
from twap_server.domain.errors import TwapError
from twap_server.domain.orders.record import OrderRecord
from twap_server.lab.engine import engine_version
from twap_server.lab.figures import RunFigures, figures_of
from twap_server.replay.apart import NotJudged
from twap_server.reports.page import report_page
from twap_server.reports.words import of_unread
from twap_server.settings import Settings

_FAST = 1
_ALL = Decimal(100)
"""Percent: how many messages may be unreadable was checked once, of the whole recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOrder:
    """An order of a pass."""

    key: str
    name: str
    """How its tournament knows it, for messages."""
    order: StrategyOrderRequest
    wants_report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A recording, and the orders that run over it."""

    recording: Path
    instruments: Path | None = None
    unread: str = ""
    """How many messages of the whole recording cannot be read; its pages tell it."""
    settings: Settings
    orders: tuple[PassOrder, ...]


@dataclass(slots=True, kw_only=True)
class PassResult:
    """What became of the orders."""

    engine: str
    figures: list[RunFigures] = field(default_factory=list)
    """In the order of the pass."""
    reports: dict[str, bytes] = field(default_factory=dict)
    """Pages by key, packed with gzip."""
    failure: str = ""
    """Why there is no result."""


def play(job: Pass) -> PassResult:
    """Play it; the same job gives the same result wherever it is done."""
    be_quiet()
    result = PassResult(engine=engine_version())
    by_token = {one.order.token_id: one for one in job.orders}
    found: dict[str, RunFigures] = {}

    def take(record: OrderRecord) -> None:
        asked = by_token[record.order.terms.token_id]
        found[asked.key] = figures_of(asked.key, record)
        if asked.wants_report:
            page = report_page(record, notes=of_unread(job.unread), is_recorded=True)
            result.reports[asked.key] = gzip.compress(page.encode(), _FAST, mtime=0)

    try:
        replay_apart(
            job.recording,
            [one.order for one in job.orders],
            job.settings,
            hand_out=take,
            instruments=job.instruments,
            skip_unread=_ALL,
        )
    except NotJudged as error:
        result.failure = f"{by_token[error.token_id].name}: {error}"
        return result
    except TwapError as error:
        result.failure = str(error)
        return result
    result.figures = [found[one.key] for one in job.orders]
    return result


def be_quiet() -> None:
    """What is wrong with the recording is in the result: the log lines of a server belong to nobody here."""
    ours = logging.getLogger("twap_server")
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())

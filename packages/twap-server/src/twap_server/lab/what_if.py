"""Execute one hypothetical order against a recording, and report what it would have cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from twap_models.enums import OrderStatus
from twap_models.fields import Moment
from twap_models.plain_words import plain
from twap_models.report import ExecutionReport
from twap_server.bootstrap.replaying import replay_apart
from twap_server.domain.clock import to_datetime, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.record import OrderRecord
from twap_server.lab.grid import moment_in
from twap_server.lab.orders import order_of
from twap_server.lab.source import look_at
from twap_server.reports.page import report_page
from twap_server.reports.present import execution_report
from twap_server.reports.summary import fill_lines, summary
from twap_server.reports.words import of_unread
from twap_server.settings import Settings

_TOKEN: Final = "what-if"
_OF_ORDERS: Final = "'now' or '+15m'"
"""What ``Moment`` offers beside a time: an order's now is no moment of a recording."""
_OF_RECORDINGS: Final = "or one such as '+30s' after the recording's first message"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What the order would have come to."""

    record: OrderRecord
    unread: str = ""
    """How many messages until its end could not be read, and why; empty where all were."""
    missing: Sequence[str] = ()
    """Which messages the recording lost while it was made, a line for each exchange that lost some."""

    @property
    def notes(self) -> list[str]:
        """What is to be known of the recording."""
        return [*of_unread(self.unread), *self.missing]

    @property
    def report(self) -> ExecutionReport:
        """Its execution report."""
        made = execution_report(self.record)
        return made.model_copy(update={"notes": [*self.notes, *made.notes]})

    @property
    def is_rejected(self) -> bool:
        """Whether it was not accepted; the lines and the report say why."""
        return self.record.order.status is OrderStatus.REJECTED

    def page(self) -> str:
        """The report as one HTML page."""
        return report_page(self.record, notes=self.notes, is_recorded=True)

    def write_page(self, path: Path) -> None:
        """Write that page into a file.

        Raises:
            InvalidRequest: it cannot be written.
        """
        try:
            path.write_text(self.page(), encoding="utf-8")
        except OSError as error:
            raise InvalidRequest(f"cannot write {path}: {error.strerror}", field="--html") from None

    def lines(self, *, with_fills: bool = False) -> Iterator[str]:
        """A handful of lines for a terminal, and one for each fill where they are wanted."""
        yield from self.notes
        yield from summary(self.record)
        if with_fills:
            yield from fill_lines(self.record)


def what_if(
    recording: Path | str,
    *,
    at: Moment,
    settings: Settings | None = None,
    instruments: Path | str | None = None,
    skip_unread: Decimal = ZERO,
    **order: Any,
) -> WhatIf:
    """Send one order at a moment of a recording, and say what it would have come to.

    Args:
        recording: a file, or a folder that ``twap-server start --record`` wrote.
        at: when it is sent and starts: ISO 8601 or a ``datetime`` with a zone, or ``+30s`` after the
            recording's first message.
        settings: of the server; its defaults without.
        instruments: the exchange's list of instruments, where the recording does not hold it.
        skip_unread: percent of the messages until the order's end that may be unreadable.
        **order: fields of ``POST /orders``, such as ``side="buy"``, ``quantity="1"``, ``duration="60s"``;
            without ``token_id`` and ``start_time``.

    Raises:
        InvalidRequest: a field is wrong, or the recording cannot be played; names it.
        BookUnavailable, UnknownSymbol: the recording does not have the order's book.
    """
    source = look_at(Path(recording))
    moment = moment_in(_moment(at), source, "at")
    if not source.first <= moment <= source.last:
        raise InvalidRequest(
            f"at: expected a time from {to_text(source.first)} to {to_text(source.last)}, or one such as "
            f"+30s after the first of them, got {str(at)[:40]!r}",
            field="at",
        )
    body = {"token_id": _TOKEN, **order, "start_time": to_datetime(moment)}
    wanted = order_of(body, named=lambda field: field)
    found: list[OrderRecord] = []
    done = replay_apart(
        source.path,
        [wanted],
        settings or Settings(),
        hand_out=found.append,
        instruments=None if instruments is None else Path(instruments),
        skip_unread=skip_unread,
    )
    return WhatIf(found[0], done.unread, source.missing)


def _moment(at: Moment) -> Moment:
    try:
        return TypeAdapter(Moment).validate_python(at)
    except ValidationError as error:
        said = plain(error.errors()[0]["msg"]).replace(_OF_ORDERS, _OF_RECORDINGS)
        raise InvalidRequest(f"at: {said}", field="at") from None

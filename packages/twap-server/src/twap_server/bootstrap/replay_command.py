"""Run ``twap-server replay``: read orders from files, replay a recording, report what the orders cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from twap_models import exact_json
from twap_models.enums import OrderStatus
from twap_models.names import exchange_name
from twap_models.orders import StrategyOrderRequest, TwapOrderRequest
from twap_models.plain_words import plain
from twap_server.bootstrap.replay_run import Replayed
from twap_server.bootstrap.replaying import replay
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, to_text
from twap_server.domain.errors import InvalidRequest
from twap_server.replay.onlooker import Onlooker
from twap_server.reports.page import report_page
from twap_server.reports.summary import fill_lines, summary
from twap_server.reports.words import file_name, of_unread
from twap_server.settings import Settings


def replay_command(
    recordings: Sequence[Path],
    *,
    orders: Sequence[Path],
    instruments: Sequence[str],
    reports: Path | None,
    with_fills: bool,
    skip_unread: float,
    settings: Settings,
    announce: Callable[[str], None],
    onlooker: Onlooker | None = None,
) -> Replayed:
    """Replay and print; give what became of the orders.

    Args:
        recordings: what exchanges sent.
        orders: files with orders.
        instruments: files with exchanges' lists of instruments, as FILE or EXCHANGE=FILE.
        reports: a folder that gets each order's report as a page.
        with_fills: print every fill.
        skip_unread: percent of the messages that may be unreadable.
        settings: of the server.
        announce: prints a line.
        onlooker: watches the replay.

    Raises:
        InvalidRequest: a file cannot be read, is no order or recording, or does not fit the other.
        BookUnavailable, UnknownSymbol: the recording does not have the book of an order.
    """
    clock = SystemClock()
    wanted = [order for path in orders for order in _read(path)]
    begin = clock.monotonic()
    skipped = Decimal(str(skip_unread))
    done = replay(
        recordings,
        wanted,
        settings,
        instruments=_lists(instruments),
        skip_unread=skipped,
        onlooker=onlooker,
    )
    announce(_played(done, clock.monotonic() - begin))
    for line in _notes(done):
        announce(line)
    for record in done.records:
        for line in (*summary(record), *(fill_lines(record) if with_fills else ())):
            announce(line)
    if reports is not None:
        _write(done, reports)
        count = len(done.records)
        announce(f"{count} {'report' if count == 1 else 'reports'} written into {reports}")
    return done


def rejected(done: Replayed) -> int:
    """How many orders were rejected."""
    return sum(record.order.status is OrderStatus.REJECTED for record in done.records)


def _lists(given: Sequence[str]) -> Path | Mapping[str, Path] | None:
    """Read --instruments.

    Raises:
        InvalidRequest: of several files one does not say of which exchange it is.
    """
    named = [one.partition("=") for one in given]
    if len(given) == 1 and not named[0][1]:
        return Path(given[0])
    unnamed = next((name for name, equals, _ in named if not equals), None)
    if unnamed is not None:
        raise InvalidRequest(
            f"of which exchange is {unnamed}? say it as EXCHANGE={unnamed}", field="--instruments"
        )
    return {exchange_name(name): Path(file) for name, _, file in named} or None


def _read(path: Path) -> Iterator[TwapOrderRequest]:
    try:
        content = exact_json.loads(path.read_bytes())
    except OSError as error:
        raise InvalidRequest(f"cannot read the order {path}: {error.strerror}", field="--order") from None
    except ValueError as error:
        raise InvalidRequest(f"cannot read the order {path}: {error}", field="--order") from None
    for number, one in enumerate(content if isinstance(content, list) else [content], 1):
        yield _order(one, f"{path}, order {number}")


def _order(content: Any, where: str) -> TwapOrderRequest:
    try:
        return StrategyOrderRequest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "order"
        raise InvalidRequest(f"{where}: {name}: {plain(first['msg'])}", field="--order") from None


def _played(done: Replayed, took: int) -> str:
    seconds = (done.end - done.start) // SECOND
    rate = done.frames * SECOND // max(took, 1)
    return (
        f"played {done.frames:,} messages, {to_text(done.start)} to {to_text(done.end)} ({seconds:,} s), "
        f"in {took / SECOND:.1f} s: {rate:,} messages/s"
    )


def _notes(done: Replayed) -> list[str]:
    """What is to be known of the recordings."""
    return [*of_unread(done.unread), *done.missing]


def _write(done: Replayed, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for record in done.records:
            page = folder / file_name(record.order, "report.html")
            made = report_page(record, notes=_notes(done), is_recorded=True)
            page.write_text(made, encoding="utf-8")
    except OSError as error:
        why = error.strerror
        raise InvalidRequest(f"cannot write the reports into {folder}: {why}", field="--reports") from None

"""Read a recording once from its first message to its last: how many of them cannot be read.

That is a fact of the recording and its markets. Passes end with their orders: what they had met by then would
depend on how the work is cut.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from twap_models import exact_json
from twap_models.orders import StrategyOrderRequest
from twap_server.bootstrap.replaying import read_through
from twap_server.domain.errors import InvalidRequest, TwapError
from twap_server.lab.engine import engine_version
from twap_server.lab.grid import Run
from twap_server.lab.one_pass import be_quiet
from twap_server.lab.source import RecordingFacts
from twap_server.lab.spec import TournamentSpec
from twap_server.settings import Settings


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording came to."""

    key: str
    """Digest of recording, markets, settings and engine."""
    messages: int
    unread: int
    """Messages that cannot be read."""
    words: str
    """How many of how many, and why; empty where all can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRead:
    """A recording that is to be read."""

    key: str
    place: int
    """Among the recordings."""
    recording: Path
    instruments: Path | None = None
    settings: Settings
    orders: tuple[StrategyOrderRequest, ...]
    """One on each market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingResult:
    """What came of it."""

    engine: str
    reading: Reading | None = None
    failure: str = ""
    """Why there is none."""


def to_read(
    spec: TournamentSpec,
    sources: Sequence[RecordingFacts],
    runs: Sequence[Run],
    settings: Settings,
    circumstances: Sequence[str],
) -> list[ToRead]:
    """Each recording of a tournament, with the markets of its runs. Arguments as for ``runs_of``."""
    orders: list[dict[tuple[str, str], StrategyOrderRequest]] = [{} for _ in sources]
    for run in runs:
        orders[run.case.recording].setdefault((run.order.exchange, run.order.symbol), run.order)
    return [
        ToRead(
            key=_key(source.sha256, circumstances[place], sorted(orders[place])),
            place=place,
            recording=spec.recordings[place].path,
            instruments=spec.recordings[place].instruments,
            settings=settings,
            orders=tuple(order for _, order in sorted(orders[place].items())),
        )
        for place, source in enumerate(sources)
    ]


def read(job: ToRead) -> ReadingResult:
    """Read it; the same job gives the same result wherever it is done."""
    be_quiet()
    try:
        done = read_through(job.recording, job.orders, job.settings, instruments=job.instruments)
    except TwapError as error:
        return ReadingResult(engine=engine_version(), failure=str(error))
    reading = Reading(key=job.key, messages=done.frames, unread=done.unread_count, words=done.unread)
    return ReadingResult(engine=engine_version(), reading=reading)


def check_unread(recording: Path, reading: Reading, allowed: Decimal) -> None:
    """Let no result stand on messages that nobody read.

    Args:
        recording: where it is.
        reading: what it came to.
        allowed: percent of its messages.

    Raises:
        InvalidRequest: more of them cannot be read.
    """
    if reading.unread * 100 > allowed * reading.messages:
        raise InvalidRequest(
            f"skip_unread: {recording} has unreadable messages, {reading.words}: at most {allowed} % may be "
            "skipped",
            field="skip_unread",
        )


def _key(sha256: str, circumstances: str, markets: Sequence[tuple[str, str]]) -> str:
    content = {"recording": sha256, "circumstances": circumstances, "markets": markets}
    return hashlib.sha256(exact_json.dumps(content)).hexdigest()

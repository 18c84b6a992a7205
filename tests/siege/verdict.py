"""What one attack did to the server, and whether that is held: pure figures and their bounds."""

from collections import Counter
from dataclasses import dataclass, field

from siege.tally import Tally

HEALTH_P99_S = 0.25
MEMORY_MIB = 64.0
"""Above what the server held before the first attack."""
LATE_P99_S = 0.25
"""Of the victim's slices: from due to told."""
BOOK_GAP_S = 1.5
"""Between two books of the victim, which are a second apart."""
SIGN_IN_S = 2.0
SUBMISSION_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attack, measured. Times in seconds, memory in MiB."""

    name: str
    number: str
    tally: Tally
    seconds: float
    health_p50: float
    health_p99: float
    anew_p99: float
    """``/health`` on new connections."""
    anew: Counter[str]
    kept: Counter[str]
    start_mib: float
    """Before the first attack."""
    before_mib: float
    peak_mib: float
    after_mib: float
    handles: tuple[int, int, int]
    """Before, peak, after."""
    tasks: tuple[int, int]
    """Before and after."""
    cpu: float
    """Share of one core."""
    gap_p99: float
    late_p99: float
    slices: Counter[str]
    ordered: int
    """Slices the victim ordered."""
    sign_in_max: float
    submission_max: float
    drops: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    own_lag_p99: float = 0.0
    borrowed_mib: int = 0
    own_memory_mib: int = 0
    anew_may_be_refused: bool = False


def faults(row: Row) -> list[str]:
    """What was not held, in words; empty when all was."""
    return [*row.tally.holes, *_slow(row), *_memory(row), *_of_the_victim(row)]


def _slow(row: Row) -> list[str]:
    found = []
    if row.health_p99 >= HEALTH_P99_S:
        found.append(f"/health p99 {row.health_p99 * 1e3:.0f} ms")
    lost = row.kept.total() - row.kept["200"]
    if lost:
        found.append(f"{lost} calls of /health on a kept connection failed: {dict(row.kept)}")
    allowed = {"200", "503"} if row.anew_may_be_refused else {"200"}
    refused = {what: count for what, count in row.anew.items() if what not in allowed}
    if refused:
        found.append(f"/health on new connections: {refused}")
    return found


def _memory(row: Row) -> list[str]:
    found = []
    after, peak = row.after_mib - row.start_mib, row.peak_mib - row.start_mib
    if after > MEMORY_MIB + row.own_memory_mib:
        found.append(f"{after:+.0f} MiB afterwards")
    if peak > MEMORY_MIB + row.own_memory_mib + row.borrowed_mib:
        found.append(f"{peak:+.0f} MiB at its peak")
    return found


def _of_the_victim(row: Row) -> list[str]:
    found = [f"the victim's stream was lost: {why}" for why in row.drops[:2]]
    found += [f"the victim met {what} × {count}" for what, count in row.refusals.items()]
    if row.gap_p99 > BOOK_GAP_S:
        found.append(f"the victim's books came {row.gap_p99:.1f} s apart")
    if row.late_p99 > LATE_P99_S:
        found.append(f"the victim's slices were {row.late_p99 * 1e3:.0f} ms late")
    if row.slices["filled"] != row.ordered:
        found.append(f"of the victim's {row.ordered} slices: {dict(row.slices)}")
    if row.sign_in_max > SIGN_IN_S:
        found.append(f"a sign-in of the victim took {row.sign_in_max:.1f} s")
    if row.submission_max > SUBMISSION_S:
        found.append(f"an order of the victim took {row.submission_max:.1f} s")
    return found

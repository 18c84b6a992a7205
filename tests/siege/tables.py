"""The figures of a campaign as Markdown tables, to be read and to be pasted."""

import os
from collections.abc import Iterator, Sequence

from siege.attack import Attack
from siege.series import percentile
from siege.verdict import HEALTH_P99_S, MEMORY_MIB, Row, faults


def lines(rows: Sequence[Row], attacks: Sequence[Attack]) -> Iterator[str]:
    """What was sent, what the server did, what the victim saw, and what was not held."""
    what = {one.name: one for one in attacks}
    yield from _table(
        ("attack", "", "sent", "answered", "held"),
        (
            (row.name, row.number, row.tally.words(), row.tally.heard(), "no" if faults(row) else "yes")
            for row in rows
        ),
    )
    yield ""
    yield from _table(
        (
            "attack",
            "/health p50",
            "p99",
            "anew p99",
            "MiB before",
            "peak",
            "after",
            "handles",
            "tasks",
            "core",
        ),
        (_of_the_server(row) for row in rows),
    )
    yield ""
    yield from _table(
        (
            "attack",
            "books p99 apart",
            "slices p99 late",
            "slices",
            "sign-in, longest",
            "submission",
            "own lag p99",
        ),
        (_of_the_victim(row) for row in rows),
    )
    yield ""
    yield from _not_held(rows, what)
    yield from _altogether(rows)


def _of_the_server(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        *(_ms(seconds) for seconds in (row.health_p50, row.health_p99, row.anew_p99)),
        *(f"{mib:.0f}" for mib in (row.before_mib, row.peak_mib, row.after_mib)),
        " → ".join(map(str, row.handles)),
        " → ".join(map(str, row.tasks)),
        f"{row.cpu:.0%}",
    )


def _of_the_victim(row: Row) -> tuple[str, ...]:
    got = ", ".join(f"{what} {count}" for what, count in row.slices.most_common())
    return (
        row.name,
        f"{row.gap_p99:.2f} s",
        _ms(row.late_p99),
        f"{got or 'none'} of {row.ordered}",
        _ms(row.sign_in_max),
        _ms(row.submission_max),
        _ms(row.own_lag_p99),
    )


def _not_held(rows: Sequence[Row], what: dict[str, Attack]) -> Iterator[str]:
    for row in rows:
        found = faults(row)
        if found:
            one = what.get(row.name)
            yield f"NOT HELD: {row.name}" + (f" ({one.what}; held means: {one.held})" if one else "")
            yield from (f"  {fault}" for fault in found)


def _altogether(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    start, after = rows[0].start_mib, rows[-1].after_mib
    worst = max(rows, key=lambda row: row.health_p99)
    held = sum(not faults(row) for row in rows)
    yield f"held: {held} of {len(rows)}, the first of which is the server left alone"
    yield f"/health, worst p99: {_ms(worst.health_p99)} ({worst.name}), bound {_ms(HEALTH_P99_S)}"
    grown = f"{after - start:+.0f}, bound {MEMORY_MIB:.0f}"
    yield f"memory: {start:.0f} MiB before, {after:.0f} MiB afterwards ({grown})"
    lag = percentile([row.own_lag_p99 for row in rows], 0.5)
    yield (
        f"machine: {os.cpu_count()} cores, load {', '.join(f'{one:.1f}' for one in os.getloadavg())}; "
        f"the measuring itself was {_ms(lag)} late (median of the p99s)"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f} ms"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)

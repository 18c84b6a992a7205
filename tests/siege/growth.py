"""What grows over a soak: samples, their slopes, and how steep is still flat."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from siege.series import slope

Sample = Mapping[str, float]
"""By column; ``minutes`` is when."""
EDGE = 30
"""Begin and end of a column are the medians of so many samples."""
FLAT = {
    "rss_mib": 1.0,
    "tasks": 20.0,
    "handles": 10.0,
    "threads": 0.2,
    "lag_p99_ms": 5.0,
    "late_ms": 5.0,
    "health_ms": 2.0,
}
"""By column, the most it may grow in a minute."""
SHARE = 0.01
"""Tasks and handles may grow by this share of where they began, if that is more: clients come and go."""
_SWAYING = ("tasks", "handles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Of one column, after the warm-up."""

    column: str
    begin: float
    end: float
    each_minute: float
    most: float | None
    """None: it may grow, as the database does with what is recorded."""

    @property
    def flat(self) -> bool:
        """Whether it grows no more than it may."""
        return self.most is None or self.each_minute <= self.most


def growths(samples: Sequence[Sample], *, warm_up: float) -> list[Growth]:
    """Judge every column but the time, from ``warm_up`` minutes on."""
    kept = [one for one in samples if one["minutes"] >= warm_up]
    return [_growth(column, kept) for column in (kept[0] if kept else {}) if column != "minutes"]


def _growth(column: str, samples: Sequence[Sample]) -> Growth:
    values = [one[column] for one in samples]
    begin = median(values[:EDGE])
    most = FLAT.get(column)
    if most is not None and column in _SWAYING:
        most = max(most, SHARE * begin)
    return Growth(
        column=column,
        begin=begin,
        end=median(values[-EDGE:]),
        each_minute=slope([one["minutes"] for one in samples], values),
        most=most,
    )


def table(found: Sequence[Growth]) -> Iterator[str]:
    """The verdict as a Markdown table."""
    yield "| | begin | end | a minute | flat is at most | flat |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in found:
        most = "not judged" if one.most is None else f"{one.most:g}"
        flat = "" if one.most is None else ("yes" if one.flat else "NO")
        figures = f"{one.begin:,.1f} | {one.end:,.1f} | {one.each_minute:+.2f}"
        yield f"| {one.column} | {figures} | {most} | {flat} |"

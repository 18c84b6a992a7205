"""Figures as Markdown."""

from collections.abc import Iterable, Iterator

from benchmarks.harness.figures import Figure, Part


def markdown(parts: Iterable[Part]) -> str:
    """Return headings, tables and notes of all parts."""
    return "\n".join(line for part in parts for line in _part(part)) + "\n"


def _part(part: Part) -> Iterator[str]:
    yield from (f"### {part.title}", "")
    if part.figures:
        yield from (
            "| job | who | median | lowest to highest | unit | repeats |",
            "| --- | --- | ---: | ---: | --- | ---: |",
        )
        yield from map(_figure, part.figures)
        yield ""
    if part.targets:
        yield from ("| wanted | measured | |", "| --- | --- | --- |")
        yield from (
            f"| {one.wanted} | {one.measured} | {'met' if one.met else '**missed**'} |"
            for one in part.targets
        )
        yield ""
    for note in part.notes:
        yield f"- {note}"
    if part.notes:
        yield ""


def _figure(one: Figure) -> str:
    spread = f"{_number(min(one.values))} to {_number(max(one.values))}"
    return f"| {one.job} | {one.who} | {_number(one.median)} | {spread} | {one.unit} | {len(one.values)} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"

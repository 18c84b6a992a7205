"""Print, for every exchange of the registry, what its recordings give and which damages are noticed.

    hatch run conformance           a table
    hatch run conformance --write   the table of docs/conformance.md anew
    hatch run conformance --check   whether that table is what comes out now

Recordings are found through TWAP_RECORDINGS; an exchange without one is tried on made-up messages, which the
table says.
"""

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.exchanges.following import follow
from support.exchanges.measures import damage, frames_of, mutated_frames
from support.recordings import ROOT

_MUTATED = 10_000
_PAGE = Path(__file__).parents[1] / "docs" / "conformance.md"
_HEAD = (
    "exchange",
    "proof",
    "messages",
    "books",
    "applied",
    "trades",
    "faults",
    "removed",
    "swapped",
    "repeated",
    "altered",
    "spoiled",
)


def row(case: ExchangeCase) -> list[str]:
    """One exchange."""
    figures, books = Counter[str](), 0
    found = case.found()
    runs = [case.received(path) for path in found] if found else [iter(frames_of(case))]
    for run in runs:
        told = follow(case, run)
        figures += told.figures
        books += len(told.books)
    hurt = damage(case)
    return [
        case.shape.name,
        case.shape.integrity.value,
        f"{figures['frames']:,}" + ("" if found else " made up"),
        f"{figures['live']}/{books}",
        f"{figures['applied']:,}",
        f"{figures['trade']:,}",
        f"{figures['faults'] + figures['unreadable']}",
        str(hurt.removed),
        str(hurt.swapped),
        str(hurt.repeated_harmless),
        str(hurt.altered),
        f"{mutated_frames(case, _MUTATED).noticed:,}",
    ]


def markdown(table: list[list[str]]) -> str:
    """The table as the page has it."""
    lines = [table[0], ["---"] * len(_HEAD), *table[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def on_page(table: list[list[str]], *, check: bool) -> int:
    """Put the table into its page, or compare it with what stands there."""
    text = _PAGE.read_text(encoding="utf-8")
    old = next(part for part in text.split("\n\n") if part.startswith(f"| {_HEAD[0]} |"))
    if not check:
        _PAGE.write_text(text.replace(old, markdown(table)), encoding="utf-8")
    elif old != markdown(table):
        print(f"{_PAGE.name} says something else: hatch run conformance --write", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Print the table, or put it into its page."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table of docs/conformance.md anew")
    parser.add_argument("--check", action="store_true", help="compare it with the table that is there")
    chosen = parser.parse_args()
    if (chosen.write or chosen.check) and not ROOT.is_dir():
        print(f"not compared: no recordings in {ROOT}; TWAP_RECORDINGS names their folder", file=sys.stderr)
        return 0
    table = [list(_HEAD), *(row(case) for case in CASES)]
    widths = [max(len(line[at]) for line in table) for at in range(len(_HEAD))]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return on_page(table, check=chosen.check) if chosen.write or chosen.check else 0


if __name__ == "__main__":
    sys.exit(main())

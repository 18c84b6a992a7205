"""``hatch run fuzz --minutes M``: odd inputs to every parser of the wire. See docs/security.md."""

import argparse
from pathlib import Path

from fuzz.case import Parser
from fuzz.parsers import opened
from fuzz.run import Found, Report, fuzz, keep


def main() -> int:
    """Run and give the exit code: 1 when anything was found."""
    given = _options()
    with opened() as parsers:
        chosen = [one for one in parsers if not given.only or one.name in given.only]
        if len(chosen) < len(set(given.only)):
            print(f"there are: {', '.join(one.name for one in parsers)}")
            return 2
        if given.input:
            return _again(chosen, given.input)
        print(f"seed {given.seed}: {', '.join(one.name for one in chosen)}", flush=True)
        report = fuzz(
            chosen, seed=given.seed, seconds=given.minutes * 60, say=lambda found: _tell(found, given.folder)
        )
    return _sum_up(report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Odd inputs to every parser of the wire.")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long, shared out among the parsers")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same inputs")
    parser.add_argument("--only", action="append", default=[], help="only this parser; may be repeated")
    parser.add_argument("--folder", type=Path, default=Path("fuzz-findings"), help="where findings are kept")
    parser.add_argument(
        "--input", type=Path, help="feed this file to the parsers of --only, and nothing else"
    )
    return parser.parse_args()


def _again(parsers: list[Parser], path: Path) -> int:
    found = [words for one in parsers if (words := one.wrong(path.read_bytes()))]
    print("\n".join(found) or "nothing is wrong with it")
    return 1 if found else 0


def _tell(found: Found, folder: Path) -> None:
    path = keep(found, folder)
    print(f"finding in {found.parser}, seed {found.seed}: {found.data[:300]!r}\n{found.wrong}", flush=True)
    print(f"again: hatch run fuzz --only {found.parser} --input {path}", flush=True)


def _sum_up(report: Report) -> int:
    for name, count in report.inputs.items():
        mine = sum(one.parser == name for one in report.found)
        print(f"{count:>9} inputs  {mine} findings  {name}")
    print(f"{report.inputs.total()} inputs in {report.seconds:.0f} s, {len(report.found)} findings")
    return 1 if report.found else 0

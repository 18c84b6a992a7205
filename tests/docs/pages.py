"""README and docs taken apart: blocks with the comment above them, and marked tables."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_RUN = {"packages/twap-client/README.md": "its example takes ten minutes and an account of one's own"}
"""Pages whose blocks are only read: parsed, and what they import is there."""
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/README.md")]
    if page.relative_to(ROOT).as_posix() not in NOT_RUN
)

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TABLE = re.compile(r"^<!-- list: (?P<name>[^>]*?) -->\n\n(?P<rows>(?:^\|.*\n)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block; ``mark`` is the comment right above it."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def where(self) -> str:
        """Page and line."""
        return f"{self.page}:{self.line}"

    def commands(self) -> list[list[str]]:
        """Lines that begin with ``$``, continued lines joined, comments dropped, split as a shell would."""
        joined = self.text.replace("\\\n", " ")
        lines = [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]
        return [shlex.split(part, comments=True) for line in lines for part in line.split(" && ")]

    def steps(self) -> list[tuple[list[str], list[str]]]:
        """Each command with the lines that the page shows below it."""
        joined = self.text.replace("\\\n", " ")
        made: list[tuple[list[str], list[str]]] = []
        for line in joined.splitlines():
            if line.startswith("$ "):
                made.append((shlex.split(line.removeprefix("$ "), comments=True), []))
            elif made:
                made[-1][1].append(line)
        return made


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(
            page=name_of(page),
            line=text[: found.start()].count("\n") + 1,
            language=found["language"],
            mark=found["mark"] or "",
            text=found["text"],
        )


def marks() -> list[str]:
    """Every comment of the pages: a misspelt one would switch a check off."""
    return [mark for page in PAGES for mark in re.findall(r"^<!-- (.*?) -->", page.read_text("utf-8"), re.M)]


def table(name: str, *, parts: int = 1) -> dict[str, list[str]]:
    """A marked table: the first column's code without back quotes, and the other columns.

    A long one may stand in several ``parts``, each with the mark.
    """
    found = [
        rows["rows"]
        for page in PAGES
        for rows in _TABLE.finditer(page.read_text("utf-8"))
        if rows["name"] == name
    ]
    assert len(found) == parts, f"expected {parts} tables marked {name!r}, found {len(found)}"
    lines = [_cells(line) for rows in found for line in rows.splitlines()[2:]]
    assert len({cells[0] for cells in lines}) == len(lines), f"a row of {name!r} is there twice"
    return {cells[0].strip("`"): cells[1:] for cells in lines}


def tables() -> set[str]:
    return {rows["name"] for page in PAGES for rows in _TABLE.finditer(page.read_text("utf-8"))}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]

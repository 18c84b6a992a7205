"""Lists the modules above 300 lines: each is a question for the reviewer, no error.

Is it still one thing? A module that is two becomes two that know little of each other; one thing is not cut,
and above all not into a class and its base class, to please a number.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MANY = 300


def long_modules() -> dict[str, int]:
    """Lines by path, of those above the number."""
    lines = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in sorted(ROOT.glob("packages/*/src/**/*.py"))
    }
    return {path: count for path, count in lines.items() if count > MANY}


if __name__ == "__main__":
    for path, count in long_modules().items():
        print(f"{count:5} {path}")

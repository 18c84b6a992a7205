"""``hatch run page:types``: check the types of the dashboard's JavaScript (JSDoc) with TypeScript's compiler.

``scripts/page/package-lock.json`` pins the compiler and the libraries' types; they come from the npm registry
into ``scripts/page/node_modules`` when that is absent or older than the pins. Exit code 3: no npm here.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("page")


def main() -> int:
    """Install what is pinned, check; give the exit code."""
    npm = shutil.which("npm")
    if npm is None:
        print(
            "npm is missing (Debian: apt-get install npm): the page's types were not checked", file=sys.stderr
        )
        return 3
    if not _is_installed():
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)
    return subprocess.run([npm, "exec", "--", "tsc", "-p", "."], cwd=FOLDER, check=False).returncode


def _is_installed() -> bool:
    made = FOLDER / "node_modules/.package-lock.json"
    return made.exists() and made.stat().st_mtime >= (FOLDER / "package-lock.json").stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())

"""``python scripts/vendor.py``: fetch what browsers load and others wrote, as pinned, from the npm registry.

Each folder of a package, or of what tests share, that holds such files has a ``vendored.json``: which npm
package and version, under which licence, the hash of its archive, and the hash of each file taken from it, by
its place in the archive. Without arguments every file is put there anew, and compared with its hash.
``python scripts/vendor.py swagger-ui-dist 5.36.0`` takes another version and writes its hashes. Needs
``npm``, for the fetching alone.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Fetch all that is listed; give the exit code."""
    given = sys.argv[1:]
    for place in [*manifests(), *of_tools()]:
        listed = json.loads(place.read_text("utf-8"))
        if given and given[0] != listed["package"]:
            continue
        if given:
            listed["version"] = given[1]
        with tempfile.TemporaryDirectory(prefix="twap-vendor-") as folder:
            made, contents = _taken(listed, _archive(listed, Path(folder)))
        if not given and made != listed:
            print(f"{listed['package']} {listed['version']} is not what {place.relative_to(ROOT)} says")
            return 1
        for name, content in contents.items():
            (place.parent / Path(name).name).write_bytes(content)
        place.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return 0


def manifests() -> list[Path]:
    """The lists of vendored files, by place."""
    return sorted(
        [*ROOT.glob("packages/*/src/**/vendored.json"), *ROOT.glob("tests/support/**/vendored.json")]
    )


def of_tools() -> list[Path]:
    """The lists of what only our scripts read, which is in no wheel."""
    return sorted(ROOT.glob("scripts/*/vendored.json"))


def sha256(content: bytes) -> str:
    """The hash that a manifest has of a file."""
    return hashlib.sha256(content).hexdigest()


def _archive(listed: dict[str, Any], folder: Path) -> Path:
    wanted = f"{listed['package']}@{listed['version']}"
    subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def _taken(listed: dict[str, Any], archive: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A manifest with the hashes that there are, and the listed files."""
    contents = {}
    with tarfile.open(archive) as opened:
        for name in listed["files"]:
            found = opened.extractfile(f"package/{name}")
            assert found is not None, name
            contents[name] = found.read()
    whole = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    files = {name: sha256(content) for name, content in contents.items()}
    return {**listed, "archive": f"sha512-{whole}", "files": files}, contents


if __name__ == "__main__":
    sys.exit(main())

"""``hatch run postman``: run the steps of the Postman collection with newman, against a demo server.

Also makes the collection (``hatch run contracts``): openapi-to-postmanv2 writes a request for each route, and
``postman_steps.py`` puts the steps of a first order before them. Both tools come as pinned in
``scripts/newman/package-lock.json``, from the npm registry, into ``scripts/newman/node_modules``.
Exit code 3: no npm here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts import postman_steps

ROOT = Path(__file__).parents[1]
COLLECTION = ROOT / "docs/postman_collection.json"
FOLDER = Path(__file__).with_name("newman")
NO_NPM = "npm is missing (Debian: apt-get install npm): the Postman collection was neither made nor run"
START_TIMEOUT_S = 60
RUN_TIMEOUT_S = 180
_CONVERT = "folderStrategy=Tags,parametersResolution=Schema,stackLimit=50"


def main() -> int:
    """Run the steps; give newman's exit code."""
    if npm() is None:
        print(NO_NPM, file=sys.stderr)
        return 3
    _install()
    with demo_server() as url:
        command = [_tool("newman"), "run", str(COLLECTION), "--folder", postman_steps.STEPS]
        command += [
            "--env-var",
            f"baseUrl={url}",
            "--timeout-request",
            "20000",
            "--timeout",
            str(RUN_TIMEOUT_S * 1000),
        ]
        return subprocess.run(command, check=False, timeout=RUN_TIMEOUT_S + 20).returncode


def npm() -> str | None:
    """Where npm is; None where it is not."""
    return shutil.which("npm")


def collection(openapi: dict[str, Any]) -> dict[str, Any]:
    """Make the collection from the OpenAPI document; the same document gives the same collection."""
    _install()
    with tempfile.TemporaryDirectory(prefix="twap-postman-") as folder:
        given, made = Path(folder) / "openapi.json", Path(folder) / "made.json"
        given.write_text(json.dumps(_for_the_converter(openapi)), encoding="utf-8")
        command = [_tool("openapi2postmanv2"), "-s", str(given), "-o", str(made), "-O", _CONVERT]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return postman_steps.completed(json.loads(made.read_text("utf-8")), openapi)


def _for_the_converter(node: Any) -> Any:
    """It knows no ``prefixItems``; what fits a pattern or an enum, and each answer, it makes up at random."""
    if isinstance(node, list):
        return [_for_the_converter(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _for_the_converter(value) for key, value in node.items()}
    if "prefixItems" in made:
        made["items"] = made.pop("prefixItems")[0]
    if isinstance(made.get("pattern"), str):
        del made["pattern"]
    if isinstance(made.get("enum"), list):
        made["enum"] = made["enum"][:1]
    if "operationId" in made:
        made["responses"] = {"200": {"description": "Successful Response"}}
    return made


def _install() -> None:
    done = FOLDER / "node_modules/.package-lock.json"
    if done.exists() and done.stat().st_mtime >= (FOLDER / "package-lock.json").stat().st_mtime:
        return
    command = [npm() or "npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=FOLDER, check=True)


def _tool(name: str) -> str:
    return str(FOLDER / "node_modules/.bin" / name)


@contextmanager
def demo_server() -> Iterator[str]:
    """A server on a simulated market, on a free port; gives its address and stops it afterwards."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TWAP_")}
    command = [sys.executable, "-m", "twap_server", "start", "--demo", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        try:
            yield _announced(server)
        finally:
            server.terminate()


def _announced(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    impatience = threading.Timer(START_TIMEOUT_S, server.kill)
    impatience.start()
    said = []
    for line in server.stdout:
        said.append(line)
        if found := re.search(r"listens on (http://\S+)", line):
            impatience.cancel()
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return found[1]
    raise SystemExit("the server did not come up:\n" + "".join(said))


if __name__ == "__main__":
    sys.exit(main())

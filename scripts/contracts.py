"""``hatch run contracts``: write the OpenAPI and AsyncAPI documents, their pages and the Postman collection.

All are in ``docs``, with the page of exchanges. ``--check`` writes nothing and exits 1 where one is stale.
The Postman collection needs npm: where that is missing it is left as it is, which is said, and ``--check``
passes over it.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scripts import asyncapi, exchange_list, postman, reference

from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.http.metrics import Metrics
from twap_server.api.reports_itself import SelfReport

ROOT = Path(__file__).parents[1]
OPENAPI = ROOT / "docs/openapi.json"
ASYNCAPI = ROOT / "docs/asyncapi.json"


def main() -> int:
    """Write, or compare; give the exit code."""
    parser = argparse.ArgumentParser(description="Write the contracts in docs/ anew.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where one is stale")
    given = parser.parse_args()
    stale = 0
    for file, text in _all():
        if file.exists() and file.read_text("utf-8") == text:
            continue
        stale += 1
        print(file.relative_to(ROOT), "is stale: hatch run contracts" if given.check else "is written anew")
        if not given.check:
            file.write_text(text, encoding="utf-8")
    print("all contracts are up to date" if not stale else f"{stale} changed")
    return 1 if given.check and stale else 0


def _all() -> Iterator[tuple[Path, str]]:
    yield from written().items()
    if postman.npm() is None:
        print(postman.NO_NPM, file=sys.stderr)
    else:
        yield postman.COLLECTION, as_text(postman.collection(openapi()))


def written() -> dict[Path, str]:
    """What is made without npm: each file, and the text that it should have."""
    rest, stream = openapi(), asyncapi.document()
    return {
        OPENAPI: as_text(rest),
        ASYNCAPI: as_text(stream),
        reference.ROUTES: reference.routes(rest),
        reference.MESSAGES: reference.messages(stream),
        exchange_list.PAGE: exchange_list.page(),
    }


def openapi() -> dict[str, Any]:
    """The document as a server with the default settings gives it at ``/openapi.json``."""
    told: Any = SimpleNamespace(
        config=ApiConfig(),
        clock=None,
        metrics=Metrics(),
        self_report=SelfReport(),
        sessions=(),
        books_by_status=dict,
        exchanges_by_state=dict,
    )
    return create_app(told).openapi()


def as_text(document: dict[str, Any]) -> str:
    """JSON as it is committed: indented, so that a change shows as a change of few lines."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())

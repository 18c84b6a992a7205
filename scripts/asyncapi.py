"""Write the stream as an AsyncAPI 3 document: what a client may send, what the server sends, from the models.

Every message of ``twap_models.stream`` becomes one message; its example is the one in ``docs/stream.md``.
"""

import json
import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from twap_models import __version__, stream

ROOT = Path(__file__).parents[1]
REPLIES = {"auth": "authenticated", "subscribe": "subscribed", "unsubscribe": "unsubscribed", "ping": "pong"}
"""What the server answers to each message of a client, unless it answers ``error``."""
_BLOCK = re.compile(
    r"^<!-- model: twap_models\.stream\.\w+ -->\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_DESCRIPTION = """Live order books, and the events of your own orders.

Each frame is one JSON object with a `type`. The server wants `auth` within ten seconds, unless the upgrade
carried a header `Authorization` or `X-API-Key`. Prices and quantities are exact: read them with a parser that
keeps decimals. Answers may grow fields: ignore what you do not know.
"""


def document() -> dict[str, Any]:
    """Give the whole document, as plain values."""
    ours, theirs = _models(stream.ServerMessage), _models(stream.ClientMessage)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "TWAP server: the stream",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": _server()},
        "channels": {"stream": {"address": "/ws", "messages": _refs([*theirs, *ours])}},
        "operations": {**_received(theirs), **_pushed(ours)},
        "components": {
            "messages": _messages([*theirs, *ours]),
            "schemas": _schemas(theirs, ours),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "httpApiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "127.0.0.1:8000",
        "protocol": "ws",
        "description": "A server on this machine; others speak wss.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("token", "key")],
    }


def _models(union: Any) -> dict[str, type[BaseModel]]:
    """The models of a union by their ``type``."""
    models = get_args(get_args(union)[0])
    return {model.model_fields["type"].default: model for model in models}


def _refs(types: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in types}


def _in_channel(types: list[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/stream/messages/{name}"} for name in types]


def _received(theirs: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """What the server receives, with what it answers."""
    channel = {"$ref": "#/channels/stream"}
    return {
        name: {
            "action": "receive",
            "summary": _summary(model),
            "channel": channel,
            "messages": _in_channel([name]),
            "reply": {"channel": channel, "messages": _in_channel([REPLIES[name], "error"])},
        }
        for name, model in theirs.items()
    }


def _pushed(ours: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """What the server sends of itself, once it was subscribed to."""
    types = [name for name in ours if name not in REPLIES.values()]
    return {
        "push": {
            "action": "send",
            "summary": "What was subscribed to; and `error`, before the connection is closed.",
            "channel": {"$ref": "#/channels/stream"},
            "messages": _in_channel(types),
        }
    }


def _messages(types: list[str]) -> dict[str, Any]:
    both = _models(stream.ClientMessage) | _models(stream.ServerMessage)
    examples = _examples()
    return {
        name: {
            "name": name,
            "summary": _summary(both[name]),
            "payload": {"$ref": f"#/components/schemas/{both[name].__name__}"},
            "examples": [{"payload": payload} for payload in examples.get(name, [])],
        }
        for name in types
    }


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n\n", maxsplit=1)[0].replace("\n", " ").replace("``", "`").strip()


def _examples() -> dict[str, list[Any]]:
    """The examples of the page, by ``type``."""
    found: dict[str, list[Any]] = {}
    for text in _BLOCK.findall((ROOT / "docs/stream.md").read_text("utf-8")):
        payload = json.loads(text)
        found.setdefault(payload["type"], []).append(payload)
    return found


def _schemas(*groups: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """All schemas that the messages need, as AsyncAPI writes them."""
    theirs, ours = groups
    wanted = [(model, "validation") for model in theirs.values()]
    wanted += [(model, "serialization") for model in ours.values()]
    _, made = models_json_schema(wanted, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas: dict[str, Any] = {name: _of_draft_7(schema) for name, schema in made["$defs"].items()}
    for model in (*theirs.values(), *ours.values()):
        _tell_type(schemas[model.__name__])
    return dict(sorted(schemas.items()))


def _tell_type(schema: dict[str, Any]) -> None:
    """A message is told by its ``type``, which is always there."""
    required = schema.setdefault("required", [])
    if "type" not in required:
        required.insert(0, "type")


def _of_draft_7(node: Any) -> Any:
    """AsyncAPI's schemas are of draft 7: a tuple is ``items``, no ``discriminator`` is an object."""
    if isinstance(node, list):
        return [_of_draft_7(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _of_draft_7(value) for key, value in node.items() if key != "discriminator"}
    if "prefixItems" in made:
        made["items"] = made.pop("prefixItems")
    return made

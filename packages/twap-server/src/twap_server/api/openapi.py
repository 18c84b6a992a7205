"""The OpenAPI document, written as 3.0.3: the bundled Swagger UI reads no 3.1, and every tool reads 3.0.

Pydantic describes models in JSON Schema's newer words; ``to_3_0`` says the same in the older ones.
"""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from twap_server.api.auth.access import ACCOUNT
from twap_server.api.http.documented import PROBLEM_SCHEMA, tell_common

VERSION = "3.0.3"


def install_openapi(app: FastAPI) -> None:
    """Make the app describe itself in OpenAPI 3.0.3."""
    app.openapi = _describer(app)  # type: ignore[method-assign]


def to_3_0(node: Any) -> Any:
    """Rewrite schemas from JSON Schema 2020-12 to OpenAPI 3.0."""
    if isinstance(node, list):
        return [to_3_0(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: to_3_0(value) for key, value in node.items()}
    if _is_map_of_names(made):
        return made
    for rewrite in (_nullable, _constant, _examples, _tuple, _bounds):
        rewrite(made)
    return made


def _describer(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=VERSION,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            definitions = dict(PROBLEM_SCHEMA)
            schemas.update(definitions.pop("$defs", {}))
            schemas["Problem"] = definitions
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for path in made["paths"].values():
                for operation in path.values():
                    _tell_scopes(operation)
                    tell_common(operation)
            app.openapi_schema = to_3_0(made)
        return app.openapi_schema

    return describe


def _tell_scopes(operation: dict[str, Any]) -> None:
    """Scopes are words of OAuth2 alone in 3.0; no API key has the one for what manages credentials."""
    asked = operation.get("security", ())
    scopes = {scope for one in asked for scope in one.get("OAuth2PasswordBearer", ())}
    if "APIKeyHeader" in {name for one in asked for name in one}:
        operation["security"] = [{"OAuth2PasswordBearer": sorted(scopes)}]
        if ACCOUNT not in scopes:
            operation["security"].append({"APIKeyHeader": []})


def _is_map_of_names(node: dict[str, Any]) -> bool:
    """Whether the keys are somebody's names (properties, examples) rather than schema words."""
    return bool(node) and all(isinstance(value, dict) for value in node.values())


def _nullable(node: dict[str, Any]) -> None:
    options = node.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return
    left = [option for option in options if option != {"type": "null"}]
    del node["anyOf"]
    if len(left) > 1:
        node["anyOf"] = left
    elif "$ref" in left[0]:
        node["allOf"] = left
    else:
        node.update({**left[0], **node})
    node["nullable"] = True


def _constant(node: dict[str, Any]) -> None:
    if "const" in node and "type" in node:
        node["enum"] = [node.pop("const")]


def _examples(node: dict[str, Any]) -> None:
    examples = node.get("examples")
    if isinstance(examples, list):
        del node["examples"]
        if examples:
            node["example"] = examples[0]


def _tuple(node: dict[str, Any]) -> None:
    items = node.get("prefixItems")
    if isinstance(items, list):
        del node["prefixItems"]
        node["items"] = items[0] if all(item == items[0] for item in items) else {}


def _bounds(node: dict[str, Any]) -> None:
    for old, new in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(node.get(old), int) and not isinstance(node.get(old), bool):
            node[new] = node[old]
            node[old] = True

"""Complete the OpenAPI document that FastAPI writes: with problems, and with who may call."""

from typing import Any

from fastapi import FastAPI

from twap_server.api.auth.access import ACCOUNT
from twap_server.api.http.documented import PROBLEM_SCHEMA, tell_common


def install_openapi(app: FastAPI) -> None:
    """Make the app complete its document whenever FastAPI has written it anew."""
    write = app.openapi

    def describe() -> dict[str, Any]:
        made = write()
        if "Problem" not in made["components"]["schemas"]:
            _complete(made)
        return made

    app.openapi = describe  # type: ignore[method-assign]


def _complete(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"]
    definitions = dict(PROBLEM_SCHEMA)
    schemas.update(definitions.pop("$defs", {}))
    schemas["Problem"] = definitions
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in made["paths"].values():
        for operation in path.values():
            _describe_credentials(operation)
            tell_common(operation)


def _describe_credentials(operation: dict[str, Any]) -> None:
    """One way with all scopes, one with an API key; no key has the scope for what manages credentials."""
    asked = operation.get("security", ())
    scopes = {scope for one in asked for scope in one.get("OAuth2PasswordBearer", ())}
    if "APIKeyHeader" in {name for one in asked for name in one}:
        operation["security"] = [{"OAuth2PasswordBearer": sorted(scopes)}]
        if ACCOUNT not in scopes:
            operation["security"].append({"APIKeyHeader": []})

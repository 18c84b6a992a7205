"""Write the pages of reference that follow from the contracts: every route, every message of the stream."""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROUTES = ROOT / "docs/rest-routes.md"
MESSAGES = ROOT / "docs/stream-messages.md"
_ROUTES_HEAD = """# All routes

This page is written from the server's OpenAPI document: [openapi.json](openapi.json). Generators of clients,
and Postman, read that file. [REST](rest.md) explains the routes, [error codes](errors.md) the refusals. A
running server shows them at `/docs`, where you can try each.

In the column "sign-in", `token` means an access token, `key` an API key. Where it is empty, anyone may call.
"""
_MESSAGES_HEAD = """# All messages of the stream

This page is written from the stream's AsyncAPI 3 document: [asyncapi.json](asyncapi.json). Generators of
clients read that file. [Stream](stream.md) explains how a connection goes, and shows an example of each
message.
"""


def routes(document: dict[str, Any]) -> str:
    """The page of all routes, from the OpenAPI document."""
    parts = [_ROUTES_HEAD]
    for tag in [one["name"] for one in document["tags"]]:
        rows = [
            f"| `{method.upper()} {path}` | {_cell(operation.get('description', operation['summary']))} "
            f"| {_sign_in(operation)} | {_body(operation)} | {' '.join(operation['responses'])} |"
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if tag in operation.get("tags", ())
        ]
        head = ["| route | what it does | sign-in | body | answers |", "| --- | --- | --- | --- | --- |"]
        parts.append("\n".join([f"## {tag.capitalize()}", "", *head, *rows, ""]))
    parts.append(_models("Bodies and answers", document["components"]["schemas"]))
    return "\n".join(parts)


def messages(document: dict[str, Any]) -> str:
    """The page of all messages, from the AsyncAPI document."""
    parts = [_MESSAGES_HEAD]
    of, schemas = document["components"]["messages"], document["components"]["schemas"]
    operations = document["operations"].values()
    for title, action in (("What you send", "receive"), ("What the server sends", "send")):
        named = [name for one in operations if one["action"] == action for name in _named(one["messages"])]
        if action == "send":
            replies = (_named(one["reply"]["messages"]) for one in operations if "reply" in one)
            named = list(dict.fromkeys([name for found in replies for name in found] + named))
        parts.append(f"## {title}\n")
        for name in named:
            model = of[name]["payload"]["$ref"].rpartition("/")[2]
            parts.append(
                "\n".join([f"### {name}", "", of[name]["summary"], "", *_fields(schemas[model]), ""])
            )
    used = {one["payload"]["$ref"].rpartition("/")[2] for one in of.values()}
    parts.append(
        _models("Parts of messages", {name: one for name, one in schemas.items() if name not in used})
    )
    return "\n".join(parts)


def _named(refs: list[dict[str, str]]) -> list[str]:
    return [ref["$ref"].rpartition("/")[2] for ref in refs]


def _models(title: str, schemas: dict[str, Any]) -> str:
    parts = [f"## {title}", ""]
    for name, schema in sorted(schemas.items()):
        parts += [f"### {name}", ""]
        if "description" in schema:
            parts += [_text(schema["description"]), ""]
        parts += [*(_fields(schema) if "properties" in schema else [_values(schema)]), ""]
    return "\n".join(parts)


def _fields(schema: dict[str, Any]) -> list[str]:
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in required else ''} "
        f"| {_cell(field.get('description', ''))} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return ["| field | type | required | |", "| --- | --- | --- | --- |", *rows]


def _values(schema: dict[str, Any]) -> str:
    return (
        "One of: " + ", ".join(f"`{value}`" for value in schema["enum"])
        if "enum" in schema
        else _type(schema)
    )


def _type(field: dict[str, Any]) -> str:
    """A schema in words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    for union in ("anyOf", "oneOf", "allOf"):
        if union in field:
            return " or ".join(dict.fromkeys(_type(one) for one in field[union]))
    if field.get("type") == "array":
        return _array(field)
    named = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    kind = str(field.get("type", "anything"))
    return {"date-time": "time"}.get(field.get("format", ""), named.get(kind, kind))


def _array(field: dict[str, Any]) -> str:
    places = field.get("prefixItems") or (field["items"] if isinstance(field.get("items"), list) else None)
    if places:
        return f"[{', '.join(_type(one) for one in places)}]"
    return f"list of {_type(field.get('items', {}))}"


def _sign_in(operation: dict[str, Any]) -> str:
    words = {"OAuth2PasswordBearer": "token", "APIKeyHeader": "key"}
    return " or ".join(words[name] for one in operation.get("security", ()) for name in one)


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    return " or ".join(dict.fromkeys(_body_type(one.get("schema", {})) for one in content.values()))


def _body_type(schema: dict[str, Any]) -> str:
    return _type(schema) if schema else "form"


def _text(text: str) -> str:
    return " ".join(text.replace("``", "`").split("\n\n")[0].split()).replace("<", "&lt;")


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")

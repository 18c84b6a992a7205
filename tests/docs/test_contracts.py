"""The committed contracts are those of the code, whole, and what is made from them leaves nothing out."""

import json
import re
from importlib.metadata import version
from typing import Any, get_args

import pytest
from scripts import asyncapi, contracts, postman, postman_steps, reference

from docs.pages import ROOT
from twap_models import stream

WRITTEN = contracts.written()
REST: dict[str, Any] = json.loads(WRITTEN[contracts.OPENAPI])
STREAM: dict[str, Any] = json.loads(WRITTEN[contracts.ASYNCAPI])
COLLECTION: dict[str, Any] = json.loads(postman.COLLECTION.read_text("utf-8"))


def pinned(*names: str) -> bool:
    """Whether these are installed as pinned: others word a schema in another way."""
    pins = (ROOT / "requirements/constraints.txt").read_text("utf-8").splitlines()
    return all(f"{name}=={version(name)}" in pins for name in names)


@pytest.mark.skipif(not pinned("fastapi", "pydantic"), reason="other versions of fastapi or pydantic than pinned")
@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.name)
def test_each_committed_file_is_what_the_code_says(file: Any) -> None:
    assert file.read_text("utf-8") == WRITTEN[file], f"{file.name} is stale: hatch run contracts"


def test_the_document_of_the_stream_has_every_message() -> None:
    for union, action in ((stream.ClientMessage, "receive"), (stream.ServerMessage, "send")):
        types = {model.model_fields["type"].default for model in get_args(get_args(union)[0])}
        told = {
            ref["$ref"].rpartition("/")[2]
            for operation in STREAM["operations"].values()
            for ref in operation["messages"] * (operation["action"] == action)
            + operation.get("reply", {}).get("messages", []) * (action == "send")
        }
        assert told == types


def test_every_message_has_an_example_and_its_schema_says_its_type() -> None:
    schemas = STREAM["components"]["schemas"]
    for name, message in STREAM["components"]["messages"].items():
        schema = schemas[message["payload"]["$ref"].rpartition("/")[2]]
        assert schema["properties"]["type"]["const"] == name and "type" in schema["required"]
        assert message["examples"], f"docs/stream.md has no example of {name}"


def test_every_reference_leads_somewhere() -> None:
    for document in (REST, STREAM):
        for place in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
            found = document
            for word in place.split("/"):
                found = found[word]


def test_the_stream_needs_no_words_that_asyncapi_lacks() -> None:
    text = json.dumps(STREAM)
    assert "prefixItems" not in text and '"discriminator"' not in text and "$defs" not in text


def test_pages_of_reference_name_every_route_and_message() -> None:
    routes = reference.routes(REST)
    for path, operations in REST["paths"].items():
        for method in operations:
            assert f"| `{method.upper()} {path}` |" in routes
    messages = reference.messages(STREAM)
    assert all(f"\n### {name}\n" in messages for name in STREAM["components"]["messages"])


def test_the_collection_has_every_route() -> None:
    named = [item["name"] for folder in COLLECTION["item"][1:] for item in folder["item"]]
    routes = [f"{method.upper()} {path}" for path, methods in REST["paths"].items() for method in methods]
    assert sorted(named) == sorted(routes), "hatch run contracts, where npm is"


def test_the_collection_has_the_steps_and_the_page_tells_them() -> None:
    first = COLLECTION["item"][0]
    assert first["name"] == postman_steps.STEPS
    page = (ROOT / "docs/postman.md").read_text("utf-8")
    told = re.findall(r"^\| (\d\. [^|]+?) \| `(\w+) ([^`]+)` \|", page, re.MULTILINE)
    assert [name for name, _, _ in told] == [item["name"] for item in first["item"]]
    for (_, method, path), item in zip(told, first["item"], strict=True):
        assert item["request"]["method"] == method
        address = "/" + "/".join(item["request"]["url"]["path"])
        assert address.replace("{{", "{").replace("}}", "}") == path


def test_variables_of_the_collection_are_set_and_hold_no_secret() -> None:
    values = {one["key"]: one["value"] for one in COLLECTION["variable"]}
    assert values == postman_steps.VARIABLES and values["access_token"] == ""
    text = json.dumps(COLLECTION["item"])
    assert set(re.findall(r"\{\{(\w+)\}\}", text)) <= set(values)


def test_what_needs_no_sign_in_asks_for_none() -> None:
    for folder in COLLECTION["item"][1:]:
        for item in folder["item"]:
            method, path = item["name"].split(" ", 1)
            is_open = not REST["paths"][path][method.lower()].get("security")
            assert (item["request"].get("auth") == {"type": "noauth"}) is is_open, item["name"]


def test_every_message_of_a_client_has_a_reply() -> None:
    types = {model.model_fields["type"].default for model in get_args(get_args(stream.ClientMessage)[0])}
    assert set(asyncapi.REPLIES) == types

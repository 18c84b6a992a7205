"""The documentation works offline and describes what the server does."""

import json
import re

from support.api.desk import Desk
from twap_server.api.wire.examples import ORDER_EXAMPLES


async def test_docs_need_no_other_host(desk: Desk) -> None:
    page = await desk.http.get("/docs")
    assert page.status_code == 200
    assert "//" not in re.sub(r"<!doctype html>", "", page.text)
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        asset = await desk.http.get(f"/{link}")
        assert asset.status_code == 200, link
        assert asset.content
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert (await desk.http.get("/docs/assets/..%2F__init__.py")).status_code == 404
    assert (await desk.http.get("/docs/assets/index.html")).status_code == 404


async def test_openapi(desk: Desk) -> None:
    document = (await desk.http.get("/openapi.json")).json()
    text = json.dumps(document)
    assert document["openapi"] == "3.1.0"
    for older in ("nullable", '"exclusiveMinimum": true', '"exclusiveMaximum": true'):
        assert older not in text, "words of 3.0"
    assert "HTTPValidationError" not in text
    schemas = document["components"]["schemas"]
    fields = [field for schema in schemas.values() for field in schema.get("properties", {}).values()]
    numbers = [field["default"] for field in fields if field.get("type") == "number" and "default" in field]
    assert numbers and all(isinstance(number, int | float) for number in numbers)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in schemas, name
    submit = document["paths"]["/orders/twap"]["post"]
    assert set(submit["responses"]) >= {"200", "201", "400", "401", "409", "422"}
    flow = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
    assert flow["tokenUrl"] == "auth/token"
    assert submit["security"]


async def test_the_examples_can_be_sent(desk: Desk) -> None:
    for example in ORDER_EXAMPLES.values():
        answer = await desk.http.post("/orders/twap", json=example["value"], headers=await desk.user())
        assert answer.status_code == 201, answer.text

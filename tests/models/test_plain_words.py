"""What pydantic says of a value, in plain words: its grammar reaches nobody."""

import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from twap_models import OrderStatus
from twap_models.plain_words import plain

GRAMMAR = re.compile(r"Value error|validation|[Ss]hould|Input|permitted|parse")


class Small(BaseModel, extra="forbid"):
    """One field, and no other."""

    name: str


def told(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return plain(caught.value.errors()[0]["msg"])


Checked = Annotated[str, AfterValidator(str.lower), Field(min_length=1, max_length=3)]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Annotated[str, Field(min_length=1)], "", "expected at least 1 character"),
        (Annotated[str, Field(max_length=3)], "four", "expected at most 3 characters"),
        (Checked, "four", "expected at most 3 characters, got 4"),
        (Checked, "", "expected at least 1 character, got 0"),
        (Annotated[list[int], Field(min_length=2)], [1], "expected at least 2 items, got 1"),
        (Annotated[int, Field(ge=1)], 0, "expected 1 or more"),
        (Annotated[int, Field(le=365)], 366, "expected 365 or less"),
        (Annotated[int, Field(gt=0)], 0, "expected more than 0"),
        (Annotated[int, Field(lt=9)], 9, "expected less than 9"),
        (int, "three", "expected a whole number"),
        (int, "9" * 5_000, "expected a whole number, shorter than this"),
        (float, "x", "expected a number"),
        (bool, "x", "expected true or false"),
        (str, 1, "expected text"),
        (list[int], 1, "expected a list"),
        (dict[str, int], 1, "expected an object"),
        (Small, 1, "expected an object"),
        (Small, {}, "is missing"),
        (Small, {"name": "a", "odd": 1}, "there is no such field"),
        (Literal["buy", "sell"], "hold", "expected 'buy' or 'sell'"),
        (OrderStatus, "x", None),
        (Annotated[str, Field(pattern="^a$")], "b", "expected text that fits '^a$'"),
    ],
)
def test_each_refusal_in_plain_words(kind: Any, value: object, words: str | None) -> None:
    try:
        said = told(kind, value)
    except pytest.fail.Exception:
        assert words is None, "it is refused"
        return
    assert not GRAMMAR.search(said), said
    assert words is None or said == words


def test_our_own_words_stay() -> None:
    for text in ("expected seconds or a duration such as '5m', got 'soon'", "", "no symbol 'NOPE'"):
        assert plain(text) == text
    assert plain("Value error, expected a number") == "expected a number"
    assert plain("interval: Input should be '1m' or '1h' (x)") == "interval: expected '1m' or '1h' (x)"

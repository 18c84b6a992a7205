"""Names with characters that they may not have: refused in words, and the schema says the same."""

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from twap_models.accounts import UserName
from twap_models.fields import ExchangeName, SymbolText, TokenId
from twap_models.names import exchange_name, split_market


@pytest.mark.parametrize(
    ("kind", "fine", "wrong", "words"),
    [
        (
            TokenId,
            "a.b_c:d-1",
            ["a b", "größe", "a/b", "a\n"],
            "letters without accents, digits, and . _ : -",
        ),
        (
            UserName,
            "ada@x.io",
            ["ada lovelace", "grün", "ada\n"],
            "letters without accents, digits, and . _ @ -",
        ),
        (ExchangeName, "binance", ["bin ance", "binance/x"], "letters, digits, _ and -"),
        (SymbolText, "BTC/USDT", ["BTC USDT", "BTC\x7f"], "characters without spaces, such as BTC-USDT"),
    ],
)
def test_a_refusal_says_what_may_stand_there(kind: object, fine: str, wrong: list[str], words: str) -> None:
    reader: TypeAdapter[str] = TypeAdapter(kind)
    assert reader.validate_python(fine) == fine
    assert re.search(reader.json_schema()["pattern"], fine)
    for text in wrong:
        with pytest.raises(ValidationError) as refused:
            reader.validate_python(text)
        (found,) = refused.value.errors()
        assert found["msg"] == f"Value error, expected {words}, got {text!r}"


def test_an_exchange_of_ccxt_has_two_spellings() -> None:
    reader: TypeAdapter[str] = TypeAdapter(ExchangeName)
    pattern = reader.json_schema()["pattern"]
    for spelling in ("ccxt:upbit", "CCXT:Upbit", "ccxt-upbit"):
        assert reader.validate_python(spelling) == exchange_name(spelling) == "ccxt-upbit"
        assert re.search(pattern, spelling)
    for wrong in ("ccxt:up:bit", "binance:x"):
        with pytest.raises(ValidationError):
            reader.validate_python(wrong)
        assert not re.search(pattern, wrong)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("binance:BTC-USDT", ("binance", ":", "BTC-USDT")),
        ("ccxt:upbit:BTC-KRW", ("ccxt:upbit", ":", "BTC-KRW")),
        ("ccxt:upbit:BTC-KRW:1m", ("ccxt:upbit", ":", "BTC-KRW:1m")),
        ("ccxt-upbit:BTC-KRW", ("ccxt-upbit", ":", "BTC-KRW")),
        ("ccxt:upbit", ("ccxt:upbit", "", "")),
        ("binance", ("binance", "", "")),
    ],
)
def test_a_market_is_split_behind_its_exchange(name: str, parts: tuple[str, str, str]) -> None:
    assert split_market(name) == parts

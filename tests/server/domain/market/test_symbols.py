"""Canonical symbols are made and taken apart the same way, of spot and of perpetuals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_client._assets import assets_of as clients_assets_of
from twap_models import InstrumentKind
from twap_server.domain.market.symbols import assets_of, kind_of, symbol_of

ASSETS = st.text(st.characters(categories=["Lu", "Nd"]), min_size=1, max_size=12)
ASSETS_TOO = st.sampled_from(["BTC", "PERP", "SWAP", "USDT", "1000PEPE"])
KINDS = st.sampled_from(InstrumentKind)


@given(ASSETS | ASSETS_TOO, ASSETS | ASSETS_TOO, KINDS)
def test_a_symbol_says_its_assets_and_its_kind(base: str, quote: str, kind: InstrumentKind) -> None:
    symbol = symbol_of(base, quote, kind)
    assert assets_of(symbol) == clients_assets_of(symbol) == (base, quote)
    assert kind_of(symbol) is kind


@pytest.mark.parametrize(("text", "assets"), [(None, ("", "")), ("", ("", "")), ("BTC", ("BTC", ""))])
def test_what_is_no_symbol_has_no_assets(text: str | None, assets: tuple[str, str]) -> None:
    assert assets_of(text) == clients_assets_of(text) == assets

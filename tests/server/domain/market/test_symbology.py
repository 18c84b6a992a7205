"""A perpetual is found only where it is named as one; a name of spot never ends in a contract."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twap_models import InstrumentKind
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.symbology import Spellings, everywhere
from twap_server.domain.market.symbols import kind_of, symbol_of

SPOT, PERPETUAL = InstrumentKind
ASSETS = ["BTC", "ETH", "PERP", "SWAP", "USDT", "USD", "XBT", "DOGE"]
NATIVES = ["{0}{1}", "{0}-{1}", "{0}_{1}", "{0}{1}PERP", "{0}-{1}-SWAP", "{0}", "t{0}F0:{1}F0"]
SEPARATORS = ["", "-", "/", "_", ":"]


def instrument(
    base: str, quote: str, kind: InstrumentKind, native: str = "", exchange: str = "here"
) -> Instrument:
    return Instrument(
        id=InstrumentId(exchange, symbol_of(base, quote, kind)),
        native=native or f"{base}{quote}",
        base=base,
        quote=quote,
        tick_size=Decimal(1),
        lot_size=Decimal(1),
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
        status="trading",
        kind=kind,
    )


PERP = instrument("BTC", "USDT", PERPETUAL)
OKX = instrument("BTC", "USDT", PERPETUAL, native="BTC-USDT-SWAP")


@pytest.mark.parametrize(
    "spelling",
    [
        "BTC-USDT-PERP",
        "btc/usdt-perp",
        "BTCUSDTPERP",
        "BTC_USDT_SWAP",
        "BTC-USDT-SWAP",
        "XBT-USDT-PERP",
        "BTCUSDTSWAP",
    ],
)
def test_a_perpetual_is_found_where_it_is_named_as_one(spelling: str) -> None:
    for one in (PERP, OKX):
        listed = Spellings([one])
        assert listed.find(spelling) == listed.find_canonical(spelling) == (one,)


def test_the_exchanges_own_name_finds_it_on_that_exchange_alone() -> None:
    listed = Spellings([PERP])
    assert listed.find("btcusdt") == (PERP,)
    assert listed.find_canonical("BTCUSDT") == ()
    with pytest.raises(UnknownSymbol, match="what here calls so itself is BTC-USDT-PERP here"):
        everywhere("BTCUSDT", {"here": listed})


@pytest.mark.parametrize("native", NATIVES)
@pytest.mark.parametrize("spelling", ["BTC-USDT", "btc-usdt", " BTC-USDT "])
def test_the_canonical_name_of_spot_never_finds_a_perpetual(native: str, spelling: str) -> None:
    perpetual = instrument("BTC", "USDT", PERPETUAL, native=native.format("BTC", "USDT"))
    listed = Spellings([perpetual])
    assert listed.find(spelling) == listed.find_canonical(spelling) == ()
    both = Spellings([perpetual, spot := instrument("BTC", "USDT", SPOT)])
    assert both.find(spelling) == both.find_canonical(spelling) == (spot,)


def test_a_quote_may_be_called_as_the_ending_is() -> None:
    spot = instrument("BTC", "PERP", SPOT)
    listed = Spellings([spot, swap := instrument("PERP", "USDT", PERPETUAL)])
    assert listed.find("BTC-PERP") == (spot,)
    assert listed.find("PERP-USDT-PERP") == listed.find("PERP/USDT-SWAP") == (swap,)
    assert listed.find("PERP-USDT") == ()


LISTED = st.builds(
    lambda base, quote, kind, native: instrument(base, quote, kind, native=native.format(base, quote)),
    st.sampled_from(ASSETS),
    st.sampled_from(ASSETS),
    st.sampled_from(InstrumentKind),
    st.sampled_from(NATIVES),
)
SPELLINGS = st.builds(
    lambda assets, ending, separator: separator.join((*assets, *ending)),
    st.tuples(st.sampled_from(ASSETS), st.sampled_from(ASSETS)),
    st.sampled_from([(), ("PERP",), ("SWAP",)]),
    st.sampled_from(SEPARATORS),
)


def _kinds(found: Iterable[Instrument]) -> set[InstrumentKind]:
    return {one.kind for one in found}


@given(
    st.lists(st.lists(LISTED, max_size=6, unique_by=lambda one: one.id), min_size=1, max_size=3), SPELLINGS
)
def test_an_order_over_all_exchanges_mixes_no_kinds_and_takes_no_unnamed_perpetual(
    lists: Sequence[Sequence[Instrument]], spelling: str
) -> None:
    try:
        found = everywhere(spelling, {str(at): Spellings(one) for at, one in enumerate(lists)})
    except UnknownSymbol:
        return
    assert len(_kinds(found)) == 1 and len({one.id.symbol for one in found}) == 1
    if found[0].kind is PERPETUAL:
        assert spelling.endswith(("PERP", "SWAP"))


@given(st.lists(LISTED, max_size=8, unique_by=lambda one: one.id))
def test_every_canonical_name_finds_its_own_instrument(listed: Sequence[Instrument]) -> None:
    made = Spellings(listed)
    for one in listed:
        assert made.find(one.id.symbol) == made.find_canonical(one.id.symbol) == (one,)
        assert kind_of(one.id.symbol) is one.kind and one.settle == one.quote

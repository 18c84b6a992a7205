"""settings.py: file, environment and flags; wrong keys are refused by name."""

from pathlib import Path

import pytest

from twap_server import bootstrap, settings
from twap_server.domain.errors import InvalidRequest


def test_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWAP_PORT", raising=False)
    loaded = settings.load(file=None, flags={})
    assert (loaded.host, loaded.port) == ("127.0.0.1", 8000)
    assert loaded.database_url.startswith("sqlite:///")


def test_environment_beats_the_file_and_flags_beat_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "twap.toml"
    file.write_text('port = 1\nhost = "::1"\nlog_format = "json"\n[exchanges.kraken]\ntaker_fee = "0.0026"\n')
    monkeypatch.setenv("TWAP_PORT", "2")
    monkeypatch.setenv("TWAP_EXCHANGES__KRAKEN__WS_URL", "ws://127.0.0.1:9/kraken/v2")
    loaded = settings.load(file=file, flags={"host": "127.0.0.1"})
    assert (loaded.port, loaded.host, loaded.log_format) == (2, "127.0.0.1", "json")
    assert str(loaded.exchanges["kraken"].taker_fee) == "0.0026"
    assert loaded.exchanges["kraken"].ws_url == "ws://127.0.0.1:9/kraken/v2"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("prot = 1", r"setting prot: unknown, did you mean port\?"),
        ("[engine]\nmax_slice = 1", r"engine.max_slice: unknown, did you mean engine.max_slices\?"),
        ("[api]\nregistation = 'open'", r"api.registation: unknown, did you mean api.registration\?"),
        ("registration = 'open'", r"setting registration: unknown, did you mean api.registration\?"),
        ("[exchanges.kraken]\nsymbol = []", r"unknown, did you mean exchanges.kraken.symbols\?"),
        ("[api.oidc]\nissuer = 'https://id.example'", "setting api.oidc: expected a client_id"),
        (
            'cluster = { nats = "http://h:4222" }',
            "setting cluster.nats: starts with http://, expected nats://",
        ),
        ('cluster = { nats = "wss://h:443" }', "setting cluster.nats: starts with wss://, expected nats://"),
        ("xyz = 1", "setting xyz: unknown, expected one of api, cluster, collector, database, engine, "),
        ("port = 'x'", "port"),
        ("port =", "cannot read"),
    ],
)
def test_wrong_keys_in_the_file_are_named(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "twap.toml"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=key):
        settings.load(file=file, flags={})


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read the settings file .*/none.toml: No such file"):
        settings.load(file=tmp_path / "none.toml", flags={})


def test_misspelt_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWAP_PROT", "1")
    with pytest.raises(InvalidRequest, match=r"TWAP_PROT: unknown, did you mean TWAP_PORT\?"):
        settings.load(file=None, flags={})


@pytest.mark.parametrize(
    ("text", "flags", "names"),
    [
        ("", [], ["binance", "kraken"]),
        ("[exchanges.coinbase]", [], ["binance", "kraken", "coinbase"]),
        ("[exchanges.kraken]", [], ["binance", "kraken"]),
        ("", ["Coinbase:BTC-USD"], ["coinbase"]),
    ],
)
def test_what_nothing_proves_is_collected_only_by_name(
    tmp_path: Path, text: str, flags: list[str], names: list[str]
) -> None:
    file = tmp_path / "twap.toml"
    file.write_text(text)
    loaded = settings.load(file=file, flags={})
    assert list(bootstrap.choose(loaded, flags).exchanges) == names


def test_an_unknown_exchange_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match="binance, kraken, coinbase"):
        bootstrap.choose(settings.load(file=None, flags={}), ["nasdaq"])


def test_an_exchange_named_twice_has_the_symbols_of_both() -> None:
    flags = ["okx:BTC-USDT", "kraken", "okx:ETH-USDT,SOL-USDT"]
    found = bootstrap.choose(settings.load(file=None, flags={}), flags).exchanges
    assert list(found) == ["okx", "kraken"]
    assert found["okx"].symbols == ("BTC-USDT", "ETH-USDT", "SOL-USDT")


def test_two_feeds_of_one_market_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="coinbase and coinbase-exchange are two feeds of one market"):
        bootstrap.choose(settings.load(file=None, flags={}), ["coinbase-exchange", "coinbase"])
    off = {"exchanges": {"coinbase": {}, "coinbase-exchange": {"enabled": False}}}
    assert "coinbase" in bootstrap.choose(settings.load(file=None, flags=off), []).exchanges


@pytest.mark.parametrize(
    "flag", ["ccxt:upbit:BTC-KRW,ETH-KRW", "CCXT:Upbit:BTC-KRW,ETH-KRW", "ccxt-upbit:BTC-KRW,ETH-KRW"]
)
def test_an_exchange_of_ccxt_has_two_spellings(flag: str) -> None:
    (found,) = bootstrap.choose(settings.load(file=None, flags={}), [flag]).exchanges.items()
    assert (found[0], found[1].symbols) == ("ccxt-upbit", ("BTC-KRW", "ETH-KRW"))


@pytest.mark.parametrize("section", ["ccxt:upbit", "ccxt-upbit"])
def test_settings_take_both_spellings(section: str, tmp_path: Path) -> None:
    file = tmp_path / "twap.toml"
    file.write_text(f'[exchanges."{section}"]\nsymbols = ["BTC-KRW"]\n')
    loaded = settings.load(file=file, flags={})
    assert loaded.exchanges["ccxt-upbit"].symbols == ("BTC-KRW",)
    assert "ccxt-upbit" in bootstrap.choose(loaded, []).exchanges
    flagged = bootstrap.choose(loaded, ["ccxt:upbit"])
    assert flagged.exchanges["ccxt-upbit"].symbols == ("BTC-KRW",)


@pytest.mark.parametrize(
    ("flags", "market"),
    [
        (["binance", "ccxt:binance"], "binance and ccxt-binance"),
        (["ccxt:binance", "binance-usdm"], "binance-usdm and ccxt-binance"),
        (["ccxt:coinbaseexchange", "coinbase"], "coinbase and ccxt-coinbaseexchange"),
        (["ccxt:coinbaseexchange", "coinbase-exchange"], "are two feeds of one market"),
        (["ccxt:binance", "ccxt:binanceusdm"], "are two feeds of one market"),
    ],
)
def test_a_market_is_not_collected_twice(flags: list[str], market: str) -> None:
    with pytest.raises(InvalidRequest, match=market):
        bootstrap.choose(settings.load(file=None, flags={}), flags)


def test_ccxt_beside_other_markets_is_fine() -> None:
    chosen = bootstrap.choose(
        settings.load(file=None, flags={}), ["ccxt:upbit", "binance", "ccxt:binanceusdm"]
    )
    assert list(chosen.exchanges) == ["ccxt-upbit", "binance", "ccxt-binanceusdm"]


@pytest.mark.parametrize("name", ["ccxt:", "ccxt", "ccxt:a/b", "nasdaq"])
def test_a_name_that_is_none_says_what_there_is(name: str) -> None:
    with pytest.raises(InvalidRequest, match="or ccxt:NAME for one of ccxt's"):
        bootstrap.choose(settings.load(file=None, flags={}), [name])

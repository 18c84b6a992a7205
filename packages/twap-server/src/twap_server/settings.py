"""Read the server's settings: a TOML file, then environment (``TWAP_…``), then flags; the last one wins.

Wrong keys are refused by name. Defaults stand in each stage's own ``config.py``; nobody below ``bootstrap``
sees this module.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from twap_models.names import exchange_name
from twap_models.plain_words import plain
from twap_server.api.config import ApiConfig
from twap_server.cluster.config import ClusterConfig
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.domain.errors import InvalidRequest
from twap_server.engine.config import EngineConfig
from twap_server.environment import PREFIX, SEPARATOR, merged, nested, ours
from twap_server.recordings.config import RecordConfig
from twap_server.runtime.config import RuntimeConfig
from twap_server.telemetry import LogFormat

_AS_JSON = {
    "tuple_type": '["one", "two"]',
    "dict_type": '{"key": "value"}',
    "model_type": '{"key": "value"}',
    "model_attributes_type": '{"key": "value"}',
}
"""How a variable writes what is no single value, by the error that says so."""


class Settings(BaseModel):
    """The stages' settings, nested. ``None`` means absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database: str | None = Field(default=None, repr=False)
    """``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``; absent: a file in the data folder."""
    log_format: LogFormat = "text"
    signing_key: SecretStr | None = None
    """At least 32 characters; absent: generated on first start into a 0600 file beside the database."""
    exchanges: dict[str, ExchangeConfig] = {}
    """By name; absent: those that prove their books, live."""
    collector: CollectorConfig = CollectorConfig()
    engine: EngineConfig = EngineConfig()
    api: ApiConfig = ApiConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    record: RecordConfig = RecordConfig()
    cluster: ClusterConfig = ClusterConfig()
    """Of several nodes; one process does not look at it."""

    @field_validator("exchanges", mode="before")
    @classmethod
    def _canonical_names(cls, exchanges: Any) -> Any:
        """``ccxt:upbit`` is ``ccxt-upbit`` below; what is no section is refused by the type."""
        if not isinstance(exchanges, Mapping):
            return exchanges
        return {exchange_name(str(name)): own for name, own in exchanges.items()}

    @field_validator("database")
    @classmethod
    def _from_home(cls, url: str | None) -> str | None:
        """``~`` in the file of an SQLite URL: expanded here, so that all below means the same file."""
        scheme, separator, path = (url or "").partition(":///")
        is_file = scheme.startswith("sqlite") and path.startswith("~")
        return f"{scheme}{separator}{from_home(Path(path))}" if is_file else url

    @property
    def database_url(self) -> str:
        """The database, with its default filled in."""
        return self.database or f"sqlite:///{data_folder() / 'twap.sqlite3'}"


def from_home(path: Path) -> Path:
    """The path with its ``~`` replaced by the home folder.

    Raises:
        ValueError: there is no home folder.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path}: no home folder is known, write the whole path or set HOME") from None


def data_folder() -> Path:
    """Where this user's data lives on this platform.

    Raises:
        InvalidRequest: the user has no home folder; the message says what to set instead.
    """
    try:
        return user_data_path("twap-server", appauthor=False).expanduser()
    except RuntimeError:
        raise InvalidRequest(
            "no home folder is known for this user: set HOME, or TWAP_DATABASE to sqlite:////PATH/FILE "
            "(with PostgreSQL: TWAP_SIGNING_KEY to a secret of at least 32 characters)",
            field="HOME",
        ) from None


def load(
    *, file: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings.

    Args:
        file: a TOML file, or None.
        flags: what the command line says; wins over everything.
        environment: its ``TWAP_`` variables win over the file.

    Raises:
        InvalidRequest: a key or value is wrong; the message names it, and what was expected.
    """
    variables = ours(environment)
    try:
        return Settings.model_validate(merged(merged(_read(file), nested(variables)), flags))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = [str(part) for part in first["loc"]]
        variable = "" if path[0] in flags else _variable(path, variables)
        named = variable or f"setting {'.'.join(path)}"
        expected = _expected(first["type"], first["msg"], path, as_variable=bool(variable))
        raise InvalidRequest(f"{named}: {expected}", field=".".join(path)) from None


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(from_home(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"cannot read the settings file {file}: {why}", field="config") from None


def _variable(path: Sequence[str], variables: Mapping[str, str]) -> str:
    """The variable that said it, itself or as a part of its section; empty: it was another source."""
    for length in range(len(path), 0, -1):
        name = _name(path[:length])
        found = [one for one in variables if one == name or one.startswith(name + SEPARATOR)]
        if found:
            return name if name in found else min(found)
    return ""


def _name(path: Sequence[str]) -> str:
    return PREFIX + SEPARATOR.join(path).upper()


def _expected(kind: str, message: str, path: Sequence[str], *, as_variable: bool) -> str:
    if kind == "extra_forbidden":
        write = _name if as_variable else ".".join
        meant = [write(one) for one in _meant(path)]
        if meant:
            return f"unknown, did you mean {' or '.join(meant)}?"
        return f"unknown, expected one of {', '.join(write([*path[:-1], field]) for field in _beside(path))}"
    message = plain(message)
    example = _AS_JSON.get(kind, "") if as_variable else ""
    return f"{message}, written as JSON such as {example}" if example else message


def _meant(path: Sequence[str]) -> list[list[str]]:
    """The likeliest keys where one is unknown: near it in spelling, or its like in another section."""
    near = get_close_matches(path[-1], _beside(path), n=2, cutoff=0.75)
    if near:
        return [[*path[:-1], one] for one in near]
    return [[section, path[-1]] for section in _SECTIONS if path[-1] in _beside([section, path[-1]])]


_SECTIONS = ("api", "engine", "collector", "runtime", "cluster")


def _beside(path: Sequence[str]) -> list[str]:
    """The keys there are where the last one of this path was looked for."""
    kind: Any = Settings
    for part in path[:-1]:
        is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        kind = kind.model_fields[part].annotation if is_model else get_args(kind)[1]
    return sorted(kind.model_fields)

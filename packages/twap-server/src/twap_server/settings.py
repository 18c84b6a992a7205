"""Settings of the whole server: a TOML file, then environment (``TWAP_…``), then flags; the last one wins.

Wrong keys are refused by name. Defaults stand in each stage's own ``config.py``; nobody below ``bootstrap``
sees this module.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from twap_server.api.config import ApiConfig
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.domain.errors import InvalidRequest
from twap_server.engine.config import EngineConfig
from twap_server.runtime.config import RuntimeConfig
from twap_server.telemetry import LogFormat

_PREFIX = "TWAP_"
_OTHERS = frozenset(
    {"CONFIG_FILE", "SERVER_URL", "API_KEY", "USERNAME", "PASSWORD", "CONFIG_DIR", "RECORDINGS"}
    | {"TIMEOUT", "CONNECT_TIMEOUT"}
)
"""Variables of the client and of the tests: not ours, not wrong."""


class Settings(BaseSettings):
    """The stages' settings, nested. ``None`` means absent."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before what ``load`` passes (the file)."""
        return env_settings, init_settings

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
    """Where this user's data lives on this platform."""
    return user_data_path("twap-server", appauthor=False)


def load(
    *, file: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings.

    Args:
        file: a TOML file, or None.
        flags: what the command line says; wins over everything.
        environment: searched for misspelt ``TWAP_`` variables.

    Raises:
        InvalidRequest: a key or value is wrong; the message names it.
    """
    _refuse_unknown_variables(environment)
    try:
        settings = Settings(**_read(file))
        return Settings.model_validate(_merge(settings.model_dump(exclude_unset=True), flags))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidRequest(f"setting {key}: {first['msg']}", field=key) from None


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(from_home(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"cannot read the settings file {file}: {error}", field="config") from None


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        nested = isinstance(before, dict) and isinstance(value, Mapping)
        merged[key] = _merge(before, value) if nested and isinstance(before, dict) else value
    return merged


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    for name in environment:
        key = name.removeprefix(_PREFIX)
        if name.startswith(_PREFIX) and key not in _OTHERS:
            top = key.split("__")[0].lower()
            if top not in Settings.model_fields:
                known = ", ".join(sorted(_PREFIX + field.upper() for field in Settings.model_fields))
                raise InvalidRequest(f"unknown variable {name}: expected one of {known}", field=name)

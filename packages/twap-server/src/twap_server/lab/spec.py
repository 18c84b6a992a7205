"""Read what a tournament is: a TOML file, or the same as a mapping.

A tournament is strategies × sizes × sides × starts × recordings × realism profiles. ``[order]`` holds what
all orders have in common, each ``[strategies.NAME]`` what one of them sets: fields of ``POST /orders``. What
is wrong is named by its key, with what was expected.
"""

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
)

from twap_models.enums import Side
from twap_models.fields import Duration, Moment, Quantity
from twap_models.orders import StrategyOrderRequest
from twap_models.plain_words import in_path, plain
from twap_server.domain.errors import InvalidRequest
from twap_server.lab.orders import did_you_mean

VARIED = {"side": "sides", "quantity": "sizes", "realism": "profiles", "start_time": "starts"}
"""Fields of an order that the tournament varies, and the key that says how."""
_OWN = {
    "token_id": "each order is named after its strategy and what it is",
    "end_time": "give duration, for each order starts at another moment",
}
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
_TABLE, _LIST = "a table", "a list"
_Name = Annotated[str, Field(pattern=_NAME)]


def _each_once(values: list[Any]) -> list[Any]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"{value} is given twice: each once")
    return values


def _some(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("expected more than 0")
    return value


_Size = Annotated[Quantity, AfterValidator(_some)]


def _kind(value: Any) -> str:
    """Whether a list was meant or a table, so that errors are about that one."""
    return _LIST if isinstance(value, list) else _TABLE


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordingChoice(_Part):
    """One recording, and what orders over it set."""

    path: Path
    name: str = ""
    instruments: Path | None = None
    order: dict[str, Any] = {}


class RegularStarts(_Part):
    """A start every so often."""

    every: Duration
    begin: Moment = Field(default="+10s", alias="from")
    until: Moment | None = None
    """Of the last start at the latest; absent: such that the last order ends with the recording."""

    @field_validator("every")
    @classmethod
    def _moves_on(cls, every: Any) -> Any:
        if not every:
            raise ValueError("expected more than 0 seconds, such as '30s'")
        return every


class TournamentSpec(_Part):
    """A tournament, its keys and values checked one by one."""

    name: str = Field(default="", max_length=200)
    recordings: list[RecordingChoice] = Field(min_length=1)
    sides: Annotated[list[Side], Field(min_length=1), AfterValidator(_each_once)]
    sizes: Annotated[
        list[Annotated[Quantity, AfterValidator(_some)]], Field(min_length=1), AfterValidator(_each_once)
    ]
    """Base currency."""
    starts: Annotated[
        Annotated[RegularStarts, Tag(_TABLE)] | Annotated[list[Moment], Tag(_LIST), Field(min_length=1)],
        Discriminator(_kind),
    ]
    profiles: Annotated[
        Annotated[dict[_Name, dict[str, Any]], Tag(_TABLE)]
        | Annotated[list[_Name], AfterValidator(_each_once), Tag(_LIST)],
        Discriminator(_kind),
    ] = []
    """Names of realism profiles, or own figures by a name of their own."""
    baseline: str | None = None
    """Which strategy others are compared with; absent: the first that is a TWAP."""
    order: dict[str, Any] = {}
    strategies: dict[_Name, dict[str, Any]] = Field(min_length=1)
    skip_unread: Decimal = Field(default=Decimal(0), ge=0, le=100)
    """Percent of a recording's messages that may be unreadable."""

    @field_validator("recordings", mode="before")
    @classmethod
    def _from_paths(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [{"path": one} if isinstance(one, str | Path) else one for one in value]

    @property
    def realisms(self) -> Mapping[str, Any]:
        """What orders say as ``realism``, by name; without profiles nothing, under an empty name."""
        found: dict[str, Any] = {}
        for name in self.profiles:
            found[name] = self.profiles[name] if isinstance(self.profiles, dict) else name
        return found or {"": None}


def read_spec(source: Path | Mapping[str, Any]) -> tuple[TournamentSpec, Path]:
    """Read a tournament and give the folder that its paths are relative to.

    Raises:
        InvalidRequest: it cannot be read, or a key or value is wrong; names the key.
    """
    if isinstance(source, Mapping):
        return _checked(source, "the tournament"), Path()
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"cannot read the tournament {source}: {why}", field="FILE") from None
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{source} is no TOML: {error}", field="FILE") from None
    return _checked(content, str(source)), source.parent


def _checked(content: Mapping[str, Any], where: str) -> TournamentSpec:
    try:
        made = TournamentSpec.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # a misspelled key first: that the right one is missing follows from it
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
        raise InvalidRequest(f"{where}: {_said(first)}", field=in_path(_path(first))) from None
    for table, fields in (("order", made.order), *_tables(made)):
        _check_fields(table, fields, where)
    if made.baseline is not None and made.baseline not in made.strategies:
        known = ", ".join(made.strategies)
        raise InvalidRequest(
            f"{where}: baseline: expected one of the strategies ({known}), got {made.baseline!r}",
            field="baseline",
        )
    return made


def _tables(made: TournamentSpec) -> list[tuple[str, Mapping[str, Any]]]:
    strategies = [(f"strategies.{name}", fields) for name, fields in made.strategies.items()]
    return [*strategies, *((f"recordings[{at}].order", one.order) for at, one in enumerate(made.recordings))]


def _check_fields(table: str, fields: Mapping[str, Any], where: str) -> None:
    for field in fields:
        why = _OWN.get(field)
        if why is None and field in VARIED:
            why = f"give {VARIED[field]} at the top of the file, a list of what is tried"
        if why is not None:
            raise InvalidRequest(
                f"{where}: {table}.{field}: a tournament sets it itself: {why}", field=f"{table}.{field}"
            )


def _path(wrong: Mapping[str, Any]) -> list[str | int]:
    return [one for one in wrong["loc"] if one not in (_TABLE, _LIST, "[key]")]


def _said(wrong: Mapping[str, Any]) -> str:
    path = _path(wrong)
    named, last = in_path(path), str(path[-1]) if path else ""
    match wrong["type"]:
        case "extra_forbidden":
            return f"{named}: no such key; {_known_keys(path[:-1], last)}"
        case "string_pattern_mismatch":
            return f"{named}: expected a name of letters, digits and ._- (at most 40), got {wrong['input']!r}"
        case "missing":
            return f"{named} is missing: {_MISSING.get(last, 'give it')}"
        case "model_type" | "dict_type" if named in _TABLES:
            return f"{named}: expected {_TABLES[named]}, got {str(wrong['input'])[:60]!r}"
    said = plain(wrong["msg"])
    return f"{named}: {said}" if ", got " in said else f"{named}: {said}, got {str(wrong['input'])[:60]!r}"


_TABLES = {
    "starts": 'a list of times, or a table such as { every = "30s" }',
    "profiles": 'a list of names such as ["ideal", "remote"], or a table of each',
}


_MISSING = {
    "recordings": 'give recordings = ["FOLDER"], files or folders that twap-server start --record wrote',
    "starts": 'give starts = { every = "30s" }, or a list of times such as ["+10s", "+40s"]',
    "sides": 'give sides = ["buy", "sell"], or one of them',
    "sizes": "give sizes = [0.5, 2], quantities in base currency",
    "strategies": "give a table for each, such as [strategies.twap] and [strategies.sweep]",
    "every": 'give the time between starts, such as every = "30s"',
    "path": "give the file or folder",
}


def _known_keys(path: Sequence[str | int], wrong: str) -> str:
    parts: dict[str, type[BaseModel]] = {"recordings": RecordingChoice, "starts": RegularStarts}
    part = parts.get(str(path[0]), TournamentSpec) if path else TournamentSpec
    known = [field.alias or name for name, field in part.model_fields.items()]
    if part is TournamentSpec and wrong in StrategyOrderRequest.model_fields:
        return "it is a field of orders, give it in [order] or [strategies.NAME]"
    fields = " (fields of the orders go into [order] or [strategies.NAME])" if part is TournamentSpec else ""
    return did_you_mean(wrong, known) or f"expected one of {', '.join(known)}{fields}"

"""Settings of a node: ``cluster`` in the settings file, ``TWAP_CLUSTER__…`` in the environment."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from twap_models.names import exchange_name
from twap_server.domain.ownership import MOST_PARTS

_SCHEMES = ("nats", "tls")


class Role(StrEnum):
    """What a node does."""

    COLLECTOR = "collector"
    """Talks to exchanges, and tells others of their books."""
    ENGINE = "engine"
    """Works orders."""
    GATEWAY = "gateway"
    """Answers clients."""


class ClusterConfig(BaseModel):
    """How nodes find each other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nats: str = "nats://127.0.0.1:4222"
    """``nats://[USER:PASSWORD@]HOST:PORT``, or ``tls://``; several with commas between."""
    prefix: str = Field(default="twap", pattern=r"^[A-Za-z0-9_-]{1,32}$")
    """Of the subjects: keeps several clusters on one NATS apart."""
    max_books: int = Field(default=1_000, ge=1)
    """Books of one exchange, or of each part of it, collected for all gateways together; orders always get
    theirs."""
    split: dict[str, Annotated[int, Field(ge=1, le=MOST_PARTS)]] = {}
    """Exchange to the number of parts that its symbols are shared out over; the same for all collectors."""

    @field_validator("split", mode="before")
    @classmethod
    def _canonical_names(cls, split: Any) -> Any:
        if not isinstance(split, Mapping):
            return split
        return {exchange_name(str(name)): parts for name, parts in split.items()}

    @field_validator("nats")
    @classmethod
    def _speaks_nats(cls, nats: str) -> str:
        for one in nats.split(","):
            scheme, is_named, _ = one.strip().partition("://")
            if is_named and scheme not in _SCHEMES:
                raise ValueError(
                    f"starts with {scheme}://, expected nats://[USER:PASSWORD@]HOST:PORT, or tls://…"
                )
        return nats

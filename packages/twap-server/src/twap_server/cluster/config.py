"""Settings of a node: ``cluster`` in the settings file, ``TWAP_CLUSTER__…`` in the environment."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

_SCHEMES = ("nats", "tls", "ws", "wss")


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
    """Books of one exchange collected for all gateways together; orders always get theirs."""

    @field_validator("nats")
    @classmethod
    def _speaks_nats(cls, nats: str) -> str:
        for one in nats.split(","):
            scheme, is_named, _ = one.strip().partition("://")
            if is_named and scheme not in _SCHEMES:
                raise ValueError(f"starts with {scheme}://, expected nats://[USER:PASSWORD@]HOST:PORT")
        return nats

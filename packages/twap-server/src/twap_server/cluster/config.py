"""Settings of a node: ``cluster`` in the settings file, ``TWAP_CLUSTER__…`` in the environment."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


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
    """``nats://[USER:PASSWORD@]HOST:PORT``; several with commas between."""
    prefix: str = Field(default="twap", pattern=r"^[A-Za-z0-9_-]{1,32}$")
    """Of the subjects: keeps several clusters on one NATS apart."""
    max_books: int = Field(default=1_000, ge=1)
    """Books of one exchange collected for all gateways together; orders always get theirs."""

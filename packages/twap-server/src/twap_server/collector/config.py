"""Hold the settings of collecting. Times in seconds."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ExchangeConfig(BaseModel):
    """One exchange. Empty addresses and a zero depth mean the exchange's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ws_url: str = ""
    rest_url: str = ""
    enabled: bool = True
    symbols: tuple[str, ...] = Field(default=(), description="Canonical symbols collected all the time.")
    depth: int = Field(default=0, ge=0, le=5000, description="Levels per side to ask for.")
    taker_fee: Decimal = Field(default=Decimal(0), ge=0, lt=1, description="Share of the notional.")


class CollectorConfig(BaseModel):
    """Deadlines, waits and bounds of all exchanges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchanges: dict[str, ExchangeConfig] = Field(default_factory=dict)
    open_timeout_s: int = Field(default=10, gt=0)
    ping_every_s: int = Field(
        default=20, gt=0, description="And how long the answer to a ping of ours may take."
    )
    ack_timeout_s: int = Field(default=10, gt=0)
    silence_s: int = Field(default=0, ge=0, description="0 means the exchange's own deadline.")
    borne_silence_ms: int = Field(default=0, ge=0, description="0 means by the connection's own pace.")
    backoff_initial_ms: int = Field(default=500, gt=0)
    backoff_max_s: int = Field(default=30, gt=0)
    reconcile_s: int = Field(default=60, gt=0)
    look_every_ms: int = Field(
        default=250, gt=0, description="How often silence and deadlines are looked at."
    )
    lifetime_s: int = Field(default=84_600, gt=0, description="Planned reconnect: 23.5 hours.")
    refresh_s: int = Field(default=0, ge=0, description="0 means the exchange's own period.")
    handover_s: int = Field(default=30, gt=0, description="How long the next connection may take to sync.")
    quiet_proof_s: int = Field(default=2, ge=0)
    snapshots_per_minute: int = Field(default=10, gt=0, description="Per instrument.")
    resubscribes_per_minute: int = Field(default=10, gt=0, description="Per instrument.")
    resubscribes_per_exchange: int = Field(default=60, gt=0, description="Per minute, of all instruments.")
    set_aside_max_s: int = Field(default=600, gt=0, description="Longest wait for an instrument that fails.")
    http_timeout_s: int = Field(default=10, gt=0)
    instruments_refresh_s: int = Field(default=3600, gt=0)
    status_refresh_s: int = Field(
        default=15, gt=0, description="How often an exchange whose stream does not tell is asked what trades."
    )
    candles_kept: int = Field(
        default=500_000, ge=0, description="Closed candles kept in the store, of all exchanges; 0 keeps none."
    )
    websocket: Literal["websockets", "picows", "auto"] = Field(
        default="websockets", description="Which library receives; auto: picows where it is installed."
    )
    max_message_bytes: int = Field(default=16 * 1024 * 1024, gt=0)
    max_levels: int = Field(default=5000, gt=0, description="Levels kept per side of an unlimited book.")

    def exchange(self, name: str) -> ExchangeConfig:
        """Return an exchange's settings, the defaults where none are given."""
        found = self.exchanges.get(name)
        return ExchangeConfig() if found is None else found

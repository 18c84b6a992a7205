"""Hold the process's settings and their defaults."""

from datetime import timedelta

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from twap_server.runtime.loops import EventLoop, HttpParser


class RuntimeConfig(BaseModel):
    """How the process is run and watched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_loop: EventLoop = "auto"
    """``auto``: uvloop where it is installed, else asyncio's own."""
    http_parser: HttpParser = "auto"
    """``auto``: httptools where it is installed, else h11."""
    stall: timedelta = Field(default=timedelta(milliseconds=250), gt=timedelta(0))
    """An event loop that stands still for longer is told of, with the stack that holds it up."""
    stall_log_every: timedelta = timedelta(seconds=10)
    """At most one stack in this time; the next one says how many were left out."""
    tune_gc: bool = Field(default=True, validation_alias=AliasChoices("tune_gc", "tame_collector"))
    """Whether the garbage collector is tuned; else it is as Python sets it up. Its old name is read, too."""

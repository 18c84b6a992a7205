"""The process's settings; their defaults stand here only."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

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
    tame_collector: bool = True
    """Whether the garbage collector is kept out of the way; else it works as Python sets it up."""

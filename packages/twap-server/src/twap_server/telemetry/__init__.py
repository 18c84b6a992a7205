"""Write log lines to stderr and announcements to stdout. Neither ever waits for its reader."""

from twap_server.telemetry.formats import LogFormat
from twap_server.telemetry.lines import Lines
from twap_server.telemetry.logs import configure_logging, dropped_log_lines, say_last
from twap_server.telemetry.streams import take_closed_streams

__all__ = [
    "Lines",
    "LogFormat",
    "configure_logging",
    "dropped_log_lines",
    "say_last",
    "take_closed_streams",
]

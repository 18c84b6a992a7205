"""Say what the rest of a server tells of itself, and show it in its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from twap_models.enums import MarketMode
from twap_models.health import DemoAccount
from twap_server.api.http.metrics import Metrics
from twap_server.runtime.durations import Family
from twap_server.telemetry import dropped_log_lines


async def always_ready() -> list[str]:
    """Nothing stands in the way."""
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfReport:
    """What the rest of the server tells of itself."""

    not_ready: Callable[[], Awaitable[list[str]]] = always_ready
    """Reasons why ``/ready`` should say 503; empty when all is well."""
    unfit: Callable[[], str] = str
    """Why nobody can be served now, though the server runs; empty: everybody can."""
    remarks: Callable[[], list[str]] = list
    """What ``/ready`` tells of a server that is ready, of its clock for instance."""
    gauges: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    """More numbers for ``/metrics``, by name; for instance ``twap_open_orders``."""
    durations: Sequence[Family] = ()
    """More histograms for ``/metrics``."""
    market: MarketMode = MarketMode.LIVE
    """Where the prices come from."""
    demo: DemoAccount | None = None
    """The public account of a demo server."""


def show(report: SelfReport, metrics: Metrics) -> None:
    """Add to the metrics what every server has, and what this one tells."""
    metrics.add_gauge("twap_tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
    metrics.add_counter(
        "twap_log_lines_dropped", "Log lines left out, or not taken by stderr.", dropped_log_lines
    )
    for name, read in report.gauges.items():
        metrics.add_gauge(name, f"{name.removeprefix('twap_').replace('_', ' ').capitalize()}.", read)
    for family in report.durations:
        metrics.add_durations(family)

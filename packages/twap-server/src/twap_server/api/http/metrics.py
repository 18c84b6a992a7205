"""Collect counters, gauges and histograms for Prometheus, in a registry of this app (nothing global)."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.types import Scope

from twap_server.domain.clock import SECOND
from twap_server.runtime.durations import BOUNDS_MS, Durations, Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OLD_NAMES = {
    "twap_stream_connections": "twap_ws_clients",
    "twap_event_loop_lag_seconds": "twap_loop_lag_seconds",
}
"""Metrics that were renamed in 0.1, each shown under its old name too until the next release."""


class Metrics:
    """What this server tells Prometheus."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "twap_requests", "HTTP requests answered.", ("method", "route", "status"), registry=self._registry
        )

    def count_request(self, scope: Scope, status: int) -> None:
        """Count one answer under its route's pattern; unknown paths share one label."""
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if route != "unknown" else "any"
        self._requests.labels(method, route, str(status)).inc()

    def add_gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a number read at each scrape."""
        for each in _names(name):
            self._registry.register(_Gauge(each, text, lambda: {"": read()}, label=""))

    def add_counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a count that only grows, read at each scrape; Prometheus adds ``_total`` to its name."""
        self._registry.register(_Counter(name, text, read))

    def add_labelled(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Show numbers by one label, read at each scrape."""
        self._registry.register(_Gauge(name, text, read, label=label))

    def add_durations(self, family: Family) -> None:
        """Show durations, as a histogram in seconds."""
        for each in _names(family.name):
            self._registry.register(_Histogram(replace(family, name=each)))

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self._registry)


def _names(name: str) -> list[str]:
    """A metric's name, and the old one while it is still shown."""
    return [name, OLD_NAMES[name]] if name in OLD_NAMES else [name]


class _Gauge(Collector):
    def __init__(self, name: str, text: str, read: Callable[[], Mapping[str, float]], *, label: str) -> None:
        self._name = name
        self._text = text
        self._read = read
        self._label = label

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label] if self._label else [])
        for value, number in self._read().items():
            family.add_metric([value] if self._label else [], number)
        yield family


class _Counter(Collector):
    def __init__(self, name: str, text: str, read: Callable[[], float]) -> None:
        self._name, self._text, self._read = name, text, read

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._text, value=self._read())


class _Histogram(Collector):
    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[HistogramMetricFamily]:
        own = self._family
        shown = HistogramMetricFamily(own.name, own.text, labels=[own.label] if own.label else [])
        for value, durations in own.members.items():
            shown.add_metric([value] if own.label else [], _buckets(durations), durations.total / SECOND)
        yield shown


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """Each bound with the count of all up to it, as Prometheus wants them."""
    bounds = [str(bound / 1_000) for bound in BOUNDS_MS] + ["+Inf"]
    return [(bound, float(up_to)) for bound, up_to in zip(bounds, accumulate(durations.counts), strict=True)]


def tally(statuses: Iterable[str]) -> dict[str, float]:
    """Count how often each status occurs."""
    return dict(Tally(statuses))

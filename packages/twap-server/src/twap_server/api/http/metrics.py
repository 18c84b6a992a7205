"""Counters, gauges and histograms for Prometheus, in a registry of their own (nothing global)."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.types import Scope

from twap_server.domain.clock import SECOND
from twap_server.runtime.durations import BOUNDS_MS, Durations, Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


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
        self._registry.register(_Gauge(name, text, lambda: {"": read()}, label=""))

    def add_counter(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a count that only grows, read at each scrape; Prometheus adds ``_total`` to its name."""
        self._registry.register(_Counter(name, text, read))

    def add_labelled(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Show numbers by one label, read at each scrape."""
        self._registry.register(_Gauge(name, text, read, label=label))

    def add_durations(self, family: Family) -> None:
        """Show durations, as a histogram in seconds."""
        self._registry.register(_Histogram(family))

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self._registry)


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

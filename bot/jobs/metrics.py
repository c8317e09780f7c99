"""Metrics for Prometheus: counted in this process, and read from the database when scraped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.core.check import CheckResult, Progress
from bot.core.config import Config
from bot.usecases import gauges
from bot.usecases.deps import Checks, Deps
from bot.usecases.gauges import Gauges
from bot.usecases.sightings import Sightings

TOOK: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
LATE: Final = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._checks = Counter(
            "registrar_checks",
            "Checks of credentials.",
            ("kind", "verdict"),
            registry=self._registry,
        )
        self._took = Histogram(
            "registrar_check_seconds",
            "How long checks took.",
            buckets=TOOK,
            registry=self._registry,
        )
        self._late = Histogram(
            "registrar_check_lateness_seconds",
            "How long after its time a scheduled check began.",
            buckets=LATE,
            registry=self._registry,
        )
        self._beats = Counter(
            "registrar_task_beats",
            "Runs of a periodic task.",
            ("task", "end"),
            registry=self._registry,
        )
        self._beat_took = Gauge(
            "registrar_task_seconds",
            "How long the last run took.",
            ("task",),
            registry=self._registry,
        )
        self._reviews = Counter(
            "registrar_admission_reviews",
            "Admission requests of clusters, by how they ended.",
            ("outcome",),
            registry=self._registry,
        )
        self._readings = _Readings(self._registry)

    def counting(self, checker: Checks) -> Checks:
        """The same checker, counted."""
        return _Counted(checker, self._checks, self._took)

    def late(self, seconds: float) -> None:
        """A scheduled check began so long after its time."""
        self._late.observe(max(0.0, seconds))

    def beat(self, task: str, took: float, end: str) -> None:
        """A periodic task ran: `end` is `done`, `failed` or `crashed`."""
        self._beats.labels(task, end).inc()
        self._beat_took.labels(task).set(took)

    def reviewed(self, outcome: str) -> None:
        """An admission request was answered, see `bot.admission.review.Outcome`."""
        self._reviews.labels(outcome).inc()

    def admission(self, age: Callable[[], float], sightings: Sightings) -> None:
        """Where to read how old the rules in memory are, and what becomes of sightings."""

        def gauge(name: str, words: str, read: Callable[[], float]) -> None:
            Gauge(f"registrar_{name}", words, registry=self._registry).set_function(read)

        gauge("admission_rules_age_seconds", "Since the rules in memory were known to hold.", age)
        gauge("sightings_waiting", "Seen images to be written.", lambda: sightings.waiting)
        gauge("sightings_dropped", "Seen images that never will be.", lambda: sightings.dropped)

    def delivery_errors(self, read: Callable[[], Mapping[str, int]]) -> None:
        """Where to read how many deliveries failed, by Slack's code."""
        self._registry.register(_DeliveryErrors(read))

    async def page(self, deps: Deps) -> bytes:
        """What `/metrics` answers, in Prometheus' text format."""
        self._readings.set(await gauges.read(deps))
        return generate_latest(self._registry)


class _Readings:
    """Gauges that are set from one reading of the database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(f"registrar_{name}", words, labels, registry=registry)

        self._waiting = gauge("outbox_waiting", "Messages that wait to be sent.")
        self._oldest = gauge("outbox_oldest_seconds", "For how long the first of them is due.")
        self._buried = gauge("outbox_buried", "Messages that were given up.")
        self._due = gauge("checks_due", "Registries that are due for a check and not yet taken.")
        self._overdue = gauge("checks_oldest_seconds", "For how long the first of them is due.")
        self._incidents = gauge("incidents_open", "Open incidents.", "trouble")
        self._registries = gauge("registries", "Registries.", "kind", "verdict")

    def set(self, found: Gauges) -> None:
        self._waiting.set(found.letters.length)
        self._oldest.set(found.age(found.letters))
        self._buried.set(found.buried)
        self._due.set(found.checks.due)
        self._overdue.set(found.age(found.checks))
        # What is no more must not stay as it was.
        self._incidents.clear()
        for trouble, number in found.incidents.items():
            self._incidents.labels(trouble).set(number)
        self._registries.clear()
        for (kind, verdict), number in found.registries.items():
            self._registries.labels(kind, verdict or "never_checked").set(number)


@dataclass(frozen=True, slots=True)
class _DeliveryErrors(Collector):
    read: Callable[[], Mapping[str, int]]

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "registrar_delivery_errors", "Messages that Slack did not take.", labels=["error"]
        )
        for error, number in self.read().items():
            family.add_metric([error], number)
        return [family]


@dataclass(frozen=True, slots=True)
class _Counted:
    checker: Checks
    checks: Counter
    took: Histogram

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        result = await self.checker.check(config, progress)
        self.checks.labels(config.kind, result.verdict.value).inc()
        self.took.observe(result.took)
        return result

"""The metrics, by Prometheus' own client. Imported only where METRICS_PORT is set.

Events are counted as they happen (`PrometheusMetrics`). The present state is looked up when it is asked for (`_Now`):
queues in memory, the rest in the database. Names and labels stand in `docs/deployment.md`; the dashboard of `deploy/`
is made of them.
"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import make_wsgi_app
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.errors import StorageError
from core.logs import event
from core.metrics import Metrics
from core.schemas import Usage
from monitoring.health import Health, Queues, Standing

log = logging.getLogger(__name__)

LATENCY_S: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0)


class PrometheusMetrics(Metrics):
    """Counts, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._updates = self._counter("updates", "Updates whose handler has ended.", "verdict")
        self._turns = self._counter("turns", "Turns that have ended.", "kind", "outcome")
        self._seconds = self._histogram("turn_seconds", "From the begin of a turn's work to its commit.", "kind")
        self._first = self._histogram("turn_first_text_seconds", "From there to the first words of an answer.")
        self._tokens = self._counter("tokens", "Tokens of paid calls; charged: what users paid.", "direction")
        self._faults = self._counter("model_faults", "Failed calls of models.", "purpose", "status", "healed")
        self._sending = self._counter("sending_errors", "Calls that Telegram didn't take.", "method", "reason")
        for direction in ("input", "output", "charged"):
            self._tokens.labels(direction)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"coauthor_{name}", says, labels, registry=self.registry)

    def _histogram(self, name: str, says: str, *labels: str) -> Histogram:
        return Histogram(f"coauthor_{name}", says, labels, registry=self.registry, buckets=LATENCY_S)

    def update_handled(self, verdict: str) -> None:
        """Counts one update under its verdict."""
        self._updates.labels(verdict).inc()

    def turn_ended(self, kind: str, outcome: str, seconds: float, first_text_s: float | None) -> None:
        """Counts the turn; its seconds only if answered, those to its first text if it had one."""
        self._turns.labels(kind, outcome).inc()
        if outcome == "answered":
            self._seconds.labels(kind).observe(seconds)
        if first_text_s is not None:
            self._first.observe(first_text_s)

    def call_settled(self, usage: Usage, charged: int) -> None:
        """Adds up tokens: those read, those written and those charged to the user."""
        self._tokens.labels("input").inc(usage.input)
        self._tokens.labels("output").inc(usage.output)
        self._tokens.labels("charged").inc(charged)

    def model_failed(self, purpose: str, status: int, healed: bool) -> None:
        """Counts a failed call by its purpose and HTTP status, healed ones apart."""
        self._faults.labels(purpose, str(status), "yes" if healed else "no").inc()

    def sending_failed(self, method: str, reason: str) -> None:
        """Counts a failed Bot API call by its method and reason."""
        self._sending.labels(method, reason).inc()

    def watch(
        self,
        standing: Callable[[], Standing],
        queues: Callable[[], Queues],
        health: Health,
        build: Mapping[str, str],
    ) -> None:
        """Adds what is looked up when somebody asks."""
        self.registry.register(_Now(standing, queues, health, build))

    def application(self) -> WSGIApplication:
        """Return the WSGI application that serves the registry."""
        return make_wsgi_app(self.registry)


class _Now(Collector):
    def __init__(
        self,
        standing: Callable[[], Standing],
        queues: Callable[[], Queues],
        health: Health,
        build: Mapping[str, str],
    ) -> None:
        self._standing = standing
        self._queues = queues
        self._health = health
        self._build = {"python": platform.python_version(), **build}

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering would look everything up."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield _gauge("build_info", "What runs here.", self._build, 1)
        well = GaugeMetricFamily("coauthor_part_well", "1: this part of the bot moves, 0: not.", labels=["part"])
        for part, problem in self._health.look().items():
            well.add_metric([part], 0 if problem else 1)
        yield well
        now = self._queues()
        yield _gauge("turns_running", "Turns that are written or made now.", {}, now.running)
        waiting = GaugeMetricFamily("coauthor_turns_waiting", "Turns that wait for their slot.", labels=["line"])
        waiting.add_metric(["model"], now.waiting_for_model)
        waiting.add_metric(["service"], now.waiting_for_service)
        yield waiting
        yield _gauge("outbox_messages", "Messages that Telegram hasn't got yet.", {}, now.outbox)
        if now.last_poll_at:
            age_s = time.monotonic() - now.last_poll_at
            yield _gauge("poll_age_seconds", "Since Telegram last answered with updates or none.", {}, age_s)
        try:
            standing = self._standing()
        except StorageError as error:
            event(log, logging.WARNING, "storage_unavailable", part="metrics", error=str(error))
            return
        inbox = GaugeMetricFamily("coauthor_inbox_updates", "Updates that wait, or whose turn runs.", labels=["state"])
        inbox.add_metric(["new"], standing.inbox_new)
        inbox.add_metric(["turn"], standing.inbox_in_turns)
        yield inbox
        yield _gauge("inbox_oldest_seconds", "Age of the oldest of them.", {}, standing.inbox_oldest_s)
        yield _gauge("users", "Registered users.", {}, standing.users)
        yield _gauge("budget_used_tokens", "Tokens of the project used in this period.", {}, standing.budget_used)
        yield _gauge("budget_limit_tokens", "Tokens of the project in all.", {}, standing.budget_limit)


def _gauge(name: str, says: str, labels: Mapping[str, str], value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"coauthor_{name}", says, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family

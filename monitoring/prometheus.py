"""Count events with Prometheus' client. Imported only where METRICS_PORT is set.

`PrometheusMetrics` counts events as they happen. `_StateCollector` reads the present state when a scraper asks: queues
from memory, the rest from the database. `docs/deployment.md` lists names and labels.
"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Final
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import make_wsgi_app
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.errors import StorageError
from core.logs import event
from core.metrics import Metrics
from core.schemas import Usage
from database import Sales
from monitoring.health import DatabaseCounts, Health, Queues

log = logging.getLogger(__name__)

# A counter's series must exist at 0 before its first event: Prometheus can't see an increase of one that begins at 1.
KINDS: Final = (
    *("part", "ending", "epilogue", "title", "outline", "suggest", "memory", "picture", "cover"),
    *("reading", "chat", "character", "image", "hearing", "bringing"),
    *("speaking", "guest", "letter"),
)
PURPOSES: Final = (*KINDS, "summary", "description")
OUTCOMES: Final = ("answered", "failed", "stopped")
VERDICTS: Final = ("done", "turn", "hear", "queue", "failed", "dead_letter")
STATUSES: Final = tuple(map(str, (0, 400, 401, 403, 404, 429, 500, 502, 503, 504)))  # any other is "other"
REASONS: Final = ("unreachable", "400", "403", "429")
LATENCY_S: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0)


class PrometheusMetrics(Metrics):
    """Counts events in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._updates = self._counter("updates", "Updates whose handler has ended.", "verdict")
        self._turns = self._counter("turns", "Turns that have ended.", "kind", "outcome")
        self._seconds = self._histogram("turn_seconds", "Seconds from the start of a turn to its commit.", "kind")
        self._first = self._histogram("turn_first_text_seconds", "Seconds from the start of a turn to its first text.")
        self._tokens = self._counter("tokens", "Tokens of paid calls; charged: what users paid.", "direction")
        self._failures = self._counter("model_faults", "Failed calls of models.", "purpose", "status", "healed")
        self._sending = self._counter("sending_errors", "Failed calls of the Bot API.", "method", "reason")
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        for direction in ("input", "output", "charged"):
            self._tokens.labels(direction)
        for verdict in VERDICTS:
            self._updates.labels(verdict)
        for kind, outcome in product(KINDS, OUTCOMES):
            self._turns.labels(kind, outcome)
        for purpose, status in product(PURPOSES, (*STATUSES, "other")):
            self._failures.labels(purpose, status, "no")
        for reason in REASONS:
            self._sending.labels("sendMessage", reason)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"coauthor_{name}", says, labels, registry=self.registry)

    def _histogram(self, name: str, says: str, *labels: str) -> Histogram:
        return Histogram(f"coauthor_{name}", says, labels, registry=self.registry, buckets=LATENCY_S)

    def update_handled(self, verdict: str) -> None:
        """Count an update under its verdict."""
        self._updates.labels(verdict).inc()

    def turn_ended(self, kind: str, outcome: str, seconds: float, first_text_s: float | None) -> None:
        """Count a turn, its seconds if it was answered, and the seconds to its first text if it had one."""
        self._turns.labels(kind, outcome).inc()
        if outcome == "answered":
            self._seconds.labels(kind).observe(seconds)
        if first_text_s is not None:
            self._first.observe(first_text_s)

    def call_settled(self, usage: Usage, charged: int) -> None:
        """Add up the tokens read, written, and charged to the user."""
        self._tokens.labels("input").inc(usage.input)
        self._tokens.labels("output").inc(usage.output)
        self._tokens.labels("charged").inc(charged)

    def model_failed(self, purpose: str, status: int, healed: bool) -> None:
        """Count a failed call by purpose, HTTP status, and whether another attempt succeeded."""
        named = str(status) if str(status) in STATUSES else "other"
        self._failures.labels(purpose, named, "yes" if healed else "no").inc()

    def sending_failed(self, method: str, reason: str) -> None:
        """Count a failed call of the Bot API by method and reason."""
        self._sending.labels(method, reason).inc()

    def watch(
        self,
        counts: Callable[[], DatabaseCounts],
        queues: Callable[[], Queues],
        health: Health,
        build: Mapping[str, str],
    ) -> None:
        """Add the state that is read at each scrape."""
        self.registry.register(_StateCollector(counts, queues, health, build))

    def application(self) -> WSGIApplication:
        """Return the WSGI application that serves the registry."""
        return make_wsgi_app(self.registry)


class _StateCollector(Collector):
    def __init__(
        self,
        counts: Callable[[], DatabaseCounts],
        queues: Callable[[], Queues],
        health: Health,
        build: Mapping[str, str],
    ) -> None:
        self._counts = counts
        self._queues = queues
        self._health = health
        self._build = {"python": platform.python_version(), **build}

    def describe(self) -> Iterator[Metric]:
        """Yield nothing, so that registering reads no state."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield _gauge("build_info", "Version and provider.", self._build, 1)
        well = GaugeMetricFamily("coauthor_part_well", "1: this part of the bot works, 0: not.", labels=["part"])
        for part, problem in self._health.problems().items():
            well.add_metric([part], 0 if problem else 1)
        yield well
        now = self._queues()
        yield _gauge("turns_running", "Running turns.", {}, now.running)
        waiting = GaugeMetricFamily("coauthor_turns_waiting", "Waiting turns by queue.", labels=["line"])
        waiting.add_metric(["model"], now.waiting_for_model)
        waiting.add_metric(["service"], now.waiting_for_service)
        yield waiting
        yield _gauge("outbox_messages", "Messages that wait for Telegram.", {}, now.outbox)
        if now.last_poll_at:
            age_s = time.monotonic() - now.last_poll_at
            yield _gauge("poll_age_seconds", "Seconds since Telegram last answered getUpdates.", {}, age_s)
        try:
            counts = self._counts()
        except StorageError as error:
            event(log, logging.WARNING, "storage_unavailable", part="metrics", error=str(error))
            return
        inbox = GaugeMetricFamily("coauthor_inbox_updates", "Updates that wait, or whose turn runs.", labels=["state"])
        inbox.add_metric(["new"], counts.inbox_new)
        inbox.add_metric(["turn"], counts.inbox_in_turns)
        yield inbox
        yield _gauge("inbox_oldest_seconds", "Age of the oldest of them.", {}, counts.inbox_oldest_s)
        yield _gauge("users", "Registered users.", {}, counts.users)
        yield _gauge("budget_used_tokens", "Tokens of the project used in this period.", {}, counts.budget_used)
        yield _gauge("budget_limit_tokens", "The limit of the project.", {}, counts.budget_limit)
        if counts.sales is not None:
            yield from _sales(counts.sales)
        if counts.disk_free_bytes is not None:
            yield _gauge("disk_free_bytes", "Free space on the database's disk.", {}, counts.disk_free_bytes)


def _sales(sales: Sales) -> Iterator[Metric]:
    """Yield what was sold since the first payment: the database counts, so that a restart changes nothing."""
    payments = CounterMetricFamily("coauthor_payments", "Payments in Telegram Stars.")
    payments.add_metric([], sales.payments)
    yield payments
    stars = CounterMetricFamily("coauthor_stars", "Telegram Stars that came in, and that went back.", labels=["way"])
    stars.add_metric(["paid"], sales.stars)
    stars.add_metric(["refunded"], sales.refunded)
    yield stars
    tokens = CounterMetricFamily("coauthor_tokens_sold", "Tokens that were credited for Telegram Stars.")
    tokens.add_metric([], sales.tokens)
    yield tokens


def _gauge(name: str, says: str, labels: Mapping[str, str], value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"coauthor_{name}", says, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family

"""Watches the bot: reports its health and metrics over HTTP, and to systemd that it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config import Config
from core.metrics import SILENT, Metrics
from core.version import VERSION
from database import Database
from monitoring.health import DatabaseCounts, Health, Heartbeat, Queues
from monitoring.systemd import Supervisor
from telegram.dispatcher import Dispatcher
from telegram.polling import Polling
from telegram.sender import Delivery
from telegram.webhook import Webhook
from turns import limits
from turns.workers import TurnWorkers

if TYPE_CHECKING:
    from monitoring.server import MonitoringServer

BEATS_A_PERIOD = 3  # within the time after which systemd restarts the bot


def make_metrics(config: Config) -> Metrics:
    """Return Prometheus metrics if METRICS_PORT is set, else silent ones. The client is imported only if needed."""
    if config.metrics_port is None:
        return SILENT
    from monitoring.prometheus import PrometheusMetrics

    return PrometheusMetrics()


@dataclass(frozen=True, slots=True)
class WatchedParts:
    """The parts that work in threads of their own."""

    source: Polling | Webhook
    dispatcher: Dispatcher
    turns: TurnWorkers
    delivery: Delivery


class Watch:
    """Watches the parts; the ticker calls `beat` every second. Raises `ConfigError` if METRICS_PORT is taken."""

    def __init__(
        self, *, config: Config, db: Database, parts: WatchedParts, metrics: Metrics, supervisor: Supervisor
    ) -> None:
        self._config = config
        self._db = db
        self._parts = parts
        self._supervisor = supervisor
        self._heartbeat = Heartbeat(db)
        self._told_at: float | None = None  # of the last sign to systemd
        self.health = Health(
            {
                parts.source.name: parts.source.health_problem,
                "handlers": parts.dispatcher.health_problem,
                "turns": parts.turns.health_problem,
                "sending": parts.delivery.health_problem,
                "ticker": self._heartbeat.ticker_problem,
                "database": self._heartbeat.database_problem,
            }
        )
        self._server: MonitoringServer | None = None
        if config.metrics_port is not None:
            self._server = self._serve(config.metrics_host, config.metrics_port, metrics)

    @property
    def port(self) -> int | None:
        """The port of `/health` and `/metrics`; None if they are off."""
        return self._server.port if self._server is not None else None

    def start(self) -> None:
        """Start the server of `/health` and `/metrics`, if they are on."""
        if self._server is not None:
            self._server.start()

    def stop(self) -> None:
        """Stop the server; to be called last, so that it answers until then."""
        if self._server is not None:
            self._server.stop()

    def beat(self) -> None:
        """Read and write the database, and tell systemd that the bot is alive."""
        self._heartbeat.beat()
        if self._told_at is None:
            if self._parts.source.tried.is_set():
                self._supervisor.ready()
                self._told_at = time.monotonic()
            return
        every_s = self._supervisor.watchdog_s / BEATS_A_PERIOD
        if every_s and time.monotonic() - self._told_at >= every_s and self.health.is_alive():
            self._told_at = time.monotonic()
            self._supervisor.alive()

    # ------------------------------------------------------------------ metrics

    def _serve(self, host: str, port: int, metrics: Metrics) -> MonitoringServer:
        from monitoring.prometheus import PrometheusMetrics
        from monitoring.server import MonitoringServer

        assert isinstance(metrics, PrometheusMetrics)
        build = {"version": VERSION, "provider": self._config.model_provider}
        metrics.watch(self._counts, self._queues, self.health, build)
        return MonitoringServer(host, port, self.health, metrics.application())

    def _counts(self) -> DatabaseCounts:
        now = time.time()
        backlog = self._db.inbox.backlog()
        sales = self._db.payments.sales()
        return DatabaseCounts(
            inbox_new=backlog.new,
            inbox_in_turns=backlog.in_turns,
            inbox_oldest_s=max(0.0, now - backlog.oldest_at) if backlog.oldest_at is not None else 0.0,
            users=self._db.users.count(),
            budget_used=self._db.ledger.budget(limits.budget_period(self._config, now)).used,
            budget_limit=self._config.max_project_tokens,
            disk_free_bytes=self._db.free_bytes(),
            sales=sales if sales.payments or self._config.packs else None,
        )

    def _queues(self) -> Queues:
        turns = self._parts.turns.counts()
        return Queues(
            running=turns.running,
            waiting_for_model=turns.waiting_for_model,
            waiting_for_service=turns.waiting_for_service,
            outbox=self._parts.delivery.waiting,
            last_poll_at=self._parts.source.last_at,
        )

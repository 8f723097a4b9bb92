"""The bot's watch: one object that knows how it is, and tells systemd and whoever asks over HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from config import Config
from core.metrics import SILENT, Metrics
from core.version import VERSION
from database import Database
from monitoring.health import DatabaseCounts, Health, Heartbeat, Queues
from monitoring.systemd import Supervisor
from telegram.dispatcher import Intake
from telegram.sender import Delivery
from turns import limits
from turns.workers import Turns

if TYPE_CHECKING:
    from monitoring.server import MonitoringServer

TOLD_A_PERIOD = 3  # signs of life within the time after which systemd loses its patience


def make_meter(config: Config) -> Metrics:
    """What counts: nothing, unless METRICS_PORT is set. Prometheus' client is loaded only then."""
    if config.metrics_port is None:
        return SILENT
    from monitoring.prometheus import PrometheusMetrics

    return PrometheusMetrics()


class Watch:
    """`beat` goes with the ticker. Raises `ConfigError` where METRICS_PORT can't be listened at."""

    def __init__(
        self,
        config: Config,
        db: Database,
        intake: Intake,
        turns: Turns,
        delivery: Delivery,
        meter: Metrics,
        supervisor: Supervisor,
    ) -> None:
        self._config = config
        self._db = db
        self._intake = intake
        self._turns = turns
        self._delivery = delivery
        self._supervisor = supervisor
        self._heartbeat = Heartbeat(db)
        self._told_at: float | None = None  # of the last sign to systemd
        self.health = Health(
            {
                intake.source.name: intake.source.health_problem,
                "handlers": intake.health_problem,
                "turns": turns.health_problem,
                "sending": delivery.health_problem,
                "ticker": self._heartbeat.ticker_problem,
                "database": self._heartbeat.database_problem,
            }
        )
        self._server: MonitoringServer | None = None
        if config.metrics_port is not None:
            self._server = self._serve(config.metrics_host, config.metrics_port, meter)

    @property
    def port(self) -> int | None:
        """Where `/health` and `/metrics` are; None: nowhere."""
        return self._server.port if self._server is not None else None

    def start(self) -> None:
        """Opens the health and metrics pages to requests, where they are configured."""
        if self._server is not None:
            self._server.start()

    def stop(self) -> None:
        """The last to be stopped: until then it answers."""
        if self._server is not None:
            self._server.stop()

    def beat(self) -> None:
        """A second of the ticker: feels the database, and tells systemd that the bot is there."""
        self._heartbeat.beat()
        if self._told_at is None:
            if self._intake.source.tried.is_set():
                self._supervisor.ready()
                self._told_at = time.monotonic()
            return
        every_s = self._supervisor.watchdog_s / TOLD_A_PERIOD
        if every_s and time.monotonic() - self._told_at >= every_s and self.health.is_alive():
            self._told_at = time.monotonic()
            self._supervisor.alive()

    # ------------------------------------------------------------------ metrics

    def _serve(self, host: str, port: int, meter: Metrics) -> MonitoringServer:
        from monitoring.prometheus import PrometheusMetrics
        from monitoring.server import MonitoringServer

        assert isinstance(meter, PrometheusMetrics)
        build = {"version": VERSION, "provider": self._config.model_provider}
        meter.watch(self._counts, self._queues, self.health, build)
        return MonitoringServer(host, port, self.health, meter.application())

    def _counts(self) -> DatabaseCounts:
        now = time.time()
        new, in_turns, oldest_at = self._db.inbox.standing()
        return DatabaseCounts(
            inbox_new=new,
            inbox_in_turns=in_turns,
            inbox_oldest_s=max(0.0, now - oldest_at) if oldest_at is not None else 0.0,
            users=self._db.users.count(),
            budget_used=self._db.ledger.budget(limits.budget_period(self._config, now)).used,
            budget_limit=self._config.max_project_tokens,
        )

    def _queues(self) -> Queues:
        return Queues(*self._turns.counts(), self._delivery.waiting, self._intake.source.last_at)

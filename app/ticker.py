"""The ticker: one thread for what is done every second, minute or hour."""

from __future__ import annotations

import logging
import threading
import time

from app.model_state import ModelStateStore
from app.watchdog import Watch
from core.errors import StorageError
from core.logs import event
from database import Database
from monitoring.alerts import ModelErrorAlerts
from monitoring.analytics import Analytics
from turns.first_letters import FirstLetterSender
from turns.workers import TurnWorkers

log = logging.getLogger(__name__)

TICKS_PER_S = 4


class Ticker:
    """Calls every part that has something to do at times. An error of one tick doesn't end it."""

    def __init__(
        self,
        *,
        db: Database,
        watch: Watch,
        turns: TurnWorkers,
        alerts: ModelErrorAlerts,
        analytics: Analytics,
        model_state: ModelStateStore,
        letters: FirstLetterSender,
    ) -> None:
        self._db = db
        self._watch = watch
        self._turns = turns
        self._alerts = alerts
        self._analytics = analytics
        self._model_state = model_state
        self._letters = letters

    def start(self, stopped: threading.Event) -> None:
        """Start the thread; it ends when `stopped` is set."""
        threading.Thread(target=self._run, args=(stopped,), name="ticker", daemon=True).start()

    def _run(self, stopped: threading.Event) -> None:
        ticks = 0
        while not stopped.wait(1 / TICKS_PER_S):
            ticks += 1
            try:
                self._tick(ticks)
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="ticker", error=str(error))
            except Exception:
                event(log, logging.ERROR, "ticker_failed", exc_info=True)

    def _tick(self, ticks: int) -> None:
        if ticks % (60 * TICKS_PER_S) == 0:  # first: what fails below, on a full disk, may fail because of a long WAL
            self._db.wal.tend()
        if ticks % TICKS_PER_S == 1:
            self._watch.beat()
        self._turns.show_progress()
        if ticks % TICKS_PER_S == 0:
            self._alerts.flush()
            self._analytics.flush()
            self._db.forgetting.erase_words()
        if ticks % (60 * TICKS_PER_S) == 0:
            self._model_state.keep_calibration()
            self._letters.send_due(int(time.time()))
        if ticks % (3600 * TICKS_PER_S) == 1:
            now = int(time.time())
            self._db.inbox.purge(now)
            self._db.stories.purge(now)
            self._db.characters.purge(now)

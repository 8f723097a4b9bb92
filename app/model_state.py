"""What the bot has learned about models, stored for the next run: characters a token, and a server's list of models."""

from __future__ import annotations

import logging
import threading

from ai.registry import ASKED_AGAIN_S, ASKED_EVERY_S, ModelRegistry
from core.errors import StorageError
from core.logs import event
from database import Database
from gpt import GPT

log = logging.getLogger(__name__)

CALIBRATION = "calibration:"


class ModelStateStore:
    """Recalls and stores what the bot has learned about models."""

    def __init__(self, db: Database, gpt: GPT, registry: ModelRegistry) -> None:
        self._db = db
        self._gpt = gpt
        self._registry = registry

    def recall(self) -> None:
        """Load what an earlier run has learned. Raises `StorageError`."""
        for model, value in self._db.settings.under(CALIBRATION).items():
            self._gpt.calibration[model] = float(value)
        server = self._registry.server
        kept = self._db.settings.get(f"models:{server.address}") if server is not None else None
        if kept is not None:
            self._registry.recall(kept)

    def keep_calibration(self) -> None:
        """Store each model's characters a token; a storage error is only logged."""
        try:
            for model, value in dict(self._gpt.calibration).items():
                self._db.settings.put(f"{CALIBRATION}{model}", f"{value:.3f}")
        except StorageError as error:
            event(log, logging.WARNING, "calibration_save_failed", error=str(error))

    def start(self, stopped: threading.Event) -> None:
        """Refresh the server's list of models in a thread, if there is one, until `stopped` is set."""
        if self._registry.server is not None:
            address = self._registry.server.address
            threading.Thread(target=self._ask, args=(address, stopped), name="models", daemon=True).start()

    def _ask(self, address: str, stopped: threading.Event) -> None:
        """Refresh the list at once, then every hour, sooner if the server didn't answer."""
        pause_s = 0.0
        while not stopped.wait(pause_s):
            try:
                heard = self._registry.refresh()
                if heard:
                    self._db.settings.put(f"models:{address}", self._registry.dump())
                pause_s = ASKED_EVERY_S if heard else ASKED_AGAIN_S
            except StorageError as error:
                event(log, logging.WARNING, "model_list_save_failed", error=str(error))
                pause_s = ASKED_EVERY_S
            except Exception:
                event(log, logging.ERROR, "model_list_failed", exc_info=True)
                pause_s = ASKED_EVERY_S

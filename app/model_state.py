"""What the bot has learned about models, stored for the next run.

Characters a token, habits, contexts, and a server's list of models.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from ai.learned import LearnedModels
from ai.registry import ASKED_AGAIN_S, ASKED_EVERY_S, ModelRegistry
from ai.token_estimate import LEAST_CHARS, MOST_CHARS
from core.errors import StorageError
from core.logs import event
from database import Database
from gpt import GPT

log = logging.getLogger(__name__)

CALIBRATION = "calibration:"
LISTS = "models:"
HABITS = "model_habits"
CONTEXTS = "model_contexts"


class ModelStateStore:
    """Recalls and stores what the bot has learned about models."""

    def __init__(
        self,
        db: Database,
        gpt: GPT,
        registry: ModelRegistry,
        learned: LearnedModels,
        on_slots: Callable[[int], None] = lambda slots: None,
        on_models: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_slots` gets how many answers a server writes at once; `on_models` is called after lists were asked for.

        Both are called in the thread that asks.
        """
        self._db = db
        self._gpt = gpt
        self._registry = registry
        self._learned = learned
        self._on_slots = on_slots
        self._on_models = on_models

    def recall(self) -> None:
        """Load what an earlier run has learned. Raises `StorageError`."""
        for model, value in self._db.settings.under(CALIBRATION).items():
            self._gpt.calibration[model] = ratios_in(value)
        try:
            self._learned.recall(self._db.settings.get(HABITS) or "{}")
        except ValueError:
            event(log, logging.WARNING, "model_habits_unreadable")
        for server in self._registry.servers:
            if (kept := self._db.settings.get(f"{LISTS}{server.address}")) is not None:
                self._registry.recall(server, kept)
        self._registry.recall_contexts(self._db.settings.get(CONTEXTS) or "{}")

    def keep_calibration(self) -> None:
        """Store each model's characters a token, habits and context; a storage error is only logged."""
        try:
            for model, ratios in dict(self._gpt.calibration).items():
                rounded = {script: round(ratio, 3) for script, ratio in ratios.items()}
                self._db.settings.put(f"{CALIBRATION}{model}", json.dumps(rounded))
            self._db.settings.put(HABITS, self._learned.dump())
            self._db.settings.put(CONTEXTS, self._registry.dump_contexts())
        except StorageError as error:
            event(log, logging.WARNING, "calibration_save_failed", error=str(error))

    def start(self, stopped: threading.Event) -> None:
        """Refresh the servers' lists of models in a thread until `stopped` is set."""
        if self._registry.servers:
            threading.Thread(target=self._ask, args=(stopped,), name="models", daemon=True).start()

    def _ask(self, stopped: threading.Event) -> None:
        """Refresh the lists at once, then every hour, sooner if a server didn't answer."""
        pause_s = 0.0
        while not stopped.wait(pause_s):
            try:
                heard = self._registry.refresh()
                if stopped.is_set():
                    return  # the database is closed, or about to be
                if heard:
                    self._on_slots(self._registry.slots)
                    self._warn_of_context()
                self._keep_lists()
                self._on_models()
                pause_s = ASKED_EVERY_S if heard else ASKED_AGAIN_S
            except StorageError as error:
                if not stopped.is_set():
                    event(log, logging.WARNING, "model_list_save_failed", error=str(error))
                pause_s = ASKED_EVERY_S
            except Exception:
                event(log, logging.ERROR, "model_list_failed", exc_info=True)
                pause_s = ASKED_EVERY_S

    def _keep_lists(self) -> None:
        for server in self._registry.servers:
            if (listed := self._registry.dump(server)) is not None:
                self._db.settings.put(f"{LISTS}{server.address}", listed)

    def _warn_of_context(self) -> None:
        if context := self._registry.setting_too_large:
            hint = "lower OPENAI_CONTEXT_TOKENS to it"
            event(log, logging.WARNING, "context_smaller_than_setting", tokens=context, hint=hint)


def ratios_in(text: str) -> dict[str, float]:
    """Return the characters a token by script. Version 1.0.0 kept one number, of Russian for the most part."""
    try:
        value: Any = json.loads(text)
        if isinstance(value, dict):
            found = {str(script): float(ratio) for script, ratio in value.items()}
        else:
            found = {"cyrillic": float(value)}
    except (ValueError, TypeError):
        return {}
    return {script: min(max(ratio, LEAST_CHARS), MOST_CHARS) for script, ratio in found.items()}

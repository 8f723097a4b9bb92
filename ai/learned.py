"""What the models of a server have shown of themselves, kept over restarts. Thread-safe."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from core.days import DAY_S

FORGOTTEN_AFTER_S: Final = 30.0 * DAY_S  # a server may be updated: each habit is tried anew now and then


class LearnedModels:
    """Habits of models by name, such as `no_stream`; `ai/model_habits.py` says what they are."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._habits: dict[str, dict[str, float]] = {}  # model → habit → Unix seconds

    def of(self, model: str) -> frozenset[str]:
        """Return the habits of a model."""
        return frozenset(self._habits.get(model, ()))

    def add(self, model: str, habit: str) -> bool:
        """Note a habit; return False if it was known."""
        with self._lock:
            known = self._habits.get(model, {})
            if habit in known:
                return False
            self._habits[model] = {**known, habit: self._clock()}
            return True

    def dump(self) -> str:
        """Return everything as text, for `recall`."""
        return json.dumps(self._habits, ensure_ascii=False, sort_keys=True)

    def recall(self, text: str) -> None:
        """Restore what `dump` returned in an earlier run, but for what is old. Raise ValueError for other text."""
        oldest = self._clock() - FORGOTTEN_AFTER_S
        try:
            found = {
                str(model): {str(habit): float(at) for habit, at in habits.items() if float(at) > oldest}
                for model, habits in json.loads(text).items()
            }
        except (AttributeError, TypeError) as error:
            raise ValueError("not what an earlier run has kept") from error
        with self._lock:
            self._habits = found | self._habits


class LearningProvider(ABC):
    """What providers share: the habits of their models. A subclass says which habits every model of it has."""

    always: frozenset[str] = frozenset()

    def __init__(self, learned: LearnedModels | None) -> None:
        self._learned = learned or LearnedModels()

    def habits(self, model: str) -> frozenset[str]:
        """Return what this model has shown of itself. No network."""
        return self._learned.of(self._key(model)) | self.always

    def learn(self, model: str, habit: str) -> bool:
        """Note a habit of this model; return False if it was known."""
        return habit not in self.always and self._learned.add(self._key(model), habit)

    @abstractmethod
    def _key(self, model: str) -> str:
        """Return the name under which the habits of `model` are kept; an empty one is the default's."""

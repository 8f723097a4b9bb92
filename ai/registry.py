"""`ModelRegistry`: the models that may be chosen now, which is the default one, and what each weighs beside it.

Some models are fixed: the catalogue's, of a configured vendor. Others a server lists; it is asked in the background
(`refresh`), never by somebody who waits, and what it said last counts until it says something else, also after a
restart (`dump`, `recall`). Doesn't cover whose model a user has chosen (`database`), and asking a model (`gpt`).
"""

from __future__ import annotations

import difflib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ai.catalog import CostMultiplier, Model, ModelInfo, comparable, weighed
from core.errors import ModelError
from core.logs import event

log = logging.getLogger(__name__)

ASKED_EVERY_S: Final = 3600.0
ASKED_AGAIN_S: Final = 60.0  # after it didn't answer
NEAREST: Final = 3


@dataclass(frozen=True, slots=True)
class Server:
    """A server that lists its models. `ask` blocks and raises ModelError; `describe` makes a model of what it lists."""

    address: str
    ask: Callable[[], Sequence[ModelInfo]]
    describe: Callable[[ModelInfo], Model]
    assumed: tuple[Model, ...] = ()  # what it is taken to have until it has answered once


@dataclass(frozen=True, slots=True)
class _State:
    """What is known now; replaced as a whole, so that readers need no lock."""

    default: Model
    models: tuple[Model, ...]
    by_name: dict[str, Model]


class ModelRegistry:
    """The models on offer. Thread-safe; only `refresh` uses the network.

    A `default` without a name is the server's: the first that it lists. A model whose context is too small for a
    prompt beside an answer of `answer_tokens` isn't offered.
    """

    def __init__(
        self, fixed: Sequence[Model], default: Model, server: Server | None = None, *, answer_tokens: int = 0
    ) -> None:
        self.server = server
        self.away = False  # the server didn't answer when it was asked last
        self._fixed = tuple(fixed)
        self._default = default
        self._answer_tokens = answer_tokens
        self._listed: tuple[ModelInfo, ...] | None = None
        self._lock = threading.Lock()
        self._state = self._known()

    @property
    def default(self) -> Model:
        """The model that answers those who chose none, as the offer stands now."""
        return self._state.default

    @property
    def models(self) -> tuple[Model, ...]:
        """All of them, the default one too."""
        return self._state.models

    @property
    def heard(self) -> bool:
        """Whether it is known what the server has; where there is none, there is nothing to hear."""
        return self.server is None or self._listed is not None

    def chosen(self, name: str) -> Model | None:
        """The model that a user has chosen by `name`, the default one for an empty name; None: it is gone."""
        if not name:
            return self.default
        found = self.find(name)
        if found is None and not self.heard and self.server is not None:
            return self.server.describe(ModelInfo(name))  # nobody knows yet that it is gone
        return found

    def standing(self, name: str) -> Model:
        """The same, and the default one in the place of one that is gone."""
        return self.chosen(name) or self.default

    def weight(self, name: str) -> CostMultiplier:
        """What the tokens of somebody with this choice weigh."""
        return self.standing(name).weight

    def find(self, name: str) -> Model | None:
        """The model that goes by this name, alias or title, in whatever case."""
        return self._state.by_name.get(comparable(name))

    def rubles(self, name: str, input: int, output: int) -> float | None:
        """What so many tokens of a model cost in roubles; None where its price isn't known."""
        model = self.find(name)
        return float(model.price.of(input, output)) if model is not None and model.price is not None else None

    def nearest(self, name: str) -> list[Model]:
        """The models whose names are most like `name`: those that it is a part of first."""
        words, by_name = comparable(name), self._state.by_name
        within = [known for known in by_name if words and words in known]
        alike = difflib.get_close_matches(words, by_name, n=2 * NEAREST, cutoff=0.5)
        return list(dict.fromkeys(by_name[known] for known in (*within, *alike)))[:NEAREST]

    # ------------------------------------------------------------------ what the server has

    def refresh(self) -> bool:
        """Asks the server what it has; True when it answered. Blocks."""
        if self.server is None:
            return False
        try:
            listed = tuple(self.server.ask())
        except ModelError as error:
            if not self.away:
                event(log, logging.WARNING, "model_list_unavailable", server=self.server.address, error=str(error))
            self.away = True
            return False
        self.away = False
        self._hear(listed)
        return True

    def dump(self) -> str:
        """What the server listed last, to be kept."""
        return json.dumps([[listed.name, listed.context_tokens] for listed in self._listed or ()])

    def recall(self, text: str) -> None:
        """Takes up what an earlier life kept."""
        try:
            self._hear(tuple(ModelInfo(str(name), int(context)) for name, context in json.loads(text)))
        except (ValueError, TypeError):
            event(log, logging.WARNING, "model_list_unreadable")

    def _hear(self, listed: tuple[ModelInfo, ...]) -> None:
        with self._lock:
            self._listed = listed
            self._state = self._known()

    def _known(self) -> _State:
        server, default = self.server, self._default
        theirs: tuple[Model, ...] = ()
        if server is not None:
            theirs = (
                tuple(server.describe(listed) for listed in self._listed)
                if self._listed is not None
                else server.assumed
            )
            if not default.name and theirs:
                default = replace(theirs[0], context_tokens=default.context_tokens)
        found: dict[str, Model] = {}
        for model in (*self._fixed, *theirs):
            if model.context_tokens >= 2 * self._answer_tokens:
                found.setdefault(comparable(model.name), model)
        if default.name:
            own = found.get(comparable(default.name))
            default = replace(own or default, name=default.name, context_tokens=default.context_tokens)
            found[comparable(default.name)] = default
        models = weighed(list(found.values()), default)
        by_name = {name: model for model in reversed(models) for name in model.names}
        by_name |= {comparable(model.name): model for model in models}  # a name goes before somebody's alias
        return _State(by_name.get(comparable(default.name), default), tuple(models), by_name)

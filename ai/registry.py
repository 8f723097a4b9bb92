"""`ModelRegistry`: the models that users may choose now, the default one, and what each costs compared with it.

Each vendor's server lists its models and is asked in the background (`refresh`); its last list counts until the next
one, also after a restart (`dump`, `recall`). Until the first one, those count that are assumed to be there.
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
    """A server that lists its models. `ask` blocks and raises ModelError; `describe` completes a listed model."""

    address: str
    ask: Callable[[], Sequence[ModelInfo]]
    describe: Callable[[ModelInfo], Model]
    assumed: tuple[Model, ...] = ()  # its models until it has answered once
    ask_slots: Callable[[], int] = lambda: 0  # how many answers it writes at once; 0: it doesn't say
    complete: bool = False  # `assumed` will do without a list: its silence is nothing to tell users of


@dataclass(frozen=True, slots=True)
class _State:
    """The models known now. Replaced as a whole: readers need no lock."""

    default: Model
    models: tuple[Model, ...]
    by_name: dict[str, Model]


class ModelRegistry:
    """The models that users may choose. Thread-safe; only `refresh` uses the network.

    A `default` without a name is the first model that its vendor's server lists. A model whose context is too small for
    a prompt and an answer of `answer_tokens` is left out.
    """

    def __init__(self, default: Model, servers: Sequence[Server] = (), *, answer_tokens: int = 0) -> None:
        self.servers = tuple(servers)
        self.silent: tuple[Server, ...] = ()  # those that didn't answer when they were asked last
        self.slots = 0  # how many answers a server writes at once; 0: not known
        self._contexts: dict[str, int] = {}  # by comparable name, as refusals have told
        self._default = default
        self._answer_tokens = answer_tokens
        self._listed: dict[str, tuple[ModelInfo, ...]] = {}  # by the server's address
        self._lock = threading.Lock()
        self._state = self._known()

    @property
    def default(self) -> Model:
        """The model of users who chose none."""
        return self._state.default

    @property
    def models(self) -> tuple[Model, ...]:
        """All models, the default one included."""
        return self._state.models

    @property
    def heard(self) -> bool:
        """True once all model lists are known that are needed."""
        return all(map(self._is_heard, self.servers))

    @property
    def away(self) -> bool:
        """True if a server whose list is needed didn't answer when it was asked last."""
        return not all(server.complete for server in self.silent)

    def _is_heard(self, server: Server) -> bool:
        return server.complete or server.address in self._listed

    def chosen(self, name: str) -> Model | None:
        """Return the model that a user chose by `name`; the default one for an empty name, None if it is gone."""
        if not name:
            return self.default
        unheard = (server for server in self.servers if not self._is_heard(server))  # not known to have lost it
        return self.find(name) or next((server.describe(ModelInfo(name)) for server in unheard), None)

    def standing(self, name: str) -> Model:
        """Return the model that a user chose by `name`, or the default one if that is gone."""
        return self.chosen(name) or self.default

    def weight(self, name: str) -> CostMultiplier:
        """Return the cost of a token for a user with this choice."""
        return self.standing(name).weight

    def find(self, name: str) -> Model | None:
        """Return the model with this name, alias or title; case doesn't matter."""
        return self._state.by_name.get(comparable(name))

    def rubles(self, name: str, input: int, output: int, cached: int = 0) -> float | None:
        """Return the price of so many tokens in roubles; None if it isn't known. An empty name: the default model's."""
        model = self.find(name) if name else self.default
        return float(model.price.of(input, output, cached)) if model is not None and model.price is not None else None

    def nearest(self, name: str) -> list[Model]:
        """Return the models whose names are most like `name`, those that contain it first."""
        words, by_name = comparable(name), self._state.by_name
        within = [known for known in by_name if words and words in known]
        alike = difflib.get_close_matches(words, by_name, n=2 * NEAREST, cutoff=0.5)
        return list(dict.fromkeys(by_name[known] for known in (*within, *alike)))[:NEAREST]

    def refresh(self) -> bool:
        """Ask every server for its list; return True unless one whose list is needed is away. Blocks."""
        slots, silent = 0, []
        for server in self.servers:
            try:
                self._hear(server, tuple(server.ask()))
            except ModelError as error:
                if server not in self.silent:
                    event(log, logging.WARNING, "model_list_unavailable", server=server.address, error=str(error))
                silent.append(server)
            else:
                slots = max(slots, server.ask_slots())
        self.silent = tuple(silent)
        self.slots = slots
        return not self.away

    def limit_context(self, name: str, tokens: int) -> bool:
        """Note that the model's context is so small; return False if it was known to be."""
        with self._lock:
            known = self.find(name) or self.default
            if tokens >= known.context_tokens:
                return False
            self._contexts[comparable(known.name or name)] = tokens
            self._state = self._known()
            return True

    @property
    def setting_too_large(self) -> int:
        """The context of the default model if its server has told a smaller one than the settings; else 0."""
        return self.default.context_tokens if self.default.context_tokens < self._default.context_tokens else 0

    def dump(self, server: Server) -> str | None:
        """Return a server's last list, for `recall`; None before the first one."""
        listed = self._listed.get(server.address)
        if listed is None:
            return None
        return json.dumps([[each.name, each.context_tokens, each.pictures] for each in listed])

    def dump_contexts(self) -> str:
        """Return the contexts that refusals have told, for `recall_contexts`."""
        return json.dumps(self._contexts)

    def recall_contexts(self, text: str) -> None:
        """Restore the contexts of an earlier run."""
        try:
            contexts = {str(name): int(tokens) for name, tokens in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError):
            event(log, logging.WARNING, "model_contexts_unreadable")
            return
        with self._lock:
            self._contexts = contexts
            self._state = self._known()

    def recall(self, server: Server, text: str) -> None:
        """Restore the list that `dump` returned in an earlier run."""
        try:
            self._hear(server, tuple(_recalled(*listed) for listed in json.loads(text)))
        except (ValueError, TypeError):
            event(log, logging.WARNING, "model_list_unreadable")

    def _hear(self, server: Server, listed: tuple[ModelInfo, ...]) -> None:
        with self._lock:
            self._listed[server.address] = listed
            self._state = self._known()

    def _known(self) -> _State:
        default = self._default
        found: dict[str, Model] = {}
        for server in self.servers:
            listed = self._listed.get(server.address)
            theirs = tuple(map(server.describe, listed)) if listed is not None else server.assumed
            if not default.name and theirs and theirs[0].vendor == default.vendor:
                default = replace(theirs[0], context_tokens=min(default.context_tokens, theirs[0].context_tokens))
            for model in theirs:
                if model.context_tokens >= 2 * self._answer_tokens:
                    found.setdefault(comparable(model.name), model)
        if default.name:
            own = found.get(comparable(default.name))
            context = min(default.context_tokens, own.context_tokens if own is not None else default.context_tokens)
            default = replace(own or default, name=default.name, context_tokens=context)
            found[comparable(default.name)] = default
        for name, tokens in self._contexts.items():
            if name in found and tokens < found[name].context_tokens:
                found[name] = replace(found[name], context_tokens=tokens)
        models = weighed(list(found.values()), default)
        by_name = {name: model for model in reversed(models) for name in model.names}
        by_name |= {comparable(model.name): model for model in models}  # a name overrides another model's alias
        return _State(by_name.get(comparable(default.name), default), tuple(models), by_name)


def _recalled(name: object, context: int, pictures: bool | None = None) -> ModelInfo:
    """Return a model of a stored list; an older version stored no word about pictures."""
    return ModelInfo(str(name), int(context), pictures if isinstance(pictures, bool) else None)

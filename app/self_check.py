"""`python bot.py --check`: try every part, from the network to the log, and print a line each.

The model is tried as a turn tries it: a stream with a system text, figures, and a structure. What its server can't do
is said; the bot does without it. Changes nothing: the database is opened for reading only, and never recovered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ai import model_habits
from ai.registry import ModelRegistry
from app.http_clients import HttpClients
from app.network_check import clock, ways
from config import Config
from core.errors import CoauthorError, ModelError, OnlyThoughts
from core.schemas import Chunk, Json, Message, Request
from database import inspect
from gpt import GPT
from telegram.api_client import BotApi

MAX_TOKENS: Final = 64  # of the tried answers; a reasoning model may think as long
_SCHEMA: Final[Mapping[str, Json]] = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
}
# What a model's habits mean for whoever runs the bot.
_MEANINGS: Final[Mapping[str, str]] = {
    model_habits.NO_STREAM: "no streams: answers appear whole, and a stop doesn't end them at the server",
    model_habits.NO_SYSTEM_ROLE: "no system role: that text goes before the user's first words",
    model_habits.NO_SCHEMA: "no schema: suggestions are asked for in words",
    model_habits.NEW_LIMIT_NAME: "the limit is called max_completion_tokens",
    model_habits.NO_LIMIT: "no limit of an answer",
    model_habits.NO_TEMPERATURE: "no temperature",
    model_habits.NO_PENALTY: "no penalty for repetitions",
    model_habits.NO_THINKING_SWITCH: "no switch for its thoughts",
    model_habits.NO_EFFORT: "no reasoning effort",
    model_habits.THINKS: "thinks before it answers",
    model_habits.OPENS_WITH_THOUGHTS: "closes thoughts that no mark opens: nothing is shown before that",
    model_habits.LOOPS: "repeats itself",
}


def check(
    config: Config, http: HttpClients, api: BotApi, gpt: GPT, registry: ModelRegistry, say: Callable[[str], None]
) -> bool:
    """Check every part, say a line for each, and return whether all of them work."""
    parts: list[tuple[str, Callable[[], str]]] = [
        ("network", lambda: ways(config, http)),
        ("token", lambda: _token(api)),
        ("clock", lambda: clock(config, http, api.clock)),
        ("model", lambda: _model(gpt)),
        ("models", lambda: _models(registry)),
        ("limits", lambda: _limits(config, registry)),
        ("database", lambda: inspect(config.database_path)),
        ("log", lambda: _log(config)),
    ]
    sound = True
    for name, look in parts:
        try:
            say(f"ok    {name}: {look()}")
        except (CoauthorError, OSError) as error:
            say(f"FAIL  {name}: {error}")
            sound = False
    return sound


def _token(api: BotApi) -> str:
    me = api.call("getMe", {}, timeout_s=15)
    return f"@{me.get('username')}" if isinstance(me, dict) else "signed in"


def _model(gpt: GPT) -> str:
    """Try a stream with a system text, then an answer with a structure; return what came of it. Raise ModelError."""
    # Not of `locales/`: the check needs an answer, whatever it says, and no user reads it.
    messages = (Message("system", "Ты отвечаешь одним словом."), Message("user", "Ответь одним словом: готов?"))
    request = Request(messages, max_tokens=MAX_TOKENS, temperature=0.1, purpose="check")
    last, tokens = _streamed(gpt, request)
    structured = Request(
        (Message("user", 'Ответь объектом JSON: {"ready": true}'),),
        max_tokens=MAX_TOKENS,
        temperature=0.1,
        json_schema=_SCHEMA,
        purpose="check",
    )
    notes = []
    try:
        tokens += gpt.ask(structured).usage.total
    except OnlyThoughts:
        pass
    except ModelError as error:
        notes.append(f"an answer with a schema failed: {error}")
    if last is None:
        notes.append(f"only thoughts came within {MAX_TOKENS} tokens")
    elif last.usage is None or last.usage.estimated:
        notes.append("no figures: tokens are estimated")
    habits = gpt.provider.habits("")
    notes += [meaning for habit, meaning in _MEANINGS.items() if habit in habits]
    name = gpt.provider.model_name("")
    return "; ".join([f"{name} answered ({tokens} tokens)", *notes])


def _streamed(gpt: GPT, request: Request) -> tuple[Chunk | None, int]:
    """Return the last chunk of a streamed answer and its tokens; None and 0 if only thoughts came."""
    try:
        *_, last = gpt.stream(request)
    except OnlyThoughts:
        return None, 0
    return last, last.usage.total if last.usage is not None else 0


def _models(registry: ModelRegistry) -> str:
    """Return the models that may be chosen; each vendor's server is asked for its list."""
    registry.refresh()
    others = ", ".join(model.name for model in registry.models if model.name != registry.default.name)
    away = "".join(f"; {server.address} didn't list its own" for server in registry.silent)
    return f"{registry.default.name or 'the first of the server'} by default, others: {others or 'none'}{away}"


def _limits(config: Config, registry: ModelRegistry) -> str:
    """Return how much the default model takes, and how many answers it writes at once; `_models` has asked for both."""
    said = f"a context of {registry.default.context_tokens} tokens"
    if registry.setting_too_large:
        said += f", as the server tells; OPENAI_CONTEXT_TOKENS says {config.openai_context_tokens}"
    slots = registry.slots
    if slots and slots < config.model_slots and not config.has_yandex:
        return f"{said}; {slots} at once, as the server tells; MODEL_SLOTS says {config.model_slots}"
    return f"{said}; {config.model_slots} at once (MODEL_SLOTS)"


def _log(config: Config) -> str:
    with config.log_file.open("a"):  # asking for permissions says nothing to root, nor on a full or read-only disk
        return str(config.log_file)

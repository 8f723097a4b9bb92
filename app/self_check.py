"""`python bot.py --check`: try the token, the model, the database and the log, and print a line each.

Changes nothing: the database is opened for reading only, and never recovered.
"""

from __future__ import annotations

from collections.abc import Callable

from ai.registry import ModelRegistry
from config import Config
from core.errors import CoauthorError
from core.schemas import Message, Request
from database import inspect
from gpt import GPT
from telegram.api_client import BotApi


def check(config: Config, api: BotApi, gpt: GPT, registry: ModelRegistry, say: Callable[[str], None]) -> bool:
    """Check every part, say a line for each, and return whether all of them work."""
    parts: list[tuple[str, Callable[[], str]]] = [
        ("token", lambda: _token(api)),
        ("model", lambda: _model(gpt)),
        ("models", lambda: _models(registry)),
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
    request = Request(
        (Message("user", "Ответь одним словом: готов?"),), max_tokens=10, temperature=0.0, purpose="check"
    )
    answer = gpt.ask(request)
    return f"{gpt.provider.model_name('')} answered ({answer.usage.total} tokens)"


def _models(registry: ModelRegistry) -> str:
    """Return the models that may be chosen; a server that lists its models is asked for them."""
    registry.refresh()
    others = ", ".join(model.name for model in registry.models if model.name != registry.default.name)
    away = f"; {registry.server.address} didn't list its own" if registry.away and registry.server is not None else ""
    return f"{registry.default.name or 'the first of the server'} by default, others: {others or 'none'}{away}"


def _log(config: Config) -> str:
    with config.log_file.open("a"):  # asking for permissions says nothing to root, nor on a full or read-only disk
        return str(config.log_file)

"""What is said when a question's files can't be read, or the model takes no pictures."""

from __future__ import annotations

from collections.abc import Sequence

from ai.catalog import Model
from config import Config
from conversation.keyboards import inline
from conversation.localization import Html, Texts
from core.errors import FileUnreadable, TelegramError, TelegramUnreachable
from core.schemas import Json
from core.sent_files import SentFile
from turns import limits
from turns.sight import Sight


def file_failure(error: Exception | None) -> str | None:
    """Return the key of the sentence for a file that can't be had or read; None for another error."""
    if isinstance(error, FileUnreadable):
        return f"file.{error.reason}"
    if isinstance(error, TelegramUnreachable):
        return "file.away"
    return "file.gone" if isinstance(error, TelegramError) else None


def blind_sentence(
    texts: Texts, sight: Sight, model: Model, *, prompt_id: int, files: Sequence[SentFile], config: Config
) -> tuple[Html, Json]:
    """Return that a model takes no pictures, and the button that switches to one that does and asks it.

    The sentence has the price of these files there; the button names their question, by its prompt. Without such a
    model there is no button.
    """
    other = sight.cheapest()
    if other is None:
        return texts.say("file.nobody_sees", model=_title(model)), None
    button = (texts.label("ask_who_sees", model=_title(other)), f"ask_who_sees:{prompt_id}")
    price = sight.price(files, other, limits.prompt_budget(config, other.context_tokens))
    return texts.say("file.blind", model=_title(model), other=_title(other), price=price), inline([button])


def _title(model: Model) -> str:
    return model.title or "…"

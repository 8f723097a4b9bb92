"""What a user reads when a limit is in the way of a turn."""

from __future__ import annotations

from ai.catalog import Model
from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline
from conversation.localization import FALLBACK, Html, Locales, Texts
from core.errors import LimitReached
from core.schemas import Json, Outgoing
from database import Database
from turns import limits
from turns.limit_requests import how_to_get
from turns.message_view import sentence

_ASKED_FOR = {"balance": "tokens", "sessions": "sessions"}
SENTENCES = {
    "sessions": "trouble.sessions",
    "balance": "trouble.balance",
    "balance_refill": "trouble.balance_refill",
    "project": "trouble.project",
}
TALK_SENTENCES = {
    "sessions": "chat.sessions",
    "balance": "chat.balance",
    "balance_refill": "chat.balance_refill",
    "project": "chat.project",
}


class LimitMessages:
    """The sentences of limits, in the user's language."""

    def __init__(self, *, config: Config, db: Database, locales: Locales, registry: ModelRegistry) -> None:
        self._config = config
        self._db = db
        self._locales = locales
        self._registry = registry

    def of_story(
        self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached, *, by_service: bool
    ) -> Outgoing:
        """Return the sentence of a limit for a turn of a story, or of no session."""
        if error.limit == "session":
            return self._story_full(user_id, chat_id, session_id, error, by_service=by_service)
        return self._shared(user_id, chat_id, error, by_service=by_service, talk=False)

    def of_talk(self, user_id: int, chat_id: int, error: LimitReached, *, anew: tuple[str, str], full: str) -> Outgoing:
        """Return the sentence of a limit for a talk.

        If the talk is full, this is the text `full`, with a button that begins one anew: label and data.
        """
        texts = self._texts(user_id)
        if error.limit == "session":
            label, data = anew
            said = texts.say(full, limit=self._config.max_tokens_per_session)
            return sentence(chat_id, said, inline([(texts.label(label), data)]))
        return self._shared(user_id, chat_id, error, by_service=False, talk=True)

    def _shared(self, user_id: int, chat_id: int, error: LimitReached, *, by_service: bool, talk: bool) -> Outgoing:
        """Return the sentence of a limit that isn't the session's."""
        texts = self._texts(user_id)
        said = self._sentence(user_id, texts, error, by_service=by_service, talk=talk)
        what = _ASKED_FOR.get(error.limit)
        if what is None:
            return sentence(chat_id, said)
        private = chat_id == user_id
        how, row = how_to_get(self._config, self._db, texts, what, private=private)
        rows = [row] if row else []
        if error.limit == "sessions" and private and self._db.stories.count_of(user_id):
            rows.insert(0, [(texts.label("stories"), "go:stories")])
        return sentence(chat_id, Html(f"{said} {how}"), inline(*rows) if rows else None)

    def _sentence(self, user_id: int, texts: Texts, error: LimitReached, *, by_service: bool, talk: bool) -> Html:
        config, keys = self._config, TALK_SENTENCES if talk else SENTENCES
        if error.limit == "sessions":
            return texts.say(keys["sessions"], used=error.used, limit=error.allowed)
        if error.limit == "project":
            return texts.say(keys["project"])
        if error.limit != "balance":
            return texts.say("chat.too_long" if talk else "trouble.prompt_too_long")
        model = self._model(user_id)
        if self._is_dear(model, by_service=by_service) and error.allowed >= limits.least_price(config):
            return texts.say("trouble.balance_dear", title=model.title, reset=texts.plain("model.reset"))
        return texts.say(keys["balance_refill" if config.user_tokens_per_day else "balance"])

    def _story_full(
        self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached, *, by_service: bool
    ) -> Outgoing:
        config, texts, model = self._config, self._texts(user_id), self._model(user_id)
        said = texts.say("trouble.session_full")
        fits_default = error.used + limits.least_price(config) <= config.max_tokens_per_session
        if self._is_dear(model, by_service=by_service) and fits_default:
            said = texts.say("trouble.session_dear", title=model.title, reset=texts.plain("model.reset"))
        finale = (texts.label("finale"), f"finale:{session_id}")
        volume = (texts.label("second_volume"), f"volume:{session_id}")
        keyboard: Json = inline([finale, volume])
        return sentence(chat_id, said, keyboard)

    def _is_dear(self, model: Model, *, by_service: bool) -> bool:
        """Whether the user's model costs more than the default one, which services are priced by."""
        return not by_service and limits.least_price(self._config, model.weight) > limits.least_price(self._config)

    def _model(self, user_id: int) -> Model:
        user = self._db.users.get(user_id)
        return self._registry.standing(user.model if user is not None else "")

    def _texts(self, user_id: int) -> Texts:
        user = self._db.users.get(user_id)
        return self._locales[user.language if user is not None else FALLBACK]

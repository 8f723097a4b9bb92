"""What a user reads when a limit is in the way of a turn."""

from __future__ import annotations

from collections.abc import Mapping

from ai.catalog import Model
from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline
from conversation.localization import Html, Locales, Texts
from core.errors import LimitReached
from core.schemas import Json, Outgoing
from database import Database
from turns import limits
from turns.limit_requests import how_to_get
from turns.message_view import sentence

_ASKED_FOR = {"balance": "tokens", "sessions": "sessions"}
SENTENCES = {
    "sessions": "problem.sessions",
    "balance": "problem.balance",
    "balance_refill": "problem.balance_refill",
    "balance_ending": "problem.balance_ending",
    "project": "problem.project",
}
TALK_SENTENCES = {
    "sessions": "chat.sessions",
    "balance": "chat.balance",
    "balance_refill": "chat.balance_refill",
    "balance_ending": "chat.balance_ending",
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
        return self._shared(user_id, chat_id, session_id, error, by_service=by_service, talk=False)

    def of_talk(self, user_id: int, chat_id: int, error: LimitReached, *, anew: tuple[str, str], full: str) -> Outgoing:
        """Return the sentence of a limit for a talk.

        If the talk is full, this is the text `full`, with a button that begins one anew: label and data.
        """
        texts = self._texts(user_id)
        if error.limit == "session":
            label, data = anew
            said = texts.say(full, limit=self._config.max_tokens_per_session)
            return sentence(chat_id, said, inline([(texts.label(label), data)]))
        return self._shared(user_id, chat_id, None, error, by_service=False, talk=True)

    def _shared(
        self, user_id: int, chat_id: int, story_id: int | None, error: LimitReached, *, by_service: bool, talk: bool
    ) -> Outgoing:
        """Return the sentence of a limit that isn't the session's."""
        texts, private = self._texts(user_id), chat_id == user_id
        if error.limit == "balance":
            begins = story_id is None and not talk and not by_service
            keys = TALK_SENTENCES if talk else SENTENCES
            said = self._of_balance(user_id, error, keys, begins=begins, private=private, by_service=by_service)
        else:
            said = self._sentence(texts, error, talk=talk)
        what = _ASKED_FOR.get(error.limit)
        if what is None:
            return sentence(chat_id, said)
        how, row = how_to_get(self._config, self._db, texts, what, private=private)
        rows = [row] if row else []
        if error.limit == "sessions" and private and self._db.stories.count_of(user_id):
            rows.insert(0, [(texts.label("stories"), "go:stories")])
        return sentence(chat_id, Html(f"{said} {how}"), inline(*rows) if rows else None)

    def _sentence(self, texts: Texts, error: LimitReached, *, talk: bool) -> Html:
        keys = TALK_SENTENCES if talk else SENTENCES
        if error.limit == "sessions":
            return texts.say(keys["sessions"], used=error.used, limit=error.allowed)
        if error.limit == "project":
            return texts.say(keys["project"])
        return texts.say("chat.too_long" if talk else "problem.prompt_too_long")

    def _of_balance(
        self,
        user_id: int,
        error: LimitReached,
        keys: Mapping[str, str],
        *,
        begins: bool,
        private: bool,
        by_service: bool,
    ) -> Html:
        """Return what the balance is too small for, and what it is still enough for. `begins`: a new story."""
        config, texts, model = self._config, self._texts(user_id), self._model(user_id)
        user, least = self._db.users.get(user_id), limits.least_price(config)
        free, unfinished = user.free if user is not None else 0, self._db.stories.has_unfinished(user_id)
        for_turns = free - (limits.kept_of_balance(config) if unfinished else 0)
        if self._is_dear(model, by_service=by_service) and for_turns >= least:
            return texts.say("problem.balance_dear", title=model.title, reset=texts.plain("model.reset"))
        if by_service and for_turns >= least:
            return texts.say("problem.balance_service", needed=error.used, free=max(0, for_turns))
        # A part and an ending have about the same prompt.
        ending = error.used if keys is SENTENCES and not by_service else least
        if private and unfinished and error.allowed < free and free >= ending:
            return texts.say(keys["balance_ending"])
        if begins and free >= least:
            return texts.say("problem.balance_story")
        return texts.say(keys["balance_refill" if config.user_tokens_per_day else "balance"])

    def _story_full(
        self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached, *, by_service: bool
    ) -> Outgoing:
        config, texts, model = self._config, self._texts(user_id), self._model(user_id)
        said = texts.say("problem.session_full")
        fits_default = error.used + limits.least_price(config) <= config.max_tokens_per_session
        if self._is_dear(model, by_service=by_service) and fits_default:
            said = texts.say("problem.session_dear", title=model.title, reset=texts.plain("model.reset"))
        if chat_id < 0:  # the buttons are under the last part
            return sentence(chat_id, texts.say("group_story.full"))
        finale = (texts.label("finale"), f"finale:{session_id}")
        volume = (texts.label("second_volume"), f"volume:{session_id}")
        keyboard: Json = inline([finale, volume])
        return sentence(chat_id, said, keyboard)

    def _is_dear(self, model: Model, *, by_service: bool) -> bool:
        """Whether the user's model costs more than the default one, which services are priced by."""
        return not by_service and limits.least_price(self._config, model.weight) > limits.least_price(self._config)

    def _model(self, user_id: int) -> Model:
        return self._registry.standing(self._db.users.model_of(user_id))

    def _texts(self, user_id: int) -> Texts:
        return self._locales[self._db.users.language_of(user_id)]

"""How a turn of a talk ends: the answer in Telegram's formatting, and what the user should know about its context."""

from __future__ import annotations

from collections.abc import Mapping

from conversation.keyboards import inline
from conversation.localization import FALLBACK, Texts
from core.errors import LimitReached, ModelRefused, PromptTooLong
from core.schemas import Json, Outgoing, Usage
from core.text import split
from database import CONTEXT_NEAR, SESSION_NEAR, Talk, Turn
from telegram.markdown import pieces
from turns import chat_roles, limits, message_view
from turns.message_view import as_reply, sentence
from turns.story_outcomes import Outcomes

CONTEXT_NEAR_PERCENT = 80


class TalkOutcomes(Outcomes):
    """The ends of talk's turns."""

    limits: Mapping[str, str] = {
        "sessions": "chat.sessions",
        "balance": "chat.balance",
        "balance_refill": "chat.balance_refill",
        "project": "chat.project",
    }

    def answered(self, turn: Turn, text: str, usage: Usage, *, cut: bool = False) -> list[Outgoing]:
        """Keeps the answer and shows it, with a word on limits that are near. `cut`: it ran into its limit."""
        talk, texts = self._talk_of(turn)
        messages = self._shown(turn, talk, text, usage)
        if cut:
            messages.append(self._say(turn, texts, "chat.cut"))
        messages += self._about_context(turn, talk, texts, usage) + self._about_session(turn, talk, texts)
        return [*messages, *self._budget_news()]

    def cut(self, turn: Turn, text: str, usage: Usage) -> list[Outgoing]:
        """The model fell silent in the middle: what it wrote is kept, and a button asks for it again."""
        talk, texts = self._talk_of(turn)
        again = inline([(texts.label("retry"), f"retry:{turn.id}")])
        return [*self._shown(turn, talk, text, usage), self._say(turn, texts, "chat.away_kept", again)]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Stopped by the user: what was written, if anything, is kept and shown, and how many messages wait."""
        talk, texts = self._talk_of(turn)
        if not text:
            return [self._say(turn, texts, "chat.stopped_empty")]
        waiting = self._db.inbox.queued_in(turn.chat_id)
        key = "chat.stopped_waiting" if waiting and turn.reply_to is None else "chat.stopped"
        return [*self._shown(turn, talk, text, None), self._say(turn, texts, key, n=waiting)]

    def failed(self, turn: Turn, error: Exception) -> list[Outgoing]:
        """Nothing was written: what went wrong and what to do now; a refusal comes with a button to ask softer."""
        _, texts = self._talk_of(turn)
        if isinstance(error, ModelRefused):
            softer = inline([(texts.label("softer"), f"softer:{turn.id}")])
            return [self._say(turn, texts, "chat.refused", softer)]
        if isinstance(error, PromptTooLong):
            return [self._say(turn, texts, "chat.too_long")]
        return [_as_reply(turn, message) for message in super().failed(turn, error)]

    def abandoned(self, turn: Turn) -> Outgoing:
        """The last word on a turn that can't go on any more; in a group, a reply to its question."""
        return _as_reply(turn, super().abandoned(turn))

    def limit(
        self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached, kind: str = "chat"
    ) -> Outgoing:
        """The sentence of a limit; where the session is full, with a button that begins a new talk."""
        user = self._db.users.get(user_id)
        texts = self._locales[user.language if user else FALLBACK]
        if error.limit == "session":
            anew = inline([(texts.label("new_talk"), f"new_talk:{user_id}")])
            limit = self._config.max_tokens_per_session
            return sentence(chat_id, texts.say("chat.session_full", limit=limit), anew)
        if error.limit == "request":
            return sentence(chat_id, texts.say("chat.too_long"))
        return super().limit(user_id, chat_id, session_id, error, kind)

    # ------------------------------------------------------------------ pieces

    def _talk_of(self, turn: Turn) -> tuple[Talk, Texts]:
        talk = self._db.talks.get(turn.session_id)
        assert talk is not None  # a turn goes with its session
        return talk, self._locales[self.language(turn)]

    def _shown(self, turn: Turn, talk: Talk, text: str, usage: Usage | None) -> list[Outgoing]:
        """Keeps an answer, and shows it: where it comes in place of a half one, that goes."""
        half = self._db.tree.get(talk.head_id)
        away: list[Outgoing] = []
        if half is not None and half.role == "assistant" and half.parent_id == turn.prompt_id:
            line = self._locales[self.language(turn)].say("chat.below")
            away = message_view.taken_away(self._db, turn.chat_id, half, line)
        opened = self._db.talks.open_in(talk.chat_id, kind=talk.kind, character_id=talk.character_id)
        # Another one may have been chosen meanwhile: this answer doesn't bring its own back to the front.
        touches = opened is None or opened.session_id == talk.session_id
        prompt_id = self._keep(turn, text, usage, touches=touches)
        return [*away, *answer(turn, prompt_id, text)]

    def _about_context(self, turn: Turn, talk: Talk, texts: Texts, usage: Usage) -> list[Outgoing]:
        """That the oldest turns were summarised by this one; or, once, that this is near."""
        if not chat_roles.remembers(self._db.roles.get(turn.chat_id)):
            return []
        if self._db.ledger.paid_for(turn.id, "summary"):
            return [self._say(turn, texts, "chat.summarised")]
        user = self._db.users.get(turn.user_id)
        room = limits.room(self._config, self._offer.standing(user.model if user else "").context_tokens)
        percent = usage.total * 100 // max(1, room)
        if percent < CONTEXT_NEAR_PERCENT or talk.warned & CONTEXT_NEAR:
            return []
        self._db.talks.set_warned(talk.session_id, CONTEXT_NEAR)
        anew = user is not None and user.at_full == "anew"
        key = "chat.context_near_anew" if anew else "chat.context_near"
        return [self._say(turn, texts, key, percent=CONTEXT_NEAR_PERCENT)]

    def _about_session(self, turn: Turn, talk: Talk, texts: Texts) -> list[Outgoing]:
        """Once: that the talk has nearly spent what it may."""
        limit = self._config.max_tokens_per_session
        percent = talk.spent * 100 // limit
        if percent < limits.SESSION_NEAR_PERCENT or talk.warned & SESSION_NEAR:
            return []
        self._db.talks.set_warned(talk.session_id, SESSION_NEAR)
        left = max(0, limit - talk.spent)
        return [self._say(turn, texts, "chat.session_near", percent=limits.SESSION_NEAR_PERCENT, left=left)]

    def _say(self, turn: Turn, texts: Texts, key: str, keyboard: Json = None, **values: object) -> Outgoing:
        return _as_reply(turn, sentence(turn.chat_id, texts.say(key, **values), keyboard))


def answer(turn: Turn, prompt_id: int, markdown: str) -> list[Outgoing]:
    """An answer as messages in Telegram's formatting; the first one replies to the question, in a group."""
    found: list[Mapping[str, Json]] = [piece.params for piece in pieces(markdown)]
    plain: list[Mapping[str, Json]] = [{"text": piece} for piece in split(markdown)]
    messages = [Outgoing(turn.chat_id, "sendMessage", params, prompt_id=prompt_id) for params in found or plain]
    return [_as_reply(turn, message) for message in messages[:1]] + messages[1:]


def _as_reply(turn: Turn, message: Outgoing) -> Outgoing:
    """In a group: to the question; what goes to somebody else stays as it is."""
    return as_reply(message, turn.reply_to) if message.chat_id == turn.chat_id else message

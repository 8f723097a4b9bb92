"""How talk keeps the terms of `storytelling.family`: a role instead of a plot, and the model's words as they are."""

from __future__ import annotations

from collections.abc import Sequence

from conversation.localization import Locales, Texts
from core.schemas import Message
from database import Database, Prompt, StoryPath, Turn
from telegram.markdown import pieces
from turns import chat_prompts, chat_roles
from turns.chat_outcomes import TalkOutcomes
from turns.kinds import Subject


class ChatKind:
    """Chats: the model's Markdown is kept to the letter, and an answer may end anywhere."""

    full_share = 0.95  # older text becomes memory only when the prompt is about to be full
    kept_share = 0.25  # with role and memory beside it there is room for some turns before the next summary

    def __init__(self, db: Database, locales: Locales, outcomes: TalkOutcomes) -> None:
        self._db = db
        self._locales = locales
        self._outcomes = outcomes

    @property
    def outcomes(self) -> TalkOutcomes:
        """What the ends of its turns change and show."""
        return self._outcomes

    def subject(self, turn: Turn) -> Subject:
        """What an open turn writes on: the user's language, and a prompt of the chat's role, memory and turns."""
        texts = self._locales[self._outcomes.language(turn)]
        role, speakers = self._db.roles.get(turn.chat_id), self._speakers(turn)

        def prompt(path: StoryPath) -> list[Message]:
            remembers = chat_roles.remembers(role)
            memory = path.memory if remembers else ""
            system = chat_roles.system_prompt(texts, role, memory, several=bool(speakers))
            return chat_prompts.talk_messages(texts, system, path, speakers, remembers=remembers, soft=turn.soft)

        return Subject(texts, prompt)

    def memory_prompt(self, turn: Turn, texts: Texts, memory: str, prompts: Sequence[Prompt]) -> list[Message]:
        """What makes a new memory out of the old one and the prompts that follow it; in a group, by speaker."""
        return chat_prompts.memory_messages(texts, memory, prompts, self._speakers(turn))

    def _speakers(self, turn: Turn) -> dict[int, int]:
        """The numbers of those who talk, where there are several: in a group."""
        if turn.reply_to is None:
            return {}
        speakers = self._db.talks.speakers(turn.session_id)
        return speakers if len(speakers) > 1 else {}

    def growing(self, text: str, words: str) -> str:
        """Without its Markdown, which a draft can't show: a fifth of a millisecond for a whole answer."""
        return "\n\n".join(piece.text for piece in pieces(text))

    def whole(self, kind: str, text: str, words: str) -> str:
        """An answer as it is kept: without the white space around it; empty where it says nothing."""
        return text.strip()

    def cut_off(self, text: str) -> str:
        """An answer that ran into its limit, as it is kept: all of it, a broken last word too."""
        return text

    def kept(self, text: str) -> str:
        """What is kept of an answer whose model fell silent: all of it."""
        return text

    def stopped(self, text: str) -> str:
        """What is kept of an answer that its user stopped: all of it."""
        return text

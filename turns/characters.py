"""Conversations with characters, as far as they differ from the chat: who answers is in the database, and always
remembers; safe instructions stand in every prompt.
"""

from __future__ import annotations

from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline
from conversation.localization import FALLBACK, Locales, Texts
from conversation.states import Step
from core.errors import LimitReached
from core.schemas import Message, Outgoing, Usage
from database import Character, Database, StoryPath, Talk, Turn
from turns import chat_prompts
from turns.chat_kind import ChatKind
from turns.chat_outcomes import TalkOutcomes
from turns.kinds import Subject
from turns.message_view import sentence
from yandex_gpt import build_prompt


class CharacterOutcomes(TalkOutcomes):
    """The ends of characters' turns: there is no role, and a full session is begun anew with the same one."""

    def limit(
        self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached, kind: str = "character"
    ) -> Outgoing:
        """The sentence of a limit; where a character's session is full, with a button that begins one anew."""
        talk = self._db.talks.get(session_id) if session_id else None
        if error.limit != "session" or talk is None or talk.character_id is None:
            return super().limit(user_id, chat_id, session_id, error, kind)
        user = self._db.users.get(user_id)
        texts = self._locales[user.language if user else FALLBACK]
        anew = inline([(texts.label("anew"), f"anew:{talk.character_id}")])
        limit = self._config.max_tokens_per_session
        return sentence(chat_id, texts.say("character.session_full", limit=limit), anew)

    def _shown(self, turn: Turn, talk: Talk, text: str, usage: Usage | None) -> list[Outgoing]:
        """The answer; with a line that says whose it is, where its reader has gone to somebody else meanwhile."""
        shown = super()._shown(turn, talk, text, usage)
        user, on = self._db.users.get(turn.user_id), self._db.characters.chosen(turn.user_id)
        here = user is not None and user.step is Step.CHARACTER and on is not None and on.id == talk.character_id
        character = self._db.characters.get(talk.character_id) if talk.character_id is not None else None
        if here or character is None:
            return shown
        texts = self._locales[self.language(turn)]
        return [self._say(turn, texts, "character.late", name=character.name), *shown]

    def _about_context(self, turn: Turn, talk: Talk, texts: Texts, usage: Usage) -> list[Outgoing]:
        if self._db.ledger.paid_for(turn.id, "summary"):
            return [self._say(turn, texts, "chat.summarised")]
        return []


class CharacterFamily(ChatKind):
    """A character in place of a role. It speaks the language that it was written in."""

    def subject(self, turn: Turn) -> Subject:
        """What a turn with a character writes on: its language, not the user's, and its persona's prompt."""
        talk = self._db.talks.get(turn.session_id)
        character = self._db.characters.get(talk.character_id) if talk is not None and talk.character_id else None
        texts = self._locales[character.language if character is not None else self._outcomes.language(turn)]

        def prompt(path: StoryPath) -> list[Message]:
            greets = bool(path.prompts) and path.prompts[0].role == "assistant"
            return build_prompt(
                system=system_prompt(texts, character, path.memory),
                opening=texts.prompt("persona.opening") if greets else "",
                path=[Message(prompt.role, chat_prompts.said_text(texts, prompt, {})) for prompt in path.prompts],
                go_on=texts.prompt("wire.go_on"),
                closing=texts.prompt("talk.softer") if turn.soft else "",
            )

        return Subject(texts, prompt)


def talk_families(config: Config, db: Database, locales: Locales, offer: ModelRegistry) -> dict[str, ChatKind]:
    """Who answers in each kind of talk."""
    return {
        "chat": ChatKind(db, locales, TalkOutcomes(config, db, locales, offer)),
        "character": CharacterFamily(db, locales, CharacterOutcomes(config, db, locales, offer)),
    }


def system_prompt(texts: Texts, character: Character | None, memory: str) -> str:
    """Who answers, how, and what never; without the character where that is deleted while a turn waits."""
    persona = character.persona if character is not None else None
    return texts.prompt(
        "persona.system",
        name=persona.name if persona else "",
        line=persona.line if persona else "",
        personality=persona.personality if persona else "",
        memory=memory,
    )

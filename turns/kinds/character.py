"""`character`: words to a character or to the hero of a story, who always remember the talk."""

from __future__ import annotations

from collections.abc import Sequence

from conversation.localization import Texts
from conversation.steps import Step
from core.errors import LimitReached
from core.schemas import Message, Outgoing, Usage
from database import Character, Prompt, StoryPath, Talk, Turn
from turns import chat_prompts, heroes, limits
from turns.attached_files import Attached
from turns.kinds.chat import FULL_SHARE, KEPT_SHARE, ChatTurn
from turns.memory import PromptSource
from yandex_gpt import build_prompt


class CharacterTurn(ChatTurn):
    """A character instead of a role. It speaks the language that it was written in."""

    name = "character"
    opens_chat = False

    def limit_message(self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached) -> Outgoing:
        """Return the sentence of a limit; if the talk is full, with a button that begins it anew."""
        talk = self._db.talks.get(session_id)
        if talk is None or talk.character_id is None:
            return super().limit_message(user_id, chat_id, session_id, error)
        anew = ("anew", f"anew:{talk.character_id}")
        return self._limit_messages.of_talk(user_id, chat_id, error, anew=anew, full="character.session_full")

    def _source(self, turn: Turn, attached: Attached) -> PromptSource:
        character = self._character(self._talk(turn))
        texts = self._locales[character.language] if character is not None else self._texts(turn)

        speakers = self._speakers(turn)

        def prompt(path: StoryPath) -> list[Message]:
            greets = bool(path.prompts) and path.prompts[0].role == "assistant"
            who = self._as_told(turn, character, path)
            return build_prompt(
                system=system_prompt(texts, who, path.memory),
                opening=texts.prompt("persona.opening") if greets else "",
                path=[chat_prompts.said_message(texts, prompt, speakers, attached) for prompt in path.prompts],
                go_on=texts.prompt("wire.go_on"),
                closing="\n\n".join(self._closing(turn, texts, who)),
            )

        def memory_prompt(memory: str, prompts: Sequence[Prompt]) -> list[Message]:
            return chat_prompts.character_memory_messages(texts, memory, prompts)

        return PromptSource(texts, prompt, memory_prompt, full_share=FULL_SHARE, kept_share=KEPT_SHARE)

    def _closing(self, turn: Turn, texts: Texts, character: Character | None) -> list[str]:
        """Return the requests that end the prompt."""
        hero = [texts.prompt("hero.closing")] if character is not None and character.story_id is not None else []
        return [*hero, *([texts.prompt("talk.softer")] if turn.soft else [])]

    def _remembers(self, turn: Turn) -> bool:
        """Return True: the role of the chat isn't the character's."""
        return True

    def _stored(self, turn: Turn, talk: Talk, text: str, usage: Usage | None) -> list[Outgoing]:
        """Store and show the answer; say whose it is if the user has gone to somebody else meanwhile."""
        shown = super()._stored(turn, talk, text, usage)
        user, chosen = self._db.users.get(turn.user_id), self._db.characters.chosen(turn.user_id)
        is_here = user is not None and user.step is Step.CHARACTER
        if is_here and chosen is not None and chosen.id == talk.character_id:
            return shown
        character = self._character(talk)
        if character is None:
            return shown
        return [self._say(turn, "character.late", name=character.name), *shown]

    def _context_news(self, turn: Turn, talk: Talk, usage: Usage) -> list[Outgoing]:
        """Say that the oldest turns were summarised by this one."""
        return [self._say(turn, "chat.summarised")] if self._db.ledger.paid_for(turn.id, "summary") else []

    def _as_told(self, turn: Turn, character: Character | None, path: StoryPath) -> Character | None:
        """Return the character; the hero of a story with what the story tells now, as much as the prompt has space."""
        if character is None or character.story_id is None:
            return character
        budget = limits.prompt_budget(self._config, self._model(turn).context_tokens)
        return heroes.as_told(self._db, self._locales, character, told_chars=heroes.told_chars(budget, path))

    def _character(self, talk: Talk) -> Character | None:
        return self._db.characters.get(talk.character_id)


def system_prompt(texts: Texts, character: Character | None, memory: str) -> str:
    """Return who answers, how, and what never; without the character if that was deleted while the turn waited."""
    persona = character.persona if character is not None else None
    return texts.prompt(
        "persona.system",
        name=persona.name if persona else "",
        line=persona.line if persona else "",
        personality=persona.personality if persona else "",
        memory=memory,
    )

"""`part`: the next part of a story, asked for by the user's own words, a button or a suggestion."""

from __future__ import annotations

from collections.abc import Mapping

from conversation.localization import Texts
from core.schemas import Outgoing
from database import Story, StoryPath, Turn
from turns.author_note import AuthorNote, stage_of
from turns.card_offers import CardOffers
from turns.generation import TextGenerator
from turns.kinds.story_text import StoryText
from turns.message_view import sentence
from turns.session_warnings import SessionWarnings
from turns.story_topics import OF_A_VOLUME
from turns.turn_kind import KindServices
from turns.turn_result import TurnResult


class StoryPart(StoryText):
    """The next part of a story."""

    name = "part"
    system_prompt = "coauthor"
    written_event = "part_written"

    def __init__(
        self,
        services: KindServices,
        *,
        generator: TextGenerator,
        warnings: SessionWarnings,
        card_offers: CardOffers,
    ) -> None:
        super().__init__(services, generator=generator, warnings=warnings)
        self._card_offers = card_offers

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the part; below a first one say what can be done next, to a user who hasn't gone on by then.

        Below another one that brings a new name, offer a card for it.
        """
        if turn.chat_id < 0:
            return [*self._stored(turn, result.text, result.usage), *self._group_hint(turn), *self._warnings.budget()]
        first = not self._db.turns.has_answered(turn.user_id, self.name)
        messages = [*self._stored(turn, result.text, result.usage), *self._warnings.budget()]
        if first:
            if self._db.inbox.queued_in(turn.chat_id, turn.topic_id):
                return messages
            return [*messages, sentence(turn.chat_id, self._texts(turn).say("story.hint"))]
        return [*messages, *self._card_offers.after(turn, result.text)]

    def _group_hint(self, turn: Turn) -> list[Outgoing]:
        """Say how a group's story is written, below its first part."""
        if turn.prompt_id is not None or turn.variant:
            return []
        return [sentence(turn.chat_id, self._texts(turn).say("group_story.hint"))]

    def _values(self, texts: Texts, story: Story, turn: Turn) -> Mapping[str, str]:
        return {"length": texts.prompt(f"length.{story.length}")}

    def _asks(self, texts: Texts, path: StoryPath, turn: Turn) -> str:
        if turn.hint == OF_A_VOLUME:
            return texts.prompt("wire.volume")
        begins = not path.prompts and not path.memory
        return "" if begins or _follows_words(path) else texts.prompt("wire.next")

    def _note(self, texts: Texts, story: Story, path: StoryPath, turn: Turn) -> AuthorNote:
        parts = self._db.tree.parts(turn.prompt_id, story.starts_after)
        spent = story.spent * 100 // self._config.max_tokens_per_session
        return AuthorNote(
            head="words" if _follows_words(path) else "part",
            length=texts.prompt(f"length.{story.length}"),
            tone=story.tone,
            course=texts.prompt(f"wire.stage.{stage_of(parts, spent)}"),
        )


def _follows_words(path: StoryPath) -> bool:
    """Return whether the path ends with the user's own words."""
    return bool(path.prompts) and path.prompts[-1].role == "user"

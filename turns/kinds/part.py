"""`part`: the next part of a story, asked for by the user's own words, a button or a suggestion."""

from __future__ import annotations

from collections.abc import Mapping

from conversation.localization import Texts
from core.schemas import Outgoing
from database import Story, StoryPath, Turn
from turns import story_prompts
from turns.kinds.story_text import StoryText
from turns.message_view import sentence
from turns.turn_result import TurnResult


class StoryPart(StoryText):
    """The next part of a story."""

    name = "part"
    system_prompt = "coauthor"
    written_event = "part_written"

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the part; below a user's very first one, say what they can do next."""
        first = not self._db.turns.has_answered(turn.user_id, self.name)
        messages = [*self._stored(turn, result.text, result.usage), *self._warnings.budget()]
        return [*messages, sentence(turn.chat_id, self._texts(turn).say("story.hint"))] if first else messages

    def _values(self, texts: Texts, story: Story, turn: Turn) -> Mapping[str, str]:
        return {"length": texts.prompt(f"length.{story.length}")}

    def _closing(self, texts: Texts, path: StoryPath, turn: Turn) -> str:
        if turn.hint == "volume":
            return texts.prompt("wire.volume")
        own_words = bool(path.prompts) and path.prompts[-1].role == "user"
        begins = not path.prompts and not path.memory
        asks = "" if own_words or begins else texts.prompt("wire.go_on")
        return story_prompts.closing(texts, asks, soft=turn.soft)

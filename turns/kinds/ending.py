"""`ending` and `epilogue`: the last texts of a story."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from ai.catalog import CostMultiplier
from conversation.keyboards import inline
from conversation.localization import Texts
from conversation.steps import ENDINGS
from core.schemas import Outgoing
from database import Story, StoryPath, Turn
from turns import group_view, limits, message_view
from turns.author_note import AuthorNote, Head
from turns.kinds.story_text import StoryText
from turns.message_view import sentence
from turns.turn_result import NextTurn, TurnResult


class LastText(StoryText):
    """A text that finishes the story."""

    may_use_reserve = True
    ends_story = True
    full_share = 0.9  # nothing follows, so the prompt needn't leave space for more
    length_prompt: str
    closing_prompt: str
    note_head: Head

    def _price_of(self, prompt_tokens: int, weight: CostMultiplier) -> int:
        if prompt_tokens > self._config.max_tokens_per_request * self.full_share:
            return limits.dearest_ending(self._config, weight)
        return super()._price_of(prompt_tokens, weight)

    def _values(self, texts: Texts, story: Story, turn: Turn) -> Mapping[str, str]:
        return {"length": texts.prompt(self.length_prompt)}

    def _asks(self, texts: Texts, path: StoryPath, turn: Turn) -> str:
        return texts.prompt(self.closing_prompt)

    def _note(self, texts: Texts, story: Story, path: StoryPath, turn: Turn) -> AuthorNote:
        return AuthorNote(head=self.note_head, length=texts.prompt(self.length_prompt), tone=story.tone)

    def _stored_last(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the text with the buttons of a finished story, and finish the story."""
        if turn.chat_id < 0:
            rows = group_view.end_rows(self._locales[self._story(turn).language], turn.session_id)
        else:
            rows = message_view.end_rows(self._texts(turn), turn.session_id)
        messages = self._stored(turn, result.text, result.usage, *rows)
        self._db.stories.finish(turn.session_id, int(time.time()))
        return messages


class StoryEnding(LastText):
    """The ending. A story without a title gets one by a turn of its own, which then shows the finished story."""

    name = "ending"
    wait_line = "finale.writing"
    system_prompt = "finale"
    length_prompt = "length.finale"
    closing_prompt = "wire.finale"
    note_head = "ending"
    written_event = "story_finished"
    default_hint = "any"

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the ending; if the story has a title, the finished story too."""
        story = self._story(turn)
        messages = self._stored_last(turn, result)
        if story.named:
            messages += self._finished(turn)
        return [*messages, *self._warnings.budget()]

    def next_turn(self, turn: Turn) -> NextTurn | None:
        """Return the turn that names the story, if it has no title."""
        story = self._story(turn)
        return None if story.named else NextTurn("title", story.head_id)

    def _values(self, texts: Texts, story: Story, turn: Turn) -> Mapping[str, str]:
        return {**super()._values(texts, story, turn), "ending": _ending_of(texts, turn)}

    def _note(self, texts: Texts, story: Story, path: StoryPath, turn: Turn) -> AuthorNote:
        course = texts.prompt("wire.note.ending_is", ending=_ending_of(texts, turn).rstrip("."))
        return replace(super()._note(texts, story, path, turn), course=course)


def _ending_of(texts: Texts, turn: Turn) -> str:
    """Return how the story is to end: by the pressed button, or in the user's own words."""
    return texts.prompt(f"ending.{turn.hint}") if turn.hint in ENDINGS else turn.hint


class StoryEpilogue(LastText):
    """What happens after the ending."""

    name = "epilogue"
    wait_line = "finale.epilogue_writing"
    system_prompt = "epilogue"
    length_prompt = "length.epilogue"
    closing_prompt = "wire.epilogue"
    note_head = "epilogue"

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the epilogue."""
        story = self._story(turn)
        messages = self._stored_last(turn, result)
        done = self._texts(turn).say("finale.epilogue_done")
        return [*messages, sentence(turn.chat_id, done, self._move_to_end(turn, story)), *self._warnings.budget()]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Store and show the text; without one and without words of the user's, offer to begin again."""
        if text or self._answers_own_words(turn):
            return super().stopped(turn, text)
        texts = self._texts(turn)
        again = inline([(texts.label("epilogue"), f"epilogue:{turn.session_id}")])
        return [sentence(turn.chat_id, texts.say("finale.epilogue_stopped"), again)]

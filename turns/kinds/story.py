"""What all turns of a story share: its language, its prompt's settings, and what is said when they fail."""

from __future__ import annotations

from collections.abc import Callable

from conversation.keyboards import reply
from conversation.localization import Texts
from conversation.steps import Step
from conversation.story_draft import Draft
from core.errors import LimitReached, ModelRefused, OnlyThoughts, PromptTooLong
from core.schemas import Json, Message, Outgoing
from database import Story, StoryPath, Turn
from export import story_book
from turns import story_prompts
from turns.memory import PromptSource
from turns.message_view import as_reply, only_for, sentence, text_of, title_of, with_effect
from turns.story_topics import renamed
from turns.turn_kind import BelongsTo, TurnKind, failure_key, retry_button, softer_button


class StoryKind(TurnKind):
    """A turn of a story. By default a stop keeps nothing, and a failure offers another try."""

    belongs_to = BelongsTo.STORY
    full_share = 0.8
    kept_share = 0.3

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that it was stopped."""
        return [self._say(turn, "story.stopped_unpaid")]

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try or for a softer one."""
        if isinstance(error, LimitReached):
            limit = self.limit_message(turn.user_id, turn.chat_id, turn.session_id, error)
            return [only_for(as_reply(limit, turn.reply_to), turn.user_id)]
        if isinstance(error, ModelRefused):
            key = "problem.refused" if self._answers_own_words(turn) else "problem.refused_own"
            return [self._say(turn, key, softer_button(turn))]
        if isinstance(error, PromptTooLong):
            if self._answers_own_words(turn):
                return [self._say(turn, "problem.prompt_too_long")]
            return [self._say(turn, "problem.context_full", retry_button(turn))]
        return [self._say(turn, failure_key(error), None if isinstance(error, OnlyThoughts) else retry_button(turn))]

    # ------------------------------------------------------------------ for subclasses

    def _story(self, turn: Turn) -> Story:
        story = self._db.stories.get(turn.session_id)
        assert story is not None  # an open turn has its session
        return story

    def _source(self, turn: Turn, prompt: Callable[[Texts, Story, StoryPath], list[Message]]) -> PromptSource:
        """Return what makes the turn's prompts, in the language that the story was begun in."""
        story = story_prompts.with_told_tone(self._locales, self._story(turn))
        texts = self._locales[story.language]
        return PromptSource(
            texts,
            prompt=lambda path: prompt(texts, story, path),
            memory_prompt=lambda memory, prompts: story_prompts.memory_messages(texts, memory, prompts),
            full_share=self.full_share,
            kept_share=self.kept_share,
        )

    def _answers_own_words(self, turn: Turn) -> bool:
        prompt = self._db.tree.get(turn.prompt_id)
        return prompt is not None and prompt.role == "user"

    def _finished(self, turn: Turn) -> list[Outgoing]:
        """Show the finished story: its title, how long it has become, and its file."""
        story = self._story(turn)
        whole = self._db.tree.whole(story.head_id, story.starts_after)
        said = self._texts(turn).say(
            "finale.done",
            title=title_of(story),
            parts=sum(prompt.role == "assistant" for prompt in whole),
            chars=len(text_of(whole)),
        )
        book = story_book.document(story, "epub", turn.chat_id)
        done = sentence(turn.chat_id, said, self._move_to_end(turn, story))
        if not story.topic_id:
            return [with_effect(done), book]
        stays = sentence(turn.chat_id, self._texts(turn).say("topic.ended"))
        return [with_effect(done), book, *renamed(story), stays]

    def _move_to_end(self, turn: Turn, story: Story) -> Json:
        """Move a user who is still at this story to its end; return its keyboard, None for a user who is elsewhere."""
        user = self._db.users.get(turn.user_id)
        assert user is not None  # a turn goes with its user
        if user.session_id != story.session_id or user.step not in (Step.STORY, Step.FINALE, Step.FINISHED):
            return None
        self._db.users.move(user.id, user.step, Step.FINISHED)
        return reply(self._locales[user.language], Step.FINISHED, Draft())

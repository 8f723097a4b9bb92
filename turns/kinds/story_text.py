"""The turns whose answer is a text of the story: streamed prose that becomes the story's head."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace

from ai.catalog import CostMultiplier, Model
from conversation.keyboards import inline, reply
from conversation.localization import Texts
from conversation.steps import Step
from conversation.story_draft import Draft
from conversation.wishes import manners_in
from core.errors import PromptTooLong
from core.schemas import Json, Message, Outgoing, Usage
from database import Story, StoryPath, Turn
from turns import group_view, limits, message_view, story_prompts, text_cleanup
from turns.author_note import AuthorNote
from turns.generation import TextGenerator
from turns.kinds.story import StoryKind
from turns.memory import PromptSource
from turns.mentioned_cards import MOST_IN_SMALL, MOST_MENTIONED, mentioned_cards
from turns.message_view import as_reply, sentence
from turns.running_turn import RunningTurn
from turns.session_warnings import SessionWarnings
from turns.turn_kind import KindServices, retry_button
from turns.turn_result import TurnResult

SHORT_PROMPT_BELOW = 1_500  # tokens of a whole prompt: the usual rules would take a third of them


class StoryText(StoryKind):
    """A text of the story: clean prose that ends with a whole sentence."""

    wait_line = "story.wait"

    system_prompt: str  # its key in `prompts.toml`

    def __init__(self, services: KindServices, *, generator: TextGenerator, warnings: SessionWarnings) -> None:
        super().__init__(services)
        self._generator = generator
        self._warnings = warnings

    def least_price_in(self, session_id: int | None, weight: CostMultiplier) -> int:
        """Return what the worker will hold for the story as it stands, or less if older text is summarised first."""
        least = self.least_price(weight)
        story = self._db.stories.get(session_id)
        if story is None:
            return least
        most = self._config.max_tokens_per_request
        tokens = min(self._generator.estimate(self._source_at(story), story.head_id), most)
        return max(least, self._price_of(tokens, weight))

    def most_price(self, weight: CostMultiplier) -> int:
        """Return the price of a turn whose prompt is as long as it may be."""
        return max(self.least_price(weight), self._price_of(self._config.max_tokens_per_request, weight))

    def _price_of(self, prompt_tokens: int, weight: CostMultiplier) -> int:
        """Return the price of a turn whose prompt has so many tokens now."""
        most = int(self._config.max_tokens_per_request * self.full_share)
        return weight.of(min(prompt_tokens, most), self._config.max_tokens_per_answer)

    def _source_at(self, story: Story) -> PromptSource:
        """Return the source of the prompt that a turn of this kind would have now."""
        turn = Turn(
            id=0,
            inbox_id=None,
            chat_id=story.user_id,
            user_id=story.user_id,
            session_id=story.session_id,
            kind=self.name,
            prompt_id=story.head_id,
            hint="",
            soft=False,
            variant=False,
            reply_to=None,
            state="waiting",
        )
        return self._text_source(turn)

    def _text_source(self, turn: Turn, is_small: Callable[[], bool] = lambda: False) -> PromptSource:
        """Return what makes the turn's prompts. `is_small`: whether the model needs the short one."""

        def prompt(texts: Texts, story: Story, path: StoryPath) -> list[Message]:
            return self._prompt(texts, story, path, turn, f"{'small.' if is_small() else ''}{self.system_prompt}")

        return self._source(turn, prompt)

    def _needs_short_prompt(self, model: Model) -> bool:
        """Return whether the usual prompt is too much for this model, or takes too much of what a prompt may have."""
        budget = limits.prompt_budget(self._config, model.context_tokens)
        return model.is_small or budget < SHORT_PROMPT_BELOW

    def _last_text(self, path: StoryPath) -> str:
        """Return the model's last text before this turn; empty at the beginning of a story."""
        for prompt in reversed(path.prompts):
            if prompt.role == "assistant":
                return prompt.text
        return self._folded_text(path.memory_id)

    def _folded_text(self, prompt_id: int | None) -> str:
        """Return the model's last text up to this prompt, which has become memory."""
        prompt = self._db.tree.get(prompt_id)
        while prompt is not None and prompt.role == "user":
            prompt = self._db.tree.get(prompt.parent_id)
        return prompt.text if prompt is not None else ""

    # ------------------------------------------------------------------ the run

    def run(self, running: RunningTurn) -> TurnResult:
        """Write the text, and show it while it grows."""
        turn = running.turn
        source = self._text_source(turn, lambda: self._needs_short_prompt(running.model))
        answer = self._generator.stream(running, source, before=self._last_text)
        text = text_cleanup.clean(answer.text, running.words)
        if answer.cut:
            text = text_cleanup.whole_sentences(text)
        return self._generator.result(running, text, cut=answer.cut)

    def _prompt(self, texts: Texts, story: Story, path: StoryPath, turn: Turn, name: str) -> list[Message]:
        values = {**story_prompts.story_values(texts, story, path.memory), **self._values(texts, story, turn)}
        system = texts.prompt(name, **values)
        most = MOST_IN_SMALL if name.startswith("small.") else MOST_MENTIONED
        note = replace(
            self._note(texts, story, path, turn),
            wishes=self._manners(turn),
            reader_note=story.note,
            cards=mentioned_cards(self._db.cards.of_story(story.session_id), path, most=most),
        )
        asks = self._asks(texts, path, turn)
        closing = story_prompts.closing(texts, asks, note, variant=turn.variant, soft=turn.soft)
        return story_prompts.story_messages(texts, system, path, closing=closing)

    def _manners(self, turn: Turn) -> list[str]:
        """Return what the user has asked for in brackets about the manner of writing, wherever in the story."""
        return manners_in(self._db.tree.bracketed(turn.prompt_id))

    @abstractmethod
    def _values(self, texts: Texts, story: Story, turn: Turn) -> Mapping[str, str]:
        """Return what the system prompt says beside the story's settings: the length, how to end."""

    @abstractmethod
    def _asks(self, texts: Texts, path: StoryPath, turn: Turn) -> str:
        """Return the line that asks for the text; empty if the user's own words ask already."""

    @abstractmethod
    def _note(self, texts: Texts, story: Story, path: StoryPath, turn: Turn) -> AuthorNote:
        """Return what the text has to keep to, which ends the prompt."""

    def draft(self, text: str, words: str) -> str:
        """Return the part of a growing text that may be shown; empty while its opening is undecided."""
        return text_cleanup.clean_growing(text, words)

    def text_after_stop(self, text: str, words: str) -> str:
        """Return the text up to its last whole sentence, or if it has none, its last whole word."""
        return text_cleanup.unbroken(text_cleanup.clean(text, words))

    def text_after_failure(self, text: str, words: str) -> str:
        """Return the text up to its last whole sentence; empty if it has none."""
        whole = text_cleanup.whole_sentences(text_cleanup.clean(text, words))
        return whole if text_cleanup.ends_whole(whole) else ""

    # ------------------------------------------------------------------ ends

    def broken_off(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the text, with a button that asks for it again."""
        key = "problem.context_full_kept" if isinstance(result.error, PromptTooLong) else "problem.model_away_kept"
        return [*self._stored(turn, result.text, result.usage), self._say(turn, key, retry_button(turn))]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Store and show the text; without one, keep the words that asked for it."""
        if text:
            waiting = self._db.inbox.queued_in(turn.chat_id, turn.topic_id)
            said = self._say(turn, "story.stopped_waiting" if waiting else "story.stopped", n=waiting)
            return [*self._stored(turn, text, None), said]
        asked = self._db.tree.get(turn.prompt_id)
        if asked is not None and asked.role == "user" and self._story(turn).head_id != asked.id:
            self._db.tree.set_head(turn.session_id, asked.id, int(time.time()))
            return [self._say(turn, "story.stopped_words")]
        user = self._db.users.get(turn.user_id)
        at_story = turn.chat_id > 0 and user is not None and user.step is Step.STORY
        texts = self._texts(turn)
        keyboard: Json = reply(texts, Step.STORY, Draft(), has_story=True) if at_story else None
        return [as_reply(sentence(turn.chat_id, texts.say("story.stopped_empty"), keyboard), turn.reply_to)]

    def _stored(self, turn: Turn, text: str, usage: Usage | None, *buttons: list[tuple[str, str]]) -> list[Outgoing]:
        """Make the text the story's head and show it, in place of the variant before it.

        In a group it replies to the words that it follows, and has the buttons of the story, in the story's language.
        """
        story = self._story(turn)  # a text without its story would be lost: then the turn ends with an apology
        old = self._old_variant_deleted(turn) or self._old_buttons_gone(turn, story)
        now = int(time.time())
        prompt_id = self._add_answer(turn, text, usage, now)
        self._db.tree.set_head(turn.session_id, prompt_id, now)
        variants = self._db.tree.siblings(turn.session_id, turn.prompt_id, "assistant", turn.kind)
        of_group = turn.chat_id < 0 and not buttons
        below = group_view.control_rows(self._locales[story.language], prompt_id) if of_group else buttons
        rows = [row for row in (message_view.row_of(variants, prompt_id), *below) if row]
        keyboard: Json = inline(*rows) if rows else None
        first, *rest = message_view.part(turn.chat_id, prompt_id, text, keyboard)
        return [*old, as_reply(first, turn.reply_to), *rest]

    def _old_buttons_gone(self, turn: Turn, story: Story) -> list[Outgoing]:
        """Take the buttons from the text that was a group's last one until now."""
        shown = self._db.outbox.messages_of(turn.chat_id, story.head_id) if turn.chat_id < 0 else []
        return [Outgoing(turn.chat_id, "editMessageReplyMarkup", {"message_id": number}) for number in shown[-1:]]

    def _old_variant_deleted(self, turn: Turn) -> list[Outgoing]:
        """Delete the part that another variant replaces."""
        old = self._db.tree.get(self._story(turn).head_id) if turn.variant else None
        if old is None or old.parent_id != turn.prompt_id:
            return []
        starts_after = self._story(turn).starts_after
        self._db.cards.withdraw_offers(turn.session_id, self._db.tree.parts(old.id, starts_after))
        line = self._texts(turn).say("variant.below")
        return message_view.taken_away(self._db, turn.chat_id, old, line)

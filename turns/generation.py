"""A text from a language model: the prompt is fitted, tokens are reserved, and the answer is read as it grows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from ai.repeated_prose import ProseWatch
from config import Config
from conversation.wishes import without_wishes
from core.errors import LimitReached, ModelAway, ModelRefused
from core.logs import event
from core.schemas import Chunk, Finish, Json, Message, Request
from database import Database, StoryPath
from gpt import GPT
from telegram.sender import Delivery
from turns import limits
from turns.billing import TurnBilling
from turns.memory import PathMemory, PromptSource
from turns.model_choice import ModelChoice
from turns.prompt_echo import PromptEcho
from turns.running_turn import OpenCall, RunningTurn
from turns.second_asking import better_of_two
from turns.shortened_prompts import shortened_prompt
from turns.turn_result import Generated, TurnResult

log = logging.getLogger(__name__)

ESTIMATES_ERR = 0.95  # a prompt that is shortened is to keep to this share of its limit
PENALTY = 0.3  # for prose, where the vendor takes it: more of it breaks endings of Russian words
LEAST_KEPT_CHARS = 200  # of a passage that is ended because it repeats itself
DRAFT_DROPPED_S = 1.0  # after which a draft that was never sent is taken for dropped
TEMPERATURE, VARIANT_TEMPERATURE = 0.6, 0.8


class TextGenerator:
    """Asks the model for one turn at a time of each thread that calls it.

    `stream` and `ask` block until the model is done and cost money. They raise `ModelError` or `LimitReached`.
    """

    def __init__(
        self,
        *,
        config: Config,
        db: Database,
        gpt: GPT,
        billing: TurnBilling,
        memory: PathMemory,
        models: ModelChoice,
        delivery: Delivery,
    ) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt
        self._billing = billing
        self._memory = memory
        self._models = models
        self._delivery = delivery

    def stream(
        self, running: RunningTurn, source: PromptSource, *, before: Callable[[StoryPath], str] | None = None
    ) -> Generated:
        """Return the answer, and show it while it grows if its chat has drafts.

        `before` returns the passage that a passage of prose follows, perhaps empty; None for anything else. Prose that
        says something twice is ended there. If little had come by then, or if it opens as the passage before, it is
        asked for once more; the better answer is kept, and the user doesn't pay for the other.
        """
        temperature = VARIANT_TEMPERATURE if running.turn.variant else TEMPERATURE

        def write() -> Generated:
            path = self._db.tree.path(running.turn.prompt_id)
            request, call = self._reserved(running, source, path, temperature=temperature)
            if before is None:
                return self._read(running, call, request)
            request = replace(request, frequency_penalty=PENALTY)
            answer = self._read(running, call, request, ProseWatch(before(path)))
            if not answer.asks_again:
                return answer
            event(log, logging.INFO, "prose_repeated", turn=running.turn.id, kept=len(answer.text))
            again = asking_beside(source, source.texts.prompt("wire.again"))

            def ask_again() -> Generated:
                path = self._db.tree.path(running.turn.prompt_id)
                request, call = self._reserved(running, again, path, temperature=temperature)
                call.text = answer.text  # a stop before the first word keeps this
                return self._read(running, call, replace(request, frequency_penalty=PENALTY), ProseWatch(""))

            return better_of_two(self._billing, running, answer, ask_again)

        return self._models.with_model(running, write)

    def ask(
        self,
        running: RunningTurn,
        source: PromptSource,
        *,
        max_tokens: int,
        temperature: float,
        json_schema: Mapping[str, Json] | None = None,
    ) -> Generated:
        """Return the whole answer without showing it."""

        def write() -> Generated:
            path = self._db.tree.path(running.turn.prompt_id)
            request, call = self._reserved(
                running, source, path, temperature=temperature, max_tokens=max_tokens, json_schema=json_schema
            )
            answer = self._gpt.ask(request, running.cancel)
            call.usage = answer.usage
            if answer.finish is Finish.REFUSED:
                raise ModelRefused("the content filter")
            return Generated(PromptEcho(request.messages).without(answer.text), answer.finish is Finish.LENGTH)

        return self._models.with_model(running, write)

    def estimate(self, source: PromptSource, prompt_id: int | None) -> int:
        """Return about how many tokens the prompt of a turn below `prompt_id` has. No network."""
        return self._gpt.estimate(source.prompt(self._db.tree.path(prompt_id)))

    def rebuild_memory(self, running: RunningTurn, source: PromptSource) -> None:
        """Make the memory of the turn's path anew."""
        self._models.with_model(running, lambda: self._memory.rebuild(running, source))

    def result(self, running: RunningTurn, text: str, *, cut: bool = False) -> TurnResult:
        """Return the result of a turn whose answer is `text`; an empty one has failed."""
        assert running.call is not None  # whoever generated the text left its call open
        if not text:
            return TurnResult("failed", error=ModelAway("an answer without a word", billed=True))
        return TurnResult("answered", text, usage=self._billing.usage_so_far(running.call), cut=cut)

    def _reserved(
        self,
        running: RunningTurn,
        source: PromptSource,
        path: StoryPath,
        *,
        temperature: float,
        max_tokens: int | None = None,
        json_schema: Mapping[str, Json] | None = None,
    ) -> tuple[Request, OpenCall]:
        """Fit the prompt and reserve its tokens; return the request and its open call."""
        model = running.model
        own_words = bool(path.prompts) and path.prompts[-1].has_wishes
        running.words = without_wishes(path.prompts[-1].text) if own_words else ""
        messages, tokens = self._fitted(running, source, path)
        most = limits.answer_budget(self._config, model.context_tokens)
        request = self._billing.request(
            running,
            messages,
            purpose=running.kind.name,
            max_tokens=most if max_tokens is None or self._gpt.thinks(model.name) else min(most, max_tokens),
            temperature=temperature,
            json_schema=json_schema,
        )
        return request, self._billing.reserve_request(running, request, input_tokens=tokens)

    def _fitted(self, running: RunningTurn, source: PromptSource, path: StoryPath) -> tuple[Sequence[Message], int]:
        """Return the prompt and its tokens. Raise `LimitReached` if it can't be made short enough."""
        turn, model = running.turn, running.model
        budget = self._billing.prompt_budget(model)
        estimate = partial(self._gpt.estimate, model=model.name)
        count = partial(self._gpt.count, near=budget, model=model.name, user_id=turn.user_id, turn_id=turn.id)
        messages = self._memory.fit(running, source, path)
        tokens = count(messages)
        if tokens > budget:
            most = int(ESTIMATES_ERR * budget * estimate(messages) / tokens)
            path = self._db.tree.path(turn.prompt_id)  # with the memory that was made
            messages = shortened_prompt(source.prompt, path, most_tokens=most, estimate=estimate)
            tokens = count(messages)
        if tokens > budget:
            raise LimitReached("request", used=tokens, allowed=budget)
        return messages, tokens

    def _read(
        self, running: RunningTurn, call: OpenCall, request: Request, watch: ProseWatch | None = None
    ) -> Generated:
        with closing(self._gpt.stream(request, running.cancel)) as chunks:
            return self._grown(running, call, request, chunks, watch)

    def _grown(
        self,
        running: RunningTurn,
        call: OpenCall,
        request: Request,
        chunks: Iterator[Chunk],
        watch: ProseWatch | None,
    ) -> Generated:
        turn = running.turn
        draft: GrowingDraft | None = None
        has_drafts = self._config.streaming == "draft" and turn.reply_to is None  # else see `PartialAnswers`
        echo = PromptEcho(request.messages)
        for chunk in chunks:
            call.text = text = echo.without(chunk.text, growing=chunk.finish is None)
            call.usage = chunk.usage or call.usage
            if running.first_text_at is None:
                running.first_text_at = time.monotonic()
            if chunk.finish is Finish.REFUSED:
                raise ModelRefused("the content filter")
            if watch is not None and (ended := _repeated(watch, text, whole=chunk.finish is not None)) is not None:
                call.text = ended.text
                return ended
            if chunk.finish is not None:
                return Generated(text, chunk.finish is Finish.LENGTH)
            if not has_drafts:
                continue
            if draft is None and (first := running.draft):
                draft = GrowingDraft(lambda: running.draft, first)
            if draft is None or draft.is_waiting():
                continue
            with running.lock:
                if not running.ended:
                    self._delivery.draft(turn.chat_id, turn.id, draft, topic_id=turn.topic_id)
        raise ModelAway("the stream ended without an end", billed=True)


def _repeated(watch: ProseWatch, text: str, *, whole: bool) -> Generated | None:
    """Return the answer up to where it begins to repeat itself or the passage before it; None if it doesn't."""
    if watch.opens_alike(text):
        return Generated("", cut=False, asks_again=True)
    place = watch.repeats(text, whole=whole)
    if place is None:
        return None
    kept = text[:place].rstrip()
    return Generated(kept, cut=True, asks_again=len(kept) < LEAST_KEPT_CHARS)


def asking_beside(source: PromptSource, request: str) -> PromptSource:
    """Return the source with one more request, before the author's note at the end of its prompts."""

    def prompt(path: StoryPath) -> list[Message]:
        *before, last = source.prompt(path)
        asked, bracket, note = last.text.rpartition("(")
        return [*before, Message(last.role, f"{asked}{request}\n\n{bracket}{note}")]

    return replace(source, prompt=prompt)


class GrowingDraft:
    """The text of a draft, made when a sender calls for it. `text` returns what is written so far."""

    def __init__(self, text: Callable[[], str], first: str) -> None:
        self._text = text
        self._first = first  # shown again if the opening turns out undecided
        self._announced_at = 0.0

    def is_waiting(self) -> bool:
        """Whether the last announced draft is still to be sent; if not, the next one counts as announced now."""
        now = time.monotonic()
        if now - self._announced_at < DRAFT_DROPPED_S:
            return True
        self._announced_at = now
        return False

    def __call__(self) -> str:
        self._announced_at = 0.0
        return self._text() or self._first

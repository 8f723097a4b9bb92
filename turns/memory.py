"""The memory of a session: the oldest text of a path is summarised by calls of their own within the turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conversation.localization import Texts
from core.errors import LimitReached, ModelCancelled, ModelError
from core.logs import event
from core.schemas import Finish, Message, ModelAnswer
from database import Database, Prompt, StoryPath
from gpt import GPT
from turns import text_cleanup
from turns.billing import TurnBilling
from turns.prompt_echo import PromptEcho
from turns.running_turn import RunningTurn
from turns.shortened_prompts import LEAST_CHARS, kept_of, shortened

log = logging.getLogger(__name__)

MEMORY_CHARS = 1_500
MEMORY_TOKENS = 700  # of the answer: about what 1,500 Russian letters take, and some more
_TEMPERATURE = 0.2
_NEEDED_FROM = 0.9  # of the prompt budget: what is left is less than estimates err


@dataclass(frozen=True, slots=True)
class PromptSource:
    """What makes the prompts of one turn, in the language of its session."""

    texts: Texts
    prompt: Callable[[StoryPath], list[Message]]
    memory_prompt: Callable[[str, Sequence[Prompt]], list[Message]]  # of the old memory and the prompts after it
    full_share: float  # of the prompt budget, from which on older text becomes memory
    kept_share: float  # of it, that the newest text may keep then


def one_message(texts: Texts, text: str) -> PromptSource:
    """Return the source of a prompt that is this message, whatever the path. Nothing of it becomes memory."""
    return PromptSource(
        texts, lambda path: [Message("user", text)], lambda memory, prompts: [], full_share=1.0, kept_share=1.0
    )


class PathMemory:
    """Makes memories, in the thread that calls it. Costs money; raises as `TurnBilling.ask_and_settle` does."""

    def __init__(self, *, db: Database, gpt: GPT, billing: TurnBilling) -> None:
        self._db = db
        self._gpt = gpt
        self._billing = billing

    def fit(self, running: RunningTurn, source: PromptSource, path: StoryPath) -> list[Message]:
        """Summarise the oldest text until the prompt fits; return the prompt."""
        budget, model = self._billing.prompt_budget(running.model), running.model.name
        while self._gpt.estimate(messages := source.prompt(path), model) > budget * source.full_share:
            count = prompts_to_fold(
                path.prompts,
                self._size,
                keep_tokens=int(budget * source.kept_share),
                fold_tokens=budget - 2 * self._memory_tokens(running),
            )
            if not count:
                break
            used = self._gpt.estimate(messages, model) / budget
            try:
                self._fold(running, source, path, count, self._db.tree.remember, may_be_cut=used > _NEEDED_FROM)
            except (ModelError, LimitReached) as error:
                if isinstance(error, ModelCancelled) or used > 1:
                    raise
                self._billing.drop_failed(running, error)
                event(log, logging.WARNING, "summary_skipped", turn=running.turn.id, error=str(error))
                break
            path = self._db.tree.path(running.turn.prompt_id)
        return messages

    def rebuild(self, running: RunningTurn, source: PromptSource) -> None:
        """Make the memory anew out of the path's original text, all but its last two texts."""
        prompt_id, tree = running.turn.prompt_id, self._db.tree
        path = StoryPath("", tree.whole(prompt_id))
        if not self._next_to_fold(running, path.prompts):
            tree.forget(prompt_id)

        def store(last_id: int, memory: str) -> None:
            # The old memories go with the last call: until then a failure or a stop leaves them as they are.
            if not self._next_to_fold(running, rest):
                tree.forget(prompt_id)
                tree.remember(last_id, memory)

        while count := self._next_to_fold(running, path.prompts):
            rest = path.prompts[count:]
            path = StoryPath(self._fold(running, source, path, count, store), rest)

    def _next_to_fold(self, running: RunningTurn, prompts: Sequence[Prompt]) -> int:
        """Return how many of the oldest texts go into the next call of a rebuild; 0: none are left."""
        fold_tokens = self._billing.prompt_budget(running.model) - 2 * self._memory_tokens(running)
        return prompts_to_fold(prompts, self._size, keep_tokens=0, fold_tokens=fold_tokens)

    def _memory_tokens(self, running: RunningTurn) -> int:
        """Return the tokens that a memory may take: with a small context less than usual."""
        return min(MEMORY_TOKENS, running.model.context_tokens // 4)

    def _size(self, text: str) -> int:
        return self._gpt.estimate([Message("user", text)])

    def _fold(
        self,
        running: RunningTurn,
        source: PromptSource,
        path: StoryPath,
        count: int,
        store: Callable[[int, str], None],
        *,
        may_be_cut: bool = False,
    ) -> str:
        """Make the oldest `count` prompts part of the memory by one call; return the memory that `store` got.

        One that reached its limit is a failure, or with `may_be_cut` is kept up to its last whole sentence.
        """
        last_id = path.prompts[count - 1].id
        memory = ""

        def keep(text: str) -> None:
            nonlocal memory
            memory = text_cleanup.clean(text)[: 2 * MEMORY_CHARS]
            memory = text_cleanup.unbroken(memory) if may_be_cut else memory
            store(last_id, memory)

        instructions = PromptEcho(source.memory_prompt("", ()))

        def sound(answer: ModelAnswer) -> bool:
            whole = may_be_cut or answer.finish is not Finish.LENGTH
            return whole and not instructions.fills(answer.text)

        request = self._billing.request(
            running,
            self._fitting(running, source, path.memory, path.prompts[:count]),
            purpose="summary",
            max_tokens=self._memory_tokens(running),
            temperature=_TEMPERATURE,
        )
        self._billing.ask_and_settle(running, request, keep, sound=sound)
        event(log, logging.INFO, "memory_written", turn=running.turn.id, folded=count)
        return memory

    def _fitting(
        self, running: RunningTurn, source: PromptSource, memory: str, prompts: Sequence[Prompt]
    ) -> list[Message]:
        """Return the prompt of a summary; texts too long for the model lose their middle."""
        model, answer = running.model, self._memory_tokens(running)
        most = min(model.context_tokens, self._billing.prompt_budget(model) + answer) - answer
        messages = source.memory_prompt(memory, prompts)
        while (tokens := self._gpt.estimate(messages, model.name)) > most:
            longest = max(len(prompt.text) for prompt in prompts)
            if longest < 2 * LEAST_CHARS:
                break
            prompts = [shortened(prompt, kept_of(longest, most, tokens)) for prompt in prompts]
            messages = source.memory_prompt(memory, prompts)
        return messages


def prompts_to_fold(
    prompts: Sequence[Prompt], estimate: Callable[[str], int], *, keep_tokens: int, fold_tokens: int
) -> int:
    """Return how many of the oldest prompts to summarise now.

    So many that the rest takes no more than `keep_tokens`, but never the last two, and no more at once
    than `fold_tokens`, though at least one. 0 if there is nothing to summarise.
    """
    sizes = [estimate(prompt.text + prompt.quoted) for prompt in prompts]
    left, folded, count = sum(sizes), 0, 0
    while count < len(prompts) - 2 and left > keep_tokens:
        if count and folded + sizes[count] > fold_tokens:
            break
        left -= sizes[count]
        folded += sizes[count]
        count += 1
    return count

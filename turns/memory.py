"""Room in a prompt: the oldest text of a path becomes memory, by calls of its own within the turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from conversation.localization import Texts
from core.errors import LimitReached, ModelCancelled, ModelError
from core.logs import event
from core.schemas import Finish, Message
from database import Database, Prompt, StoryPath
from gpt import GPT
from turns import story_prompts, text_cleanup
from turns.billing import Calls, RunningTurn
from turns.kinds import Subject, TurnKind

log = logging.getLogger(__name__)


class Remembering:
    """Makes memories, in the thread that calls it. Costs money; raises as `Calls.ask` does."""

    def __init__(self, db: Database, gpt: GPT, calls: Calls) -> None:
        self._db = db
        self._gpt = gpt
        self._calls = calls

    def make_room(self, live: RunningTurn, family: TurnKind, subject: Subject, path: StoryPath) -> list[Message]:
        """Folds the oldest text into memory until the prompt has room; the prompt then."""
        room, model = self._calls.room(live), live.model.name
        while self._gpt.estimate(messages := subject.prompt(path), model) > room * family.full_share:
            count = story_prompts.prompts_to_fold(
                path.prompts,
                self._size,
                keep_tokens=int(room * family.kept_share),
                fold_tokens=room - 2 * story_prompts.MEMORY_TOKENS,
            )
            if not count:
                break
            try:
                self._fold(live, family, subject.texts, path, count, self._db.tree.remember)
            except (ModelError, LimitReached) as error:
                fits = self._gpt.estimate(messages, model) <= room
                if isinstance(error, ModelCancelled) or not fits:
                    raise
                self._calls.give_back(live, error)
                live.call_id, live.text, live.usage = 0, "", None
                event(log, logging.WARNING, "summary_skipped", turn=live.turn.id, error=str(error))
                break
            path = self._db.tree.path(live.turn.prompt_id)
        return messages

    def anew(self, live: RunningTurn, family: TurnKind, texts: Texts) -> Finish:
        """Makes the story's memory anew out of its original text, all but its last two texts."""
        prompt_id, tree = live.turn.prompt_id, self._db.tree
        path = StoryPath("", tree.whole(prompt_id))
        if not self._to_fold(live, path.prompts):
            tree.forget(prompt_id)

        def keep(last_id: int, memory: str) -> None:
            # The old memories go with the last call: until then a failure or a stop leaves them as they are.
            if not self._to_fold(live, rest):
                tree.forget(prompt_id)
                tree.remember(last_id, memory)

        while count := self._to_fold(live, path.prompts):
            rest = path.prompts[count:]
            path = StoryPath(self._fold(live, family, texts, path, count, keep), rest)
        return Finish.STOP

    def _to_fold(self, live: RunningTurn, prompts: Sequence[Prompt]) -> int:
        """How many of the oldest texts go into the next call that makes a memory anew; 0: there are no more."""
        fold_tokens = self._calls.room(live) - 2 * story_prompts.MEMORY_TOKENS
        return story_prompts.prompts_to_fold(prompts, self._size, keep_tokens=0, fold_tokens=fold_tokens)

    def _size(self, text: str) -> int:
        return self._gpt.estimate([Message("user", text)])

    def _fold(
        self,
        live: RunningTurn,
        family: TurnKind,
        texts: Texts,
        path: StoryPath,
        count: int,
        keep: Callable[[int, str], None],
    ) -> str:
        """One call that makes the oldest `count` prompts part of the memory, which `keep` keeps; that memory."""
        last_id = path.prompts[count - 1].id
        memory = ""

        def kept(text: str) -> None:
            nonlocal memory
            memory = text_cleanup.clean(text)[: 2 * story_prompts.MEMORY_CHARS]
            keep(last_id, memory)

        self._calls.ask(
            live,
            family.memory_prompt(live.turn, texts, path.memory, path.prompts[:count]),
            "summary",
            story_prompts.MEMORY_TOKENS,
            keep=kept,
        )
        event(log, logging.INFO, "memory_written", turn=live.turn.id, folded=count)
        return memory

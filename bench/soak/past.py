"""What those who write have left in the database before a run, as if they had been writing for weeks.

Some are in the middle of a story, from a fresh one to one far longer than a prompt, some have just finished one, some
answer the wizard's questions: as many of each as there are at any later minute. So there are as many calls for memories
in the first minutes as in the last ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Final

from ai.token_estimate import YANDEX, estimate
from bench.load import FIRST_ID, USERS
from bench.soak.writers import HURRIES, MOVES, NEXT, OWN_WORDS, WORDS, WRITER
from conversation.localization import Texts
from conversation.steps import Step
from conversation.story_draft import Draft
from core.schemas import Message, MessageRole
from database import Database, Story, StoryPath
from sandbox.storyteller.answers import Storyteller
from turns import story_prompts
from turns.kinds.story import StoryKind
from turns.memory import MEMORY_TOKENS, prompts_to_fold

BUDGET: Final = 3_000  # of a prompt, the default of MAX_TOKENS_PER_REQUEST
# By habit: the share of those who are in a story, and the parts until its end, on average. Both follow from the weights
# of `writers`: of 24 things that a writer does, 13 are moves in a story, and one part in eight is asked to be the last.
IN_A_STORY: Final = {WRITER: 0.54, HURRIES: 0.84}
PARTS: Final = {WRITER: 8, HURRIES: 30}
MOST_PARTS: Final = 24  # longer stories need a memory as often
FINISHED: Final = 0.4  # of the others; the rest are in the wizard
ENDING: Final = "Фонарь горел до утра, и все, кто ждал на берегу, вернулись домой."
_STEPS: Final = (Step.GENRE, Step.HERO, Step.SETTING, Step.EXTRA, Step.SUMMARY)


def write(path: Path, writers: Iterable[tuple[int, str]], texts: Texts, seed: int) -> None:
    """Change the stories that `bench.seed` has given to these users, each with their habit.

    All have the same story, up to some part: whose it is and what it tells makes no difference to the bot.
    """
    db, chance = Database(path), Random(seed)
    try:
        with db.transaction():
            told = _Told(db, texts, _story_of(db, FIRST_ID + USERS - 1), chance)
            by_parts: dict[int, list[tuple[Story, bool]]] = {}
            for user_id, habit in writers:
                story, ends = _story_of(db, user_id), chance.random() > IN_A_STORY[habit]
                if ends and chance.random() > FINISHED:
                    _draft(db, story, chance.choice(_STEPS))
                else:
                    parts = min(MOST_PARTS, int(chance.expovariate(1 / PARTS[habit])))
                    by_parts.setdefault(parts, []).append((story, ends))
            for parts in range(MOST_PARTS + 1):
                for story, ends in by_parts.get(parts, ()):
                    told.give(story, ends=ends)
                told.go_on()
    finally:
        db.close()


def _story_of(db: Database, user_id: int) -> Story:
    user = db.users.get(user_id)
    assert user is not None and user.session_id is not None
    story = db.stories.get(user.session_id)
    assert story is not None
    return story


def _draft(db: Database, story: Story, step: Step) -> None:
    """Put the story's user at a question of the wizard, the earlier ones answered."""
    genre, hero, setting = (
        answer if place < _STEPS.index(step) else ""
        for place, answer in enumerate((story.genre, story.hero, story.setting))
    )
    db.drafts[story.user_id] = Draft(genre, hero, setting, step=step)
    db.users.move(story.user_id, Step.STORY, step)


class _Told:
    """A story that grows part by part, with memories where the bot would have made them."""

    def __init__(self, db: Database, texts: Texts, story: Story, chance: Random) -> None:
        self._db, self._texts, self._story, self._chance = db, texts, story, chance
        self._teller, self._head_id, self._now = Storyteller(), story.head_id, int(time.time())

    def give(self, story: Story, *, ends: bool) -> None:
        """Make all of it so far the other story's text, with an ending or without."""
        head_id = self._db.tree.copy(self._head_id, story.session_id, self._now)
        if ends:
            self._add(story, head_id, "assistant", ENDING, "ending")
            self._db.stories.finish(story.session_id, self._now)
            self._db.users.move(story.user_id, Step.STORY, Step.FINISHED)

    def go_on(self) -> None:
        """Add the next part, with or without words of the user's own."""
        if self._chance.random() < MOVES[OWN_WORDS] / (MOVES[OWN_WORDS] + MOVES[NEXT]):
            self._head_id = self._add(self._story, self._head_id, "user", self._chance.choice(WORDS))
        part = self._teller.answer(self._fitting())
        self._head_id = self._add(self._story, self._head_id, "assistant", part)

    def _add(self, story: Story, parent_id: int | None, role: MessageRole, text: str, kind: str = "part") -> int:
        prompt_id = self._db.tree.add(story.session_id, parent_id, story.user_id, role, text, now=self._now, kind=kind)
        self._db.tree.set_head(story.session_id, prompt_id, self._now)
        return prompt_id

    def _fitting(self) -> list[Message]:
        """Make the oldest text memory until the prompt of the next part fits; return the prompt."""
        while True:
            path = self._db.tree.path(self._head_id)
            messages = self._prompt(path)
            if estimate(messages, {}, YANDEX) <= BUDGET * StoryKind.full_share:
                return messages
            keep_tokens, fold_tokens = int(BUDGET * StoryKind.kept_share), BUDGET - 2 * MEMORY_TOKENS
            count = prompts_to_fold(path.prompts, _size, keep_tokens=keep_tokens, fold_tokens=fold_tokens)
            asked = story_prompts.memory_messages(self._texts, path.memory, path.prompts[:count])
            self._db.tree.remember(path.prompts[count - 1].id, self._teller.answer(asked))

    def _prompt(self, path: StoryPath) -> list[Message]:
        values = story_prompts.story_values(self._texts, self._story, path.memory)
        length = self._texts.prompt(f"length.{self._story.length}")
        system = self._texts.prompt("coauthor", length=length, **values)
        return story_prompts.story_messages(self._texts, system, path, closing=self._texts.prompt("wire.next"))


def _size(text: str) -> int:
    return estimate([Message("user", text)], {}, YANDEX)

"""`title`: the name of a finished story. Nobody asks for it: it follows the ending."""

from __future__ import annotations

import re
from functools import cache

from conversation.phrases import any_of
from core.graphemes import first_letters
from core.schemas import Outgoing
from database import Turn
from turns import story_prompts
from turns.kinds.story_question import StoryQuestion
from turns.running_turn import RunningTurn
from turns.turn_result import TurnResult

MAX_TOKENS = 60
MAX_CHARS = 60
TEMPERATURE = 0.7


class StoryTitle(StoryQuestion):
    """The story's title. Without one the story keeps its working title, and no error is shown."""

    name = "title"
    wait_line = "finale.title_wait"
    may_use_reserve = ends_story = True  # it goes with the ending

    def run(self, running: RunningTurn) -> TurnResult:
        """Ask for the title."""
        turn = running.turn
        whole = self._db.tree.whole(turn.prompt_id, self._story(turn).starts_after)
        first = whole[0].text if whole else ""
        source = self._source(turn, lambda texts, story, path: story_prompts.title_messages(texts, story, path, first))
        answer = self._generator.ask(running, source, max_tokens=MAX_TOKENS, temperature=TEMPERATURE)
        return self._generator.result(running, title_in(answer.text))

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store the title and show the finished story."""
        self._db.stories.set_title(turn.session_id, result.text)
        return self._finished(turn)

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Show the finished story under its working title."""
        return self._finished(turn)

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Show the finished story under its working title."""
        return self._finished(turn)


_NUMBER = re.compile(r"^\s*(?:\d{1,2}[.)]\s+|[-—•*]\s+)")
_QUOTED = re.compile(r"[«“\"]([^«»“”\"\n]{2,60})[»”\"]")
_MARKS = " .:«»“”‘’\"'*#_`"


def title_in(answer: str) -> str:
    """Return the title that an answer says: the first of it, without preface, number and marks around it."""
    text = answer.strip()
    preface = _preface().match(text)
    if preface is not None and preface.end() < len(text):
        text = text[preface.end() :].strip()
    line = next((line for line in text.splitlines() if line.strip(_MARKS)), "")
    line = _NUMBER.sub("", line.strip(" *#_`"))
    quoted = _QUOTED.match(line) if preface is not None else None
    return first_letters((quoted.group(1) if quoted is not None else line).strip(_MARKS), MAX_CHARS).strip()


@cache
def _preface() -> re.Pattern[str]:
    """Return what may stand before the title: «Конечно! Вот название:», or «Конечно!» alone."""
    assent = any_of("title_assent")
    return re.compile(
        rf"(?:{assent}[,.!]*\s*)?(?:{any_of('title_pointing')}\s+)?(?:\w+\s+){{0,2}}{any_of('title_word')}\b"
        rf"[^:\n«“\"]{{0,60}}[:—–-]\s*|{assent}[.!]+\s+",
        re.IGNORECASE,
    )

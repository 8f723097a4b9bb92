"""`memory`: the memories of a story's path, made anew from its text."""

from __future__ import annotations

from core.schemas import Outgoing
from database import Turn
from turns.kinds.story_question import StoryQuestion
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.turn_result import TurnResult


class RebuiltMemory(StoryQuestion):
    """The story's memory anew. Each of its calls is charged when it has come; none is open at the end."""

    name = "memory"
    wait_line = "memory.rebuilding"

    def run(self, running: RunningTurn) -> TurnResult:
        """Make the memory anew."""
        source = self._source(running.turn, lambda texts, story, path: [])
        self._generator.rebuild_memory(running, source)
        return TurnResult("answered")

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the memory."""
        texts = self._texts(turn)
        memory = self._db.tree.path(turn.prompt_id).memory
        said = texts.say("memory.rebuilt", memory=memory) if memory else texts.say("memory.empty")
        return [sentence(turn.chat_id, said)]

"""`suggest`: three sentences that the user may go on with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from conversation.keyboards import inline
from core.graphemes import first_letters
from core.schemas import Json, Outgoing
from database import Turn
from turns import story_prompts
from turns.kinds.story_question import StoryQuestion
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.turn_result import TurnResult

SUGGESTIONS = 3
OFFERED = 3  # times three of them, that are not to come again
MAX_TOKENS = 300
MAX_CHARS = 200  # of one suggestion
TEMPERATURE = 0.8
SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {"options": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}},
    "required": ["options"],
}
_LETTER = re.compile(r"[^\W\d_]")
_NUMBERED = re.compile(r"^\s*(?:\d+[.)]|[-—•*])\s*(.+)$", re.MULTILINE)


class StorySuggestions(StoryQuestion):
    """Suggestions, stored with the head that they were made for."""

    name = "suggest"
    wait_line = "suggest.wait"

    def run(self, running: RunningTurn) -> TurnResult:
        """Ask for suggestions. The result's text is a JSON list; fewer than three are a failure."""
        turn = running.turn
        shown = self._db.tree.suggested_for(turn.session_id, turn.prompt_id)[-OFFERED:]
        offered = [option for suggestions in shown for option in suggestions.options]
        source = self._source(
            turn, lambda texts, story, path: story_prompts.suggestions_messages(texts, story, path, offered)
        )
        answer = self._generator.ask(
            running, source, max_tokens=MAX_TOKENS, temperature=TEMPERATURE, json_schema=SCHEMA
        )
        options = options_in(answer.text)[:SUGGESTIONS]
        text = json.dumps(options, ensure_ascii=False) if len(options) == SUGGESTIONS else ""
        return self._generator.result(running, text)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store the suggestions and show them with a button each."""
        texts = self._texts(turn)
        options = json.loads(result.text)
        suggestion_id = self._db.tree.suggest(turn.session_id, turn.prompt_id, options)
        choose = [(str(place), f"play{place}:{suggestion_id}") for place in range(1, len(options) + 1)]
        again = [(texts.label("suggest_again"), f"suggest:{suggestion_id}")]
        said = texts.say("suggest.line", one=options[0], two=options[1], three=options[2])
        return [sentence(turn.chat_id, said, inline(choose, again))]


def options_in(answer: str) -> list[str]:
    """Return the suggestions of an answer: a JSON object or list in whatever wrapping, or else numbered lines.

    A suggestion has a letter: models that are held to the schema may fill it with numbers.
    """
    start = min((answer.find(mark) for mark in "{[" if mark in answer), default=-1)
    end = max(answer.rfind("}"), answer.rfind("]"))
    found: object = None
    if start >= 0:
        try:
            found = json.loads(answer[start : end + 1])
        except (ValueError, RecursionError):
            found = None
    if isinstance(found, dict):
        found = found.get("options")
    if not isinstance(found, list):
        found = _NUMBERED.findall(answer)
    options = [
        first_letters(" ".join(str(option).split()).strip(' "«»“”'), MAX_CHARS)
        for option in found
        if isinstance(option, str)
    ]
    return list(dict.fromkeys(option for option in options if _LETTER.search(option)))

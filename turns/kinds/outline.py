"""`outline`: the card of a new story, made of the phrase in the user's draft.

The phrase is in the draft before the turn begins, so that a stop, a failure and a restart lose nothing: the wizard
then asks for what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ai.catalog import CostMultiplier
from conversation.keyboards import reply
from conversation.localization import Html
from conversation.outline import FIELDS, Outline, filled, outline_in
from conversation.steps import IN_WIZARD, Step
from conversation.story_draft import Draft, unfinished_step
from conversation.wizard_questions import filled_fields, question
from core.schemas import Json, Outgoing
from database import Turn
from turns.generation import TextGenerator
from turns.group_cards import card_of_turn, filled_card
from turns.memory import one_message
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.turn_kind import BelongsTo, KindServices, TurnKind
from turns.turn_result import TurnResult

MAX_TOKENS = 400
TEMPERATURE = 0.7
SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in FIELDS},
    "required": list(FIELDS),
}
_SHOWS_CARD = IN_WIZARD | {Step.MENU, Step.FINISHED}  # where the card may replace what the user sees


class StoryOutline(TurnKind):
    """Genre, hero, setting and a wish, by one short call. A failure leads into the plain wizard."""

    name = "outline"
    wait_line = "outline.wait"
    belongs_to = BelongsTo.NOTHING
    fills_draft = True

    def __init__(self, services: KindServices, *, generator: TextGenerator) -> None:
        super().__init__(services)
        self._generator = generator

    def run(self, running: RunningTurn) -> TurnResult:
        """Ask for the outline. The result's text is JSON; an answer with none of the fields is a failure."""
        turn = running.turn
        texts = self._texts(turn)
        draft = self._draft(turn)
        genres = ", ".join(genre.label for genre in texts.genres)
        chosen = "; ".join(field for field in (draft.genre, draft.hero, draft.setting) if field)
        asked = texts.prompt("outline", words=turn.hint, genres=genres, chosen=chosen)
        answer = self._generator.ask(
            running,
            one_message(texts, asked),
            max_tokens=MAX_TOKENS,
            temperature=TEMPERATURE,
            json_schema=SCHEMA,
        )
        return self._generator.result(running, outline_in(answer.text).as_json())

    def least_price(self, weight: CostMultiplier) -> int:
        """Return the tokens of a short prompt and a short answer."""
        return weight.of(self._config.max_tokens_per_request // 5, MAX_TOKENS)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Fill the draft and show its card; to a user who is elsewhere by now, say where it is."""
        if turn.chat_id < 0:
            return self._show_group(turn, outline_in(result.text))
        draft = filled(self._db.drafts.get(turn.user_id, Draft()), outline_in(result.text), self._texts(turn))
        return self._ask(turn, draft, "")

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that the words are kept in the draft; in a group, fill the card by chance."""
        if turn.chat_id < 0:
            return self._show_group(turn, Outline())
        self._db.turns.take_hint(turn.id)
        return [self._say(turn, "outline.stopped")]

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Go on with the plain wizard: the words are among the wishes. In a group, fill the card by chance."""
        if turn.chat_id < 0:
            return self._show_group(turn, Outline())
        return self._ask(turn, self._db.drafts.get(turn.user_id, Draft()), "outline.failed")

    def _draft(self, turn: Turn) -> Draft:
        return card_of_turn(self._db, turn) if turn.chat_id < 0 else self._db.drafts.get(turn.user_id, Draft())

    def _show_group(self, turn: Turn, outline: Outline) -> list[Outgoing]:
        self._db.turns.take_hint(turn.id)
        return filled_card(self._db, self._texts(turn), turn, outline)

    def _ask(self, turn: Turn, draft: Draft, preface: str) -> list[Outgoing]:
        """Store the draft and ask its first question that has no answer, or show the card."""
        self._db.turns.take_hint(turn.id)
        texts, user = self._texts(turn), self._db.users.get(turn.user_id)
        assert user is not None  # a turn goes with its user
        step = unfinished_step(replace(draft, step=Step.SUMMARY))
        self._db.drafts[user.id] = replace(draft, step=step)
        if user.step not in _SHOWS_CARD:
            return [sentence(turn.chat_id, texts.say("outline.elsewhere", filled=filled_fields(texts, draft)))]
        self._db.users.move(user.id, user.step, step)
        asked = question(texts, step, draft, user_id=user.id, card_line="line_outline")
        said = Html(f"{texts.say(preface)}\n\n{asked}") if preface else asked
        return [sentence(turn.chat_id, said, reply(texts, step, draft))]

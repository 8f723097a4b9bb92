"""What a kind of turn is: its flags, its run, and what each end of it changes and says.

Everything else about a turn (row, queue, reservation, stop, recovery) is the same for all kinds. The kinds stand in
`turns/kinds/`, a module each; `turns/kinds/registry.py` lists them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ai.catalog import CostMultiplier
from config import Config
from conversation.keyboards import inline
from conversation.localization import Locales, Texts
from core.errors import LimitReached, ModelBusy, ModelError, OnlyThoughts, StorageError
from core.schemas import Json, Outgoing, Usage
from core.text import split
from database import Caps, Database, Turn
from turns import limits
from turns.limit_messages import LimitMessages
from turns.message_view import as_reply, sentence
from turns.turn_result import NextTurn, TurnResult

if TYPE_CHECKING:
    from turns.running_turn import RunningTurn


class BelongsTo(Enum):
    """Whose session a turn's row names."""

    STORY = "story"
    TALK = "talk"  # a chat or a conversation with a character
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class KindServices:
    """What every kind of turn works with."""

    config: Config
    db: Database
    locales: Locales
    limit_messages: LimitMessages


class TurnKind(ABC):
    """One kind of turn.

    `run` is called by a worker, outside transactions. The methods from `answered` on are called inside the
    transaction that ends the turn; they return the messages to send.
    """

    name: str  # in the column `turn.kind`
    belongs_to: BelongsTo
    by_service = False  # run by the service workers, and priced by the default model
    may_use_reserve = False  # may spend the tokens that a session keeps for its ending
    ends_story = False  # may spend the tokens that a balance keeps for an ending
    keeps_update = False  # the update stays in its chat's order while the turn runs
    chat_action = "typing"  # that the chat shows before the first words
    wait_line = "group.writing"  # the text that says what is being made: in a group, and to who presses a button
    written_event = ""  # of analytics, beside the events that all kinds have; empty: none
    default_hint = ""  # for another variant of a text whose turn had none
    opens_chat = False  # another try from the menu leads into the chat
    fills_draft = False  # makes the card of a new story, whose wishes may grow meanwhile

    def __init__(self, services: KindServices) -> None:
        self._config = services.config
        self._db = services.db
        self._locales = services.locales
        self._limit_messages = services.limit_messages

    @abstractmethod
    def run(self, running: RunningTurn) -> TurnResult:
        """Make the answer. Blocks, costs money. Raises `ModelError`, `LimitReached`, `StorageError`."""

    def least_price(self, weight: CostMultiplier) -> int:
        """Return the tokens that any turn of this kind holds at least, for a model of this weight."""
        return limits.least_price(self._config, weight)

    def least_price_in(self, session_id: int | None, weight: CostMultiplier) -> int:
        """Return the tokens that a turn of this kind holds at least in this session, as it stands."""
        return self.least_price(weight)

    def most_price(self, weight: CostMultiplier) -> int:
        """Return the most that `least_price_in` returns for any session. No database."""
        return self.least_price(weight)

    def caps(self, user_id: int, weight: CostMultiplier) -> Caps:
        """Return what a call of such a turn must stay within, for a model of this weight."""
        return limits.caps(
            self._config,
            user_id,
            in_session=self.belongs_to is not BelongsTo.NOTHING,
            may_use_reserve=self.may_use_reserve,
            ends_story=self.ends_story,
            begins_story=self.belongs_to is BelongsTo.STORY,
            weight=weight,
        )

    # ------------------------------------------------------------------ text that isn't whole

    def draft(self, text: str, words: str) -> str:
        """Return a growing answer as it may be shown; empty while nothing of it may. `words`: what it follows."""
        return ""

    def partial(self, text: str, words: str, limit: int) -> Mapping[str, Json]:
        """Return the text parameters of a message of at most `limit` units that shows a growing answer's beginning.

        Empty while nothing of it may be shown.
        """
        first = next(iter(split(self.draft(text, words), limit)), "")
        return {"text": first} if first else {}

    def text_after_stop(self, text: str, words: str) -> str:
        """Return what is kept of an answer that its user stopped; empty: nothing."""
        return ""

    def text_after_failure(self, text: str, words: str) -> str:
        """Return what is kept of an answer when the model fell silent; empty: nothing."""
        return ""

    # ------------------------------------------------------------------ ends, in the transaction

    @abstractmethod
    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store the answer and show it."""

    def broken_off(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the text that `text_after_failure` kept."""
        return self.failed(turn, result.error)

    @abstractmethod
    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Store and show the text that `text_after_stop` kept, if any."""

    @abstractmethod
    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong and what the user can do."""

    def abandoned(self, turn: Turn) -> list[Outgoing]:
        """Apologise for a turn of which no other end can be stored."""
        return [self._say(turn, "problem.bug")]

    def next_turn(self, turn: Turn) -> NextTurn | None:
        """Return the turn that follows an answered one by itself."""
        return None

    def limit_message(self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached) -> Outgoing:
        """Return the sentence of a limit that is in the way, with the button of the next step if there is one."""
        return self._limit_messages.of_story(user_id, chat_id, session_id, error, by_service=self.by_service)

    # ------------------------------------------------------------------ for subclasses

    def _say(self, turn: Turn, key: str, button: tuple[str, str] | None = None, **values: object) -> Outgoing:
        """Return a sentence; in a group, in reply to the message that asked. `button`: its label and data."""
        keyboard = self._keyboard(turn, button) if button is not None else None
        return as_reply(sentence(turn.chat_id, self._texts(turn).say(key, **values), keyboard), turn.reply_to)

    def _keyboard(self, turn: Turn, button: tuple[str, str]) -> Json:
        """Return a keyboard of one button under a message; `button`: its label and data."""
        label, data = button
        return inline([(self._texts(turn).label(label), data)])

    def _add_answer(self, turn: Turn, text: str, usage: Usage | None, now: int) -> int:
        """Add the answer below the text that it follows; return its id. The shown path is unchanged."""
        return self._db.tree.add(
            turn.session_id,
            turn.prompt_id,
            turn.user_id,
            "assistant",
            text,
            now=now,
            tokens=usage.output if usage is not None else 0,
            turn_id=turn.id,
            kind=turn.kind,
        )

    def _texts(self, turn: Turn) -> Texts:
        return self._texts_of(turn.user_id)

    def _texts_of(self, user_id: int) -> Texts:
        return self._locales[self._db.users.language_of(user_id)]


def retry_button(turn: Turn) -> tuple[str, str]:
    """Return the label and the data of the button that asks a failed turn again."""
    return "retry", f"retry:{turn.id}"


def softer_button(turn: Turn) -> tuple[str, str]:
    """Return the label and the data of the button that asks a refused turn again, more softly."""
    return "softer", f"softer:{turn.id}"


def failure_key(error: Exception | None) -> str:
    """Return the sentence of a failure that no kind of turn has words of its own for."""
    if isinstance(error, OnlyThoughts):
        return "problem.only_thoughts"
    if isinstance(error, ModelBusy):
        return "problem.model_busy"
    if isinstance(error, ModelError):
        return "problem.model_away"
    return "problem.storage" if isinstance(error, StorageError) else "problem.bug"


TurnKinds = Mapping[str, TurnKind]  # by name

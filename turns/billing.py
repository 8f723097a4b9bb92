"""One call of a turn: its tokens reserved, then charged or given back. The turn in hand is a `RunningTurn`.

Not covered: what is asked and what becomes of the answer (`writing`, `remembering`, `media`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ai.catalog import Model
from config import Config
from core.errors import ModelAway, ModelCancelled, ModelError, StorageError
from core.schemas import Finish, Message, Request, Usage
from database import Database, Turn
from gpt import GPT, Cancel
from turns import limits, story_prompts

NO_CHOICE = Model()  # the default one, whichever that is


@dataclass(slots=True)
class RunningTurn:
    """A turn in hand. `lock` guards `ended`: once it is set, no draft goes out any more."""

    turn: Turn
    model: Model = NO_CHOICE  # that is asked; a job's calls are the default one's
    cancel: Cancel = field(default_factory=Cancel)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: bool = False
    call_id: int = 0
    text: str = ""
    usage: Usage | None = None
    input_tokens: int = 0
    words: str = ""  # the user's own, that it writes on from
    files: tuple[bytes, ...] = ()  # what a service has made; the words of a recording, as UTF-8
    begun_at: float = field(default_factory=time.monotonic)
    first_at: float | None = None  # when its first words came
    outcome: str = ""  # how its worker ended it: answered, failed; a stop does without the worker


class Calls:
    """Reserves, asks, charges and gives back, in the thread that calls it."""

    def __init__(self, config: Config, db: Database, gpt: GPT) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt

    def room(self, live: RunningTurn) -> int:
        """Tokens that a whole prompt may take of the turn's model."""
        return limits.room(self._config, live.model.context_tokens)

    def reserve(self, live: RunningTurn, purpose: str, tokens: int) -> None:
        """Hold `tokens` for the turn's next call. Raises `LimitReached`, or `ModelCancelled` where it has ended.

        The call's id is known within the transaction: a stop in another thread, which ends the turn in a transaction
        of its own, comes either before the reservation or knows what to give back.
        """
        turn, now = live.turn, time.time()
        live.text, live.usage, live.call_id = "", None, 0
        try:
            with self._db.transaction():
                call_id = self._db.ledger.reserve(
                    turn_id=turn.id,
                    user_id=turn.user_id,
                    session_id=turn.session_id or None,
                    purpose=purpose,
                    tokens=tokens,
                    period=limits.budget_period(self._config, now),
                    caps=limits.caps(self._config, turn.user_id, turn.kind, live.model.weight),
                    now=int(now),
                    model=live.model.name,
                )
                live.call_id = call_id or 0
        except StorageError:
            live.call_id = 0  # the transaction was rolled back: there is no such call
            raise
        if call_id is None:
            raise ModelCancelled("the turn has ended")

    def ask(
        self,
        live: RunningTurn,
        messages: list[Message],
        purpose: str,
        answer_tokens: int,
        *,
        keep: Callable[[str], None] = lambda _: None,
        follows: int = 0,
    ) -> str:
        """A whole answer to a call beside the story's own; its text. Costs money. Raises as `write` does.

        `keep` writes what comes of it, in the transaction that charges it. `follows`: tokens of what is asked of
        another service after it; they are held with this call, which stays open, to be paid all at once or not at all.
        """
        live.input_tokens = self._gpt.estimate(messages, live.model.name)
        answer = self._gpt.ask(self.request(live, messages, purpose, answer_tokens, follows), live.cancel)
        live.usage = answer.usage
        if answer.finish is Finish.REFUSED or not answer.text.strip():
            raise ModelAway(f"no {purpose} came", billed=True)
        if follows:
            return answer.text
        with self._db.transaction():
            if not self.settle(live, answer.usage):
                raise ModelCancelled(f"stopped during the {purpose}")
            keep(answer.text)
        live.call_id, live.usage = 0, None
        return answer.text

    def request(
        self, live: RunningTurn, messages: list[Message], purpose: str, answer_tokens: int, follows: int = 0
    ) -> Request:
        """The request for a call, its tokens reserved."""
        turn = live.turn
        price = live.model.weight.of(live.input_tokens, answer_tokens) + follows
        self.reserve(live, turn.kind if follows else purpose, price)
        return Request(
            tuple(messages),
            max_tokens=answer_tokens,
            temperature=story_prompts.temperature(purpose, variant=turn.variant),
            model=live.model.name,
            json_schema=story_prompts.SUGGESTIONS_SCHEMA if purpose == "suggest" else None,
            purpose=purpose,
            user_id=turn.user_id,
            turn_id=turn.id,
        )

    def give_back(self, live: RunningTurn, error: Exception) -> bool:
        """Ends the call at no cost to the user; False when a stop was faster. Leaves `live` as it is: where the
        transaction around it fails, it is done once more.
        """
        if not live.call_id:
            return True
        if live.usage is not None:
            return self.release(live, live.usage.input, live.usage.output)
        return self.release(live, live.input_tokens if isinstance(error, ModelError) and error.billed else 0)

    def settle(self, live: RunningTurn, usage: Usage) -> bool:
        """Charges the call what `usage` weighs; False when a stop was faster."""
        price = live.model.weight.of(usage.input, usage.output)
        return self._db.ledger.settle(live.call_id, usage, int(time.time()), price=price) is not None

    def release(self, live: RunningTurn, input_tokens: int, output_tokens: int = 0) -> bool:
        """Gives the call back; the project books what the vendor may bill for it. False when a stop was faster."""
        billed = live.model.weight.of(input_tokens, output_tokens)
        return self._db.ledger.give_back(live.call_id, int(time.time()), billed=billed)

    def usage_so_far(self, live: RunningTurn) -> Usage:
        """The vendor's own figures where they have come, else an estimate from the text so far."""
        if live.usage is not None:
            return live.usage
        output = self._gpt.estimate([Message("assistant", live.text)], live.model.name)
        return Usage(live.input_tokens, output, estimated=True)

"""The money of a turn's calls: tokens are reserved before a call, and charged or given back after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from ai.catalog import Model
from config import Config
from core.errors import LimitReached, ModelAway, ModelCancelled, ModelError, StorageError
from core.schemas import Finish, Json, Message, ModelAnswer, Request, Usage
from database import Database
from gpt import GPT
from turns import limits
from turns.running_turn import OpenCall, RunningTurn


class TurnBilling:
    """Reserves, asks, charges and gives back, in the thread that calls it."""

    def __init__(self, *, config: Config, db: Database, gpt: GPT) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt

    def prompt_budget(self, model: Model) -> int:
        """Return the tokens that a whole prompt may take of a model."""
        return limits.prompt_budget(self._config, model.context_tokens)

    def reserve(self, running: RunningTurn, purpose: str, tokens: int, *, input_tokens: int) -> OpenCall:
        """Open a call that holds `tokens`. Raises `LimitReached`, or `ModelCancelled` if the turn has ended.

        `input_tokens` is what the vendor may bill if the call comes to nothing.

        The turn knows its call within the transaction: a stop in another thread, which has a transaction of its own,
        comes before the reservation or knows what to give back.
        """
        turn, now = running.turn, time.time()
        running.call = None
        call: OpenCall | None = None
        try:
            with self._db.transaction():
                call_id = self._db.ledger.reserve(
                    turn_id=turn.id,
                    user_id=turn.user_id,
                    session_id=turn.session_id or None,
                    purpose=purpose,
                    tokens=tokens,
                    period=limits.budget_period(self._config, now),
                    caps=running.kind.caps(turn.user_id, running.model.weight),
                    now=int(now),
                    model=running.model.name,
                )
                if call_id is not None:
                    call = running.call = OpenCall(call_id, running.model, input_tokens)
        except StorageError:
            running.call = None  # rolled back: there is no such call
            raise
        if call is None:
            raise ModelCancelled("the turn has ended")
        return call

    def reserve_request(self, running: RunningTurn, request: Request, *, input_tokens: int) -> OpenCall:
        """Open a call that holds the weighed tokens of `request`. Raises as `reserve` does.

        A model that has shown nothing yet may split its prompt finely: so much is held, where the limits allow it.
        """
        most = max(input_tokens, self._gpt.at_most(request.messages, request.model))
        if most > input_tokens:
            price = running.model.weight.of(most, request.max_tokens)
            try:
                return self.reserve(running, request.purpose, price, input_tokens=input_tokens)
            except LimitReached:
                pass  # the likely price is enough to begin
        price = running.model.weight.of(input_tokens, request.max_tokens)
        return self.reserve(running, request.purpose, price, input_tokens=input_tokens)

    def request(
        self,
        running: RunningTurn,
        messages: Sequence[Message],
        *,
        purpose: str,
        max_tokens: int,
        temperature: float,
        json_schema: Mapping[str, Json] | None = None,
    ) -> Request:
        """Return the request that asks the turn's model for this."""
        return Request(
            tuple(messages),
            max_tokens=max_tokens,
            temperature=temperature,
            model=running.model.name,
            json_schema=json_schema,
            purpose=purpose,
            user_id=running.turn.user_id,
            turn_id=running.turn.id,
        )

    def estimate(self, request: Request) -> int:
        """Return about how many tokens the prompt of a request has. No network."""
        return self._gpt.estimate(request.messages, request.model)

    def estimate_text(self, text: str, model: Model) -> int:
        """Return about how many tokens a text has for a model. No network."""
        return self._gpt.estimate([Message("user", text)], model.name)

    def ask(
        self, running: RunningTurn, call: OpenCall, request: Request, *, sound: Callable[[ModelAnswer], bool] = bool
    ) -> str:
        """Return a whole answer; `call` has its usage and stays open. Raises `ModelError`, also if it isn't `sound`."""
        answer = self._gpt.ask(request, running.cancel)
        call.usage = answer.usage
        if answer.finish is Finish.REFUSED or not answer.text.strip() or not sound(answer):
            raise ModelAway(f"no {request.purpose} came", billed=True)
        return answer.text

    def ask_and_settle(
        self,
        running: RunningTurn,
        request: Request,
        store: Callable[[str], None],
        *,
        sound: Callable[[ModelAnswer], bool] = bool,
    ) -> None:
        """Ask and charge a call of its own within the turn. Raises `ModelError`, `LimitReached`.

        `store` is called with the answer in the transaction that charges it. An answer that isn't `sound` is a failure.
        """
        call = self.reserve_request(running, request, input_tokens=self.estimate(request))
        text = self.ask(running, call, request, sound=sound)
        assert call.usage is not None  # `ask` has set it
        with self._db.transaction():
            if not self.settle(call, call.usage):
                raise ModelCancelled(f"stopped during the {request.purpose}")
            store(text)
        running.call = None

    def settle(self, call: OpenCall, usage: Usage) -> bool:
        """Charge the call what `usage` weighs; False if it had ended before."""
        price = call.model.weight.of(usage.input, usage.output, usage.cached)
        return (
            self._db.ledger.settle(
                call.id, usage, int(time.time()), price=price, session_limit=self._config.max_tokens_per_session
            )
            is not None
        )

    def release(self, call: OpenCall, usage: Usage | None = None) -> bool:
        """Give the call back, the user pays nothing; False if it had ended before.

        The project books what the vendor may bill: `usage`, or else the call's prompt.
        """
        billed = usage if usage is not None else Usage(call.input_tokens, 0)
        weighed = call.model.weight.of(billed.input, billed.output, billed.cached)
        return self._db.ledger.give_back(call.id, int(time.time()), billed=weighed)

    def release_failed(self, call: OpenCall, error: Exception | None) -> bool:
        """Give back a call that failed; False if it had ended before. Vendors bill some failures."""
        if call.usage is not None:
            return self.release(call, call.usage)
        billed = isinstance(error, ModelError) and error.billed
        return self.release(call, None if billed else Usage(0, 0))

    def drop_failed(self, running: RunningTurn, error: Exception) -> None:
        """Give back the turn's open call, if there is one, as one that failed; another may follow."""
        if running.call is not None:
            self.release_failed(running.call, error)
            running.call = None

    def usage_so_far(self, call: OpenCall) -> Usage:
        """Return the vendor's own figures, or an estimate until they have come."""
        if call.usage is not None:
            return call.usage
        output = self._gpt.estimate([Message("assistant", call.text)], call.model.name)
        return Usage(call.input_tokens, output, estimated=True)

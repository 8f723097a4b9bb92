"""How one turn is written: room in the prompt, the reservation, the stream, and the end in one transaction.

A worker of `turns` hands a turn in and gets it back ended. Whoever ends the call first, the worker here or a
stop, ends the turn; the other changes nothing. Not covered: the queue and the threads (`turns`), a call's money
(`calling`), and how older text becomes memory (`remembering`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from config import Config
from core.errors import LimitReached, ModelAway, ModelGone, ModelRefused
from core.schemas import Finish, OutboxRow, Outgoing, Usage
from database import Database
from gpt import GPT
from telegram.sender import Delivery
from turns import story_prompts
from turns.billing import Calls, RunningTurn
from turns.kinds import TurnKind
from turns.memory import Remembering
from turns.model_choice import Choosing
from turns.story_outcomes import Outcomes

DRAFT_DROPPED_S = 1.0  # after which a draft that never went is taken for dropped


class Writing:
    """Asks the model for one turn at a time of each thread that calls it.

    `families` has the kinds of turn that aren't a story's; all the others go the way of `stories`.
    """

    def __init__(
        self,
        config: Config,
        db: Database,
        gpt: GPT,
        choosing: Choosing,
        delivery: Delivery,
        stories: TurnKind,
        families: Mapping[str, TurnKind],
    ) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt
        self.calls = Calls(config, db, gpt)
        self.choosing = choosing
        self._remembering = Remembering(db, gpt, self.calls)
        self._delivery = delivery
        self._stories = stories
        self._families = families

    def family(self, kind: str) -> TurnKind:
        """What turns of this kind do their own way."""
        return self._families.get(kind, self._stories)

    def outcomes(self, kind: str) -> Outcomes:
        """How turns of this kind end."""
        return self.family(kind).outcomes

    def write(self, live: RunningTurn) -> Finish:
        """Asks for the answer and shows it as it grows; `live` holds its text and usage then.

        Blocks until the model is done. Costs money. Raises `ModelError` or `LimitReached`. A model that is there no
        more is replaced by the default one, and said so.
        """
        live.model = self.choosing.model_for(live.turn)
        try:
            return self._write(live)
        except ModelGone as error:
            if self.choosing.is_default(live.model):
                raise
            self.calls.give_back(live, error)
            live.call_id = 0
            live.model = self.choosing.fall_back(live.turn, live.model.name)
            return self._write(live)

    def _write(self, live: RunningTurn) -> Finish:
        turn = live.turn
        family = self.family(turn.kind)
        subject = family.subject(turn)
        if turn.kind == "memory":
            return self._remembering.anew(live, family, subject.texts)
        path = self._db.tree.path(turn.prompt_id)
        own_words = bool(path.prompts) and path.prompts[-1].role == "user"
        live.words = path.prompts[-1].text if own_words else ""
        messages = self._remembering.make_room(live, family, subject, path)
        room = self.calls.room(live)
        live.input_tokens = self._gpt.count(
            messages, near=room, model=live.model.name, user_id=turn.user_id, turn_id=turn.id
        )
        if live.input_tokens > room:
            raise LimitReached("request", used=live.input_tokens, allowed=room)
        most = min(self._config.max_tokens_per_answer, story_prompts.ANSWER_TOKENS.get(turn.kind, 1 << 30))
        request = self.calls.request(live, messages, turn.kind, most)
        if turn.kind in story_prompts.ASIDES:
            answer = self._gpt.ask(request, live.cancel)
            live.text, live.usage = answer.text, answer.usage
            if answer.finish is Finish.REFUSED:
                raise ModelRefused("the content filter")
            return answer.finish
        growing: Growing | None = None
        for chunk in self._gpt.stream(request, live.cancel):
            live.text = chunk.text
            live.usage = chunk.usage or live.usage
            if live.first_at is None:
                live.first_at = time.monotonic()
            if chunk.finish is Finish.REFUSED:
                raise ModelRefused("the content filter")
            if chunk.finish is not None:
                return chunk.finish
            if turn.reply_to is not None:
                continue  # a group has no drafts: `Turns` shows there how far it is
            if growing is None and (first := family.growing(chunk.text, live.words)):
                growing = Growing(lambda: family.growing(live.text, live.words), first)
            if growing is None or growing.waits():
                continue
            with live.lock:
                if not live.ended:
                    self._delivery.draft(turn.chat_id, turn.id, growing)
        raise ModelAway("the stream ended without an end", billed=True)

    def answer(self, live: RunningTurn, finish: Finish) -> list[OutboxRow] | None:
        """Charges and keeps a whole answer; its messages. None when a stop was faster. In a transaction."""
        outcomes = self.outcomes(live.turn.kind)
        if live.turn.kind == "memory":
            return self._close(live, "answered", outcomes.answered(live.turn, "", Usage(0, 0)))
        if live.files and live.usage is not None:
            if not self.calls.settle(live, live.usage):
                return None
            return self._close(live, "answered", outcomes.made(live.turn, live.files))
        text = self._text(live)
        if finish is Finish.LENGTH and live.turn.kind not in story_prompts.ASIDES:
            text = self.family(live.turn.kind).cut_off(text)
        if not text:
            return self.fail(live, ModelAway("an answer without a word", billed=True))
        usage = self.calls.usage_so_far(live)
        if not self.calls.settle(live, usage):
            return None
        return self._close(live, "answered", outcomes.answered(live.turn, text, usage, cut=finish is Finish.LENGTH))

    def fail(self, live: RunningTurn, error: Exception) -> list[OutboxRow] | None:
        """Ends a turn that failed: what was written is kept and charged, nothing else is. In a transaction."""
        family = self.family(live.turn.kind)
        kept = "" if live.turn.kind not in story_prompts.STREAMED else family.kept(self._text(live))
        if isinstance(error, ModelAway) and kept:
            usage = self.calls.usage_so_far(live)
            if not self.calls.settle(live, usage):
                return None
            return self._close(live, "failed", family.outcomes.cut(live.turn, kept, usage))
        if not self.calls.give_back(live, error):
            return None
        return self._close(live, "failed", family.outcomes.failed(live.turn, error))

    def abandon(self, live: RunningTurn) -> list[OutboxRow] | None:
        """Ends a turn whose every other end has failed: nothing is kept or charged. In a transaction."""
        if live.call_id:
            self.calls.release(live, live.input_tokens)
        return self._close(live, "failed", [self.outcomes(live.turn.kind).abandoned(live.turn)])

    def clear(self, live: RunningTurn) -> None:
        """Gives back a call whose answer couldn't be kept, before the turn is tried again. Changes nothing else."""
        if live.call_id:
            self.calls.release(live, live.input_tokens)
            live.call_id, live.text, live.usage = 0, "", None

    def stop(self, live: RunningTurn) -> str:
        """Ends the call of a turn at once; the text so far. In a transaction."""
        with live.lock:
            live.ended = True
            streamed = live.turn.kind in story_prompts.STREAMED
            text = self.family(live.turn.kind).stopped(self._text(live)) if streamed else ""
        if live.call_id and text:
            self.calls.settle(live, self.calls.usage_so_far(live))
        elif live.call_id:
            self.calls.release(live, live.input_tokens)
        return text

    def _text(self, live: RunningTurn) -> str:
        """The answer so far, as the story or whoever asked takes it."""
        return self.family(live.turn.kind).whole(live.turn.kind, live.text, live.words)

    def _close(self, live: RunningTurn, state: str, messages: list[Outgoing]) -> list[OutboxRow] | None:
        if not self.outcomes(live.turn.kind).close(live.turn, state):
            return None
        live.outcome = state
        return self._db.outbox.add(live.turn.inbox_id, messages)


class Growing:
    """What `delivery` calls for the text of a draft. `text` says what is written so far."""

    def __init__(self, text: Callable[[], str], first: str) -> None:
        self._text = text
        self._first = first  # what was decided on before, where the opening is open again
        self._told_at = 0.0

    def waits(self) -> bool:
        """Whether the draft that was told of last is still to go; if not, the next one is told of now."""
        now = time.monotonic()
        if now - self._told_at < DRAFT_DROPPED_S:
            return True
        self._told_at = now
        return False

    def __call__(self) -> str:
        self._told_at = 0.0
        return self._text() or self._first

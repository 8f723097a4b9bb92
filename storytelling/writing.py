"""How one turn is written: room in the prompt, the reservation, the stream, and the end in one transaction.

A worker of `turns` hands a turn in and gets it back ended. Whoever ends the call first, the worker here or a
stop, ends the turn; the other changes nothing. Not covered: the queue and the threads (`turns`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import prose
from catalogue import Model
from config import Config
from database import Database, Prompt, StoryPath, Turn
from delivery import Delivery
from errors import LimitReached, ModelAway, ModelCancelled, ModelError, ModelGone, ModelRefused
from gpt import GPT, Cancel
from logs import event
from messages import Finish, Message, OutboxRow, Outgoing, Request, Usage
from storytelling import allowance, prompting
from storytelling.choosing import Choosing
from storytelling.family import Family, Subject
from storytelling.growing import Growing
from storytelling.outcomes import Outcomes
from texts import Texts

log = logging.getLogger(__name__)

NO_CHOICE = Model()  # the default one, whichever that is


@dataclass(slots=True)
class Live:
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
        stories: Family,
        families: Mapping[str, Family],
    ) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt
        self.choosing = choosing
        self._delivery = delivery
        self._stories = stories
        self._families = families

    def family(self, kind: str) -> Family:
        """What turns of this kind do their own way."""
        return self._families.get(kind, self._stories)

    def outcomes(self, kind: str) -> Outcomes:
        """How turns of this kind end."""
        return self.family(kind).outcomes

    def write(self, live: Live) -> Finish:
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
            self._give_back(live, error)
            live.call_id = 0
            live.model = self.choosing.fall_back(live.turn, live.model.name)
            return self._write(live)

    def _write(self, live: Live) -> Finish:
        turn = live.turn
        family = self.family(turn.kind)
        subject = family.subject(turn)
        if turn.kind == "memory":
            return self._remember_anew(live, subject.texts)
        path = self._db.tree.path(turn.prompt_id)
        own_words = bool(path.prompts) and path.prompts[-1].role == "user"
        live.words = path.prompts[-1].text if own_words else ""
        messages = self._make_room(live, family, subject, path)
        room = self._room(live)
        live.input_tokens = self._gpt.count(
            messages, near=room, model=live.model.name, user_id=turn.user_id, turn_id=turn.id
        )
        if live.input_tokens > room:
            raise LimitReached("request", used=live.input_tokens, allowed=room)
        most = min(self._config.max_tokens_per_answer, prompting.ANSWER_TOKENS.get(turn.kind, 1 << 30))
        request = self._request(live, messages, turn.kind, most)
        if turn.kind in prompting.ASIDES:
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

    def answer(self, live: Live, finish: Finish) -> list[OutboxRow] | None:
        """Charges and keeps a whole answer; its messages. None when a stop was faster. In a transaction."""
        outcomes = self.outcomes(live.turn.kind)
        if live.turn.kind == "memory":
            return self._close(live, "answered", outcomes.answered(live.turn, "", Usage(0, 0)))
        if live.files and live.usage is not None:
            if not self._settle(live, live.usage):
                return None
            return self._close(live, "answered", outcomes.made(live.turn, live.files))
        text = self._text(live)
        if finish is Finish.LENGTH and live.turn.kind not in prompting.ASIDES:
            text = self.family(live.turn.kind).cut_off(text)
        if not text:
            return self.fail(live, ModelAway("an answer without a word", billed=True))
        usage = self._usage_so_far(live)
        if not self._settle(live, usage):
            return None
        return self._close(live, "answered", outcomes.answered(live.turn, text, usage, cut=finish is Finish.LENGTH))

    def fail(self, live: Live, error: Exception) -> list[OutboxRow] | None:
        """Ends a turn that failed: what was written is kept and charged, nothing else is. In a transaction."""
        family = self.family(live.turn.kind)
        kept = "" if live.turn.kind not in prompting.STREAMED else family.kept(self._text(live))
        if isinstance(error, ModelAway) and kept:
            usage = self._usage_so_far(live)
            if not self._settle(live, usage):
                return None
            return self._close(live, "failed", family.outcomes.cut(live.turn, kept, usage))
        if not self._give_back(live, error):
            return None
        return self._close(live, "failed", family.outcomes.failed(live.turn, error))

    def abandon(self, live: Live) -> list[OutboxRow] | None:
        """Ends a turn whose every other end has failed: nothing is kept or charged. In a transaction."""
        if live.call_id:
            self._let_go(live, live.input_tokens)
        return self._close(live, "failed", [self.outcomes(live.turn.kind).abandoned(live.turn)])

    def clear(self, live: Live) -> None:
        """Gives back a call whose answer couldn't be kept, before the turn is tried again. Changes nothing else."""
        if live.call_id:
            self._let_go(live, live.input_tokens)
            live.call_id, live.text, live.usage = 0, "", None

    def stop(self, live: Live) -> str:
        """Ends the call of a turn at once; the text so far. In a transaction."""
        with live.lock:
            live.ended = True
            streamed = live.turn.kind in prompting.STREAMED
            text = self.family(live.turn.kind).stopped(self._text(live)) if streamed else ""
        if live.call_id and text:
            self._settle(live, self._usage_so_far(live))
        elif live.call_id:
            self._let_go(live, live.input_tokens)
        return text

    def _text(self, live: Live) -> str:
        """The answer so far, as the story or whoever asked takes it."""
        return self.family(live.turn.kind).whole(live.turn.kind, live.text, live.words)

    # ------------------------------------------------------------------ the call

    def reserve(self, live: Live, purpose: str, tokens: int) -> None:
        """Holds `tokens` for the turn's next call. Raises `LimitReached`, or `ModelCancelled` where it has ended."""
        turn, now = live.turn, time.time()
        live.text, live.usage, live.call_id = "", None, 0
        call_id = self._db.ledger.reserve(
            turn_id=turn.id,
            user_id=turn.user_id,
            session_id=turn.session_id or None,
            purpose=purpose,
            tokens=tokens,
            period=allowance.budget_period(self._config, now),
            caps=allowance.caps(self._config, turn.user_id, turn.kind, live.model.weight),
            now=int(now),
            model=live.model.name,
        )
        if call_id is None:
            raise ModelCancelled("the turn has ended")
        live.call_id = call_id

    def ask(
        self,
        live: Live,
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
        answer = self._gpt.ask(self._request(live, messages, purpose, answer_tokens, follows), live.cancel)
        live.usage = answer.usage
        if answer.finish is Finish.REFUSED or not answer.text.strip():
            raise ModelAway(f"no {purpose} came", billed=True)
        if follows:
            return answer.text
        with self._db.transaction():
            if not self._settle(live, answer.usage):
                raise ModelCancelled(f"stopped during the {purpose}")
            keep(answer.text)
        live.call_id, live.usage = 0, None
        return answer.text

    def _request(
        self, live: Live, messages: list[Message], purpose: str, answer_tokens: int, follows: int = 0
    ) -> Request:
        """The request for a call, its tokens reserved."""
        turn = live.turn
        price = live.model.weight.of(live.input_tokens, answer_tokens) + follows
        self.reserve(live, turn.kind if follows else purpose, price)
        return Request(
            tuple(messages),
            max_tokens=answer_tokens,
            temperature=prompting.temperature(purpose, variant=turn.variant),
            model=live.model.name,
            json_schema=prompting.SUGGESTIONS_SCHEMA if purpose == "suggest" else None,
            purpose=purpose,
            user_id=turn.user_id,
            turn_id=turn.id,
        )

    def _give_back(self, live: Live, error: Exception) -> bool:
        """Ends the call at no cost to the user; False when a stop was faster. Leaves `live` as it is: where the
        transaction around it fails, it is done once more."""
        if not live.call_id:
            return True
        if live.usage is not None:
            return self._let_go(live, live.usage.input, live.usage.output)
        return self._let_go(live, live.input_tokens if isinstance(error, ModelError) and error.billed else 0)

    def _settle(self, live: Live, usage: Usage) -> bool:
        """Charges the call what `usage` weighs; False when a stop was faster."""
        price = live.model.weight.of(usage.input, usage.output)
        return self._db.ledger.settle(live.call_id, usage, int(time.time()), price=price) is not None

    def _let_go(self, live: Live, input_tokens: int, output_tokens: int = 0) -> bool:
        """Gives the call back; the project books what the vendor may bill for it. False when a stop was faster."""
        billed = live.model.weight.of(input_tokens, output_tokens)
        return self._db.ledger.give_back(live.call_id, int(time.time()), billed=billed)

    def _usage_so_far(self, live: Live) -> Usage:
        if live.usage is not None:
            return live.usage
        output = self._gpt.estimate([Message("assistant", live.text)], live.model.name)
        return Usage(live.input_tokens, output, estimated=True)

    def _close(self, live: Live, state: str, messages: list[Outgoing]) -> list[OutboxRow] | None:
        if not self.outcomes(live.turn.kind).close(live.turn, state):
            return None
        live.outcome = state
        return self._db.outbox.add(live.turn.inbox_id, messages)

    # ------------------------------------------------------------------ room in the prompt

    def _room(self, live: Live) -> int:
        """Tokens that a whole prompt may take."""
        return allowance.room(self._config, live.model.context_tokens)

    def _make_room(self, live: Live, family: Family, subject: Subject, path: StoryPath) -> list[Message]:
        """Folds the oldest text into memory until the prompt has room; the prompt then."""
        room, model = self._room(live), live.model.name
        while self._gpt.estimate(messages := subject.prompt(path), model) > room * family.full_share:
            count = prompting.prompts_to_fold(
                path.prompts,
                self._size,
                keep_tokens=int(room * family.kept_share),
                fold_tokens=room - 2 * prompting.MEMORY_TOKENS,
            )
            if not count:
                break
            try:
                self._fold(live, subject.texts, path, count, self._db.tree.remember)
            except (ModelError, LimitReached) as error:
                fits = self._gpt.estimate(messages, model) <= room
                if isinstance(error, ModelCancelled) or not fits:
                    raise
                self._give_back(live, error)
                live.call_id, live.text, live.usage = 0, "", None
                event(log, logging.WARNING, "went on without a summary", turn=live.turn.id, error=str(error))
                break
            path = self._db.tree.path(live.turn.prompt_id)
        return messages

    def _remember_anew(self, live: Live, texts: Texts) -> Finish:
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
            path = StoryPath(self._fold(live, texts, path, count, keep), rest)
        return Finish.STOP

    def _to_fold(self, live: Live, prompts: Sequence[Prompt]) -> int:
        """How many of the oldest texts go into the next call that makes a memory anew; 0: there are no more."""
        fold_tokens = self._room(live) - 2 * prompting.MEMORY_TOKENS
        return prompting.prompts_to_fold(prompts, self._size, keep_tokens=0, fold_tokens=fold_tokens)

    def _size(self, text: str) -> int:
        return self._gpt.estimate([Message("user", text)])

    def _fold(self, live: Live, texts: Texts, path: StoryPath, count: int, keep: Callable[[int, str], None]) -> str:
        """One call that makes the oldest `count` prompts part of the memory, which `keep` keeps; that memory."""
        last_id = path.prompts[count - 1].id
        memory = ""

        def kept(text: str) -> None:
            nonlocal memory
            memory = prose.clean(text)[: 2 * prompting.MEMORY_CHARS]
            keep(last_id, memory)

        self.ask(
            live,
            self.family(live.turn.kind).memory_prompt(live.turn, texts, path.memory, path.prompts[:count]),
            "summary",
            prompting.MEMORY_TOKENS,
            keep=kept,
        )
        event(log, logging.INFO, "memory written", turn=live.turn.id, folded=count)
        return memory

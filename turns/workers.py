"""Turns with a model, whoever asks: a first-come queue, its workers, its places, and the stop.

A turn is a row; a chat whose turn waits holds no thread, and the worker is the slot. Each worker takes the
oldest turn, has it written (`writing`), and commits its end, as often as that takes. Handlers begin and stop
turns inside their own transactions; what must follow the commit is `enqueue` and `release`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from ai.catalog import Model
from config import Config
from core.errors import CoauthorError, ModelCancelled, StorageError
from core.logs import event
from core.metrics import SILENT, Metrics
from core.schemas import Finish, Message, OutboxRow, Outgoing, Usage
from database import Database, Turn
from gpt import GPT
from monitoring.analytics import Analytics
from telegram.chat_queue import ChatQueues
from telegram.failure_notices import FailureNotices
from telegram.sender import Delivery
from turns import limits
from turns.billing import RunningTurn
from turns.generation import Writing
from turns.media import Media
from turns.story_outcomes import Outcomes
from turns.story_prompts import JOBS

log = logging.getLogger(__name__)

STORAGE_PAUSE_S = 1.0  # between two tries while the database fails
PROGRESS_AFTER_S = 0.7  # a quick answer in a group needs no notice that it is being written


_IN_A_STORY = {"part": "part_written", "ending": "story_finished"}  # a turn's kind → an event of analytics
JOB_THREADS = 4  # for pictures and readings, which take no slot of the model


class _Line:
    """Turns that wait for the same workers, first come first served. Guarded by the lock it is given."""

    def __init__(self, lock: threading.Lock) -> None:
        self.changed = threading.Condition(lock)
        self.queue: deque[int] = deque()
        self.idle = 0


class Turns:
    """The lines of turns, the `MODEL_SLOTS` workers of the model's, and the few of the services'."""

    def __init__(
        self,
        config: Config,
        db: Database,
        gpt: GPT,
        delivery: Delivery,
        chats: ChatQueues,
        notices: FailureNotices,
        outcomes: Outcomes,
        writing: Writing,
        media: Media,
        analytics: Analytics,
        *,
        meter: Metrics = SILENT,
    ) -> None:
        self._config = config
        self._db = db
        self._gpt = gpt
        self._delivery = delivery
        self._chats = chats
        self._notices = notices
        self._outcomes = outcomes
        self._writing = writing
        self._media = media
        self._analytics = analytics
        self._meter = meter
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)  # for `stop`: a turn's end must not wake every idle worker
        self._model_line = _Line(self._lock)
        self._job_line = _Line(self._lock)
        self._places: dict[int, tuple[int, int]] = {}  # turn → chat and the place that its notice shows
        self._live: dict[int, RunningTurn] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Takes up what an earlier life left: lost calls are given back, their turns asked again."""
        with self._db.transaction(durable=True):
            lost = self._db.ledger.recover(int(time.time()))
            left = self._db.turns.recover()
            orphans = [
                Outgoing(chat_id, "deleteMessage", {"message_id": message_id})
                for chat_id, message_id in self._db.turns.notices()
            ]
            rows = self._db.outbox.add(None, orphans)
        self._delivery.wake(rows)
        if lost or left:
            event(log, logging.INFO, "turns_resumed", lost_calls=lost, turns=len(left))
        for turn in left:
            self._line_of(turn.kind).queue.append(turn.id)
        waiting = [turn for turn in left if turn.kind not in JOBS][self._config.model_slots :]
        self._places = {turn.id: (turn.chat_id, 0) for turn in waiting}
        for line, name, number in (
            (self._model_line, "turn", self._config.model_slots),
            (self._job_line, "job", JOB_THREADS),
        ):
            for place in range(number):
                worker = threading.Thread(target=self._work, args=(line,), name=f"{name}-{place}", daemon=True)
                self._threads.append(worker)
                worker.start()

    def health_problem(self) -> str:
        """Why no turns are written, in a few words; empty while workers are there for them."""
        ended = sum(not worker.is_alive() for worker in self._threads)
        return f"{ended} of {len(self._threads)} workers have ended" if ended else ""

    def counts(self) -> tuple[int, int, int]:
        """How many turns are written or made now, wait for the model, and wait for a service."""
        with self._lock:
            return len(self._live), len(self._model_line.queue), len(self._job_line.queue)

    def stop(self, timeout_s: float) -> int:
        """Starts no more turns and waits for the running ones; how many are left for the next life."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            self._stopping.set()
            self._model_line.changed.notify_all()
            self._job_line.changed.notify_all()
            while self._live and (left_s := deadline - time.monotonic()) > 0:
                self._ended.wait(left_s)
            left = list(self._live.values())
        for live in left:
            live.cancel.set()  # it ends without a word; its call is lost, and asked again in the next life
        return len(left)

    # ------------------------------------------------------------------ asked by handlers, in their transaction

    def estimate(self, text: str) -> int:
        """How many tokens a user's words have, about. No network."""
        return self._gpt.estimate([Message("user", text)])

    def estimate_prompt(self, messages: Sequence[Message], model: Model) -> int:
        """The same of a whole prompt, by this model's reckoning."""
        return self._gpt.estimate(messages, model.name)

    def check(self, user_id: int, session_id: int | None, kind: str, tokens: int | None = None) -> None:
        """Raises `LimitReached` where a turn that takes `tokens` at least wouldn't be let through now.

        Without `tokens`: not even the shortest turn. The worker looks again.
        """
        period = limits.budget_period(self._config, time.time())
        weight = self._writing.choosing.weight_for(user_id, kind)
        caps = limits.caps(self._config, user_id, kind, weight)
        tokens = limits.least_price(self._config, weight) if tokens is None else tokens
        self._db.ledger.check(user_id, session_id, tokens, period, caps)

    def outcomes(self, kind: str) -> Outcomes:
        """How turns of this kind end, and what stands in their way."""
        return self._writing.outcomes(kind)

    def room(self, model: Model) -> int:
        """Tokens that a whole prompt may take of a model."""
        return limits.room(self._config, model.context_tokens)

    def open_in(self, chat_id: int) -> Turn | None:
        """The waiting or running turn of a chat."""
        return self._db.turns.open_in(chat_id)

    def writes_in(self, session_id: int) -> bool:
        """Whether an open turn belongs to this session."""
        return self._db.turns.open_of(session_id)

    def end_by_stop(self, turn: Turn) -> list[Outgoing]:
        """Ends an open turn at once with what is written so far; what to say about it.

        To be followed by `release` when the transaction has committed.
        """
        live = self._live.get(turn.id)
        text = self._writing.stop(live) if live is not None else ""
        outcomes = self._writing.outcomes(turn.kind)
        messages = outcomes.stopped(turn, text)
        outcomes.close(turn, "stopped")
        self._meter.turn_ended(turn.kind, "stopped", time.monotonic() - live.begun_at if live else 0.0, None)
        event(log, logging.INFO, "turn_stopped", user=turn.user_id, turn=turn.id, chars=len(text))
        return messages

    # ------------------------------------------------------------------ after the commit

    def enqueue(self, turn_id: int, chat_id: int, kind: str) -> None:
        """Lets a new turn wait for its slot; its place is shown where it has to wait."""
        line = self._line_of(kind)
        with self._lock:
            line.queue.append(turn_id)
            if line.idle >= len(line.queue):
                line.changed.notify()
                return
            self._places[turn_id] = (chat_id, 0)

    def release(self, turn: Turn) -> None:
        """After `end_by_stop`: wakes the worker, takes the queue notice away, lets the chat go on."""
        line = self._line_of(turn.kind)
        with self._lock:
            live = self._live.get(turn.id)
            if turn.id in line.queue:
                line.queue.remove(turn.id)
        self._drop_notice(turn.id)
        self._drop_progress(turn)
        if live is not None:
            live.cancel.set()
        self._delivery.end_draft(turn.chat_id, turn.id)
        self._chats.resume(turn.chat_id)

    def show_places(self) -> None:
        """Brings the shown queue places up to date; called a few times a second.

        A turn that finds a slot before the next call was never seen waiting. Groups, which have no drafts, see here
        how far their answers are; `delivery` keeps the edits apart.
        """
        self._show_progress()
        changed = []
        with self._lock:
            for line in (self._model_line, self._job_line):
                for place, turn_id in enumerate(line.queue, start=1):
                    known = self._places.get(turn_id)
                    if known is not None and known[1] != place:
                        self._places[turn_id] = (known[0], place)
                        changed.append((turn_id, known[0], place))
        for turn_id, chat_id, place in changed:
            text, keyboard = self._outcomes.queue_notice(turn_id, place)
            self._delivery.notice(f"turn-{turn_id}", chat_id, text, keyboard, self._noticed(turn_id))

    def _show_progress(self) -> None:
        with self._lock:
            running = [live for live in self._live.values() if live.turn.reply_to is not None]
        for live in running:
            if time.monotonic() - live.begun_at < PROGRESS_AFTER_S:
                continue
            turn = live.turn
            family = self._writing.family(turn.kind)
            text, keyboard = family.outcomes.progress(turn, family.growing(live.text, live.words))
            with live.lock:
                if not live.ended:
                    self._delivery.notice(f"turn-{turn.id}", turn.chat_id, text, keyboard, self._noticed(turn.id))

    def _drop_progress(self, turn: Turn) -> None:
        """To be called once no more of it is shown."""
        if turn.reply_to is not None:
            self._delivery.notice(f"turn-{turn.id}", turn.chat_id, None, None, self._noticed(turn.id))

    def _noticed(self, turn_id: int) -> Callable[[int | None], None]:
        return lambda message_id: self._db.turns.set_notice(turn_id, message_id)

    def _drop_notice(self, turn_id: int) -> None:
        with self._lock:
            known = self._places.pop(turn_id, None)
        if known is not None:
            self._delivery.notice(f"turn-{turn_id}", known[0], None, None, lambda _: None)

    # ------------------------------------------------------------------ workers

    def _line_of(self, kind: str) -> _Line:
        return self._job_line if kind in JOBS else self._model_line

    def _work(self, line: _Line) -> None:
        while True:
            with self._lock:
                line.idle += 1
                while not line.queue and not self._stopping.is_set():
                    line.changed.wait()
                line.idle -= 1
                if self._stopping.is_set():
                    return
                turn_id = line.queue.popleft()
            self._drop_notice(turn_id)
            try:
                self._take(turn_id)
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="turn", turn=turn_id, error=str(error))
                self._stopping.wait(STORAGE_PAUSE_S)
                with self._lock:
                    line.queue.appendleft(turn_id)
            except Exception:
                event(log, logging.ERROR, "turn_worker_failed", turn=turn_id, exc_info=True)
            finally:
                with self._lock:
                    self._live.pop(turn_id, None)
                    self._ended.notify_all()

    def _take(self, turn_id: int) -> None:
        """Runs a turn from its start to its end, unless it was stopped while it waited."""
        turn = self._db.turns.start(turn_id)
        if turn is None:
            return
        live = RunningTurn(turn)  # a stop that comes just before it stands here is seen when tokens are reserved
        with self._lock:
            self._live[turn_id] = live
        self._delivery.typing(turn.chat_id)
        self._analytics.tell("request_sent", turn.user_id, kind=turn.kind)
        try:
            finish = self._write(live)
            if finish is None:
                return  # the process ends: asked again in the next life
            self._tell_of_answer(live)
            if self._end(live, lambda: self._writing.answer(live, finish)) and turn.kind in _IN_A_STORY:
                self._analytics.tell(_IN_A_STORY[turn.kind], turn.user_id, variant=turn.variant)
        except ModelCancelled:
            return  # whoever stopped it has ended the turn
        except Exception as error:
            if not isinstance(error, CoauthorError):
                event(log, logging.ERROR, "turn_failed", turn=turn_id, exc_info=True)
            self._fail(live, error)
        seconds = time.monotonic() - live.begun_at
        if live.outcome:
            first_text_s = live.first_at - live.begun_at if live.first_at is not None else None
            self._meter.turn_ended(turn.kind, live.outcome, seconds, first_text_s)
        event(
            log,
            logging.INFO,
            "turn_ended",
            user=turn.user_id,
            session=turn.session_id,
            turn=turn.id,
            kind=turn.kind,
            chars=len(live.text),
            input=live.usage.input if live.usage else None,
            output=live.usage.output if live.usage else None,
            ms=round(seconds * 1000),
        )

    def _tell_of_answer(self, live: RunningTurn) -> None:
        """For analytics: an answer has come; whether it can be kept is seen later."""
        turn, usage = live.turn, live.usage or Usage(0, 0)
        milliseconds = round((time.monotonic() - live.begun_at) * 1000)
        tokens = {"input_tokens": usage.input, "output_tokens": usage.output}
        self._analytics.tell("response_received", turn.user_id, kind=turn.kind, milliseconds=milliseconds, **tokens)

    def _write(self, live: RunningTurn) -> Finish | None:
        """The answer's end; None: the process ends first. While the database fails the turn waits for it."""
        while True:
            try:
                self._writing.clear(live)
                return self._media.make(live) if live.turn.kind in JOBS else self._writing.write(live)
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="turn", turn=live.turn.id, error=str(error))
                self._notices.storage_failed(live.turn.chat_id)
                if self._stopping.wait(STORAGE_PAUSE_S):
                    return None

    def _fail(self, live: RunningTurn, error: Exception) -> None:
        """Ends a turn that failed; whatever else is broken, nobody is left writing, nor with tokens held."""
        try:
            self._end(live, lambda: self._writing.fail(live, error))
        except Exception:
            event(log, logging.ERROR, "turn_failure_unreported", turn=live.turn.id, exc_info=True)
            self._end(live, lambda: self._writing.abandon(live))

    def _end(self, live: RunningTurn, end: Callable[[], list[OutboxRow] | None]) -> bool:
        """Commits a turn's end, hands its messages on, and lets the chat go on: nothing overtakes them.

        Whether it took, as `_commit` says it.
        """
        with self._chats.paused(live.turn.chat_id):
            return self._commit(live, end)

    def _commit(self, live: RunningTurn, end: Callable[[], list[OutboxRow] | None]) -> bool:
        """Commits a turn's end, as often as it takes: the answer is in hand and must not be asked for again. False
        where a stop was faster, or the process ends first.
        """
        chat_id, pause_s = live.turn.chat_id, 0.5
        while True:
            try:
                with self._db.transaction(durable=True):
                    rows = end()
                break
            except StorageError as error:
                event(log, logging.ERROR, "storage_unavailable", part="answer", turn=live.turn.id, error=str(error))
                self._notices.storage_failed(chat_id)
                if self._stopping.wait(pause_s):
                    return False  # asked again in the next life
                pause_s = min(30.0, pause_s * 2)
        with live.lock:
            live.ended = True
        self._drop_progress(live.turn)
        if rows is None:
            return False
        self._delivery.end_draft(chat_id, live.turn.id)
        self._delivery.wake(rows)
        if live.turn.kind == "ending" and (follows := self._db.turns.open_in(chat_id)) is not None:
            self.enqueue(follows.id, chat_id, follows.kind)  # the story's title
        self._chats.resume(chat_id)
        return True

"""Decide what may be sent next: messages, notices, drafts and typing of every chat.

Plain bookkeeping with the clock passed in: no threads, no network, no database. `Delivery` calls it under its lock. A
chat has one call in flight. Among what is due, messages go first, then notices, drafts and typing; among equals the
earliest due goes first. Choosing costs O(log chats): one heap per kind, stale entries are skipped.

- Messages keep their order by row id. The first stays in the queue until it is done; drafts of its chat wait for it.
- A message clears the chat's draft and typing. A row that shows a prompt, or `end_draft`, ends the draft for good.
- A draft uses spare capacity only. Otherwise it is dropped: the next one follows soon.
- A growing message goes like a draft, and leaves the most of its chat's limits free for answers.
- Responses to button presses have a queue of their own: no order and no limit ties them to the messages.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import insort
from collections import deque
from collections.abc import Callable, Hashable, Set
from typing import Final

from core.schemas import Json, OutboxRow
from telegram.rate_limits import NEVER, Bucket, SendLimits, Window
from telegram.send_growing import GROWING, Content, GrowingMessage
from telegram.send_items import KINDS, Chat, Job, Kind, MessageDraft, Notice, QueuedMessage, is_limited
from telegram.send_outcome import Outcome

_DRAFT_SPARE: Final = 0.25  # share of the messages per second that drafts must leave free
_LATE_TIMES: Final = 20  # a draft sent late delays the next one by this many times the lateness
_SWEEP_AT: Final = 2048  # number of chats at which idle ones are forgotten


class SendQueue:
    """Hold everything that waits. At most `max_best_effort` notices, drafts and typings are in flight."""

    def __init__(self, limits: SendLimits, max_best_effort: int) -> None:
        self._limits = limits
        self._max_best_effort = max_best_effort
        self._best_effort = 0
        self._chats: dict[tuple[int, bool], Chat] = {}
        self._heaps: tuple[list[tuple[float, int, Chat]], ...] = tuple([] for _ in KINDS)
        self._ties = itertools.count()
        self._global = Window(limits.messages_per_s, 1.0)
        self._paused_until = 0.0
        self._floods: deque[tuple[float, int]] = deque()
        self._sweep_at = _SWEEP_AT
        self.open_messages = 0

    # --- in

    def add(self, row: OutboxRow, now: float, *, stored: bool = True) -> None:
        """Queue a message behind those of its chat with smaller ids."""
        # The answer to a guest query makes the message that its chat's next call edits.
        callback = row.method.startswith("answer") and row.method != "answerGuestQuery"
        chat = self._chat(row.chat_id, now, callback=callback)
        head = chat.messages[0] if chat.messages else None
        started = head is not None and (chat.busy or head.attempts > 0 or head.ended is not None)
        first = int(started and stored)  # a message without a row need not wait until the head's row is marked
        insort(chat.messages, QueuedMessage(row, now, stored), lo=first, key=lambda message: message.row.id)
        self.open_messages += 1
        if not callback and is_limited(row.method):
            if row.prompt_id is not None:
                self._end(chat, None)
            chat.draft = chat.draft_shown = None
            chat.typing_at = NEVER
        if row.deferred is not None and row.deferred.kind == GROWING:
            chat.growing.pop(row.deferred.of, None)
        self._schedule(chat)

    def drop(self, chat_id: int, row_ids: Set[int]) -> list[int]:
        """Remove messages of a chat that were not started. Return the ids of the removed ones."""
        dropped = []
        for chat in [found for key, found in self._chats.items() if key[0] == chat_id]:
            gone = [one for one in chat.messages if one.stored and one.row.id in row_ids and not one.attempts]
            if chat.busy and gone and gone[0] is chat.messages[0]:
                del gone[0]  # it may be in flight
            for message in gone:
                chat.messages.remove(message)
                dropped.append(message.row.id)
            self._schedule(chat)
        self.open_messages -= len(dropped)
        return dropped

    def draft(
        self, chat_id: int, draft_id: int, text: str | Callable[[], str], now: float, *, topic_id: int = 0
    ) -> None:
        """Replace the chat's draft, unless that draft has ended."""
        chat = self._chat(chat_id, now)
        if draft_id not in chat.ended_drafts:
            chat.draft = MessageDraft(draft_id, text, chat.draft.since if chat.draft else now, topic_id)
            self._schedule(chat)

    def end_draft(self, chat_id: int, draft_id: int | None, now: float) -> None:
        """End draft `draft_id` (None: the current one) and typing."""
        chat = self._chat(chat_id, now)
        self._end(chat, draft_id)
        self._schedule(chat)

    def grow(
        self, chat_id: int, key: Hashable, content: Content, on_sent: Callable[[int | None], None], now: float
    ) -> None:
        """Note that the growing message `key` has changed, or begin it."""
        chat = self._chat(chat_id, now)
        growing = chat.growing.setdefault(key, GrowingMessage(key, content, on_sent, due_at=now))
        growing.changed = not growing.closed
        self._schedule(chat)

    def typing(self, chat_id: int, now: float, topic_id: int = 0, action: str = "typing") -> None:
        """Show "typing …", or another action, until a draft is shown."""
        chat = self._chat(chat_id, now)
        chat.typing_until, chat.typing_topic, chat.action = now + self._limits.forget_s, topic_id, action
        if chat.typing_at == NEVER:
            chat.typing_at = now + self._limits.typing_delay_s
            self._schedule(chat)

    def notice(
        self,
        key: Hashable,
        chat_id: int,
        wanted: tuple[str, Json] | None,
        on_sent: Callable[[int | None], None],
        now: float,
        *,
        topic_id: int = 0,
    ) -> None:
        """Set what the chat's notice `key` should look like; None deletes it."""
        chat = self._chat(chat_id, now)
        notice = chat.notices.get(key)
        if notice is None:
            if wanted is None:
                return
            notice = chat.notices[key] = Notice(key, wanted, on_sent, now, topic_id=topic_id)
        if wanted is None and notice.wanted is not None:
            notice.due_at = now  # a deletion ignores the interval
        notice.wanted = wanted
        if notice.message_id is None and not notice.in_flight:
            notice.on_sent = on_sent
        if wanted is None and notice.message_id is None and not notice.in_flight:
            del chat.notices[key]
        self._schedule(chat)

    # --- out

    def take(self, now: float) -> Job | None:
        """Return the next call that may be made now. Its chat is busy until `finish`."""
        if now < self._paused_until:
            return None
        for kind in KINDS:
            while (chat := self._first(kind)) and chat.due[kind] <= now:
                if kind is Kind.DRAFT and self._global.spare(now) <= _DRAFT_SPARE:
                    self._skip_draft(chat, now)
                elif self._kind_at(kind) > now:
                    break
                else:
                    return self._start(chat, kind, now)
        return None

    def next_at(self) -> float:
        """Return when to call `take` again; `NEVER` if nothing waits for time alone."""
        soonest = NEVER
        for kind in KINDS:
            chat = self._first(kind)
            if chat is not None and chat.due[kind] < soonest:
                soonest = min(soonest, max(chat.due[kind], self._kind_at(kind)))
        return max(soonest, self._paused_until)

    def finish(self, job: Job, outcome: Outcome, now: float) -> None:
        """Record how a call ended. The chat's next call may go at once, or after `wait_s`."""
        chat, item = job.chat, job.item
        chat.busy = False
        if job.kind > Kind.MESSAGE:
            self._best_effort -= 1
        if isinstance(item, QueuedMessage) and item.ended is not None:
            item.due_at = now + outcome.wait_s  # already sent: only the store has to be tried again
        elif outcome.wait_s:
            chat.not_before = max(chat.not_before, now + outcome.wait_s)
        if outcome.flood:
            self._flooded(chat, now, outcome.wait_s)
        if isinstance(item, QueuedMessage):
            if not outcome.again:
                chat.messages.remove(item)
                self.open_messages -= 1
        elif isinstance(item, Notice):
            self._finish_notice(chat, item, job, outcome, now)
        elif isinstance(item, MessageDraft):
            self._finish_draft(chat, item, outcome, now)
        elif isinstance(item, GrowingMessage):
            item.finish(outcome, now + _LATE_TIMES * chat.draft_late_s, self._limits)
        self._schedule(chat)

    # --- internals

    def _chat(self, chat_id: int, now: float, *, callback: bool = False) -> Chat:
        chat = self._chats.get((chat_id, callback))
        if chat is None:
            if len(self._chats) >= self._sweep_at:
                self._sweep(now)
            limits = self._limits
            group = Window(limits.group_per_min, 60.0) if chat_id < 0 and limits.group_per_min else None
            chat = Chat(chat_id, Bucket(limits.chat_interval_s, limits.chat_burst), group)
            self._chats[chat_id, callback] = chat
        chat.touched_at = now
        return chat

    def _sweep(self, now: float) -> None:
        """Forget chats that were silent for longer than any limit looks back."""
        for key, chat in list(self._chats.items()):
            pending = chat.busy or chat.messages or chat.notices or chat.draft or chat.draft_shown or chat.growing
            if not pending and chat.typing_at == NEVER and now > max(chat.touched_at + 120.0, chat.not_before):
                del self._chats[key]
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._chats))

    def _end(self, chat: Chat, draft_id: int | None) -> None:
        for draft in (chat.draft, chat.draft_shown):
            if draft and draft_id is None and draft.draft_id not in chat.ended_drafts:
                chat.ended_drafts.append(draft.draft_id)
        if draft_id is not None and draft_id not in chat.ended_drafts:
            chat.ended_drafts.append(draft_id)
        chat.draft = chat.draft_shown = None
        chat.typing_at = NEVER

    def _kind_at(self, kind: Kind) -> float:
        """Return when the limits shared by all chats allow a call of this kind."""
        if kind > Kind.MESSAGE and self._best_effort >= self._max_best_effort:
            return NEVER
        return 0.0 if kind in (Kind.UNLIMITED, Kind.TYPING) else self._global.next_at()

    def _first(self, kind: Kind) -> Chat | None:
        heap = self._heaps[kind]
        while heap:
            due, _, chat = heap[0]
            if chat.due[kind] == due:
                return chat
            heapq.heappop(heap)
        return None

    def _schedule(self, chat: Chat) -> None:
        if chat.busy:
            return
        for kind, due in enumerate(self._dues(chat)):
            if due != chat.due[kind]:
                chat.due[kind] = due
                if due != NEVER:
                    heapq.heappush(self._heaps[kind], (due, next(self._ties), chat))

    def _dues(self, chat: Chat) -> list[float]:
        dues = [NEVER] * len(KINDS)
        limited_at = max(chat.bucket.next_at(), chat.group.next_at() if chat.group else 0.0)
        if chat.messages:
            head = chat.messages[0]
            due = max(chat.not_before, head.due_at)
            if not is_limited(head.row.method) or head.ended is not None:
                dues[Kind.UNLIMITED] = due
            else:
                dues[Kind.MESSAGE] = max(due, limited_at)
        for notice in chat.notices.values():
            if notice.method:
                due = max(chat.not_before, notice.due_at, limited_at if is_limited(notice.method) else 0.0)
                dues[Kind.NOTICE] = min(dues[Kind.NOTICE], due)
        if not chat.messages:
            if chat.draft:
                dues[Kind.DRAFT] = max(chat.not_before, chat.draft.since, chat.draft_next_at)
            elif chat.draft_shown:
                dues[Kind.DRAFT] = max(chat.not_before, chat.draft_shown_at + self._limits.draft_refresh_s)
            elif growing := chat.next_growing:
                spare_at = max(chat.bucket.spare_at(), chat.group.spare_at() if chat.group else 0.0)
                dues[Kind.DRAFT] = max(chat.not_before, growing.due_at, spare_at)
            if chat.typing_at != NEVER:
                dues[Kind.TYPING] = max(chat.not_before, chat.typing_at)
        return dues

    def _start(self, chat: Chat, kind: Kind, now: float) -> Job:
        chat.busy = True
        if kind is Kind.DRAFT:
            chat.draft_late_s = max(0.0, now - chat.due[kind])
        chat.due = [NEVER] * len(KINDS)
        chat.touched_at = now
        job = self._job(chat, kind, now)
        if kind > Kind.MESSAGE:
            self._best_effort += 1
        if is_limited(job.method) and not (isinstance(job.item, QueuedMessage) and job.item.ended is not None):
            self._global.take(now)
            if not isinstance(job.item, MessageDraft):
                chat.bucket.take(now)
                if chat.group:
                    chat.group.take(now)
        return job

    def _job(self, chat: Chat, kind: Kind, now: float) -> Job:
        if kind <= Kind.MESSAGE:
            message = chat.messages[0]
            message.attempts += 1
            return Job(chat, kind, message.row.method, message.row.params, message)
        if kind is Kind.NOTICE:
            notice = min((one for one in chat.notices.values() if one.method), key=lambda one: one.due_at)
            notice.in_flight = True
            params: dict[str, Json] = {"chat_id": chat.chat_id}
            if notice.message_id:
                params["message_id"] = notice.message_id
            elif notice.topic_id:
                params["message_thread_id"] = notice.topic_id
            if notice.wanted:
                params["text"], params["reply_markup"] = notice.wanted
                params["parse_mode"] = "HTML"
            return Job(chat, kind, notice.method, params, notice)
        if kind is Kind.DRAFT:
            draft = chat.draft or chat.draft_shown
            if draft is None:
                growing = chat.next_growing
                assert growing is not None
                growing.changed = False
                return Job(chat, kind, growing.method, {}, growing)
            chat.draft = None
            chat.draft_shown = draft
            params = {"chat_id": chat.chat_id, "draft_id": draft.draft_id, "can_stop": True}
            if draft.topic_id:
                params["message_thread_id"] = draft.topic_id
            return Job(chat, kind, "sendMessageDraft", params, draft)
        chat.typing_at = now + self._limits.typing_interval_s
        if chat.typing_at > chat.typing_until:
            chat.typing_at = NEVER
        params = {"chat_id": chat.chat_id, "action": chat.action}
        if chat.typing_topic:
            params["message_thread_id"] = chat.typing_topic
        return Job(chat, kind, "sendChatAction", params, None)

    def _skip_draft(self, chat: Chat, now: float) -> None:
        """Drop the due draft. What is shown is still refreshed in time, with the newer text."""
        if (growing := chat.next_growing) and not chat.draft and not chat.draft_shown:
            growing.due_at = now + self._limits.growth_interval_s
        elif chat.draft is None:
            chat.draft_shown_at += self._limits.draft_interval_s
        elif chat.draft_shown:
            chat.draft_shown = chat.draft
        chat.draft = None
        chat.draft_next_at = now + self._limits.draft_interval_s
        self._schedule(chat)

    def _finish_draft(self, chat: Chat, draft: MessageDraft, outcome: Outcome, now: float) -> None:
        # The interval starts after the call. Drafts that are sent late mean a busy machine: send fewer.
        chat.draft_next_at = now + self._limits.draft_interval_s + _LATE_TIMES * chat.draft_late_s
        if chat.draft_shown is not draft:
            return  # ended while the call was in flight
        if not outcome.done or now - draft.since > self._limits.forget_s:
            chat.draft_shown = None
            return
        chat.draft_shown_at = now
        chat.typing_at = NEVER

    def _finish_notice(self, chat: Chat, notice: Notice, job: Job, outcome: Outcome, now: float) -> None:
        notice.in_flight = False
        notice.failures = 0 if outcome.done else notice.failures + 1
        if job.method == "deleteMessage":
            notice.due_at = now + self._limits.retry_first_s
            if not outcome.again or (not outcome.flood and notice.failures >= 3):
                notice.message_id = notice.shown = None
        elif outcome.done or (not outcome.again and not outcome.flood):
            notice.shown = (str(job.params["text"]), job.params.get("reply_markup"))  # a failed text is not tried again
            notice.message_id = notice.message_id or outcome.message_id
            notice.lost = notice.message_id is None and outcome.unsure
        if notice.wanted is not None:
            notice.due_at = now + self._limits.notice_interval_s
        elif notice.message_id is None:
            chat.notices.pop(notice.key, None)

    def _flooded(self, chat: Chat, now: float, wait_s: float) -> None:
        """Pause all chats if many were refused within a second: Telegram's overall limit is hit."""
        self._floods.append((now, chat.chat_id))
        while self._floods[0][0] < now - 1.0:
            self._floods.popleft()
        if len({chat_id for _, chat_id in self._floods}) >= self._limits.flood_chats:
            self._paused_until = max(self._paused_until, now + wait_s)

"""What may go out next: every chat's waiting messages, notices, drafts and typing, and whose turn it is.

Pure bookkeeping with the clock passed in: no threads, no network, no store; the sender calls it under its lock.
A chat has one call under way. Among what is due, answers go first, then notices, drafts, typing; among equals
whoever was due first. Choosing costs O(log chats): a heap a kind, stale entries are skipped.

- Answers keep their order, by row; the head stays until it is done. While one waits, the chat's drafts wait.
- An answer clears the chat's draft and typing; a row that shows a prompt, or `end_draft`, ends the draft for good.
- A draft goes only from spare capacity: else it is dropped, the next is soon here.
- Answers to button presses stand in a line of their own: no order and no limit binds them to the messages.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import insort
from collections import deque
from collections.abc import Callable, Hashable, Set
from typing import Final

from core.schemas import Json, OutboxRow
from telegram.rate_limits import NEVER, Bucket, Pace, Window
from telegram.send_items import KINDS, Answer, Chat, Draft, Job, Kind, Notice, Outcome, counts

_DRAFT_SPARE: Final = 0.25  # this part of the limit of messages a second is left to answers
_LATE_TIMES: Final = 20  # a draft that went late puts off the next one by so many times as much
_SWEEP_AT: Final = 2048  # chats kept in mind before the idle ones are let go


class SendQueue:
    """All that waits. `most_best_effort`: how many notices, drafts and typings may be under way at once."""

    def __init__(self, pace: Pace, most_best_effort: int) -> None:
        self._pace = pace
        self._most_best_effort = most_best_effort
        self._best_effort = 0
        self._chats: dict[tuple[int, bool], Chat] = {}
        self._heaps: tuple[list[tuple[float, int, Chat]], ...] = tuple([] for _ in KINDS)
        self._ties = itertools.count()
        self._global = Window(pace.messages_per_s, 1.0)
        self._paused_until = 0.0
        self._floods: deque[tuple[float, int]] = deque()
        self._sweep_at = _SWEEP_AT
        self.answers_open = 0

    # --- what comes in

    def add(self, row: OutboxRow, now: float, *, kept: bool = True) -> None:
        """Puts a message behind those of its chat with smaller ids."""
        callback = row.method.startswith("answer")
        chat = self._chat(row.chat_id, now, callback=callback)
        begun = bool(chat.answers) and (chat.busy or chat.answers[0].attempts > 0 or chat.answers[0].ended is not None)
        first = int(begun and kept)  # one that isn't kept goes before one that only the store doesn't know of yet
        insort(chat.answers, Answer(row, now, kept), lo=first, key=lambda answer: answer.row.id)
        self.answers_open += 1
        if not callback and counts(row.method):
            if row.prompt_id is not None:
                self._end(chat, None)
            chat.draft = chat.draft_shown = None
            chat.typing_at = NEVER
        self._schedule(chat)

    def drop(self, chat_id: int, row_ids: Set[int]) -> list[int]:
        """Takes messages of a chat back that haven't been begun; the ids of those that won't go."""
        dropped = []
        for chat in [found for key, found in self._chats.items() if key[0] == chat_id]:
            gone = [one for one in chat.answers if one.kept and one.row.id in row_ids and not one.attempts]
            if chat.busy and gone and gone[0] is chat.answers[0]:
                del gone[0]  # it may be the one that is being sent
            for answer in gone:
                chat.answers.remove(answer)
                dropped.append(answer.row.id)
            self._schedule(chat)
        self.answers_open -= len(dropped)
        return dropped

    def draft(self, chat_id: int, draft_id: int, text: str | Callable[[], str], can_stop: bool, now: float) -> None:
        """Replaces the chat's draft, unless that draft was ended."""
        chat = self._chat(chat_id, now)
        if draft_id not in chat.ended_drafts:
            chat.draft = Draft(draft_id, text, can_stop, chat.draft.since if chat.draft else now)
            self._schedule(chat)

    def end_draft(self, chat_id: int, draft_id: int | None, now: float) -> None:
        """No draft `draft_id` (None: the one of now) and no typing any more."""
        chat = self._chat(chat_id, now)
        self._end(chat, draft_id)
        self._schedule(chat)

    def typing(self, chat_id: int, now: float) -> None:
        """Shows that something is being written until a draft does."""
        chat = self._chat(chat_id, now)
        chat.typing_until = now + self._pace.forget_s
        if chat.typing_at == NEVER:
            chat.typing_at = now + self._pace.typing_delay_s
            self._schedule(chat)

    def notice(
        self,
        key: Hashable,
        chat_id: int,
        wanted: tuple[str, Json] | None,
        on_sent: Callable[[int | None], None],
        now: float,
    ) -> None:
        """What the chat's notice `key` should look like; None: gone."""
        chat = self._chat(chat_id, now)
        notice = chat.notices.get(key)
        if notice is None:
            if wanted is None:
                return
            notice = chat.notices[key] = Notice(key, wanted, on_sent, now)
        if wanted is None and notice.wanted is not None:
            notice.since = now  # deleting waits for no interval
        notice.wanted = wanted
        if notice.message_id is None and not notice.in_flight:
            notice.on_sent = on_sent
        if wanted is None and notice.message_id is None and not notice.in_flight:
            del chat.notices[key]
        self._schedule(chat)

    # --- what goes out

    def take(self, now: float) -> Job | None:
        """The next call that may be made now; its chat is busy until `finish`."""
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
        """When there may be something to take; `NEVER`: not before something comes in or is finished."""
        soonest = NEVER
        for kind in KINDS:
            chat = self._first(kind)
            if chat is not None and chat.due[kind] < soonest:
                soonest = min(soonest, max(chat.due[kind], self._kind_at(kind)))
        return max(soonest, self._paused_until)

    def finish(self, job: Job, outcome: Outcome, now: float) -> None:
        """The call has ended; the chat's next may go, at once or after `wait_s`."""
        chat, item = job.chat, job.item
        chat.busy = False
        if job.kind > Kind.ANSWER:
            self._best_effort -= 1
        if isinstance(item, Answer) and item.ended is not None:
            item.since = now + outcome.wait_s  # it is out: the store alone is waited for
        elif outcome.wait_s:
            chat.not_before = max(chat.not_before, now + outcome.wait_s)
        if outcome.flood:
            self._flooded(chat, now, outcome.wait_s)
        if isinstance(item, Answer):
            if not outcome.again:
                chat.answers.remove(item)
                self.answers_open -= 1
        elif isinstance(item, Notice):
            self._finish_notice(chat, item, job, outcome, now)
        elif isinstance(item, Draft):
            self._finish_draft(chat, item, outcome, now)
        self._schedule(chat)

    # --- inside

    def _chat(self, chat_id: int, now: float, *, callback: bool = False) -> Chat:
        chat = self._chats.get((chat_id, callback))
        if chat is None:
            if len(self._chats) >= self._sweep_at:
                self._sweep(now)
            pace = self._pace
            group = Window(pace.group_per_min, 60.0) if chat_id < 0 and pace.group_per_min else None
            chat = Chat(chat_id, Bucket(pace.chat_interval_s, pace.chat_burst), group)
            self._chats[chat_id, callback] = chat
        chat.touched_at = now
        return chat

    def _sweep(self, now: float) -> None:
        """Lets go of chats that were silent for longer than any limit looks back."""
        for key, chat in list(self._chats.items()):
            pending = chat.busy or chat.answers or chat.notices or chat.draft or chat.draft_shown
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
        """From when on the common limits let a call of this kind go."""
        if kind > Kind.ANSWER and self._best_effort >= self._most_best_effort:
            return NEVER
        return 0.0 if kind in (Kind.FREE, Kind.TYPING) else self._global.next_at()

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
        if chat.answers:
            head = chat.answers[0]
            due = max(chat.not_before, head.since)
            if not counts(head.row.method) or head.ended is not None:
                dues[Kind.FREE] = due
            else:
                dues[Kind.ANSWER] = max(due, limited_at)
        for notice in chat.notices.values():
            if notice.method:
                due = max(chat.not_before, notice.since, limited_at if counts(notice.method) else 0.0)
                dues[Kind.NOTICE] = min(dues[Kind.NOTICE], due)
        if not chat.answers:
            if chat.draft:
                dues[Kind.DRAFT] = max(chat.not_before, chat.draft.since, chat.draft_next_at)
            elif chat.draft_shown:
                dues[Kind.DRAFT] = max(chat.not_before, chat.draft_shown_at + self._pace.draft_refresh_s)
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
        if kind > Kind.ANSWER:
            self._best_effort += 1
        if counts(job.method) and not (isinstance(job.item, Answer) and job.item.ended is not None):
            self._global.take(now)
            if kind is not Kind.DRAFT:
                chat.bucket.take(now)
                if chat.group:
                    chat.group.take(now)
        return job

    def _job(self, chat: Chat, kind: Kind, now: float) -> Job:
        if kind <= Kind.ANSWER:
            answer = chat.answers[0]
            answer.attempts += 1
            return Job(chat, kind, answer.row.method, answer.row.params, answer)
        if kind is Kind.NOTICE:
            notice = min((one for one in chat.notices.values() if one.method), key=lambda one: one.since)
            notice.in_flight = True
            params: dict[str, Json] = {"chat_id": chat.chat_id}
            if notice.message_id:
                params["message_id"] = notice.message_id
            if notice.wanted:
                params["text"], params["reply_markup"] = notice.wanted
                params["parse_mode"] = "HTML"
            return Job(chat, kind, notice.method, params, notice)
        if kind is Kind.DRAFT:
            draft = chat.draft or chat.draft_shown
            assert draft is not None
            chat.draft = None
            chat.draft_shown = draft
            params = {"chat_id": chat.chat_id, "draft_id": draft.draft_id}
            if draft.can_stop:
                params["can_stop"] = True
            return Job(chat, kind, "sendMessageDraft", params, draft)
        chat.typing_at = now + self._pace.typing_interval_s
        if chat.typing_at > chat.typing_until:
            chat.typing_at = NEVER
        return Job(chat, kind, "sendChatAction", {"chat_id": chat.chat_id, "action": "typing"}, None)

    def _skip_draft(self, chat: Chat, now: float) -> None:
        """Drops the draft that is due; what was shown is still refreshed in time, with the newer text."""
        if chat.draft is None:
            chat.draft_shown_at += self._pace.draft_interval_s
        elif chat.draft_shown:
            chat.draft_shown = chat.draft
        chat.draft = None
        chat.draft_next_at = now + self._pace.draft_interval_s
        self._schedule(chat)

    def _finish_draft(self, chat: Chat, draft: Draft, outcome: Outcome, now: float) -> None:
        # Counted from here, the network can't shorten it; and the later drafts go, the fewer: the machine is busy.
        chat.draft_next_at = now + self._pace.draft_interval_s + _LATE_TIMES * chat.draft_late_s
        if chat.draft_shown is not draft:
            return  # ended meanwhile
        if not outcome.done or now - draft.since > self._pace.forget_s:
            chat.draft_shown = None
            return
        chat.draft_shown_at = now
        chat.typing_at = NEVER

    def _finish_notice(self, chat: Chat, notice: Notice, job: Job, outcome: Outcome, now: float) -> None:
        notice.in_flight = False
        notice.failures = 0 if outcome.done else notice.failures + 1
        if job.method == "deleteMessage":
            notice.since = now + self._pace.retry_first_s
            if not outcome.again or (not outcome.flood and notice.failures >= 3):
                notice.message_id = notice.shown = None
        elif outcome.done or (not outcome.again and not outcome.flood):
            notice.shown = (str(job.params["text"]), job.params.get("reply_markup"))  # not again, even if it failed
            notice.message_id = notice.message_id or outcome.message_id
            notice.lost = notice.message_id is None and outcome.unsure
        if notice.wanted is not None:
            notice.since = now + self._pace.notice_interval_s
        elif notice.message_id is None:
            chat.notices.pop(notice.key, None)

    def _flooded(self, chat: Chat, now: float, wait_s: float) -> None:
        """Many chats refused within a second: the limit of all messages is meant, so all of them wait."""
        self._floods.append((now, chat.chat_id))
        while self._floods[0][0] < now - 1.0:
            self._floods.popleft()
        if len({chat_id for _, chat_id in self._floods}) >= self._pace.flood_chats:
            self._paused_until = max(self._paused_until, now + wait_s)

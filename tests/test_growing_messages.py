"""A message that grows by edits, from the sender's side: when it goes, and what takes its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from core.schemas import DeferredAttachment, Json, OutboxRow, RenderedAttachment
from telegram.rate_limits import SendLimits
from telegram.send_growing import GROWING, GrowingMessage
from telegram.send_items import Job
from telegram.send_outcome import Outcome
from telegram.send_queue import SendQueue
from tests.botapi_server import Order, refusal
from tests.sending_bench import QUICK, Bench, Benches, bench, benches

__all__ = ["bench", "benches"]

TURN = 7


class Answer:
    """An answer that a test lets grow; `ids` are the messages that were reported for it."""

    def __init__(self, bench: Bench, chat_id: int = 5) -> None:
        self.ids: list[int | None] = []
        self.text: str | None = ""
        self._bench = bench
        self._chat_id = chat_id

    def grow(self, text: str | None) -> None:
        self.text = text
        self._bench.delivery.grow(self._chat_id, TURN, self, self.ids.append)

    def __call__(self) -> Mapping[str, Json] | None:
        if self.text is None:
            return None
        return {"text": self.text, "reply_parameters": {"message_id": 3}} if self.text else {}


@pytest.fixture
def answer(bench: Bench) -> Answer:
    return Answer(bench)


def whole(bench: Bench, text: str = "целое", method: str = "sendMessage") -> OutboxRow:
    """Return the row that takes the growing message's place, or deletes it."""
    row = bench.row(5, text, method, prompt_id=1, reply_parameters={"message_id": 3})
    named = OutboxRow(row.id, 5, method, row.params, None, 1, DeferredAttachment(GROWING, TURN))
    bench.store.rows[row.id] = named
    return named


def finder(ids: list[int | None]) -> Callable[[DeferredAttachment], RenderedAttachment | None]:
    """Return a renderer that knows the last message that was reported."""

    def render(deferred: DeferredAttachment) -> RenderedAttachment | None:
        known = ids[-1] if ids else None
        return RenderedAttachment({"message_id": known}) if known else None

    return render


def test_it_is_sent_once_and_then_edited(bench: Bench, answer: Answer) -> None:
    answer.grow("Раз.")
    sent = bench.server.wait(1)[0]
    assert sent.method == "sendMessage" and sent.params["reply_parameters"] == {"message_id": 3}
    for number in range(20):
        answer.grow(f"Раз. Два. {number}")
    edit = bench.server.wait(1, "editMessageText")[0]
    assert edit.params == {"chat_id": 5, "message_id": 101, "text": "Раз. Два. 19"}
    assert edit.at - sent.at >= 0.05
    assert bench.quiet() == 2
    assert answer.ids == [101]


def test_nothing_is_sent_while_nothing_may_be_shown_and_after_the_end(bench: Bench, answer: Answer) -> None:
    for text in ("", None, "поздно"):
        answer.grow(text)
        assert bench.quiet() == 0


def test_the_same_text_makes_no_call(bench: Bench, answer: Answer) -> None:
    answer.grow("Раз.")
    bench.server.wait(1)
    answer.grow("Раз.")
    assert bench.quiet() == 1


def test_a_deleted_one_is_sent_anew(bench: Bench, answer: Answer) -> None:
    answer.grow("Раз.")
    bench.server.wait(1)
    bench.server.order("editMessageText", refusal(400, "Bad Request: message to edit not found"))
    answer.grow("Раз. Два.")
    bench.server.wait(2, "sendMessage")
    assert bench.texts() == ["Раз.", "Раз. Два."]
    bench.quiet()
    assert answer.ids == [101, None, 103]


def test_one_that_may_have_arrived_is_not_sent_again(bench: Bench, answer: Answer) -> None:
    bench.server.order("sendMessage", Order(drop=True))
    answer.grow("Раз.")
    bench.server.wait(1)
    answer.grow("Раз. Два.")
    assert bench.quiet() == 1


def test_a_429_holds_the_chat_back_and_the_text_comes_later(bench: Bench, answer: Answer) -> None:
    answer.grow("Раз.")
    bench.server.wait(1)
    bench.server.order("editMessageText", refusal(429, "Too Many Requests", 0.3))
    answer.grow("Раз. Два.")
    first, second = bench.server.wait(2, "editMessageText")
    assert second.params["text"] == "Раз. Два." and second.at - first.at >= 0.29


# --- the answer takes its place


@pytest.fixture
def finding(benches: Benches) -> tuple[Bench, Answer]:
    """Return a bench whose rows find the growing message, and its answer."""
    ids: list[int | None] = []
    bench = benches(limits=QUICK, render=finder(ids))
    answer = Answer(bench)
    answer.ids = ids
    return bench, answer


def test_the_answer_is_an_edit_of_it_without_a_reply(finding: tuple[Bench, Answer]) -> None:
    bench, answer = finding
    answer.grow("Раз.")
    bench.server.wait(1)
    bench.delivery.wake([whole(bench)])
    bench.flush()
    edit = bench.server.of("editMessageText")[0]
    assert edit.params == {"chat_id": 5, "message_id": 101, "text": "целое"}
    assert bench.store.marked == [(1, 5, 101, 1)]


def test_an_answer_that_is_there_before_the_message_has_its_id_waits_for_it(finding: tuple[Bench, Answer]) -> None:
    bench, answer = finding
    bench.server.order("sendMessage", Order(before=lambda: bench.delivery.wake([whole(bench)])))
    answer.grow("Раз.")
    bench.server.wait(1, "editMessageText")
    bench.flush()
    assert [call.method for call in bench.server.calls] == ["sendMessage", "editMessageText"]


def test_an_answer_whose_message_is_gone_or_was_never_sent_is_a_new_one(finding: tuple[Bench, Answer]) -> None:
    bench, answer = finding
    bench.delivery.wake([whole(bench, "первое")])
    bench.flush()
    answer.grow("Раз.")
    bench.server.wait(2)
    bench.server.order("editMessageText", refusal(400, "Bad Request: message to edit not found"))
    bench.delivery.wake([whole(bench, "второе")])
    bench.flush()
    assert bench.texts() == ["первое", "Раз.", "второе"]
    assert bench.server.of("sendMessage")[-1].params["reply_parameters"]["message_id"] == 3
    assert [message_id for _, _, message_id, _ in bench.store.marked] == [101, 104]


def test_an_answer_that_is_shown_already_counts_as_sent(finding: tuple[Bench, Answer]) -> None:
    bench, answer = finding
    answer.grow("целое")
    bench.server.wait(1)
    bench.server.order("editMessageText", refusal(400, "Bad Request: message is not modified: …"))
    bench.delivery.wake([whole(bench)])
    bench.flush()
    assert bench.store.marked == [(1, 5, 101, 1)] and not bench.store.refused


def test_the_answer_waits_as_long_as_telegram_wants_and_goes_into_the_message(finding: tuple[Bench, Answer]) -> None:
    bench, answer = finding
    answer.grow("Раз.")
    bench.server.wait(1)
    bench.server.order("editMessageText", refusal(429, "Too Many Requests", 0.2), Order(502, b"-"))
    bench.delivery.wake([whole(bench)])
    bench.flush()
    assert len(bench.server.of("editMessageText")) == 3 and len(bench.server.of("sendMessage")) == 1
    assert bench.store.marked == [(1, 5, 101, 1)]


def test_without_an_answer_it_is_deleted_and_if_it_was_never_sent_nothing_is(finding: tuple[Bench, Answer]) -> None:
    bench, answer = finding
    bench.delivery.wake([whole(bench, method="deleteMessage")])
    bench.flush()
    assert not bench.server.calls and bench.store.rows == {}
    answer.grow("Раз.")
    bench.server.wait(1)
    bench.delivery.wake([whole(bench, method="deleteMessage")])
    bench.flush()
    assert bench.server.calls[-1].method == "deleteMessage" and bench.server.calls[-1].params["message_id"] == 101


# --- limits, by a clock that only the test moves


def grown(queue: SendQueue, seconds: int, chat_id: int, chars_a_second: int = 0) -> list[tuple[float, Job]]:
    """Let an answer grow all the time; return what goes out, each call answered at once."""
    sent: list[tuple[float, Job]] = []
    now = 1000.0
    while now < 1000.0 + seconds:
        queue.grow(chat_id, TURN, dict, lambda _: None, now)
        if job := queue.take(now):
            if isinstance(job.item, GrowingMessage):
                job.item.shown, job.item.message_id = {"text": "а" * int((now - 1000.0) * chars_a_second)}, 1
            queue.finish(job, Outcome(done=True, message_id=1), now)
            sent.append((now - 1000.0, job))
        else:
            now = max(queue.next_at(), now + 1e-6)
    return sent


def test_edits_are_apart_and_become_rarer_as_the_answer_grows() -> None:
    sent = grown(SendQueue(SendLimits(), 9), 60, chat_id=1, chars_a_second=60)
    apart = [later - earlier for (earlier, _), (later, _) in pairwise(sent)]
    assert apart[0] >= 1.499 and apart == sorted(apart) and apart[-1] >= 3.0
    assert [job.method for _, job in sent] == ["sendMessage", *["editMessageText"] * (len(sent) - 1)]


def test_in_a_group_they_leave_half_of_the_minute_to_answers() -> None:
    queue = SendQueue(SendLimits(), 9)
    sent = grown(queue, 59, chat_id=-5)
    assert len(sent) == 10
    queue.add(OutboxRow(1, -5, "sendMessage", {"text": "целое"}), 1059.0)
    job = queue.take(1059.0)
    assert job is not None and job.params == {"text": "целое"}


def test_they_use_spare_capacity_only() -> None:
    queue = SendQueue(SendLimits(messages_per_s=4, chat_interval_s=0), 9)
    for number in range(3):
        queue.add(OutboxRow(number, number + 10, "sendMessage", {"text": "целое"}), 1000.0)
    queue.grow(1, TURN, dict, lambda _: None, 1000.0)
    methods = []
    while job := queue.take(1000.0):
        queue.finish(job, Outcome(done=True), 1000.0)
        methods.append(job.chat.chat_id)
    assert methods == [10, 11, 12]
    job = queue.take(1002.0)
    assert job is not None and job.chat.chat_id == 1


def test_an_answer_goes_before_an_edit_of_its_chat() -> None:
    queue = SendQueue(SendLimits(), 9)
    queue.grow(1, TURN, dict, lambda _: None, 1000.0)
    queue.add(OutboxRow(1, 1, "sendMessage", {"text": "справка"}), 1000.0)
    job = queue.take(1000.0)
    assert job is not None and job.params == {"text": "справка"}


def test_the_answer_ends_it() -> None:
    queue = SendQueue(SendLimits(), 9)
    queue.grow(1, TURN, dict, lambda _: None, 1000.0)
    row = OutboxRow(1, 1, "sendMessage", {"text": "целое"}, None, 1, DeferredAttachment(GROWING, TURN))
    queue.add(row, 1000.0)
    job = queue.take(1000.0)
    assert job is not None
    queue.finish(job, Outcome(done=True, message_id=1), 1000.0)
    assert queue.take(1060.0) is None

"""Whose turn it is: limits and priorities against a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable

from core.schemas import OutboxRow
from telegram.rate_limits import NEVER, SendLimits, Window, backoff_s
from telegram.send_items import Job, MessageDraft
from telegram.send_outcome import Outcome
from telegram.send_queue import SendQueue

DONE = Outcome(done=True, message_id=1)


def row(row_id: int, chat_id: int, method: str = "sendMessage", prompt_id: int | None = None) -> OutboxRow:
    return OutboxRow(row_id, chat_id, method, {"text": str(row_id)}, None, prompt_id)


def run(
    queue: SendQueue, until: float, outcome: Callable[[Job], Outcome] = lambda job: DONE
) -> list[tuple[float, Job]]:
    """Everything that goes out from 1,000 s to `until` after that, each call answered at once."""
    now, sent = 1000.0, []
    while now <= 1000.0 + until:
        if job := queue.take(now):
            queue.finish(job, outcome(job), now)
            sent.append((now - 1000.0, job))
        else:
            now = max(queue.next_at(), now + 1e-6)
    return sent


def test_no_second_ever_holds_more_than_the_limit() -> None:
    queue = SendQueue(SendLimits(messages_per_s=30, chat_interval_s=0), 9)
    for number in range(100):
        queue.add(row(number, chat_id=number), 1000.0)
    moments = [moment for moment, _ in run(queue, 10)]
    assert len(moments) == 100
    assert all(later - earlier >= 0.999 for earlier, later in zip(moments, moments[30:], strict=False))
    assert moments[-1] < 3.5


def test_a_chat_may_burst_and_then_goes_at_its_interval_while_others_go_on() -> None:
    queue = SendQueue(SendLimits(messages_per_s=0, chat_interval_s=1, chat_burst=3), 9)
    for number in range(6):
        queue.add(row(number, chat_id=1), 1000.0)
    queue.add(row(6, chat_id=2), 1000.0)
    sent = run(queue, 10)
    assert [round(moment, 3) for moment, job in sent if job.chat.chat_id == 1] == [0, 0, 0, 1, 2, 3]
    assert [round(moment, 3) for moment, job in sent if job.chat.chat_id == 2] == [0]


def test_a_group_gets_twenty_a_minute() -> None:
    queue = SendQueue(SendLimits(messages_per_s=0, chat_interval_s=0, group_per_min=20), 9)
    for number in range(25):
        queue.add(row(number, chat_id=-5), 1000.0)
    moments = [round(moment, 3) for moment, _ in run(queue, 100)]
    assert moments == [0] * 20 + [60] * 5


def test_zero_switches_every_limit_off() -> None:
    queue = SendQueue(SendLimits(messages_per_s=0, chat_interval_s=0, group_per_min=0), 9)
    for number in range(200):
        queue.add(row(number, chat_id=-5), 1000.0)
    assert len(run(queue, 0)) == 200


def test_button_answers_wait_for_no_limit_and_no_message() -> None:
    queue = SendQueue(SendLimits(messages_per_s=1), 9)
    queue.add(row(1, 1), 1000.0)
    queue.add(row(2, 1), 1000.0)
    queue.add(row(3, 1, "answerCallbackQuery"), 1000.0)
    sent = run(queue, 0)
    assert [job.params["text"] for _, job in sent] == ["3", "1"]


def test_answers_go_before_notices_drafts_and_typing() -> None:
    queue = SendQueue(SendLimits(typing_delay_s=0), 9)
    queue.typing(1, 1000.0)
    queue.draft(2, 7, "черновик", 1000.0)
    queue.notice("key", 3, ("место", None), lambda _: None, 1000.0)
    queue.add(row(1, 4), 1000.0)
    assert [job.method for _, job in run(queue, 0)] == [
        "sendMessage",
        "sendMessage",
        "sendMessageDraft",
        "sendChatAction",
    ]


def test_rows_that_come_late_still_go_by_their_ids() -> None:
    queue = SendQueue(SendLimits(), 9)
    for number in (2, 1, 3):
        queue.add(row(number, 1), 1000.0)
    assert [job.params["text"] for _, job in run(queue, 0)] == ["1", "2", "3"]


def test_a_row_under_way_is_not_overtaken_by_a_smaller_id() -> None:
    queue = SendQueue(SendLimits(), 9)
    queue.add(row(2, 1), 1000.0)
    job = queue.take(1000.0)
    assert job is not None
    queue.add(row(1, 1), 1000.0)
    queue.finish(job, Outcome(again=True, wait_s=5), 1000.0)
    assert [(round(moment), job.params["text"]) for moment, job in run(queue, 10)] == [(5, "2"), (5, "1")]


def test_drafts_without_room_are_dropped_and_not_delayed() -> None:
    queue = SendQueue(SendLimits(messages_per_s=4, chat_interval_s=0), 9)
    for number in range(3):
        queue.add(row(number, number), 1000.0)
    queue.draft(9, 7, "черновик", 1000.0)
    assert [job.method for _, job in run(queue, 5)] == ["sendMessage"] * 3


def test_a_draft_waits_while_its_chat_has_an_answer_to_send() -> None:
    queue = SendQueue(SendLimits(chat_burst=1), 9)
    queue.add(row(1, 1), 1000.0)
    queue.add(row(2, 1), 1000.0)
    queue.draft(1, 7, "черновик", 1000.0)
    assert [(round(moment), job.method) for moment, job in run(queue, 5)] == [
        (0, "sendMessage"),
        (1, "sendMessage"),
        (1, "sendMessageDraft"),
    ]


def test_a_prompt_s_row_ends_the_draft_and_a_late_one_is_ignored() -> None:
    queue = SendQueue(SendLimits(), 9)
    queue.draft(1, 7, "начало", 1000.0)
    queue.add(row(1, 1, prompt_id=3), 1000.0)
    queue.draft(1, 7, "опоздал", 1000.0)
    assert [job.method for _, job in run(queue, 60)] == ["sendMessage"]


def test_a_forgotten_draft_and_typing_end_by_themselves() -> None:
    queue = SendQueue(SendLimits(forget_s=50), 9)
    queue.draft(1, 7, "начало", 1000.0)
    queue.typing(2, 1000.0)
    sent = run(queue, 1000)
    assert max(moment for moment, _ in sent) < 75
    assert queue.next_at() == NEVER


def test_many_refused_chats_mean_everyone_waits() -> None:
    queue = SendQueue(SendLimits(flood_chats=5, messages_per_s=0), 9)
    for number in range(8):
        queue.add(row(number, chat_id=number), 1000.0)
    refused: list[Job] = []

    def answer(job: Job) -> Outcome:
        refused.append(job)
        return Outcome(again=True, wait_s=10, flood=True) if len(refused) <= 5 else DONE

    moments = [round(moment) for moment, _ in run(queue, 20, answer)]
    assert moments == [0] * 5 + [10] * 8


def test_best_effort_leaves_senders_to_answers() -> None:
    queue = SendQueue(SendLimits(), max_best_effort=1)
    queue.draft(1, 7, "а", 1000.0)
    queue.draft(2, 8, "б", 1000.0)
    first = queue.take(1000.0)
    assert first is not None and isinstance(first.item, MessageDraft)
    assert queue.take(1000.0) is None
    assert queue.next_at() == NEVER
    queue.finish(first, DONE, 1000.0)
    assert queue.take(1000.0) is not None


def test_idle_chats_are_let_go() -> None:
    queue = SendQueue(SendLimits(messages_per_s=0), 9)
    for number in range(3000):
        queue.add(row(number, chat_id=number), 1000.0 + number)
        job = queue.take(1000.0 + number)
        assert job is not None
        queue.finish(job, DONE, 1000.0 + number)
    assert len(queue._chats) < 2500


def test_waits_between_tries_double_up_to_the_most() -> None:
    limits = SendLimits(retry_first_s=0.5, retry_most_s=30)
    assert all(0.25 <= backoff_s(1, limits) <= 0.5 for _ in range(50))
    assert all(15 <= backoff_s(attempt, limits) <= 30 for attempt in (7, 8, 100, 10_000))


def test_a_window_knows_its_spare_part() -> None:
    window = Window(4, 1.0)
    window.take(10.0)
    assert window.spare(10.0) == 0.75
    assert window.spare(11.0) == 1.0

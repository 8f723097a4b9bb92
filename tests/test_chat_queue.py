"""The queues of chats: one update of a chat at a time, in order, and none while the chat's turn is committing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from database import InboxRow
from telegram.chat_queue import ChatQueues, Taken
from tests.harness import until


def row(number: int, chat_id: int = 1) -> InboxRow:
    return InboxRow(number, chat_id, "{}", 0)


def taken(chats: ChatQueues) -> Taken:
    found = chats.take()
    assert found is not None
    return found


def test_one_update_of_a_chat_is_in_hand_and_other_chats_go_on() -> None:
    chats = ChatQueues()
    chats.add([row(1), row(2), row(3, chat_id=2)])
    first, other = taken(chats), taken(chats)
    assert (first.row.id, other.row.id) == (1, 3)
    chats.release(first)
    assert taken(chats).row.id == 2


def test_what_waits_for_a_turn_comes_back_before_what_came_later() -> None:
    chats = ChatQueues()
    chats.add([row(1), row(2)])
    first = taken(chats)
    chats.release(first, held=first.row)
    second = taken(chats)
    assert second.behind
    chats.release(second, held=second.row)
    chats.add([row(3)])
    chats.resume(1)
    order = []
    for _ in range(3):
        one = taken(chats)
        order.append(one.row.id)
        chats.release(one)
    assert order == [1, 2, 3]


def test_an_update_to_be_tried_again_keeps_its_place() -> None:
    chats = ChatQueues()
    chats.add([row(1), row(2)])
    chats.release(taken(chats), again=True)
    assert taken(chats).row.id == 1


def test_nothing_is_taken_of_a_chat_whose_turn_is_ending_even_if_it_was_ready_before() -> None:
    chats = ChatQueues()
    chats.add([row(1)])
    with chats.paused(1):
        chats.add([row(2), row(3, chat_id=2)])
        assert taken(chats).row.id == 3
    assert taken(chats).row.id == 1


def test_a_turn_commits_after_the_update_that_is_being_handled() -> None:
    chats = ChatQueues()
    chats.add([row(1), row(2, chat_id=2)])
    one, other = taken(chats), taken(chats)
    order: list[str] = []

    def commit() -> None:
        with chats.paused(1):
            order.append("committed")

    with ThreadPoolExecutor(1) as pool:
        committing = pool.submit(commit)
        until(lambda: chats.is_paused(1))
        chats.release(other)  # another chat's
        order.append("handled")
        chats.release(one)
        committing.result(5)
    assert order == ["handled", "committed"]


def test_a_row_that_was_taken_back_is_forgotten() -> None:
    chats = ChatQueues()
    chats.hold(row(1))
    chats.hold(row(2))
    chats.forget(1, 1)
    chats.resume(1)
    assert taken(chats).row.id == 2


def test_many_hands_keep_every_chat_in_order() -> None:
    chats, seen, lock = ChatQueues(), dict[int, list[int]](), threading.Lock()

    def work() -> None:
        while (one := chats.take()) is not None:
            with lock:
                seen.setdefault(one.row.chat_id, []).append(one.row.id)
                if sum(map(len, seen.values())) == 400:
                    chats.stop()
            chats.release(one)

    with ThreadPoolExecutor(4) as pool:
        hands = [pool.submit(work) for _ in range(4)]
        chats.add([row(number, chat_id=number % 7) for number in range(400)])
        for hand in hands:
            hand.result(10)
    assert all(ids == sorted(ids) for ids in seen.values())

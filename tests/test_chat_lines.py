"""The lines of chats: one update of a chat in hand, in order, and nothing while the chat's turn is ending."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from database import InboxRow
from telegram.chat_queue import ChatLines, Taken


def row(number: int, chat_id: int = 1) -> InboxRow:
    return InboxRow(number, chat_id, "{}", 0)


def taken(lines: ChatLines) -> Taken:
    found = lines.take()
    assert found is not None
    return found


def test_one_update_of_a_chat_is_in_hand_and_other_chats_go_on() -> None:
    lines = ChatLines()
    lines.add([row(1), row(2), row(3, chat_id=2)])
    first, other = taken(lines), taken(lines)
    assert (first.row.id, other.row.id) == (1, 3)
    lines.put_down(first)
    assert taken(lines).row.id == 2


def test_what_waits_for_a_turn_comes_back_before_what_came_later() -> None:
    lines = ChatLines()
    lines.add([row(1), row(2)])
    first = taken(lines)
    lines.put_down(first, held=first.row)
    second = taken(lines)
    assert second.behind
    lines.put_down(second, held=second.row)
    lines.add([row(3)])
    lines.resume(1)
    order = []
    for _ in range(3):
        one = taken(lines)
        order.append(one.row.id)
        lines.put_down(one)
    assert order == [1, 2, 3]


def test_an_update_to_be_tried_again_keeps_its_place() -> None:
    lines = ChatLines()
    lines.add([row(1), row(2)])
    lines.put_down(taken(lines), again=True)
    assert taken(lines).row.id == 1


def test_nothing_is_taken_of_a_chat_whose_turn_is_ending_even_if_it_was_ready_before() -> None:
    lines = ChatLines()
    lines.add([row(1)])
    with lines.ending(1):
        lines.add([row(2), row(3, chat_id=2)])
        assert taken(lines).row.id == 3
    assert taken(lines).row.id == 1


def test_a_row_that_was_taken_back_is_forgotten() -> None:
    lines = ChatLines()
    lines.hold(row(1))
    lines.hold(row(2))
    lines.forget(1, 1)
    lines.resume(1)
    assert taken(lines).row.id == 2


def test_many_hands_keep_every_chat_in_order() -> None:
    lines, seen, lock = ChatLines(), dict[int, list[int]](), threading.Lock()

    def work() -> None:
        while (one := lines.take()) is not None:
            with lock:
                seen.setdefault(one.row.chat_id, []).append(one.row.id)
                if sum(map(len, seen.values())) == 400:
                    lines.stop()
            lines.put_down(one)

    with ThreadPoolExecutor(4) as pool:
        hands = [pool.submit(work) for _ in range(4)]
        lines.add([row(number, chat_id=number % 7) for number in range(400)])
        for hand in hands:
            hand.result(10)
    assert all(ids == sorted(ids) for ids in seen.values())

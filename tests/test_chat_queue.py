"""The queues of chats: one update of a chat at a time, in order, and none while the chat's turn is committing."""

from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from database import InboxRow
from telegram.chat_queue import ChatQueues, NoPieces, Taken
from tests.waiting import until

FOREVER = 60.0  # longer than a test
TOO_LONG = 5.0  # for an update that is ready


def row(number: int, chat_id: int = 1, body: str = "{}", *, topic_id: int = 0, blocks: bool = False) -> InboxRow:
    return InboxRow(number, chat_id, body, 0, topic_id=topic_id, blocks=blocks)


def taken(chats: ChatQueues) -> Taken:
    """Return the next update; a test that would wait for it for ever fails."""
    waited_too_long = threading.Timer(TOO_LONG, chats.stop)
    waited_too_long.start()
    found = chats.take()
    waited_too_long.cancel()
    assert found is not None
    return found


def test_one_update_of_a_chat_is_in_hand_and_other_chats_go_on() -> None:
    chats = ChatQueues()
    chats.add([row(1), row(2), row(3, chat_id=2)])
    first, other = taken(chats), taken(chats)
    assert (first.row.id, other.row.id) == (1, 3)
    assert not first.behind and not first.blocked and first.pieces == () and first.onto is None
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


def pause(chats: ChatQueues) -> bool:
    with chats.paused(1):
        return chats.is_paused(1)


def test_the_commit_of_a_turn_waits_for_the_handler_and_no_longer() -> None:
    chats = ChatQueues(handled_within_s=FOREVER)
    chats.add([row(1)])
    one = taken(chats)
    with ThreadPoolExecutor(1) as pool:
        committing = pool.submit(pause, chats)
        until(lambda: chats.is_paused(1))
        chats.release(one)
        assert committing.result(5)
        assert pool.submit(pause, chats).result(5)  # nothing is handled now


def test_a_handler_that_takes_too_long_is_not_waited_for() -> None:
    chats = ChatQueues(handled_within_s=0.01)
    chats.add([row(1)])
    taken(chats)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(pause, chats).result(5)


def test_a_stop_ends_every_wait() -> None:
    chats = ChatQueues(handled_within_s=FOREVER)
    chats.add([row(1)])
    taken(chats)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(chats.take) for _ in range(3)]
        committing = pool.submit(pause, chats)
        until(lambda: chats.is_paused(1))
        chats.stop()
        assert [one.result(5) for one in waiting] == [None] * 3
        assert committing.result(5)
    chats.add([row(2, chat_id=2)])
    assert chats.take() is None


def test_a_topic_has_a_queue_and_a_turn_of_its_own() -> None:
    chats = ChatQueues()
    with chats.paused(1, topic_id=7):
        assert chats.is_paused(1, topic_id=7) and not chats.is_paused(1) and not chats.is_paused(2)
        chats.add([row(1, topic_id=7), row(2)])
        one = taken(chats)
        assert one.row.id == 2
    assert not chats.is_paused(1, topic_id=7)
    other = taken(chats)
    assert other.row.id == 1
    chats.release(one, held=one.row)
    chats.release(other, held=other.row)
    chats.resume(1, topic_id=7)
    assert taken(chats).row.id == 1
    chats.add([row(3, topic_id=8)])
    assert taken(chats).row.id == 3
    chats.resume(1)
    assert taken(chats).row.id == 2


def test_a_row_that_was_taken_back_is_forgotten() -> None:
    chats = ChatQueues()
    chats.forget(1, 1)
    for number in (1, 2, 3):
        chats.hold(row(number))
    chats.hold(row(4, topic_id=7))
    chats.forget(1, 1)
    chats.forget(1, 4, topic_id=7)
    chats.resume(1)
    chats.resume(1, topic_id=7)
    chats.release(first := taken(chats))
    assert (first.row.id, taken(chats).row.id) == (2, 3)
    chats.add([row(5, topic_id=7)])
    assert not taken(chats).behind


def test_a_changed_row_takes_the_place_of_the_held_one() -> None:
    chats = ChatQueues()
    chats.replace(row(1))
    for number in (1, 2):
        chats.hold(row(number))
    chats.replace(row(2, body="held"))
    chats.resume(1)
    chats.replace(row(1, body="waiting"))
    chats.release(first := taken(chats))
    second = taken(chats)
    assert [(one.row.id, one.row.body) for one in (first, second)] == [(1, "waiting"), (2, "held")]


def test_a_resumed_chat_holds_nothing_and_handles_one_update() -> None:
    chats = ChatQueues()
    chats.resume(1)
    chats.hold(row(1))
    chats.add([row(3)])
    later = taken(chats)
    assert later.behind and not later.blocked
    chats.resume(1)
    chats.add([row(2, chat_id=2), row(4)])
    assert taken(chats).row.id == 2
    chats.release(later, again=True)
    order = []
    for _ in range(3):
        one = taken(chats)
        assert not one.behind
        order.append(one.row.id)
        chats.release(one)
    assert order == [1, 3, 4]


@pytest.mark.parametrize("blocks", [False, True])
def test_a_held_row_may_block_those_after_it(blocks: bool) -> None:
    chats = ChatQueues()
    chats.hold(row(1, blocks=blocks))
    chats.hold(row(2))
    chats.add([row(3), row(4, chat_id=2)])
    one, other = taken(chats), taken(chats)
    assert (one.behind, one.blocked, other.behind, other.blocked) == (True, blocks, False, False)


def test_without_rules_every_update_is_a_question_of_its_own() -> None:
    assert NoPieces().wait_s(row(1)) == 0 and not NoPieces().joins(row(1), row(2))


def grown_by(chats: ChatQueues, numbers: range, *, take_back: bool) -> int:
    """Return by how many bytes the queues grew by chats that are done; their last row may be taken back while held."""
    before = tracemalloc.get_traced_memory()[0]
    for number in numbers:
        if take_back:
            chats.hold(row(number, chat_id=number))
            chats.forget(number, number)
        else:
            chats.add([row(number, chat_id=number)])
            one = chats.take()
            assert one is not None
            chats.release(one)
    return tracemalloc.get_traced_memory()[0] - before


@pytest.mark.parametrize("take_back", [False, True])
def test_a_chat_that_is_done_takes_no_memory(take_back: bool) -> None:
    chats = ChatQueues()
    tracemalloc.start()
    try:
        grown_by(chats, range(1, 100), take_back=take_back)
        assert grown_by(chats, range(100, 1100), take_back=take_back) < 50_000
    finally:
        tracemalloc.stop()


def test_a_row_taken_back_while_another_is_handled_leaves_the_chat_as_it_is() -> None:
    chats = ChatQueues()
    chats.hold(row(1))
    chats.add([row(2)])
    one = taken(chats)
    chats.forget(1, 1)
    chats.add([row(3), row(4, chat_id=2)])
    assert taken(chats).row.id == 4
    chats.release(one)
    assert taken(chats).row.id == 3


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

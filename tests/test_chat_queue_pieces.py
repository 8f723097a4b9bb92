"""Pieces of one question in the queues of chats: taken together, and waited for as long as one may come."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from database import InboxRow
from telegram.chat_queue import ChatQueues
from tests.test_chat_queue import FOREVER, TOO_LONG, row, taken


class Pieces:
    """A body that ends in «…» waits for a piece, which begins with it."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s

    def wait_s(self, row: InboxRow) -> float:
        return self._wait_s if row.body.endswith("…") else 0.0

    def joins(self, row: InboxRow, following: InboxRow) -> bool:
        return row.body.endswith("…") and following.body.startswith("…")


def test_pieces_are_taken_together_and_come_back_together() -> None:
    chats = ChatQueues(Pieces(FOREVER))
    chats.add([row(1, body="a…"), row(2, body="…b…"), row(3, body="…c"), row(4, body="d"), row(5, body="e")])
    first = taken(chats)
    assert (first.row.id, [piece.id for piece in first.pieces], first.onto) == (1, [2, 3], None)
    chats.release(first, again=True)
    again = taken(chats)
    assert (again.row, again.pieces) == (first.row, first.pieces)
    chats.release(again)
    alone = taken(chats)
    assert (alone.row.id, alone.pieces) == (4, ())


def test_a_row_waits_for_its_next_piece_and_other_chats_go_on() -> None:
    chats = ChatQueues(Pieces(FOREVER))
    chats.add([row(1, body="a…"), row(2, chat_id=2)])
    assert taken(chats).row.id == 2
    chats.add([row(3, body="…b")])
    whole = taken(chats)
    assert (whole.row.id, [piece.id for piece in whole.pieces]) == (1, [3])
    chats.release(whole)
    chats.add([row(4, body="c…"), row(5, chat_id=3)])
    assert taken(chats).row.id == 5
    with chats.paused(1):
        chats.add([row(6, body="…d"), row(7, chat_id=4)])
        assert taken(chats).row.id == 7
    whole = taken(chats)
    assert (whole.row.id, [piece.id for piece in whole.pieces]) == (4, [6])


def test_a_piece_that_never_comes_is_not_waited_for_longer() -> None:
    chats = ChatQueues(Pieces(0.4))
    began = time.monotonic()
    chats.add([row(1, body="a…"), row(2, chat_id=2, body="b…"), row(3, chat_id=3)])
    assert taken(chats).row.id == 3
    first, second = taken(chats), taken(chats)
    assert (first.row.id, second.row.id) == (1, 2)
    assert time.monotonic() - began >= 0.4
    chats.add([row(4, body="…c"), row(5, chat_id=4)])
    assert taken(chats).row.id == 5  # the first chat's update is being handled
    chats.release(first)
    assert taken(chats).row.id == 4


def answered_after_s(wait_s: float) -> float:
    chats = ChatQueues(Pieces(wait_s))
    began = time.monotonic()
    chats.add([row(1, body="a…")])
    taken(chats)
    return time.monotonic() - began


def test_a_short_wait_for_a_piece_ends_in_time() -> None:
    assert min(answered_after_s(0.02) for _ in range(3)) < 0.9


def ready_within(chats: ChatQueues, seconds: float) -> list[int]:
    """Return the rows that are taken within so many seconds, and release them; they aren't more than ten."""
    seen: list[int] = []
    ends = threading.Timer(seconds, lambda: chats.add([row(0, chat_id=0)]))
    ends.start()
    while len(seen) <= 10:
        found = taken(chats)
        chats.release(found)
        if found.row.id == 0:
            return sorted(seen)
        seen += [found.row.id, *(piece.id for piece in found.pieces)]
    raise AssertionError(seen)


def test_no_wait_ends_while_something_is_stored_and_what_comes_with_it_joins() -> None:
    chats = ChatQueues(Pieces(0.3))
    with chats.storing(FOREVER):
        chats.add([row(1, body="a…"), row(2, chat_id=2, body="b…"), row(3, chat_id=3)])
        assert ready_within(chats, 0.6) == [3]
        chats.add([row(4, body="…a")])
        assert ready_within(chats, 0.1) == [1, 4]
        ended = time.monotonic()
    assert taken(chats).row.id == 2
    assert time.monotonic() - ended >= 0.3


def test_a_wait_goes_on_once_for_what_is_stored() -> None:
    chats = ChatQueues(Pieces(0.2))
    with chats.storing(FOREVER):
        chats.add([row(1, body="a…")])
        assert ready_within(chats, 0.4) == []
    with chats.storing(FOREVER):
        assert ready_within(chats, 1) == [1]


def test_a_wait_that_no_worker_has_looked_at_yet_goes_on_too() -> None:
    chats = ChatQueues(Pieces(0.2))
    chats.add([row(1)])
    first = taken(chats)
    with chats.storing(FOREVER):
        chats.add([row(2, body="a…")])
        time.sleep(0.3)
    with chats.storing(FOREVER):
        chats.release(first)
        chats.add([row(3, body="…a")])
        assert ready_within(chats, 0.1) == [2, 3]
    with chats.storing(FOREVER):
        chats.add([row(4, body="a…")])
    with chats.storing(FOREVER):
        assert ready_within(chats, 0.5) == []


def test_a_wait_that_ends_between_two_batches_goes_on_for_neither() -> None:
    chats = ChatQueues(Pieces(0.3))
    with chats.storing(FOREVER):
        chats.add([row(1, body="a…")])
    time.sleep(0.4)
    with chats.storing(FOREVER):
        assert ready_within(chats, 0.2) == [1]


def test_a_piece_that_could_not_be_stored_at_first_is_waited_for_also_by_a_row_that_is_tried_again() -> None:
    chats = ChatQueues(Pieces(0.3))
    chats.add([row(1, body="a…")])
    first = taken(chats)
    with pytest.raises(RuntimeError), chats.storing(FOREVER):
        raise RuntimeError
    chats.release(first, again=True)
    assert ready_within(chats, 0.6) == []
    with pytest.raises(RuntimeError), chats.storing(FOREVER):
        raise RuntimeError
    assert ready_within(chats, 0.6) == []
    with chats.storing(FOREVER):
        chats.add([row(3, body="…a")])
        assert ready_within(chats, 0.1) == [1, 3]


def test_a_row_that_is_tried_again_waits_for_what_is_just_being_stored() -> None:
    chats = ChatQueues(Pieces(0.05))
    chats.add([row(1, body="a…")])
    first = taken(chats)
    with chats.storing(FOREVER):
        chats.release(first, again=True)
        assert ready_within(chats, 0.3) == []
        chats.add([row(2, body="…a")])
        assert ready_within(chats, 0.3) == [1, 2]


def test_what_does_not_come_again_is_not_waited_for() -> None:
    chats = ChatQueues(Pieces(0.05))
    chats.add([row(1, body="a…")])
    with pytest.raises(RuntimeError), chats.storing(0.1):
        raise RuntimeError
    assert taken(chats).row.id == 1


def test_threads_that_store_one_after_the_other_hold_no_wait_up_for_ever() -> None:
    chats = ChatQueues(Pieces(0.2))
    with ExitStack() as first:
        first.enter_context(chats.storing(FOREVER))
        chats.add([row(1, body="a…")])
        assert ready_within(chats, 0.4) == []
        second = ExitStack()
        second.enter_context(chats.storing(FOREVER))
    with second:
        assert taken(chats).row.id == 1


def test_no_wait_ends_before_two_threads_have_stored() -> None:
    chats = ChatQueues(Pieces(0.05))
    with chats.storing(FOREVER):
        chats.add([row(1, body="a…")])
        with chats.storing(FOREVER):
            pass
        assert ready_within(chats, 0.3) == []
    assert taken(chats).row.id == 1


def test_what_one_of_two_threads_could_not_store_is_waited_for() -> None:
    chats = ChatQueues(Pieces(0.05))
    with chats.storing(FOREVER):
        chats.add([row(1, body="a…")])
        with pytest.raises(RuntimeError), chats.storing(FOREVER):
            raise RuntimeError
    assert ready_within(chats, 0.3) == []
    with chats.storing(FOREVER):
        pass  # it has come
    assert taken(chats).row.id == 1


def test_waits_that_end_together_wake_a_worker_each() -> None:
    chats = ChatQueues(Pieces(0.05))
    with ThreadPoolExecutor(2) as workers:
        try:
            with chats.storing(FOREVER):
                chats.add([row(1, body="a…"), row(2, chat_id=2, body="a…")])
                ended = [workers.submit(chats.take) for _ in range(2)]
                with pytest.raises(TimeoutError):
                    ended[0].result(0.2)
            rows = {found.row.id for each in ended if (found := each.result(TOO_LONG)) is not None}
        finally:
            chats.stop()
    assert rows == {1, 2}


def test_a_late_piece_names_the_held_row_that_it_belongs_to() -> None:
    chats = ChatQueues(Pieces(FOREVER))
    chats.hold(row(1, body="a…"))
    chats.hold(row(2, body="b…"))
    chats.add([row(3, body="…c")])
    late = taken(chats)
    assert late.onto == row(2, body="b…")
    chats.release(late)
    chats.add([row(4, body="d")])
    assert taken(chats).onto is None

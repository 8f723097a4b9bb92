"""Drafts, typing and notices: what a chat sees of an answer before it is there."""

from __future__ import annotations

import threading
import time

import pytest

from core.schemas import Json
from tests.botapi_server import Order, refusal
from tests.sending_bench import Bench, bench, benches

__all__ = ["bench", "benches"]


def nothing(message_id: int | None) -> None:
    pass


# --- drafts and typing


def test_the_first_draft_goes_at_once_and_the_latest_wins(bench: Bench) -> None:
    for number in range(50):
        bench.delivery.draft(5, 7, f"текст {number}")
        if number == 0:
            bench.server.wait(1, "sendMessageDraft")
    first, second = bench.server.wait(2, "sendMessageDraft")
    assert first.params == {"chat_id": 5, "draft_id": 7, "text": "текст 0", "can_stop": True}
    assert second.params["text"] == "текст 49"
    assert second.at - first.at >= 0.14


def test_a_draft_is_shown_again_before_it_fades_and_no_more_after_its_end(bench: Bench) -> None:
    bench.delivery.draft(5, 7, "а" * 5000)
    bench.server.wait(2, "sendMessageDraft")
    bench.delivery.end_draft(5)
    count = bench.quiet()
    bench.delivery.draft(5, 7, "опоздал")
    assert bench.quiet() == count
    assert {len(call.params["text"]) for call in bench.server.calls} == {4096}


def test_no_draft_comes_after_the_final_answer(bench: Bench) -> None:
    release = threading.Event()
    bench.server.order("sendMessageDraft", Order(before=lambda: release.wait(10)))
    bench.delivery.draft(5, 7, "начало")
    bench.server.wait(1, "sendMessageDraft")
    bench.delivery.draft(5, 7, "середина")
    bench.delivery.end_draft(5)
    bench.say(5, "целое", prompt_id=1)
    bench.delivery.draft(5, 7, "опоздал")
    assert not bench.server.of("sendMessage")  # one call of a chat under way
    release.set()
    bench.flush()
    bench.quiet()
    assert [call.method for call in bench.server.calls] == ["sendMessageDraft", "sendMessage"]


def test_a_refused_draft_is_not_tried_again_but_the_chat_waits(bench: Bench) -> None:
    bench.server.order("sendMessageDraft", refusal(429, "Too Many Requests", 0.3))
    bench.delivery.draft(5, 7, "начало")
    draft = bench.server.wait(1)[0]
    time.sleep(0.02)
    bench.say(5, "целое", prompt_id=1)
    bench.flush()
    assert [call.method for call in bench.server.calls] == ["sendMessageDraft", "sendMessage"]
    assert bench.server.calls[1].at - draft.at >= 0.29


@pytest.mark.parametrize("order", [Order(502, b"-"), Order(drop=True), refusal(400, "Bad Request: text is too long")])
def test_a_failed_draft_is_forgotten(bench: Bench, order: Order) -> None:
    bench.server.order("sendMessageDraft", order)
    bench.delivery.draft(5, 7, "начало")
    bench.server.wait(1)
    assert bench.quiet() == 1


def test_typing_goes_on_until_the_first_draft(bench: Bench) -> None:
    bench.delivery.typing(5)
    bench.delivery.typing(5)
    bench.server.wait(2, "sendChatAction")
    bench.delivery.draft(5, 7, "начало")
    bench.server.wait(1, "sendMessageDraft")
    assert bench.quiet("sendChatAction") >= 2


def test_typing_ends_with_an_answer(bench: Bench) -> None:
    bench.delivery.typing(5)
    bench.server.wait(1, "sendChatAction")
    bench.say(5, "готово")
    bench.flush()
    assert bench.quiet("sendChatAction") >= 1


# --- notices


def test_a_notice_is_sent_edited_and_deleted(bench: Bench) -> None:
    ids: list[int | None] = []
    keyboard: Json = {"inline_keyboard": []}
    bench.delivery.notice("место", 5, "3-й", keyboard, ids.append)
    bench.server.wait(1, "sendMessage")
    for place in ("2-й", "1-й"):
        bench.delivery.notice("место", 5, place, keyboard, ids.append)
    edit = bench.server.wait(1, "editMessageText")[0]
    assert ids == [101]
    assert edit.params == {
        "chat_id": 5,
        "message_id": 101,
        "text": "1-й",
        "reply_markup": keyboard,
        "parse_mode": "HTML",
    }
    assert edit.at - bench.server.calls[0].at >= 0.09
    bench.delivery.notice("место", 5, None, None, ids.append)
    gone = bench.server.wait(1, "deleteMessage")[0]
    assert gone.params == {"chat_id": 5, "message_id": 101}
    assert len(bench.server.calls) == 3
    bench.say(5, "дальше")
    bench.flush()
    assert ids == [101, None]


def test_a_notice_deleted_while_it_is_sent_goes_as_soon_as_its_id_is_known(bench: Bench) -> None:
    release = threading.Event()
    bench.server.order("sendMessage", Order(before=lambda: release.wait(10)))
    bench.delivery.notice("место", 5, "3-й", None, nothing)
    bench.server.wait(1)
    bench.delivery.notice("место", 5, None, None, nothing)
    release.set()
    assert bench.server.wait(1, "deleteMessage")[0].params["message_id"] == 101


def test_a_notice_deleted_before_it_was_sent_is_never_seen(bench: Bench) -> None:
    release = threading.Event()
    bench.server.order("sendMessage", Order(before=lambda: release.wait(10)))
    bench.say(5, "занято")
    bench.server.wait(1)
    bench.delivery.notice("место", 5, "3-й", None, nothing)
    bench.delivery.notice("место", 5, None, None, nothing)
    release.set()
    bench.flush()
    bench.say(5, "дальше")
    bench.flush()
    assert bench.texts() == ["занято", "дальше"]


def test_a_notice_that_may_have_arrived_is_not_sent_again(bench: Bench) -> None:
    bench.server.order("sendMessage", Order(drop=True))
    bench.delivery.notice("место", 5, "3-й", None, nothing)
    bench.server.wait(1)
    bench.delivery.notice("место", 5, "2-й", None, nothing)
    assert bench.quiet() == 1


def test_an_unchanged_notice_makes_no_call(bench: Bench) -> None:
    bench.delivery.notice("место", 5, "3-й", None, nothing)
    bench.server.wait(1)
    bench.delivery.notice("место", 5, "3-й", None, nothing)
    assert bench.quiet() == 1

"""Everything that goes out, over real HTTP: order, retries, limits, drafts, notices, and what the store is told."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from core.errors import StorageError
from core.schemas import DeferredAttachment, OutboxRow, RenderedAttachment
from telegram.rate_limits import SendLimits
from tests.botapi_server import BotApiServer, Order, refusal
from tests.sending_bench import QUICK, Bench, Benches, bench, benches

__all__ = ["bench", "benches"]


def test_a_message_goes_out_and_the_store_learns_its_id(bench: Bench) -> None:
    bench.say(5, "да", prompt_id=9)
    bench.flush()
    assert bench.store.marked == [(1, 5, 101, 9)]
    assert bench.server.calls[0].params == {"chat_id": 5, "text": "да"}


def test_what_an_earlier_run_left_goes_first_and_once() -> None:
    with BotApiServer() as server:
        bench = Bench(server)
        left = [bench.row(5, "раз"), bench.row(5, "два")]
        bench.delivery.wake(left)
        bench.delivery.start()
        bench.say(5, "три")
        bench.flush()
        assert bench.texts() == ["раз", "два", "три"]
        bench.delivery.stop(2.0)


def test_a_chat_keeps_its_order_whatever_fails(bench: Bench) -> None:
    bench.server.order(
        "sendMessage",
        Order(502, b"<html>"),
        Order(drop=True),
        refusal(429, "Too Many Requests: retry after 0", 0.05),
        Order(500, b'{"ok":false,"error_code":500,"description":"Internal"}'),
        Order(),
        Order(drop=True),
    )
    bench.delivery.wake([bench.row(5, str(number)) for number in range(8)])
    bench.flush()
    assert bench.texts() == ["0"] * 5 + ["1"] * 2 + ["2", "3", "4", "5", "6", "7"]
    assert [row_id for row_id, *_ in bench.store.marked] == list(range(1, 9))


def test_a_chat_told_to_wait_delays_no_other(bench: Bench) -> None:
    bench.server.order("sendMessage", refusal(429, "Too Many Requests", 0.3), chat_id=1)
    bench.say(1, "ждёт")
    bench.server.wait(1, "sendMessage", chat_id=1)
    bench.say(2, "не ждёт")
    bench.flush()
    first, second = bench.server.of(chat_id=1)
    assert second.at - first.at >= 0.29
    assert bench.server.of(chat_id=2)[0].at < second.at
    assert [chat_id for _, chat_id, *_ in bench.store.marked] == [2, 1]


def test_a_hanging_chat_delays_no_other(bench: Bench) -> None:
    release = threading.Event()
    bench.server.order("sendMessage", Order(before=lambda: release.wait(10)), chat_id=1)
    bench.say(1, "висит")
    bench.server.wait(1, chat_id=1)
    bench.say(2, "идёт")
    bench.server.wait(1, chat_id=2)
    release.set()
    bench.flush()


def test_a_dead_telegram_is_not_hammered(benches: Benches) -> None:
    bench = benches(limits=SendLimits(retry_first_s=0.2, retry_most_s=5, messages_per_s=0))
    bench.server.order("sendMessage", *[Order(502, b"-") for _ in range(50)])
    for chat_id in range(5):
        bench.say(chat_id, "эй")
    bench.server.wait(5)
    time.sleep(0.2)
    assert len(bench.server.calls) <= 15
    assert len(bench.store.rows) == 5


def test_markup_that_telegram_refuses_goes_as_plain_text(bench: Bench) -> None:
    bench.server.order("sendMessage", refusal(400, "Bad Request: can't parse entities: unclosed tag"))
    bench.say(5, "<b>Маяк &amp; море", parse_mode="HTML")
    bench.flush()
    assert bench.server.calls[1].params == {"chat_id": 5, "text": "Маяк & море"}
    assert len(bench.store.marked) == 1


def test_formatting_that_telegram_refuses_goes_without_it(bench: Bench) -> None:
    bench.server.order("sendMessage", refusal(400, "Bad Request: ENTITY_BOUNDS_INVALID"))
    bench.say(5, "Маяк", entities=[{"type": "bold", "offset": 0, "length": 9}])
    bench.flush()
    assert bench.server.calls[1].params == {"chat_id": 5, "text": "Маяк"}


@pytest.mark.parametrize("first", [0, 1])
def test_a_message_of_a_deleted_topic_whose_markup_is_refused_comes_all_the_same(bench: Bench, first: int) -> None:
    refusals = [refusal(400, f"Bad Request: {what}") for what in ("message thread not found", "can't parse entities")]
    bench.server.order("sendMessage", refusals[first], refusals[1 - first])
    bench.say(5, "<b>Маяк", parse_mode="HTML", message_thread_id=7)
    bench.flush()
    assert [call.params for call in bench.server.calls[2:]] == [{"chat_id": 5, "text": "Маяк"}]
    assert (len(bench.store.marked), bench.store.topics_gone) == (1, [(5, 7)])


def test_an_unchanged_edit_counts_as_sent(bench: Bench) -> None:
    bench.server.order("editMessageText", refusal(400, "Bad Request: message is not modified: …"))
    bench.say(5, "то же", "editMessageText", message_id=77, prompt_id=3)
    bench.flush()
    assert bench.store.marked == [(1, 5, 77, 3)]


def test_a_refused_message_ends_and_the_next_goes(bench: Bench) -> None:
    bench.server.order("sendMessage", refusal(400, "Bad Request: chat not found"))
    bench.delivery.wake([bench.row(5, "раз"), bench.row(5, "два")])
    bench.flush()
    assert bench.store.refused == {1: "sendMessage: 400 Bad Request: chat not found"}
    assert [row_id for row_id, *_ in bench.store.marked] == [2]


def test_what_is_for_a_group_that_became_a_supergroup_goes_there(bench: Bench) -> None:
    said = "Bad Request: group chat was upgraded to a supergroup chat"
    bench.server.order("sendMessage", refusal(400, said, moved_to=-1007), chat_id=-5)
    bench.say(-5, "ответ", prompt_id=9)
    bench.flush()
    assert bench.texts(-1007) == ["ответ"] and not bench.store.refused
    assert [marked[:2] + marked[3:] for marked in bench.store.marked] == [(1, -1007, 9)]


def test_a_blocked_bot_is_told_of(bench: Bench) -> None:
    bench.server.order("sendMessage", refusal(403, "Forbidden: bot was blocked by the user"))
    bench.say(5, "раз")
    bench.flush()
    assert bench.blocked == [5]
    assert list(bench.store.refused) == [1]


def test_a_late_answer_to_a_button_is_dropped_without_a_word(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.server.order(
        "answerCallbackQuery", refusal(400, "Bad Request: query is too old and response timeout expired")
    )
    bench.say(5, "да", "answerCallbackQuery", callback_query_id="1")
    bench.flush()
    assert list(bench.store.refused) == [1]
    assert "chat_id" not in bench.server.calls[0].params
    assert not caplog.records


def test_an_unknown_token_loses_no_message(bench: Bench) -> None:
    bench.server.order("sendMessage", refusal(401, "Unauthorized"))
    bench.say(5, "раз")
    bench.flush()
    assert bench.texts() == ["раз", "раз"]


def test_a_reply_survives_the_message_it_replies_to(bench: Bench) -> None:
    bench.say(5, "да", reply_parameters={"message_id": 3})
    bench.flush()
    assert bench.server.calls[0].params["reply_parameters"] == {"message_id": 3, "allow_sending_without_reply": True}


def test_a_store_that_fails_makes_nothing_go_twice(bench: Bench) -> None:
    bench.store.failures = 3
    bench.delivery.wake([bench.row(5, "раз"), bench.row(5, "два")])
    bench.flush()
    assert bench.texts() == ["раз", "два"]
    assert [row_id for row_id, *_ in bench.store.marked] == [1, 2]


def test_a_sender_outlives_a_bug_of_the_store(bench: Bench) -> None:
    bench.store.rows.clear()
    row = OutboxRow(50, 5, "sendMessage", {"text": "без строки"})
    bench.delivery.wake([row])
    bench.server.wait(1)
    bench.store.rows[50] = row
    bench.flush()
    assert bench.texts() == ["без строки"]


def test_an_attachment_that_a_bug_keeps_from_being_made_holds_back_nothing(benches: Benches) -> None:
    bench = benches(limits=QUICK, render=lambda deferred: RenderedAttachment({"text": ""[deferred.of]}))
    broken = bench.row(5, "")
    bench.delivery.wake([replace(broken, deferred=DeferredAttachment("totals", 1, "ru")), bench.row(5, "два")])
    bench.flush()
    assert bench.texts() == ["два"]
    assert list(bench.store.refused) == [broken.id]


def test_a_disk_that_fails_while_an_attachment_is_made_only_delays_it(benches: Benches) -> None:
    left = [StorageError("the disk is away")]

    def render(deferred: DeferredAttachment) -> RenderedAttachment:
        if left:
            raise left.pop()
        return RenderedAttachment({"text": "раз"})

    bench = benches(limits=QUICK, render=render)
    bench.delivery.wake([replace(bench.row(5, ""), deferred=DeferredAttachment("totals", 1, "ru"))])
    bench.flush()
    assert bench.texts() == ["раз"] and not bench.store.refused


def test_a_direct_message_needs_no_store_and_goes_once(bench: Bench) -> None:
    bench.server.order("sendMessage", Order(502, b"-"))
    bench.delivery.direct(5, "раз")
    bench.delivery.direct(5, "два")
    bench.flush()
    assert bench.texts() == ["раз", "два"]
    assert not bench.store.marked


def test_a_direct_message_overtakes_one_that_only_the_store_does_not_know_of(benches: Benches) -> None:
    bench = benches(limits=replace(QUICK, retry_first_s=60.0, retry_most_s=60.0))
    bench.store.failures = 1
    bench.say(5, "раз")
    bench.server.wait(1)
    bench.delivery.direct(5, "не могу сохранить")
    bench.server.wait(2)
    assert bench.texts() == ["раз", "не могу сохранить"]


def test_limits_hold_over_http(benches: Benches) -> None:
    bench = benches(limits=SendLimits(messages_per_s=20, chat_interval_s=0.2, chat_burst=3))
    for number in range(4):
        bench.say(1, str(number))
    for chat_id in range(2, 30):
        bench.say(chat_id, "да")
    bench.flush()
    moments = sorted(call.at for call in bench.server.calls)
    assert len(moments) == 32
    assert moments[20] - moments[0] >= 0.7
    own = [call.at for call in bench.server.of(chat_id=1)]
    assert own[3] - own[0] >= 0.1


# --- stop


def test_stop_ends_the_call_under_way_and_leaves_the_rest_in_the_store(bench: Bench) -> None:
    release = threading.Event()
    bench.server.order("sendMessage", Order(before=lambda: release.wait(10)))
    bench.delivery.wake([bench.row(5, "раз"), bench.row(5, "два")])
    bench.server.wait(1)
    threading.Timer(0.05, release.set).start()
    bench.delivery.stop(2.0)
    assert [row_id for row_id, *_ in bench.store.marked] == [1]
    assert list(bench.store.rows) == [2]
    assert not bench.delivery.flush(0.01)


def test_many_chats_are_served_by_few_senders(benches: Benches) -> None:
    bench = benches(senders=8)
    for number in range(3):
        for chat_id in range(1, 101):
            bench.say(chat_id, str(number))
    bench.flush()
    assert all(bench.texts(chat_id) == ["0", "1", "2"] for chat_id in range(1, 101))
    assert not bench.store.rows

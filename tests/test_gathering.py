"""Messages that a client sends in pieces are one question: one call, one payment, one answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from database import Database, InboxRow
from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from telegram.chat_queue import ChatQueues
from telegram.dispatcher import Dispatcher
from telegram.failure_notices import FailureNotices
from telegram.gathering import WAIT_S, Gathering, gathered
from telegram.update_result import NOTHING, UpdateResult
from tests.bot_database import Not
from tests.harness import BotHarness, until
from tests.test_groups import BOT, club
from tests.test_hostile import message
from tests.test_ledger import config

PROSE = "Маяк стоял на краю мыса, и ветер не стихал третий день. " * 400


def in_chat(harness: BotHarness, user_id: int = 1) -> ChatUser:
    person = harness.new_person(user_id)
    person.press("💬 Чат")
    person.wait()
    until(harness.settled)
    return person


def question(harness: BotHarness) -> str:
    return harness.prompts()[-1][-1]["text"]


def calls(harness: BotHarness) -> int:
    return harness.db.count("call", state="settled")


def test_a_comment_and_what_it_forwards_are_one_question(harness: BotHarness) -> None:
    person = in_chat(harness)
    harness.says("Одна ошибка.")
    person.forward("Превет из Мурманска.", comment="Есть ли ошибки?")
    person.wait("Одна ошибка.")
    assert question(harness) == "Есть ли ошибки?\n\nПревет из Мурманска."
    until(harness.settled)
    assert calls(harness) == 1 and len([m for m in person.bot_messages if m.text == "Одна ошибка."]) == 1


def test_a_forward_that_comes_while_its_comment_is_asked_joins_it(harness: BotHarness) -> None:
    person = in_chat(harness)
    held = harness.holds("Не то.", "Одна ошибка.")
    person.send("Есть ли ошибки?")
    until(lambda: len(harness.prompts()) == 1)
    person.forward("Превет из Мурманска.")
    person.wait("Одна ошибка.")
    held.set()
    assert question(harness) == "Есть ли ошибки?\n\nПревет из Мурманска."
    until(harness.settled)
    assert calls(harness) == 1 and harness.db.count("call", state="returned") == 1
    assert not [said for said in person.bot_messages if said.text == "Не то." or "Я ещё" in said.text]
    harness.check_books()


def test_several_forwards_and_pictures_with_captions_are_one_question(harness: BotHarness) -> None:
    person = in_chat(harness)
    whole = "Что лучше?\n\nПервый рассказ.\n\nВторой рассказ.\n\nВторой рассказ."
    held = harness.holds_all("Сравнил.")
    person.forward("Первый рассказ.", comment="Что лучше?", caption=True)
    person.forward("Второй рассказ.", count=2)
    until(lambda: harness.prompts() and question(harness) == whole)
    held.set()
    person.wait("Сравнил.")
    until(harness.is_idle)
    assert calls(harness) == 1


def test_a_forward_of_tomorrow_is_a_question_of_its_own(harness: BotHarness) -> None:
    person = in_chat(harness)
    harness.says("Да.")
    person.send("Ты здесь?")
    person.wait("Да.")
    harness.says("Это приглашение.")
    person.forward("Приходите в семь.")
    person.wait("Это приглашение.")
    assert question(harness) == "Приходите в семь."


@pytest.mark.parametrize("text", [PROSE[:5300].strip(), "а" * 5300])
def test_a_long_paste_is_one_question_as_it_was(make_harness: Callable[..., BotHarness], text: str) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=6000)
    harness.start()
    person = in_chat(harness)
    harness.says("Прочитал.")
    person.send(text)
    person.wait("Прочитал.")
    assert question(harness) == text
    until(harness.settled)
    assert calls(harness) == 1 and len(harness.prompts()) == 1


def test_a_paste_that_is_too_long_is_refused_once_and_costs_nothing(harness: BotHarness) -> None:
    person = in_chat(harness)
    before = len(person.bot_messages)
    person.send(PROSE[:18_000])
    said = person.wait("помещается")
    assert "пришлите ещё раз" in said.text and "Изменить" not in said.text
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert len(person.bot_messages) == before + 2 and not harness.prompts()


def test_a_message_of_full_length_fits(harness: BotHarness) -> None:
    person = in_chat(harness)
    harness.says("Прочитал.")
    person.send(("Маяк. " * 700)[:4096].strip())
    person.wait("Прочитал.")
    assert len(question(harness)) >= 4095


def test_a_message_of_full_length_fits_a_model_of_which_nothing_is_known(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(MODEL_PROVIDER="openai", YANDEX_FOLDER_ID="", OPENAI_MODEL="sandbox-poet")
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.start()
    person = in_chat(harness)
    harness.says("Прочитал.")
    person.send(PROSE[:4096].strip())
    person.wait("Прочитал.")


def test_an_album_is_answered_once(harness: BotHarness) -> None:
    person = in_chat(harness)
    before = len(person.bot_messages)
    person.album(5, "Смотри")
    person.wait(lambda said: "картин" in said.text.lower() or "фото" in said.text.lower())
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert len(person.bot_messages) == before + 2


class FullDisk:
    """A database whose log can't be synced until `freed`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.freed = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def to_disk(self, on_failure: Callable[[], None]) -> None:
        while not self.freed.wait(0.05):
            on_failure()


class Patient(Gathering):
    """Waits longer, so that a test may be slow."""

    def wait_s(self, row: InboxRow) -> float:
        return 3 * super().wait_s(row)


def test_an_album_of_which_the_disk_took_only_the_first_photo_is_one_question(harness: BotHarness) -> None:
    person, other = in_chat(harness), harness.new_person(2)
    app = harness.app
    assert app is not None
    disk, photos, rules = FullDisk(app.db), list[int](), Patient(app.locales)

    def note_photos(update: Any, incoming: object) -> UpdateResult:
        photos.append(1 + len(update.message.json.get("more_files", ())))
        return NOTHING

    dispatcher = Dispatcher(
        db=cast(Database, disk),
        chats=ChatQueues(rules),
        delivery=app.delivery,
        handler=note_photos,
        carry_out=lambda effect: None,
        notices=FailureNotices(config(), app.db, app.locales, app.delivery),
    )
    dispatcher.start()
    album = [
        {"update_id": number, "message": message(1, "") | {"date": 100, "message_id": number} | photo()}
        for number in (900_001, 900_002)
    ]
    disk.freed.set()
    dispatcher.keep([{"update_id": 900_000, "message": message(2, LONG)}])
    disk.freed.clear()
    with ThreadPoolExecutor(1) as polling:
        try:
            first = polling.submit(dispatcher.keep, album[:1])
            person.wait("Не получается сохранить")
            other.wait("Не получается сохранить")
            time.sleep(4 * WAIT_S)
            assert not first.done() and photos == []
            disk.freed.set()
            assert first.result(5) == 900_002
            dispatcher.keep(album[1:])
            until(lambda: sorted(photos) == [1, 2])
        finally:
            disk.freed.set()
            dispatcher.stop()


def photo() -> dict[str, Any]:
    return {"media_group_id": "7", "photo": [{"file_id": "p", "file_unique_id": "p", "width": 90, "height": 90}]}


def test_a_message_alone_waits_for_nothing(harness: BotHarness) -> None:
    rules = Gathering(harness.app.locales)  # type: ignore[union-attr]
    waits = {
        text: rules.wait_s(row(1, text)) for text in ("Есть ли ошибки?", "Превет", "/start", "а" * 2048, "я" * 2049)
    }
    assert list(waits.values()) == [0, 0, 0, 0, WAIT_S] and WAIT_S <= 0.5
    assert rules.wait_s(row(1, "😀" * 1025)) == WAIT_S and rules.wait_s(row(1, "привет", media_group_id="5")) == WAIT_S


def row(number: int, text: str, **more: Any) -> InboxRow:
    said = message(1, text) | {"message_id": number, "date": 100} | more
    return InboxRow(number, 1, json.dumps({"update_id": number, "message": said}))


LONG = "я" * 4096
ORIGIN = {"type": "hidden_user", "date": 1, "sender_user_name": "Б"}


@pytest.mark.parametrize(
    ("first", "following", "one"),
    [
        (row(1, LONG), row(2, "конец"), True),
        (row(1, LONG), row(2, "конец", date=102), False),
        (row(1, LONG), row(2, "конец", date=99), False),
        (row(1, LONG), row(2, "/help"), False),
        (row(1, LONG), row(2, "▶️ Дальше"), False),
        (row(1, LONG), row(2, "конец", reply_to_message=message(1, "a")), False),
        (row(1, LONG), row(2, "конец", **{"from": {"id": 2, "is_bot": False, "first_name": "Б"}}), False),
        (row(1, LONG), row(2, "конец", message_thread_id=7, is_topic_message=True), False),
        (row(1, LONG, message_thread_id=7), row(2, "конец", message_thread_id=8), True),
        (row(1, "Ошибки?"), row(2, "конец"), False),
        (row(1, "Ошибки?"), row(2, "текст", forward_origin=ORIGIN), True),
        (row(1, "▶️ Дальше"), row(2, "текст", forward_origin=ORIGIN), False),
        (row(1, "/help"), row(2, "текст", forward_origin=ORIGIN), False),
        (row(1, "текст", forward_origin=ORIGIN), row(2, "Ошибки?"), False),
        (row(1, "а", media_group_id="5"), row(2, "б", media_group_id="6"), False),
        (InboxRow(1, 1, ""), row(2, "конец"), False),
        (InboxRow(1, 1, "[]"), row(2, "конец"), False),
    ],
)
def test_what_belongs_together(harness: BotHarness, first: InboxRow, following: InboxRow, one: bool) -> None:
    assert Gathering(harness.app.locales).joins(first, following) is one  # type: ignore[union-attr]


def test_pieces_keep_their_place_in_the_whole_text() -> None:
    whole = json.loads(gathered([row(1, "Начало."), row(2, "середина"), row(3, "конец", forward_origin=ORIGIN)]))
    assert whole["message"]["text"] == "Начало.\nсередина\n\nконец"
    assert whole["message"]["gathered"] == [[1, 0, 7], [2, 8, 8], [3, 18, 5]]


# ---------------------------------------------------------------------- edits, stops, waiting, kills


def test_an_edited_piece_is_asked_again_with_the_others(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=6000)
    harness.start()
    person = in_chat(harness)
    harness.says("Прочитал.")
    last = person.send("а" * 4096 + "конец")
    person.wait("Прочитал.")
    harness.says("Иначе.")
    person.edit(last, "другое")
    person.wait("Иначе.")
    assert question(harness) == "а" * 4096 + "другое"
    harness.says("Ещё раз.")
    person.edit(last - 1, "б" * 100)
    person.wait("Ещё раз.")
    assert question(harness) == "б" * 100 + "другое"
    harness.says("И ещё.")
    person.edit(last, "точка")
    person.wait("И ещё.")
    assert question(harness) == "б" * 100 + "точка"


def test_a_stop_after_the_first_piece_isnt_kept_waiting(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=6000)
    harness.start()
    person = in_chat(harness)
    harness.models.faults.rule = lambda received: Behaviour(hang=True)
    waited: list[float] = []
    while not waited or (waited[-1] >= WAIT_S and len(waited) < 5):  # a busy machine may be late, but not each time
        began = time.monotonic()
        person.send("а" * 4096)
        person.send("стоп")
        person.wait()
        waited.append(time.monotonic() - began)
        until(harness.is_idle)
    assert min(waited) < WAIT_S


def test_pieces_that_wait_for_a_turn_wait_as_one(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=6000)
    harness.start()
    person = in_chat(harness)
    held = harness.holds("Первый.", "Второй.", "Третий.")
    person.send("Вопрос")
    until(lambda: len(harness.prompts()) == 1)
    person.send("а" * 4096 + "конец")
    person.send("И ещё?")
    until(lambda: harness.db.count("inbox", queued=Not(0), state="new") == 2)
    person.forward("Превет.")
    until(lambda: not harness.db.count("inbox", queued=0, state="new"))
    held.set()
    person.wait("Третий.")
    until(harness.settled)
    assert [prompt[-1]["text"] for prompt in harness.prompts()[1:]] == ["а" * 4096 + "конец", "И ещё?\n\nПревет."]
    assert calls(harness) == 3


def test_pieces_survive_a_kill(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=6000)
    process = harness.process()
    person = in_chat(harness)
    person.send("а" * 4096)
    until(lambda: harness.db.count("inbox", state="new"))
    harness.kill(process)
    assert not harness.prompts()
    person._send(text="конец")
    harness.says("Прочитал.")
    harness.process()
    person.wait("Прочитал.")
    assert question(harness) == "а" * 4096 + "конец"
    until(harness.settled)
    assert calls(harness) == 1 and len(harness.prompts()) == 1
    harness.check_books()


def test_a_story_takes_words_in_pieces(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=6000)
    harness.start()
    person = harness.writer()
    harness.says("Дальше было так.")
    person.send("а" * 4096 + " конец")
    person.wait("Дальше было так.")
    assert harness.db.value("prompt", "text", role="user") == "а" * 4096 + "конец"


@pytest.mark.parametrize("privacy", [False])
def test_in_a_group_a_forward_goes_with_the_question_before_it(harness: BotHarness, privacy: bool) -> None:
    _, (anna, boris) = club(harness, 1, 2, privacy=privacy)
    held = harness.holds("Не то.", "Одна ошибка.")
    sent = anna.send(f"{BOT} есть ли ошибки?")
    until(lambda: len(harness.prompts()) == 1)
    boris.forward("Чужое.")
    anna.forward("Превет.")
    answer = anna.wait("Одна ошибка.")
    held.set()
    assert question(harness) == "есть ли ошибки?\n\nПревет." and answer.reply_to == sent
    until(harness.is_idle)
    assert calls(harness) == 1 and harness.db.count("user") == 1

"""/my_data and /forget_me: what the file has, what is left of a forgotten user, and what isn't given twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from handlers.privacy import _zipped
from sandbox.users import ChatUser
from storage.schema import STEPS
from tests.forgetting import forget, rows_naming
from tests.harness import ADMIN_ID, BotHarness, until

# Words that stand nowhere else, a kind of place each; the index of words keeps them by their letters.
STORY, PART, CHATTED, ROLE, PERSONA, DRAFT, MIND, CARD, KEPT = (
    *(
        "зяблоклюв",
        "мухоморовик",
        "курослепище",
        "тумбоскрип",
        "ветродуева",
        "пустохвост",
        "грибоступ",
        "лунопряха",
        "щукодром",
    ),
)
SECRETS = (STORY, PART, CHATTED, ROLE, PERSONA, DRAFT, MIND, CARD, KEPT)
NAME = "Ферапонтида"
# Tables that are about nobody in particular.
OF_NOBODY = {"budget", "setting", "event", "forgotten", "removed_text"}


def somebody(harness: BotHarness, user_id: int = 1) -> ChatUser:
    """Somebody with a story, its note and card, a chat, a role, a character, a draft, kept words and a dead letter."""
    person = harness.telegram.user(user_id, NAME)
    person.send("/start")
    person.wait("Кнопки под сообщением")
    for answer in ("📖 Новая история", "Детектив", "Смотритель Маяк: слеп", "Остров: туман", "Пропустить"):
        person.send(answer)
        person.wait()
    harness.says(f"Здесь жил {PART}.")
    person.press("✨ Начать историю")
    person.wait(PART)
    harness.says(f"Опять {PART}, и {STORY} тоже.")
    person.send(f"Прилетел {STORY}.")
    person.wait("Опять")
    person.send("/chat")
    person.wait("Чат")
    person.send(f"/prompt Ты {ROLE}")
    person.wait("Запомнил")
    harness.says(f"{CHATTED} и есть {CHATTED}.")
    person.send(f"Что такое {CHATTED}?")
    person.wait("и есть")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send(f"Говорит {KEPT}")
    person.wait("Сообщение сохранил")
    person.send("/new_story")
    person.wait("Шаг 1")
    person.send(f"{DRAFT}")
    person.wait("Шаг 2")
    picture = b"\xff\xd8" + PERSONA.encode()
    harness.db.insert(
        "character",
        owner_id=user_id,
        name=PERSONA,
        line="x",
        greeting="x",
        personality=PERSONA,
        picture=picture,
        created_at=1,
    )
    session_id = harness.db.value("session", "id", user_id=user_id, kind="story")
    harness.db.change("story", {"session_id": session_id}, note=MIND)
    harness.db.insert("card", session_id=session_id, name=CARD, about=CARD, words=CARD)
    harness.db.insert("inbox", chat_id=user_id, body=STORY, state="aside", arrived_at=1)
    until(harness.settled)
    return person


def left_in_files(harness: BotHarness, *words: str) -> set[str]:
    """Return the words that stand anywhere in the bytes of the database's files; without their first letters, too."""
    content = b"".join((harness.folder / name).read_bytes() for name in ("bot.db", "bot.db-wal"))
    return {word for word in words if word.encode() in content or word[3:].encode() in content}


def erased(harness: BotHarness) -> None:
    """Rewrite the index of words to its end."""
    app = harness.app
    assert app is not None
    until(lambda: not harness.db.count("setting", key="words_left"))
    while app.db.forgetting.erase_words():
        pass


def data_of(harness: BotHarness, person: ChatUser) -> dict[str, Any]:
    person.send("/my_data")
    sent = person.wait("Здесь всё, что я о вас храню")
    assert sent.attachment is not None
    name, content = harness.telegram.state.files[sent.attachment.file_id][:2]
    assert name == "moi_dannye.json"
    data: dict[str, Any] = json.loads(content)
    return data


# ── /my_data ──


def test_the_file_has_everything_of_the_user_and_nothing_of_others(harness: BotHarness) -> None:
    harness.writer(2, "Чужое начало.")
    person = somebody(harness)
    data = data_of(harness, person)
    text = json.dumps(data, ensure_ascii=False)
    assert all(word in text for word in (*SECRETS[:-1], KEPT, NAME))
    assert "Чужое" not in text
    [story] = data["stories"]
    assert story["story"]["hero"] == "Смотритель Маяк: слеп"
    assert [(one["role"], one["shown"]) for one in story["texts"]] == [
        ("assistant", True),
        ("user", True),
        ("assistant", True),
    ]
    [chat] = data["chats"]
    assert [one["role"] for one in chat["texts"]] == ["user", "assistant"]
    assert data["user"]["registered_at"].startswith("20") and data["user"]["registered_at"].endswith("Z")
    assert len(data["calls_of_models"]) == 3 and data["characters"][0]["picture"]
    assert data["role_of_the_assistant"] == [{"topic_id": 0, "mode": "", "prompt": f"Ты {ROLE}"}]
    assert person.wait("Шаг 2")  # the wizard asks again


def test_every_table_is_in_the_file_or_about_nobody(harness: BotHarness) -> None:
    """A table that comes with a later part must be decided on here, and in `storage/forgetting.py`."""
    known = {"user", "session", "story", "character", "chat_role", "prompt", "suggestion", "memory", "draft"}
    known |= {"kept_words", "inbox", "turn", "call", "outbox", "sent", "notice", "growing"} | OF_NOBODY
    known |= {"illustration", "picture", "card", "payment", "cover", "opinion", "group_draft", "story_vote"}
    known |= {"published", "heart", "report", "coauthor"}
    known |= {"answer_voice", "topic_state"}
    known |= {"guest_answer", "first_letter"}
    script = "".join(STEPS)
    tables = {line.split()[2] for line in script.splitlines() if line.startswith("create table")}
    assert tables <= known


def test_a_variant_that_isnt_shown_says_so(harness: BotHarness) -> None:
    writer = harness.writer()
    harness.says("Иначе.")
    writer.press("🔄 Другой вариант")
    writer.wait("Иначе.")
    [story] = data_of(harness, writer)["stories"]
    assert {one["text"]: one["shown"] for one in story["texts"]} == {"Начало.": False, "Иначе.": True}


def test_one_file_at_a_time(harness: BotHarness) -> None:
    person = harness.new_person()
    harness.telegram.faults.drop("sendDocument")  # the file is on its way for half a second
    person.send("/my_data")
    until(lambda: harness.db.count("outbox"))
    person.send("/my_data")
    person.wait("уже собирается")
    until(harness.settled)
    assert len([one for one in person.bot_messages if one.attachment]) == 1


def test_a_large_file_goes_compressed() -> None:
    assert len(_zipped("a.json", b"x" * 1_000_000)) < 10_000


# ── /forget_me ──


def test_the_question_changes_nothing_until_the_button_is_pressed(harness: BotHarness) -> None:
    person = somebody(harness)
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    assert asked.labels == ("🗑 Удалить всё", "✖️ Не надо")
    person.wait("Шаг 2")
    person.tap("✖️ Не надо", asked)
    person.wait("всё остаётся")
    assert harness.db.count("story") == 1
    assert harness.db.value("user", "step", id=1) == "hero"


def test_nothing_is_left_of_somebody_who_was_forgotten(harness: BotHarness) -> None:
    other = harness.writer(2, "Чужое начало.")
    person = somebody(harness)
    assert left_in_files(harness, *SECRETS, NAME) == {*SECRETS, NAME}
    forget(harness, person)
    assert rows_naming(harness, 1) == {}
    erased(harness)
    assert left_in_files(harness, *SECRETS, NAME) == set()
    assert harness.db.is_sound()
    other.send("/whole_story")
    other.wait("Чужое начало.")
    assert not person.keyboard


def test_sums_of_the_whole_bot_stay(harness: BotHarness) -> None:
    person = somebody(harness)
    before = harness.db.value("budget", "spent"), harness.db.total("call", "charged")
    assert harness.app is not None
    totals = harness.app.db.reports.totals(10**9)
    forget(harness, person)
    assert (harness.db.value("budget", "spent"), harness.db.total("call", "charged")) == before
    after = harness.app.db.reports.totals(10**9)
    assert (after.spent, after.requests, after.spendings) == (totals.spent, totals.requests, totals.spendings)
    assert harness.db.count("turn", user_id=None, hint="", chat_id=0) == harness.db.count("turn") > 0


def test_who_comes_back_is_a_newcomer_without_a_fresh_gift(harness: BotHarness) -> None:
    person = somebody(harness)
    harness.db.change("user", more_sessions=3)
    kept = ("balance", "spent", "sessions", "requests")
    before = [harness.db.value("user", column) for column in kept]
    forget(harness, person)
    assert harness.db.count("user") == 0
    assert harness.db.count("forgotten") == 1
    assert "1" not in {str(harness.db.value("forgotten", "mark"))}
    person.send("Привет")
    person.wait("Напишем историю вдвоём")
    until(harness.settled)
    assert [harness.db.value("user", column) for column in kept] == before and harness.db.value(
        "user", "more_sessions"
    ) == 3
    assert harness.db.count("forgotten") == 0
    assert harness.db.count("session") == 0


def test_forgetting_again_and_again_gives_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    balance = harness.db.balance()
    for _ in range(2):
        forget(harness, person)
        person.send("/start")
        person.wait("Кнопки под сообщением")
    assert harness.db.balance() == balance < 30000


def test_a_ban_stays_and_a_banned_user_may_be_forgotten(harness: BotHarness) -> None:
    person = harness.new_person()
    harness.db.change("user", {"id": 1}, banned=1, asked_more_at=5)
    data = data_of(harness, person)
    assert data["user"]["banned"] == 1
    forget(harness, person)
    person.send("/start")
    person.wait("закрыт")
    assert [(user["banned"], user["asked_more_at"]) for user in harness.db.rows("user", id=1)] == [(1, 5)]


def test_a_second_press_of_the_button_registers_nobody(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё", asked)
    person.wait("больше не помню")
    query = {
        "id": "77",
        "from": {"id": 1, "is_bot": False, "first_name": "А"},
        "message": {"message_id": asked.id, "date": 1, "chat": {"id": 1, "type": "private", "first_name": "А"}},
        "chat_instance": "1",
        "data": "forget:all",
    }
    harness.telegram.raw_update({"callback_query": query})
    until(lambda: "Всё уже удалено" in str(harness.telegram.called("answerCallbackQuery")))
    until(harness.settled)
    assert harness.db.count("user") == 0
    assert len([one for one in person.bot_messages if "больше не помню" in one.text]) == 1
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to


def test_a_turn_under_way_is_stopped_first_and_queued_words_are_dropped(harness: BotHarness) -> None:
    writer = harness.writer()
    harness.says(f"{PART}. " * 40, hang_after=3)
    writer.press("▶️ Дальше")
    writer.wait_draft(PART)
    writer.send(f"Слова про {KEPT}")
    writer.wait("Я ещё пишу")
    forget(harness, writer)
    assert rows_naming(harness, 1) == {}
    assert harness.db.count("prompt") == 0
    assert harness.db.value("budget", "reserved") == 0
    erased(harness)
    assert left_in_files(harness, PART, KEPT) == set()
    assert harness.db.count("call", state="asked") == 0


def test_what_waits_to_go_out_is_taken_back(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/forget_me")
    asked = person.wait("Удалить всё навсегда?")
    harness.telegram.faults.hang("sendMessage", 0.3)
    person.send("/help")
    until(lambda: harness.db.count("outbox"))
    person.send("/balance")
    until(lambda: harness.db.count("outbox") == 2)
    person.tap("🗑 Удалить всё", asked)
    person.wait("больше не помню")
    until(harness.settled)
    assert not [one for one in person.bot_messages if "Осталось:" in one.text and "Мы пишем" not in one.text]


def test_a_shared_link_closes_and_a_branch_of_it_stays(harness: BotHarness) -> None:
    until(lambda: harness.db.count("setting", key="bot_username"))
    author = harness.writer(1, f"Начало с {PART}.")
    harness.db.change("story", share_token="known-to-friends")
    reader = harness.new_person(2, "Борис")
    reader.send("/start s_known-to-friends")
    reader.wait("можно решить по-своему")
    reader.tap("🔀 Продолжить по-своему")
    reader.wait("Ваши слова продолжат её")
    forget(harness, author)
    reader.send("/whole_story")
    reader.wait(PART)
    third = harness.new_person(3, "Вера")
    third.send("/start s_known-to-friends")
    third.wait("Эта ссылка")


def test_an_admin_may_be_forgotten_too(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    forget(harness, admin)
    assert harness.db.count("user") == 0


def test_deleted_texts_leave_the_index_of_words_as_well(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    harness.start()
    person = harness.new_person()
    person.send("/chat")
    person.wait("Чат")
    harness.says(f"{CHATTED}.")
    person.send(f"Что такое {CHATTED}?")
    person.wait(f"{CHATTED}.")
    until(harness.settled)
    person.send("/clear")
    person.wait("Забыл")
    until(harness.settled)
    assert left_in_files(harness, CHATTED) == {CHATTED}  # for a day it can be brought back
    harness.day_passes()
    erased(harness)
    assert left_in_files(harness, CHATTED) == set()
